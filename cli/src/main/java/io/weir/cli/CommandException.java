package io.weir.cli;

/// A command cannot do what was asked, for a reason that its user can do something about. Has a message for people and
/// the exit code.
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    CommandException(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    CommandException(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    /// One of [Exit].
    int exitCode() {
        return exitCode;
    }

    /// The message, never null.
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
