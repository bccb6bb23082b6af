package io.weir.client;

import io.weir.model.RunSpec;
import java.util.Objects;

/// How a worker joins a run. Immutable.
///
/// @param spec what the run is, the same for all its workers
/// @param worker index of this worker, from 0; [#ANY_WORKER] for the next index that is free
/// @param continued whether a finished run may be taken up again
public record RunOptions(RunSpec spec, int worker, boolean continued) {
    /// Any index that no worker has had: for those who join a run that is under way.
    public static final int ANY_WORKER = -1;

    public RunOptions {
        Objects.requireNonNull(spec, "spec");
        if (worker < ANY_WORKER || worker >= RunSpec.MAX_WORKERS) {
            throw new IllegalArgumentException("worker index must be from 0 to " + (RunSpec.MAX_WORKERS - 1)
                    + ": worker=" + worker + ", run=" + spec.name());
        }
    }

    /// Worker `worker` of `workerCount` of an asynchronous run that is not finished.
    public static RunOptions of(String name, int worker, int workerCount) {
        if (worker < 0 || worker >= workerCount) {
            throw new IllegalArgumentException("worker index must be from 0 to workerCount - 1: worker=" + worker
                    + ", workerCount=" + workerCount);
        }
        return new RunOptions(RunSpec.of(name, workerCount), worker, false);
    }
}
