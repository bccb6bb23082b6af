package io.weir.cli;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.train.InputException;

/// Turns what went wrong into a line for people and an exit code.
final class Failures {
    private Failures() {}

    /// Reports a failure on standard error.
    ///
    /// @param command as it was called, `weir train lr`
    /// @param debug whether the stack is to be seen
    /// @return the exit code
    static int report(Throwable failure, String command, Output output, boolean debug) {
        output.err()
                .println((output.color() ? "\u001b[31m" + command + ":\u001b[0m " : command + ": ") + text(failure));
        if (debug) {
            failure.printStackTrace(output.err());
        }
        return exitCode(failure);
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        return switch (failure) {
            case CommandException e -> e.getMessage();
            case InputException e -> String.valueOf(e.getMessage());
            case WeirException e -> e.getMessage() + advice(e.code());
            case IllegalArgumentException e -> e.getMessage() == null ? e.toString() : e.getMessage();
            case OutOfMemoryError _ -> "the heap of this process is full: " + message + "; give it more with -Xmx";
            case NoClassDefFoundError _
            when message != null && message.contains("jdk/incubator/vector") ->
                "Java must be started with --add-modules jdk.incubator.vector";
            default -> "unexpected failure: " + failure + "; --debug shows where it came from";
        };
    }

    private static String advice(ErrorCode code) {
        return switch (code) {
            case RUN_FINISHED -> "; train on with --continue, or choose another name with --run";
            case RUN_MISMATCH ->
                "; every process of a run needs the same --data, --workers,"
                        + " --worker-count, --batch, --passes and --consistency";
            case FENCED -> "; the worker was silent for longer than --silence, or another process took its place";
            case MEMORY_EXCEEDED -> "; give the server more with --memory, or use more servers";
            case MAP_MISMATCH -> "; --servers must name all servers of the cluster";
            default -> "";
        };
    }

    /// The exit code for a failure.
    static int exitCode(Throwable failure) {
        return switch (failure) {
            case CommandException e -> e.exitCode();
            case WeirException e ->
                switch (e.code()) {
                    case UNKNOWN_TABLE, UNKNOWN_RUN -> Exit.NOT_FOUND;
                    case TABLE_MISMATCH, MAP_MISMATCH, RUN_FINISHED, RUN_MISMATCH, FENCED -> Exit.CONFLICT;
                    case UNAVAILABLE,
                            DEADLINE_EXCEEDED,
                            BUSY,
                            GAP,
                            STOPPING,
                            KEYS_FORGOTTEN,
                            VERSION_MISMATCH,
                            UNKNOWN_WORKER,
                            SERVER_RESTARTED -> Exit.UNAVAILABLE;
                    case INVALID_ARGUMENT,
                            NON_FINITE,
                            MALFORMED_FRAME,
                            LIMIT_EXCEEDED,
                            WRONG_SHARD,
                            REJECTED,
                            LATE,
                            MEMORY_EXCEEDED,
                            CORRUPT,
                            INTERNAL -> Exit.FAILURE;
                };
            case IllegalArgumentException _ -> Exit.USAGE;
            default -> Exit.FAILURE;
        };
    }
}
