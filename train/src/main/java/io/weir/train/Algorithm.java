package io.weir.train;

import io.weir.model.OptimizerSpec;

/// When a worker reads parameters from the servers and when it sends gradients to them. Immutable.
public sealed interface Algorithm {
    /// The parameters of each batch are pulled, and its gradients pushed, before the next batch begins.
    record Stepwise() implements Algorithm {}

    /// Downpour SGD: each worker trains on a copy of the parameters of its own. Three things go on at the same time: it
    /// computes; it *fetches*, which brings its copy up to date; and it pushes.
    ///
    /// Of each batch it takes the gradient `g` with its copy `w`, steps by itself, `w ← w − localRate · g`, and
    /// adds `g` to a sum. After `batchesPerPush` batches the sum is pushed, and what the servers do with it is
    /// their optimizer's affair. Every `batchesPerFetch` batches a fetch begins; what it brings takes the place
    /// of the copy, less `localRate` times the gradients that the worker had not pushed when it began, so that it
    /// never takes back a step of its own.
    ///
    /// The compute waits for neither, with two exceptions: a fetch that has not come when the next one is due,
    /// and a push beyond `pushesAhead` that are not acknowledged. Parameters are so at most `2 · batchesPerFetch`
    /// batches of this worker old; of the others' gradients any number may be missing.
    ///
    /// With one worker, 1 batch to a push and to a fetch, `localRate` that of an [SGD][OptimizerSpec.Sgd] on the
    /// servers, every weight is bit for bit that of [Stepwise].
    ///
    /// Source: Dean et al., *Large Scale Distributed Deep Networks*, NIPS 2012, section 4.1 and algorithm 1.1 of
    /// its appendix. There the copy is overwritten by what was fetched, and the first push follows the first batch.
    ///
    /// @param batchesPerFetch `n_fetch`
    /// @param batchesPerPush `n_push`
    /// @param localRate of a worker's own steps, 0 for none
    /// @param warmStartBatches that worker 0 trains on before the others begin, 0 for none
    /// @param pushesAhead most pushes that may be unacknowledged when a further one is made
    record Downpour(int batchesPerFetch, int batchesPerPush, float localRate, long warmStartBatches, int pushesAhead)
            implements Algorithm {
        /// Greatest number of batches between two pushes or two fetches.
        public static final int MAX_BATCHES = 1 << 10;

        /// Of [#pushesAhead], unless told otherwise.
        public static final int DEFAULT_PUSHES_AHEAD = 4;

        /// Of [#localRate], for means of gradients, where nothing better is known.
        public static final float DEFAULT_LOCAL_RATE = 0.01f;

        public Downpour {
            requireWithin("batches per fetch", "batchesPerFetch", batchesPerFetch, 1, MAX_BATCHES);
            requireWithin("batches per push", "batchesPerPush", batchesPerPush, 1, MAX_BATCHES);
            requireWithin("pushes ahead", "pushesAhead", pushesAhead, 1, 64);
            if (!(localRate >= 0 && localRate < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("local rate must be at least 0 and finite: localRate=" + localRate);
            }
            if (warmStartBatches < 0) {
                throw new IllegalArgumentException(
                        "batches of the warm start must be at least 0: warmStartBatches=" + warmStartBatches);
            }
        }

        /// No warm start.
        public static Downpour of(int batchesPerFetch, int batchesPerPush, float localRate) {
            return new Downpour(batchesPerFetch, batchesPerPush, localRate, 0, DEFAULT_PUSHES_AHEAD);
        }

        public Downpour withWarmStart(long batches) {
            return new Downpour(batchesPerFetch, batchesPerPush, localRate, batches, pushesAhead);
        }

        /// The local rate for a model about which nothing is known: that of its optimizer if this is plain SGD,
        /// otherwise [#DEFAULT_LOCAL_RATE], divided by the examples of a batch if their gradients are summed.
        public static float defaultLocalRate(Model model, int batch) {
            return model.tables().getFirst().optimizer() instanceof OptimizerSpec.Sgd sgd
                    ? sgd.rate()
                    : DEFAULT_LOCAL_RATE / (model.mean() ? 1 : batch);
        }
    }

    /// Batches that a push stands for, and so of what a portion counts.
    default int roundBatches() {
        return switch (this) {
            case Stepwise _ -> 1;
            case Downpour downpour -> downpour.batchesPerPush();
        };
    }

    /// What it is called where people choose one.
    default String text() {
        return switch (this) {
            case Stepwise _ -> "sgd";
            case Downpour _ -> "downpour";
        };
    }

    private static void requireWithin(String what, String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    what + " must be from " + least + " to " + most + ": " + name + "=" + value);
        }
    }
}
