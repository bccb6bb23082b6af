package io.weir.train;

/// Is told now and then how far a training has come. Called by the thread that waits for the workers, never by one of
/// them.
@FunctionalInterface
public interface ProgressListener {
    /// Hears nothing.
    ProgressListener NONE = _ -> {};

    void progress(Snapshot snapshot);

    /// How far a training has come, over all workers of this process. Immutable.
    ///
    /// @param examples trained on, all passes together
    /// @param seconds since the start
    /// @param recentExamplesPerSecond since the snapshot before
    /// @param progressiveLogloss of the newest pass so far: mean loss of each example before it was learned
    ///     from; NaN before the first batch
    /// @param recentLogloss likewise, since the snapshot before
    /// @param pass the newest, from 0
    /// @param passes all that are wanted
    /// @param passFraction how much of the newest pass has been handed out, 0 to 1; NaN if not known
    /// @param pull latencies since the snapshot before
    /// @param push latencies since the snapshot before
    record Snapshot(
            long examples,
            double seconds,
            double recentExamplesPerSecond,
            double progressiveLogloss,
            double recentLogloss,
            int pass,
            int passes,
            double passFraction,
            Latency pull,
            Latency push) {}
}
