package io.weir.train;

import io.weir.train.PassOrder.Findings;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/// How far a training with L-BFGS has come, as far as this process knows, and what came of it: its workers and its
/// coordinator note here what they do. Thread-safe.
final class SandblasterProgress {
    private final Sandblaster.Task task;
    private final boolean coordinated;
    private final int portionCount;
    private final long startNs = System.nanoTime();
    private final List<Double> passLosses = new ArrayList<>();
    private Findings findings = Findings.NONE;
    private long computedExamples;
    private double computedLosses;
    private Lbfgs.@Nullable Outcome outcome;

    /// @param coordinated whether the coordinator is in this process
    SandblasterProgress(Sandblaster.Task task, boolean coordinated, int portionCount) {
        this.task = task;
        this.coordinated = coordinated;
        this.portionCount = portionCount;
    }

    /// A worker has computed gradients of so many examples.
    ///
    /// @param losses their sum
    synchronized void computed(long examples, double losses) {
        computedExamples += examples;
        computedLosses += losses;
    }

    /// The coordinator knows what there is.
    synchronized void found(Findings all) {
        findings = all;
    }

    /// All workers together have computed gradients of all examples.
    ///
    /// @param losses their sum
    synchronized void evaluated(double losses) {
        passLosses.add(losses / findings.exampleCount());
    }

    /// The coordinator is through.
    synchronized void minimized(Lbfgs.Outcome outcome) {
        this.outcome = outcome;
    }

    synchronized ProgressListener.Snapshot snapshot() {
        double loss = passLosses.isEmpty() ? Double.NaN : passLosses.getLast();
        double seconds = seconds();
        Latency none = Latency.of(new Histogram(3));
        return new ProgressListener.Snapshot(
                computedExamples,
                seconds,
                computedExamples / seconds,
                loss,
                loss,
                passLosses.size(),
                coordinated ? task.config().maxPasses() : ProgressListener.Snapshot.UNKNOWN_PASSES,
                Double.NaN,
                none,
                none);
    }

    /// What came of it; without the coordinator what this process has done for it.
    synchronized LbfgsResult result() {
        Lbfgs.Outcome ended = outcome;
        int workers = task.training().workers();
        if (ended == null) {
            return new LbfgsResult(
                    Double.NaN,
                    Double.NaN,
                    1,
                    0,
                    false,
                    computedExamples,
                    0,
                    portionCount,
                    seconds(),
                    List.of(computedLosses / computedExamples),
                    workers);
        }
        return new LbfgsResult(
                ended.objective(),
                ended.gradientNorm(),
                1 + ended.passes(),
                ended.iterations(),
                ended.converged(),
                findings.exampleCount(),
                findings.featureCount(),
                portionCount,
                seconds(),
                passLosses,
                workers);
    }

    private double seconds() {
        return (System.nanoTime() - startNs) / 1e9;
    }
}
