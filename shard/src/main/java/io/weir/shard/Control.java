package io.weir.shard;

import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;

/// Events that change a shard other than by rows. Each is ordered with the pushes. Immutable.
public sealed interface Control {
    /// Adds a table. The same again changes nothing.
    record CreateTable(int tableId, long creatorRun, TableSpec spec) implements Control {}

    /// Removes a table and its rows. Its id stays used.
    record DropTable(int tableId) implements Control {}

    /// Makes a run known, or a later life of it, and which of its steps are closed.
    record OpenRun(RunMessage.OpenRun message) implements Control {}

    /// Opens a worker's entry, or a new generation of it, which fences the older ones.
    record OpenWorker(RunMessage.OpenWorker message) implements Control {}

    /// Closes a worker's entry; at its run's home shard it has left, or finished.
    record CloseWorker(WorkerId worker, boolean finished) implements Control {}

    /// Takes workers out that are members no more.
    record UpdateMembers(RunMessage.UpdateMembers message) implements Control {}

    /// Closes a step with the contributors that the home shard says.
    record CloseStep(RunMessage.CloseStep message) implements Control {}

    /// So much time has passed: workers that gave no sign of life are fenced at their home shard.
    record TimePassed(int ms) implements Control {}
}
