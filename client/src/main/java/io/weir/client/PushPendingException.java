package io.weir.client;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.util.concurrent.CompletableFuture;

/// The deadline passed before a push was acknowledged. The push is still in flight and will be resent as long as its
/// connection is open: do not repeat it, wait for [#acknowledged].
public final class PushPendingException extends WeirException {
    private static final long serialVersionUID = 1L;

    private final transient CompletableFuture<Void> acknowledged;

    public PushPendingException(String message, CompletableFuture<Void> acknowledged) {
        super(ErrorCode.DEADLINE_EXCEEDED, message);
        this.acknowledged = acknowledged;
    }

    /// Completes when every shard has acknowledged the push, or fails when it is certain that one never will.
    public CompletableFuture<Void> acknowledged() {
        return acknowledged;
    }
}
