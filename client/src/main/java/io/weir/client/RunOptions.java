package io.weir.client;

import java.util.Objects;

/// How a worker joins a run. Immutable.
///
/// @param name of the run: as for tables, letters, digits and `. _ - /`
/// @param worker index of this worker, from 0
/// @param workerCount workers of the run, the same for all of them
/// @param continued whether a finished run may be taken up again
public record RunOptions(String name, int worker, int workerCount, boolean continued) {
    /// Most workers of one run.
    public static final int MAX_WORKERS = 65_536;

    public RunOptions {
        Objects.requireNonNull(name, "name");
        if (workerCount < 1 || workerCount > MAX_WORKERS) {
            throw new IllegalArgumentException(
                    "worker count must be from 1 to " + MAX_WORKERS + ": workerCount=" + workerCount);
        }
        if (worker < 0 || worker >= workerCount) {
            throw new IllegalArgumentException("worker index must be from 0 to workerCount - 1: worker=" + worker
                    + ", workerCount=" + workerCount);
        }
    }

    /// Worker `worker` of `workerCount` of a run that is not finished.
    public static RunOptions of(String name, int worker, int workerCount) {
        return new RunOptions(name, worker, workerCount, false);
    }
}
