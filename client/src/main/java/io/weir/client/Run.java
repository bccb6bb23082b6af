package io.weir.client;

import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// One worker's membership in a training run: one object per worker thread. Its tables pull and push with the run's
/// identity and clock, so that a retry applies at most once, and a pull sees what the run's consistency promises.
///
/// While it is open it gives signs of life. A worker that has been silent for too long is fenced: the others go on
/// without it, and each of its own calls fails with `FENCED`; it may join again as a new generation.
///
/// Confined: one thread pushes and ticks; asynchronous results may complete on others.
public interface Run extends AutoCloseable {
    /// What the run is.
    RunSpec spec();

    /// Name of the run.
    default String name() {
        return spec().name();
    }

    /// Id of the run: [io.weir.model.Keys#ofString] of its name.
    default long id() {
        return spec().id();
    }

    /// Index of this worker.
    int worker();

    /// Workers that the run begins with.
    default int workerCount() {
        return spec().startingWorkers();
    }

    /// Which life of this worker this is: 1 for the first.
    int generation();

    /// Whether this life goes on where the last one stopped: then it begins with the step at [#clock], which the last
    /// one may have pushed in part, and makes the same pushes in the same order. What is there already is
    /// acknowledged and not applied again.
    ///
    /// If the last life began anew and did neither push nor tick, this one has begun anew as well: the last one may
    /// have died before it was told.
    boolean isResumed();

    /// Minibatches this worker has finished.
    default long clock() {
        return clock(0);
    }

    /// Minibatches this worker has finished in a clock group.
    long clock(int clockGroup);

    /// Closes a minibatch: advances the clock, which later pulls and pushes carry. In a synchronous run it first waits
    /// until the step before is closed.
    default void tick() {
        CompletableFuture<Boolean> unused = tickAsync(0);
    }

    /// As [#tick()], and says what came of it.
    ///
    /// @return in a synchronous run, completes when the step is closed, with whether this worker took part in it;
    ///     otherwise true when all shards have acknowledged
    default CompletableFuture<Boolean> tickAsync() {
        return tickAsync(0);
    }

    /// As [#tickAsync()], in a clock group. Groups advance independently of one another.
    CompletableFuture<Boolean> tickAsync(int clockGroup);

    /// Waits until all workers of the run wait here. Who left or is fenced is not waited for.
    void barrier();

    /// As [#barrier], without waiting.
    CompletableFuture<Void> barrierAsync();

    /// Takes the next portion of the input, after the last one has been ticked to its end. Waits while others hold
    /// portions that may come back.
    ///
    /// @return empty when all portions are done
    Optional<Portion> nextPortion();

    /// As [#nextPortion], without waiting.
    CompletableFuture<Optional<Portion>> nextPortionAsync();

    /// Of a run in passes, worker 0: begins the next pass, which hands out all portions, and waits until they are done.
    /// A life of worker 0 that comes later first waits for the last pass that was begun.
    ///
    /// @param arguments what the workers are told with each portion, at most 16, finite
    /// @return what came of each portion, in order of the portions: [Portion#finish]
    List<List<Double>> pass(double... arguments);

    /// As [#pass], without waiting.
    CompletableFuture<List<List<Double>>> passAsync(double... arguments);

    /// Of a run in passes: how many had been begun when this life of the worker joined.
    long passesBegun();

    /// Of a run in passes, worker 0: there are no more. Those who wait for a portion get none. The same when worker 0
    /// leaves, or is fenced.
    void endPasses();

    /// The table of this specification, created if it is not there.
    ///
    /// @throws io.weir.model.WeirException `TABLE_MISMATCH`, naming what differs, if it is there with another one
    default Table table(TableSpec spec) {
        return table(spec, 0);
    }

    /// As [#table(TableSpec)]; its pulls and pushes belong to a clock group.
    Table table(TableSpec spec, int clockGroup);

    /// A table that was described before, without asking the servers.
    Table table(TableInfo info);

    /// The dense table of this specification, created if it is not there.
    default DenseTable denseTable(TableSpec spec) {
        return denseTable(spec, 0);
    }

    /// As [#denseTable(TableSpec)]; its pulls and pushes belong to a clock group.
    DenseTable denseTable(TableSpec spec, int clockGroup);

    /// A dense table that was described before, without asking the servers.
    DenseTable denseTable(TableInfo info);

    /// Waits for the result of an asynchronous call of this run, as a call that waits does: for the connection's
    /// deadline, or as long as the servers live and this worker is a member.
    ///
    /// @param result of a call of this run, its tables and portions, or made of such results
    /// @throws io.weir.model.WeirException why the call failed, or that it was not answered in time
    <T extends @Nullable Object> T await(CompletableFuture<T> result);

    /// Fails as soon as every further call of this run does, and for the same reason: when the servers have said that
    /// this worker is fenced, say, if only in answer to a sign of life. Does not complete before.
    CompletableFuture<Void> membership();

    /// Waits until every push is acknowledged, then says that this worker has done its part. A run is finished when
    /// all its workers are.
    void finish();

    /// As [#finish], without waiting. All pushes must have been acknowledged.
    CompletableFuture<Void> finishAsync();

    /// Waits until every push is acknowledged and leaves. Without [#finish] before, the worker counts as gone, not as
    /// finished, and may join again.
    @Override
    void close();
}
