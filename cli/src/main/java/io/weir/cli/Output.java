package io.weir.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/// Where a command prints. Thread-safe.
///
/// @param out data, and nothing else
/// @param err progress and errors
/// @param terminal whether `err` is a terminal, where a line can be drawn over
/// @param color whether colours are wanted there
record Output(PrintStream out, PrintStream err, boolean terminal, boolean color) {
    /// Neither terminal nor colours.
    static Output plain(PrintStream out, PrintStream err) {
        return new Output(out, err, false, false);
    }

    /// The streams of this process. Colours stay away if the environment has `NO_COLOR`.
    @SuppressWarnings("SystemOut")
    static Output ofProcess() {
        StandardError.restore();
        boolean terminal = isTerminal() && !"dumb".equals(System.getenv("TERM"));
        String noColor = System.getenv("NO_COLOR");
        return new Output(System.out, System.err, terminal, terminal && (noColor == null || noColor.isEmpty()));
    }

    /// Whether standard error goes to a terminal. Java can only say so of input and output together; Linux shows where
    /// each goes.
    @SuppressWarnings("SystemConsoleNull") // There is none without a terminal, from 25 on again.
    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return Objects.requireNonNull(System.console()).isTerminal();
        }
    }
}
