package io.weir.client;

import io.weir.model.TableSpec;
import java.util.concurrent.CompletableFuture;

/// A portion of the training input in the hands of one worker. Each of its minibatches counts exactly once, also when
/// the worker dies half-way and another one takes over, if whoever holds it makes the same pushes in the same order for
/// the same minibatch. Confined to the thread of its run.
///
/// Of each minibatch: pull, push through the tables of this portion, [#tick]. A portion that has none left,
/// because whoever held it before did them all, is ended by a tick without a push.
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
}
