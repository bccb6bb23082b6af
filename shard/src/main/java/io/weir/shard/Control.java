package io.weir.shard;

import io.weir.model.TableSpec;

/// Events that change a shard other than by rows. Each is ordered with the pushes. Immutable.
public sealed interface Control {
    /// Adds a table. The same again changes nothing.
    record CreateTable(int tableId, long creatorRun, TableSpec spec) implements Control {}

    /// Removes a table and its rows. Its id stays used.
    record DropTable(int tableId) implements Control {}

    /// Gives a worker its next generation in a run, which is made if it is not there. For the run's home shard.
    record JoinRun(String name, int worker, int workerCount, boolean continued) implements Control {}

    /// Opens a worker's entry, or a new generation of it, which fences the older ones.
    record OpenWorker(long run, int worker, int generation) implements Control {}

    /// Closes a worker's entry; at its run's home shard it has left, or finished.
    record CloseWorker(long run, int worker, int generation, boolean finished) implements Control {}
}
