package io.weir.train;

import io.weir.model.WeirException;

/// Is told now and then how far a training has come, by the thread that waits for the workers.
@FunctionalInterface
public interface ProgressListener {
    /// Hears nothing.
    ProgressListener NONE = _ -> {};

    void progress(Snapshot snapshot);

    /// A worker was fenced and has joined again. Called by the worker itself, so thread-safe.
    ///
    /// @param worker its index in the run
    /// @param generation its new one
    /// @param reason why it was out
    default void rejoined(int worker, int generation, WeirException reason) {}

    /// L-BFGS has computed losses and gradients of all examples with these weights. Called by the coordinator itself,
    /// which goes on when this returns; so thread-safe, and quick.
    ///
    /// @param weights of the model's table as they were, not to be read after this returns
    default void evaluated(Snapshot snapshot, Weights weights) {}

    /// How far a training has come, over all workers of this process. Immutable.
    ///
    /// @param examples trained on, all passes together
    /// @param seconds since the start
    /// @param recentExamplesPerSecond since the snapshot before
    /// @param progressiveLogloss of the newest pass so far: mean loss of each example before it was learned
    ///     from; NaN before the first batch
    /// @param recentLogloss likewise, since the snapshot before
    /// @param pass the newest, from 0
    /// @param passes all that are wanted; [#UNKNOWN_PASSES] if this process only lends a hand and does not know
    /// @param passFraction portions of the newest pass that were done when this process took its latest one, 0 to
    ///     1; NaN with L-BFGS
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
            Latency push) {
        /// Stands for the passes where only another process knows of them.
        public static final int UNKNOWN_PASSES = 0;

        /// Whether this process knows which pass is under way.
        public boolean knowsPass() {
            return passes != UNKNOWN_PASSES;
        }

        /// Whether this process knows losses: of L-BFGS only the coordinator does, from the end of the first pass.
        public boolean knowsLoss() {
            return knowsPass() && (pass > 0 || !Double.isNaN(passFraction));
        }
    }
}
