package io.weir.client.internal;

import java.util.ArrayDeque;

/// What one worker has under way to one shard: its pushes that are not decided yet, in order. Guarded by the stream's
/// lock.
final class Lane {
    final WorkerStream stream;

    /// Undecided pushes, oldest first.
    final ArrayDeque<Request> window = new ArrayDeque<>();

    /// Key lists that the shard keeps of the worker; has a lock of its own.
    final SentKeyLists keyLists = new SentKeyLists();

    /// Number of the last push that this shard decided.
    long decided;

    /// Sent and not answered.
    int inFlight;

    /// Whether an answer said that a push did not take its place: when all that is in flight has been answered, the
    /// window is sent again from its beginning.
    boolean rewinding;

    /// When to send again at the earliest, 0 for at once.
    int retryAfterMs;

    Lane(WorkerStream stream) {
        this.stream = stream;
    }
}
