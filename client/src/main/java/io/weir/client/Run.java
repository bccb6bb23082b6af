package io.weir.client;

import io.weir.model.TableSpec;

/// One worker's membership in a training run: one object per worker thread. Its tables push with the run's identity,
/// so that a retry applies at most once.
///
/// Confined: one thread pushes and ticks; asynchronous results may complete on others.
public interface Run extends AutoCloseable {
    /// Name of the run.
    String name();

    /// Id of the run: [io.weir.model.Keys#ofString] of its name.
    long id();

    /// Index of this worker, 0 to `workerCount() - 1`.
    int worker();

    /// Workers of the run.
    int workerCount();

    /// Which life of this worker this is: 1 for the first.
    int generation();

    /// Minibatches this worker has finished.
    long clock();

    /// Closes a minibatch: advances the clock, which later pulls and pushes carry.
    void tick();

    /// The table of this specification, created if it is not there.
    ///
    /// @throws io.weir.model.WeirException `TABLE_MISMATCH`, naming what differs, if it is there with another one
    Table table(TableSpec spec);

    /// The dense table of this specification, created if it is not there.
    DenseTable denseTable(TableSpec spec);

    /// Waits until every push is acknowledged, then says that this worker has done its part. A run is finished when
    /// all its workers are.
    void finish();

    /// Waits until every push is acknowledged and leaves. Without [#finish] before, the worker counts as gone, not as
    /// finished, and may join again.
    @Override
    void close();
}
