package io.weir.client.internal;

/// Calls what must be done from time to time: signs of life. A thread of its own in use, virtual time in a simulation.
public interface Pulse extends AutoCloseable {
    /// Calls `beat` about every `periodMs` from now on, until the result is closed.
    Beating every(int periodMs, Runnable beat);

    @Override
    void close();

    /// Something that is called from time to time.
    interface Beating {
        /// Ends it. A call under way may still go on.
        void stop();
    }
}
