package io.weir.train;

import org.jspecify.annotations.Nullable;

/// An input file cannot be used: it is missing, empty, broken, or not what it says. The message begins with the file
/// and, where there is one, the line or the offset.
public final class InputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InputException(String message) {
        super(message);
    }

    public InputException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
