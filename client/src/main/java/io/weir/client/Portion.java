package io.weir.client;

import io.weir.model.TableSpec;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// A portion of the training input in the hands of one worker. Each of its minibatches counts exactly once, also when
/// the worker dies half-way and another one takes over, if whoever holds it makes the same pushes in the same order for
/// the same minibatch. Confined to the thread of its run.
///
/// Of each minibatch: pull, push through the tables of this portion, [#tick]. A portion that has none left,
/// because whoever held it before did them all, is ended by a tick without a push.
///
/// **In passes** a portion has one minibatch in each pass, and several workers may be at it: the part of the first that
/// is done counts. Compute first; then [#claim], and if that says so push through the tables of this portion; then
/// [#finish]. A push that fails with `FENCED` has lost against another worker: [#finish] all the same. Who asks for the
/// next portion without that gives this one up.
public interface Portion {
    /// Which portion: 0 to `spec().portionCount() - 1`.
    int index();

    /// Minibatches of it that are done: the next one to train on. Grows with every [#tick] that counted.
    long position();

    /// The table of this specification, created if it is not there. Its pushes belong to this portion.
    Table table(TableSpec spec);

    /// The same view of a table of this portion's run, with pushes that belong to this portion. What a compression with
    /// feedback has left out goes with it, from portion to portion.
    ///
    /// @param ofRun from [Run#table], or a compressed view of it
    /// @throws IllegalArgumentException if it is a table of something else
    Table table(Table ofRun);

    /// The dense table of this specification, created if it is not there.
    DenseTable denseTable(TableSpec spec);

    /// As [#table(Table)], of a dense table.
    DenseTable denseTable(DenseTable ofRun);

    /// Closes a minibatch, and the worker's step with it. Synchronous runs wait until the step is closed.
    ///
    /// @param last whether the portion has no more minibatches
    /// @return whether it counted; false if a synchronous step was closed without this worker, which then trains
    ///     on the same minibatch again
    boolean tick(boolean last);

    /// As [#tick], without waiting.
    ///
    /// @return completes as [#tick] returns
    CompletableFuture<Boolean> tickAsync(boolean last);

    /// Of a run in passes: what the pass was begun with. Otherwise empty.
    List<Double> arguments();

    /// Of a run in passes: claims the portion's part in the pass for this worker, against which others then lose.
    ///
    /// @return whether its pushes are to be made; false if they have been made already, or somebody else has
    /// claimed it
    boolean claim();

    /// Of a run in passes: the worker is through, whether it made the pushes, they were made before, or another one has
    /// claimed the portion. Waits until every shard has the part, if it is this worker's.
    ///
    /// @param results what the passes' beginner gets if the part counts, at most 16, finite: the same, whoever
    /// computes them
    void finish(double... results);
}
