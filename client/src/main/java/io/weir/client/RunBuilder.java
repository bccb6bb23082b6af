package io.weir.client;

import io.weir.model.Consistency;
import io.weir.model.RunSpec;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// Says what a run is, then joins it. Immutable: each method gives a further one.
///
/// ```java
/// try (Run run = weir.run("ctr", 4).consistency(ssp(4)).join(worker)) {
///     Table w = run.table(spec);
///     for (Batch b : batches) {
///         float[] x = w.pull(b.keys());
///         w.push(b.keys(), b.gradient(x));
///         run.tick();
///     }
///     run.finish();
/// }
/// ```
public final class RunBuilder {
    private final Weir weir;
    private final RunSpec spec;
    private final boolean continued;

    RunBuilder(Weir weir, RunSpec spec, boolean continued) {
        this.weir = weir;
        this.spec = spec;
        this.continued = continued;
    }

    /// What the workers may see of each other; `asp()` if nothing is said.
    public RunBuilder consistency(Consistency consistency) {
        return with(spec.withConsistency(consistency));
    }

    /// Whether the gradients of a synchronous step are averaged over its contributors instead of summed.
    public RunBuilder mean(boolean mean) {
        return with(spec.withMean(mean));
    }

    /// So many workers more than a synchronous step needs: the slowest of each step are told that it was closed without
    /// them.
    public RunBuilder backupWorkers(int backupWorkers) {
        return with(spec.withBackupWorkers(backupWorkers));
    }

    /// Portions into which the input is cut, see [Run#nextPortion].
    public RunBuilder portions(int portionCount) {
        return with(spec.withPortionCount(portionCount));
    }

    /// So many workers, one after the other, make one replica: they hold a portion together, count in a step together
    /// or not at all, and when one is gone, all are. 1 if nothing is said.
    public RunBuilder slices(int slices) {
        return with(spec.withSlices(slices));
    }

    /// A worker that gives no sign of life for so long is fenced, and the others go on; 10 s if nothing is said.
    public RunBuilder silence(Duration silence) {
        return with(spec.withSilence(silence));
    }

    /// Whether a finished run may be taken up again.
    public RunBuilder continued(boolean mayContinue) {
        return new RunBuilder(weir, spec, mayContinue);
    }

    private RunBuilder with(RunSpec changed) {
        return new RunBuilder(weir, changed, continued);
    }

    /// Joins as worker `worker`, see [Weir#join].
    public Run join(int worker) {
        return weir.join(new RunOptions(spec, worker, continued));
    }

    /// Joins under the next free index, beyond those that the run began with.
    public Run join() {
        return join(RunOptions.ANY_WORKER);
    }

    /// As [#join(int)], without waiting for the servers.
    public CompletableFuture<Run> joinAsync(int worker) {
        return weir.joinAsync(new RunOptions(spec, worker, continued));
    }

    /// What the run is.
    public RunSpec spec() {
        return spec;
    }
}
