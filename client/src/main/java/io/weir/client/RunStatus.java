package io.weir.client;

import io.weir.model.RunSpec;
import java.util.List;

/// Who belongs to a run, how far each has come, and who waits for whom. Immutable.
///
/// @param spec what the run is
/// @param finished whether nothing is left to do
/// @param closedSteps steps that are closed, of a synchronous run
/// @param portionsHeld portions of the input that workers have
/// @param portionsDone portions that are done
/// @param workers one entry for each of its workers, by index, as the home shard knows them
/// @param waits who waits, on all servers
public record RunStatus(
        RunSpec spec,
        boolean finished,
        long closedSteps,
        int portionsHeld,
        int portionsDone,
        List<Worker> workers,
        List<Wait> waits) {
    /// How a worker stands.
    public enum State {
        /// It never joined.
        MISSING,
        /// It joined and has neither finished nor left.
        ACTIVE,
        /// It left without finishing.
        LEFT,
        /// It has done its part.
        FINISHED,
        /// It was silent for too long.
        FENCED
    }

    /// One worker of a run.
    ///
    /// @param index from 0
    /// @param state how it stands
    /// @param generation its current life, 0 if it never joined
    /// @param number of its last push or tick that the home shard has seen
    /// @param clock that the home shard has seen from it
    /// @param silentMs since its last sign of life
    /// @param portion that it holds, -1 if none
    public record Worker(int index, State state, int generation, long number, long clock, int silentMs, int portion) {}

    /// What a worker waits for.
    public enum Kind {
        /// Its pull must not be answered yet.
        PULL,
        /// It has done its part in a step that others have not.
        STEP,
        /// It is at a barrier.
        BARRIER,
        /// All portions are in the hands of others.
        PORTION
    }

    /// A worker that waits.
    ///
    /// @param worker its index
    /// @param kind what it waits for
    /// @param clock at which it waits
    /// @param waitsFor whom it waits for, by index: the first few
    public record Wait(int worker, Kind kind, long clock, List<Integer> waitsFor) {
        public Wait {
            waitsFor = List.copyOf(waitsFor);
        }
    }

    public RunStatus {
        workers = List.copyOf(workers);
        waits = List.copyOf(waits);
    }

    /// Name of the run.
    public String name() {
        return spec.name();
    }

    /// Whether nothing is left to do: every worker has done its part, or all portions are done.
    public boolean isFinished() {
        return finished;
    }
}
