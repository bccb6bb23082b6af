package io.weir.cli.bench;

import io.weir.client.DenseTable;
import io.weir.client.Table;
import java.util.concurrent.CompletableFuture;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/// A table, pulled and pushed from one thread, out of and into arrays of its caller.
///
/// One in flight are blocking calls. More in flight are asynchronous calls over a ring of arrays: each turn waits for
/// the oldest call and puts another one in its place.
final class WeirContender extends ClientContender {
    private final BenchMode mode;
    private final @Nullable Table table;
    private final @Nullable DenseTable denseTable;
    private final @Nullable ZipfBatches batches;
    private final float[] gradients;
    private final float[][] rows;
    private int nextBatch;

    private WeirContender(
            BenchMode mode,
            @Nullable Table table,
            @Nullable DenseTable denseTable,
            @Nullable ZipfBatches batches,
            float[] gradients,
            int inFlight,
            int rowsOfUnit,
            long payloadBytes) {
        super(rowsOfUnit, payloadBytes);
        this.mode = mode;
        this.table = table;
        this.denseTable = denseTable;
        this.batches = batches;
        this.gradients = gradients;
        this.rows = new float[inFlight][gradients.length];
    }

    /// Any mode but those of a tensor.
    ///
    /// @param gradients of one batch
    static WeirContender of(BenchMode mode, Table table, ZipfBatches batches, float[] gradients, int inFlight) {
        BarePlan plan = BarePlan.of(mode, true, batches.batchLength(), table.rowLength(), 0);
        return new WeirContender(mode, table, null, batches, gradients, inFlight, plan.rows(), plan.payloadBytes());
    }

    /// [BenchMode#DENSE].
    ///
    /// @param gradients of the whole tensor
    static WeirContender ofDense(DenseTable table, float[] gradients, int inFlight) {
        BarePlan plan = BarePlan.of(BenchMode.DENSE, true, 0, 0, gradients.length);
        return new WeirContender(
                BenchMode.DENSE, null, table, null, gradients, inFlight, plan.rows(), plan.payloadBytes());
    }

    @Override
    long repeat(long durationNs, long startNs, Histogram latenciesNs) {
        if (denseTable != null) {
            return runDense(denseTable, durationNs, startNs, latenciesNs);
        }
        if (table == null || batches == null) {
            throw new IllegalStateException("a contender needs a table: mode=" + mode);
        }
        return rows.length == 1
                ? runBlocking(table, batches, durationNs, startNs, latenciesNs)
                : runRing(table, batches, durationNs, startNs, latenciesNs);
    }

    private long runBlocking(Table table, ZipfBatches batches, long durationNs, long startNs, Histogram latenciesNs) {
        return Measurement.repeat(durationNs, startNs, latenciesNs, () -> {
            long[] keys = takeBatch(batches);
            switch (mode) {
                case PULL, SMALL -> table.pull(keys, rows[0]);
                case PUSH -> table.push(keys, gradients);
                case STEP -> {
                    table.pull(keys, rows[0]);
                    table.push(keys, gradients);
                }
                case DENSE, KV -> throw new IllegalStateException("a dense tensor is no batch of rows: mode=" + mode);
            }
        });
    }

    private long runRing(Table table, ZipfBatches batches, long durationNs, long startNs, Histogram latenciesNs) {
        int inFlight = rows.length;
        @Nullable Call[] ring = new @Nullable Call[inFlight];
        long units = 0;
        long lastNs = startNs;
        int waiting = 0;
        boolean stopped = false;
        for (int turn = 0; !stopped || waiting > 0; turn = (turn + 1) % inFlight) {
            Call call = ring[turn];
            if (call != null) {
                call.result.join();
                lastNs = System.nanoTime();
                if (mode == BenchMode.STEP && !call.pushing) {
                    call.pushing = true;
                    call.result = table.pushAsync(call.keys, gradients);
                    continue;
                }
                Measurement.record(latenciesNs, lastNs - call.startNs);
                units++;
                waiting--;
                ring[turn] = null;
                stopped = lastNs - startNs >= durationNs;
            }
            if (!stopped) {
                long[] keys = takeBatch(batches);
                long callNs = System.nanoTime();
                CompletableFuture<Void> result =
                        mode == BenchMode.PUSH ? table.pushAsync(keys, gradients) : table.pullAsync(keys, rows[turn]);
                ring[turn] = new Call(keys, callNs, result);
                waiting++;
            }
        }
        return units;
    }

    /// A unit in flight.
    private static final class Call {
        final long[] keys;
        final long startNs;
        CompletableFuture<Void> result;
        boolean pushing;

        Call(long[] keys, long startNs, CompletableFuture<Void> result) {
            this.keys = keys;
            this.startNs = startNs;
            this.result = result;
        }
    }

    private long runDense(DenseTable table, long durationNs, long startNs, Histogram latenciesNs) {
        return Measurement.repeat(
                durationNs, startNs, latenciesNs, () -> table.pushPull(0, gradients, 0, rows[0], 0, gradients.length));
    }

    private long[] takeBatch(ZipfBatches batches) {
        long[] keys = batches.keys(nextBatch);
        nextBatch = (nextBatch + 1) % batches.count();
        return keys;
    }

    @Override
    public void close() {}
}
