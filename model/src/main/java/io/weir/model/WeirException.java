package io.weir.model;

import java.util.Objects;

/// A request failed for a reason that crossed the network, or would have. Mistakes that the caller's own process can
/// see are [IllegalArgumentException] instead, thrown before anything is sent.
public class WeirException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public WeirException(ErrorCode code, String message) {
        super(message);
        this.code = Objects.requireNonNull(code, "code");
    }

    public WeirException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code, "code");
    }

    /// The message, never null.
    @Override
    public String getMessage() {
        return Objects.requireNonNullElse(super.getMessage(), code.name());
    }

    /// The same failure with the stack of the calling thread, which is told of it later than it happened.
    public WeirException here() {
        return new WeirException(code, getMessage(), this);
    }

    /// The reason, for programs; the message is for people.
    public ErrorCode code() {
        return code;
    }
}
