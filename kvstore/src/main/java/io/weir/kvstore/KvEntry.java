package io.weir.kvstore;

import io.weir.client.DenseTable;
import io.weir.client.Run;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.kvstore.SendQueue.Phase;
import io.weir.model.Compression;
import io.weir.model.TableShape;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// One key of a store: its table, its clock group, what its values may be, and how they are cut into slices. A new
/// optimizer makes a new one. Immutable but for its failure; thread-safe.
final class KvEntry {
    /// Most floats of a slice: two blocks of a table.
    static final int SLICE_LENGTH = 2 * TableShape.DEFAULT_BLOCK_LENGTH;

    private final KvKey key;
    private final TableInfo info;
    private final long[] shape;
    private final int clockGroup;
    private final SendQueue.Lane lane;
    private final KvPrecision precision;
    private final @Nullable DenseTable dense;
    private final @Nullable Table rows;

    /// What a dense value is pushed through: in fewer bits, if gradients are compressed.
    private volatile @Nullable DenseTable pushes;

    /// Of a dense key: where each slice begins, and its length, in the order in which they are sent.
    private final long[] offsets;

    private final int[] counts;

    /// The first push that failed: what is stored since then is nobody's.
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private KvEntry(
            KvKey key,
            TableInfo info,
            long[] shape,
            int clockGroup,
            SendQueue.Lane lane,
            KvPrecision precision,
            @Nullable DenseTable dense,
            @Nullable Table rows,
            long[] offsets,
            int[] counts) {
        this.key = key;
        this.info = info;
        this.shape = shape;
        this.clockGroup = clockGroup;
        this.lane = lane;
        this.precision = precision;
        this.dense = dense;
        this.pushes = dense;
        this.rows = rows;
        this.offsets = offsets;
        this.counts = counts;
    }

    /// @param shape of the value; rows and their length for rows
    /// @param clockGroup that its rounds are
    static KvEntry of(
            KvKey key, TableInfo info, long[] shape, KvPrecision precision, int clockGroup, Run run, int shardCount) {
        Compression bits = precision.compression();
        if (!(info.spec().shape() instanceof TableShape.Dense)) {
            Table rows = run.table(info.spec(), clockGroup).compressed(bits, bits);
            return new KvEntry(
                    key, info, shape, clockGroup, new SendQueue.Lane(), precision, null, rows, new long[0], new int[0]);
        }
        DenseTable dense = run.denseTable(info.spec(), clockGroup).compressed(bits, bits);
        TableShape.Dense tensor = (TableShape.Dense) info.spec().shape();
        long[] offsets = info.spec().optimizer().needsWholeRow() ? new long[] {0} : slices(tensor, shardCount);
        int[] counts = new int[offsets.length];
        long[] ends = offsets.clone();
        Arrays.sort(ends);
        for (int i = 0; i < offsets.length; i++) {
            int next = Arrays.binarySearch(ends, offsets[i]) + 1;
            counts[i] = (int) ((next < ends.length ? ends[next] : dense.length()) - offsets[i]);
        }
        return new KvEntry(key, info, shape, clockGroup, new SendQueue.Lane(), precision, dense, null, offsets, counts);
    }

    /// Where the slices begin: the first one of each shard, then the second of each, so that all shards have work. None
    /// goes over the end of a shard's part, or over a multiple of the slice's length.
    static long[] slices(TableShape.Dense shape, int shardCount) {
        long[] offsets = new long[16];
        int count = 0;
        boolean more = true;
        for (long round = 0; more; round++) {
            more = false;
            for (int shard = 0; shard < shardCount; shard++) {
                long begin = shape.firstBlockOf(shard, shardCount) * shape.blockLength();
                long end = Math.min(shape.length(), shape.firstBlockOf(shard + 1, shardCount) * shape.blockLength());
                long from = round == 0 ? begin : (begin / SLICE_LENGTH + round) * SLICE_LENGTH;
                if (from >= end) {
                    continue;
                }
                more = true;
                if (count == offsets.length) {
                    offsets = Arrays.copyOf(offsets, 2 * count);
                }
                offsets[count++] = from;
            }
        }
        return Arrays.copyOf(offsets, count);
    }

    KvKey key() {
        return key;
    }

    TableInfo info() {
        return info;
    }

    int clockGroup() {
        return clockGroup;
    }

    KvPrecision precision() {
        return precision;
    }

    /// From now on pushes of a dense value of 32 bits go through this; what an earlier compression still owed is gone.
    void compress(Compression compression) {
        DenseTable table = dense;
        if (table != null && precision == KvPrecision.FLOAT32) {
            pushes = table.compressed(compression);
        }
    }

    SendQueue.Lane lane() {
        return lane;
    }

    boolean isDense() {
        return dense != null;
    }

    long[] shape() {
        return shape.clone();
    }

    void fail(Throwable reason) {
        boolean unused = failure.compareAndSet(null, reason);
    }

    @Nullable
    Throwable failure() {
        return failure.get();
    }

    // ---- values ----

    /// The values, added up in their order.
    ///
    /// @param own whether the result may not be one of the values
    KvArray sum(KvArray[] values, boolean own) {
        if (values.length == 0) {
            throw new IllegalArgumentException("there must be a value: key=" + key);
        }
        if (!isDense()) {
            throw new IllegalArgumentException("key has rows, not a dense value: key=" + key);
        }
        for (KvArray value : values) {
            requireShape(value);
        }
        KvArray sum = own || values.length > 1 ? values[0].copy() : values[0];
        for (int i = 1; i < values.length; i++) {
            sum.add(values[i]);
        }
        requireFinite(sum);
        return sum;
    }

    void requireShape(KvArray value) {
        if (!Arrays.equals(shape, value.shape())) {
            throw new IllegalArgumentException("value must have the shape of its key: key=" + key + ", expected="
                    + Arrays.toString(shape) + ", actual=" + value.shapeText());
        }
    }

    void requireFinite(KvArray value) {
        long index = value.firstNotFinite();
        if (index >= 0) {
            throw new IllegalArgumentException(
                    "value must be finite: value=" + value.get(index) + ", index=" + index + ", key=" + key);
        }
    }

    /// Each row once, summed in the order of the values: rows that repeat would else be in several slices.
    KvRows joined(KvRows[] values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("there must be a value: key=" + key);
        }
        int most = 0;
        for (KvRows value : values) {
            requireRows(value.rowCount(), value.rowLength());
            most += value.ids().length;
        }
        int rowLength = values[0].rowLength();
        long[] ids = new long[most];
        float[] floats = new float[Math.multiplyExact(most, rowLength)];
        int at = 0;
        for (KvRows value : values) {
            System.arraycopy(value.ids(), 0, ids, at, value.ids().length);
            System.arraycopy(value.values(), 0, floats, at * rowLength, value.values().length);
            at += value.ids().length;
        }
        KvRows sum = new KvRows(values[0].rowCount(), rowLength, ids, floats).distinct();
        for (int i = 0; i < sum.values().length; i++) {
            if (!Float.isFinite(sum.values()[i])) {
                throw new IllegalArgumentException("value must be finite: value=" + sum.values()[i] + ", row="
                        + sum.ids()[i / rowLength] + ", key=" + key);
            }
        }
        return sum;
    }

    private void requireRows(long rowCount, int rowLength) {
        if (isDense() || shape[0] != rowCount || shape[1] != rowLength) {
            throw new IllegalArgumentException("rows must have the shape of their key: key=" + key
                    + ", expected=" + Arrays.toString(shape) + (isDense() ? " (dense)" : "") + ", actual=["
                    + rowCount + ", " + rowLength + "]");
        }
    }

    // ---- slices ----

    private DenseTable dense() {
        DenseTable table = dense;
        if (table == null) {
            throw new IllegalArgumentException("key has rows, not a dense value: key=" + key);
        }
        return table;
    }

    private Table rows() {
        Table table = rows;
        if (table == null) {
            throw new IllegalArgumentException("key has a dense value, not rows: key=" + key);
        }
        return table;
    }

    Phase push(KvArray value) {
        DenseTable whole = dense();
        DenseTable fewerBits = pushes;
        DenseTable table = fewerBits == null ? whole : fewerBits;
        return Phase.data(offsets.length, i -> {
            long at = offsets[i];
            return table.pushAsync(at, value.segmentAt(at), value.placeIn(at), counts[i]);
        });
    }

    Phase pull(KvArray out) {
        DenseTable table = dense();
        return Phase.data(offsets.length, i -> {
            long at = offsets[i];
            return table.pullAsync(at, out.segmentAt(at), out.placeIn(at), counts[i]);
        });
    }

    Phase push(KvRows value) {
        Table table = rows();
        int rowLength = value.rowLength();
        int most = Math.max(1, SLICE_LENGTH / rowLength);
        return Phase.data((value.ids().length + most - 1) / most, i -> {
            int from = i * most;
            int to = Math.min(value.ids().length, from + most);
            return table.pushAsync(
                    Arrays.copyOfRange(value.ids(), from, to),
                    Arrays.copyOfRange(value.values(), from * rowLength, to * rowLength));
        });
    }

    /// @param ids rows to read, into `values` in their order
    Phase pull(long[] ids, float[] values) {
        Table table = rows();
        int rowLength = table.rowLength();
        int most = Math.max(1, SLICE_LENGTH / rowLength);
        return Phase.data((ids.length + most - 1) / most, i -> {
            int from = i * most;
            int to = Math.min(ids.length, from + most);
            float[] slice = new float[(to - from) * rowLength];
            CompletableFuture<Void> pulled = table.pullAsync(Arrays.copyOfRange(ids, from, to), slice);
            CompletableFuture<Void> copied =
                    pulled.thenRun(() -> System.arraycopy(slice, 0, values, from * rowLength, slice.length));
            return new Followed(pulled, copied);
        });
    }

    /// What follows the result of a client's call; whoever waits for it works for that call.
    private static final class Followed extends CompletableFuture<Void> {
        private final CompletableFuture<Void> call;

        Followed(CompletableFuture<Void> call, CompletableFuture<Void> following) {
            this.call = call;
            CompletableFuture<Void> unused = following.whenComplete((done, failure) -> {
                if (failure == null) {
                    complete(null);
                } else {
                    completeExceptionally(failure);
                }
            });
        }

        @Override
        @SuppressWarnings("NullAway") // Void.
        public Void get() throws InterruptedException, java.util.concurrent.ExecutionException {
            Void unused = call.get();
            return super.get();
        }
    }
}
