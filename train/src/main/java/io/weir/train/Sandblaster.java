package io.weir.train;

import io.weir.client.Weir;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.List;

/// Trains a linear model with L-BFGS on parameter servers, as *Sandblaster* does (Dean et al., *Large Scale Distributed
/// Deep Networks*, NIPS 2012, section 4.2). Thread-safe.
///
/// **The coordinator**, worker 0 of the run, never sees a parameter: weights, gradients, direction and history
/// are dense tables that lie together on the shards, and it gives orders ([Lbfgs]) and gets dot products. Each
/// evaluation is a *pass* of the run: the input is cut into portions, many more than there are workers, which
/// take one after the other; near the end those that are still under way are given to a second worker, and the
/// first to finish counts. A portion's sum of gradients is one push, its sum of losses comes back with the end of
/// the portion.
///
/// **The same bits** come out for any number of workers, processes, shards and servers, whoever was slow or died: a
/// portion is always computed in the same way, sums of gradients do not depend on their order ([ExactSum]), losses are
/// added in order of the portions.
///
/// The first pass only looks: for the greatest key, which says how long the vectors are, and for the greatest sum of
/// absolute values of any feature, which bounds every gradient.
public final class Sandblaster {
    /// A portion's bytes, about.
    private static final long PORTION_BYTES = 32 << 10;

    private static final int MOST_PORTIONS = 1024;

    /// Workers at one portion near the end of a pass.
    private static final int COPIES = 2;

    /// What of a training is done in this process.
    public enum Part {
        /// The coordinator and workers.
        ALL,
        /// The coordinator alone; the workers are in other processes.
        COORDINATOR,
        /// Workers alone.
        WORKERS;

        boolean hasCoordinator() {
            return this != WORKERS;
        }

        boolean hasWorkers() {
            return this != COORDINATOR;
        }
    }

    /// What is minimised: an objective of a linear model over examples. Immutable.
    ///
    /// @param model if its table has rows already, the training begins there
    /// @param training in which run, and by how many workers; the order of the examples, passes and consistency
    ///     have no meaning here
    public record Task(ExampleSource source, Model model, LbfgsConfig config, TrainingConfig training) {
        /// @throws IllegalArgumentException if the model is not linear
        public Task {
            boolean _ = VectorRows.hasBias(model);
        }

        /// Name of a table beside that of the model.
        String tableName(String vector) {
            return training.run() + "/lbfgs/" + vector;
        }

        private RunSpec runSpec() {
            return RunSpec.of(
                            training.run(),
                            1 + training.workers() * training.share().count())
                    .withSilence(training.membership().silence())
                    .withPasses(portionCount(source.byteCount()), COPIES);
        }

        /// Index of a worker of this process; the coordinator comes before all.
        private int workerIndex(int i) {
            return SandblasterCoordinator.INDEX + 1 + training.share().index() * training.workers() + i;
        }
    }

    private Sandblaster() {}

    /// Minimises the objective and stores the weights in the model's table; where there is no coordinator only lends a
    /// hand.
    ///
    /// @param part of which the coordinator must be in one process
    /// @param listener may throw to stop the training
    /// @return what came of it; without the coordinator without objective
    /// @throws InputException if the source is broken or has no examples, or an index is too great
    /// @throws WeirException if the servers refuse, or cannot be reached in time
    public static LbfgsResult train(Weir weir, Task task, Part part, ProgressListener listener) {
        WorkerTeam team = new WorkerTeam(weir, task.runSpec(), task.training(), listener);
        SandblasterProgress progress =
                new SandblasterProgress(task, part.hasCoordinator(), team.spec().portionCount());
        List<WorkerTeam.Member> members = new ArrayList<>();
        if (part.hasCoordinator()) {
            members.add(new SandblasterCoordinator(team, task, progress, listener));
        }
        for (int i = 0; part.hasWorkers() && i < task.training().workers(); i++) {
            members.add(new SandblasterWorker(team, task.workerIndex(i), task, progress));
        }
        team.run(members, WorkerTeam.OneFailed.OTHERS_ARE_ENDED, () -> listener.progress(progress.snapshot()));
        listener.progress(progress.snapshot());
        return progress.result();
    }

    /// Portions that an input of so many bytes is cut into, whoever works on it.
    static int portionCount(long byteCount) {
        return Math.clamp(byteCount / PORTION_BYTES, 1, MOST_PORTIONS);
    }
}
