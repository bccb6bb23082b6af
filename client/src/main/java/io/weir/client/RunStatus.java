package io.weir.client;

import java.util.List;

/// Who belongs to a run and how far each has come, as its home shard knows it. Immutable.
///
/// @param name of the run
/// @param workers one entry for each of its workers, by index
public record RunStatus(String name, List<Worker> workers) {
    /// How a worker stands.
    public enum State {
        /// It never joined.
        MISSING,
        /// It joined and has neither finished nor left.
        ACTIVE,
        /// It left without finishing.
        LEFT,
        /// It has done its part.
        FINISHED
    }

    /// One worker of a run.
    ///
    /// @param index 0 to n - 1
    /// @param state how it stands
    /// @param generation its current life, 0 if it never joined
    /// @param number of its last push that the home shard has seen
    /// @param clock that the home shard has seen from it
    public record Worker(int index, State state, int generation, long number, long clock) {}

    public RunStatus {
        workers = List.copyOf(workers);
    }

    /// Whether every worker has done its part.
    public boolean isFinished() {
        for (Worker worker : workers) {
            if (worker.state() != State.FINISHED) {
                return false;
            }
        }
        return true;
    }
}
