package io.weir.cli.bench;

import java.io.IOException;

/// One of those that take turns in a benchmark. Confined to the thread that runs it.
public interface Contender extends AutoCloseable {
    /// What it is called in the table of results.
    String name();

    /// Runs units, one batch after the other from where the last call ended, until `durationNs` have passed, and waits
    /// for those in flight.
    ///
    /// @throws IOException if its server cannot be reached any more
    Measurement run(long durationNs) throws IOException;

    @Override
    void close();
}
