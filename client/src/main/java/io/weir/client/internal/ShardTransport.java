package io.weir.client.internal;

import io.weir.model.ShardMap;

/// Takes requests to servers and brings the answers to a [ReplyHandler]. One for each worker: its connections are
/// shared with nobody. Thread-safe.
public interface ShardTransport extends AutoCloseable {
    /// The map it routes by.
    ShardMap map();

    /// Whether frames must be sealed with checksums.
    boolean checksums();

    /// Takes a request on, which is complete but for the header's checksum. Never calls back and never waits, so it
    /// may be called under a stream's lock.
    void send(Request request);

    /// More of a call follows: moves what was sent on its way if that is worth it. May be called under the lock of
    /// the one stream that this transport serves, and may call back.
    void push();

    /// A call is sent whole and nobody waits for it now: moves it on its way, or leaves it to go with the next ones if
    /// enough is under way to be woken by. Called without locks.
    void settle();

    /// Brings what has been answered, without waiting. Called without locks.
    void poll();

    /// Works and waits until the condition holds or `System.nanoTime()` has reached the deadline.
    ///
    /// @return whether the condition holds
    boolean await(Waitable condition, long deadlineNs);

    /// Sends a lane again after a while.
    void resendLater(Resend resend, int delayMs);

    /// What keeps a server from being reached just now, or an empty text.
    String trouble();

    @Override
    void close();

    /// Something that a thread waits for. Cheap to ask, thread-safe.
    interface Waitable {
        boolean holds();

        /// Tells who waits, so that it can be woken; null when it no longer does.
        void setWaiter(@org.jspecify.annotations.Nullable Thread thread);
    }

    /// Something to be sent again.
    interface Resend {
        void run();
    }
}
