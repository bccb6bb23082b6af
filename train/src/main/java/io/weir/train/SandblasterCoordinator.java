package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Run;
import io.weir.model.VectorOperation;
import io.weir.train.PassOrder.Findings;
import java.util.List;

/// Worker 0 of a training with L-BFGS: begins the passes, and gives orders to the shards that hold the vectors.
/// Confined to its thread.
final class SandblasterCoordinator extends WorkerTeam.Member {
    static final int INDEX = 0;

    private final Sandblaster.Task task;
    private final SandblasterProgress progress;
    private final ProgressListener listener;

    SandblasterCoordinator(
            WorkerTeam team, Sandblaster.Task task, SandblasterProgress progress, ProgressListener listener) {
        super(team, INDEX);
        this.task = task;
        this.progress = progress;
        this.listener = listener;
    }

    @Override
    boolean mayComeBack() {
        // What it knew of the curvature is lost with it.
        return false;
    }

    @Override
    void work(Run joined) {
        minimize(joined);
        if (!team().failed()) {
            joined.finish();
        }
    }

    private void minimize(Run run) {
        Findings findings = Findings.NONE;
        for (List<Double> portion : run.pass(new PassOrder.Look().numbers())) {
            findings = findings.and(Findings.of(portion));
        }
        if (findings.exampleCount() == 0) {
            throw new InputException(task.source().name() + ": expected examples, found none");
        }
        progress.found(findings);
        VectorRows rows = VectorRows.of(task.model(), findings.maxKey());
        ExactSum rounding = ExactSum.of(findings.bound(), team().spec().portionCount());
        SandblasterTables tables = new SandblasterTables(team().weir(), run, task, rows);
        try {
            DenseTable sums = tables.sums();
            Lbfgs lbfgs = new Lbfgs(task.config(), tables::vector, (w, g) -> {
                if (team().failed()) {
                    throw new IllegalStateException("another thread of the training has failed");
                }
                sums.fill(0);
                double loss = 0;
                for (List<Double> portion : run.pass(new PassOrder.Gradients(rounding).numbers())) {
                    loss += portion.getFirst();
                }
                g.transform(VectorOperation.SUM_HALVES, 0, sums);
                progress.evaluated(loss);
                listener.evaluated(progress.snapshot(), (keys, count, weights) -> rows.read(w, keys, count, weights));
                return loss;
            });
            tables.begin();
            progress.minimized(lbfgs.minimize(task.config().maxPasses() - 1));
            run.endPasses();
            tables.store();
        } finally {
            tables.drop();
        }
    }
}
