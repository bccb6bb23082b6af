package io.weir.train;

import io.weir.client.RowBatch;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.Arrays;

/// A table of a trained model with all that training needs to go on: every row with its slots and how often it was
/// pushed, and what the table was. Immutable, and so thread-safe. Holds `12 + 4 * valueLength` bytes a row, and 8 to 16
/// more once it is used for prediction.
public final class SavedTable {
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;
    private static final int LOAD_ROWS = 8192;
    private static final int LOAD_FLOATS = 1 << 18;

    private final TableSpec spec;
    // In ascending unsigned order.
    private final long[] keys;
    private final int[] pushCounts;
    private final float[] values;
    private final int valueLength;

    /// @param keys distinct, in any order; owned by this from now on, as are the other arrays
    SavedTable(TableSpec spec, long[] keys, int[] pushCounts, float[] values) {
        this.spec = spec;
        this.valueLength = spec.valueLength();
        if (areAscending(keys)) {
            this.keys = keys;
            this.pushCounts = pushCounts;
            this.values = values;
            return;
        }
        int[] order = ascending(keys);
        this.keys = new long[keys.length];
        this.pushCounts = new int[keys.length];
        this.values = new float[values.length];
        for (int i = 0; i < keys.length; i++) {
            this.keys[i] = keys[order[i]];
            this.pushCounts[i] = pushCounts[order[i]];
            System.arraycopy(values, order[i] * valueLength, this.values, i * valueLength, valueLength);
        }
    }

    /// Takes every row of a table.
    static SavedTable of(Weir weir, String table) {
        TableSpec spec = weir.describe(table)
                .orElseThrow(() -> new WeirException(ErrorCode.UNKNOWN_TABLE, "no such table: table=" + table))
                .spec();
        Rows rows = new Rows(spec.valueLength());
        weir.scan(table, rows::add);
        return new SavedTable(
                spec,
                Arrays.copyOf(rows.keys, rows.count),
                Arrays.copyOf(rows.pushCounts, rows.count),
                Arrays.copyOf(rows.values, rows.count * rows.valueLength));
    }

    /// What the table was.
    public TableSpec spec() {
        return spec;
    }

    /// Rows that were pushed.
    public int rowCount() {
        return keys.length;
    }

    /// The order-independent hash of keys, weights and slots.
    ModelHash hash() {
        ModelHash hash = new ModelHash();
        for (int i = 0; i < keys.length; i++) {
            hash.add(keys[i], values, i * valueLength, valueLength);
        }
        return hash;
    }

    /// Creates the table under the name `table` and stores every row in it, bit for bit, so that training goes on as if
    /// it had never stopped.
    ///
    /// @throws WeirException if there is such a table with another specification
    /// @throws IllegalArgumentException if the table is there and has rows
    void restore(Weir weir, String table) {
        TableSpec restored = spec.named(table);
        if (weir.create(restored).rowCount() > 0) {
            throw new IllegalArgumentException("a model is restored into an empty table: table=" + table);
        }
        RowBatch batch = new RowBatch(Math.clamp(LOAD_FLOATS / valueLength, 1, LOAD_ROWS), valueLength);
        for (int from = 0; from < keys.length; from += batch.capacity()) {
            int count = Math.min(batch.capacity(), keys.length - from);
            copyRows(from, count, batch);
            weir.load(table, batch);
        }
    }

    private void copyRows(int from, int count, RowBatch batch) {
        System.arraycopy(keys, from, batch.keys(), 0, count);
        System.arraycopy(pushCounts, from, batch.pushCounts(), 0, count);
        System.arraycopy(values, from * valueLength, batch.values(), 0, count * valueLength);
        batch.setCount(count);
    }

    /// The weights, for use without a server. A key without a row has the initial row of the table.
    public Weights weights() {
        return new Index(this);
    }

    long[] keys() {
        return keys;
    }

    int[] pushCounts() {
        return pushCounts;
    }

    float[] values() {
        return values;
    }

    int valueLength() {
        return valueLength;
    }

    private static boolean areAscending(long[] keys) {
        for (int i = 1; i < keys.length; i++) {
            if (Long.compareUnsigned(keys[i - 1], keys[i]) >= 0) {
                return false;
            }
        }
        return true;
    }

    /// The positions of `keys` in ascending unsigned order. A radix sort by bytes, least significant first, that leaves
    /// out bytes which are everywhere the same (Knuth, *The Art of Computer Programming* 3, section 5.2.5).
    private static int[] ascending(long[] keys) {
        int[] order = new int[keys.length];
        Arrays.setAll(order, i -> i);
        int[] sorted = new int[keys.length];
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            int[] starts = new int[257];
            for (long key : keys) {
                starts[(int) (key >>> shift & 0xff) + 1]++;
            }
            boolean same = false;
            for (int i = 1; i <= 256; i++) {
                same |= starts[i] == keys.length;
                starts[i] += starts[i - 1];
            }
            if (same) {
                continue;
            }
            for (int position : order) {
                sorted[starts[(int) (keys[position] >>> shift & 0xff)]++] = position;
            }
            int[] swapped = order;
            order = sorted;
            sorted = swapped;
        }
        return order;
    }

    /// Rows as a scan delivers them.
    private static final class Rows {
        final int valueLength;
        long[] keys = new long[1024];
        int[] pushCounts = new int[1024];
        float[] values;
        int count;

        Rows(int valueLength) {
            this.valueLength = valueLength;
            this.values = new float[1024 * valueLength];
        }

        void add(RowBatch batch) {
            int needed = Math.addExact(count, batch.count());
            if (needed > keys.length) {
                int capacity = Math.max(needed, Math.multiplyExact(keys.length, 2));
                keys = Arrays.copyOf(keys, capacity);
                pushCounts = Arrays.copyOf(pushCounts, capacity);
                values = Arrays.copyOf(values, Math.multiplyExact(capacity, valueLength));
            }
            System.arraycopy(batch.keys(), 0, keys, count, batch.count());
            System.arraycopy(batch.pushCounts(), 0, pushCounts, count, batch.count());
            System.arraycopy(batch.values(), 0, values, count * valueLength, batch.count() * valueLength);
            count = needed;
        }
    }

    /// Finds rows by key: open addressing, at most half full, the place as in [KeyIndexer], each entry the position of
    /// a row and 1, or 0 if free.
    private static final class Index implements Weights {
        private final long[] keys;
        private final float[] values;
        private final int rowLength;
        private final int valueLength;
        private final InitialRow initialRow;
        private final long seed;
        private final int[] places;
        private final int shift;

        Index(SavedTable table) {
            this.keys = table.keys;
            this.rowLength = table.spec.rowLength();
            this.values = table.values;
            this.valueLength = table.valueLength;
            this.initialRow = table.spec.initialRow();
            this.seed = table.spec.seed();
            int capacity = Integer.highestOneBit(Math.clamp(4L * keys.length, 2, 1 << 30));
            this.places = new int[capacity];
            this.shift = Long.numberOfLeadingZeros(capacity) + 1;
            for (int i = 0; i < keys.length; i++) {
                int at = (int) ((keys[i] * GOLDEN) >>> shift);
                while (places[at] != 0) {
                    at = (at + 1) & (capacity - 1);
                }
                places[at] = i + 1;
            }
        }

        @Override
        public void read(long[] wanted, int count, float[] weights) {
            int mask = places.length - 1;
            for (int i = 0; i < count; i++) {
                long key = wanted[i];
                int at = (int) ((key * GOLDEN) >>> shift);
                int row;
                while ((row = places[at] - 1) >= 0 && keys[row] != key) {
                    at = (at + 1) & mask;
                }
                if (row >= 0) {
                    System.arraycopy(values, row * valueLength, weights, i * rowLength, rowLength);
                } else {
                    for (int j = 0; j < rowLength; j++) {
                        weights[i * rowLength + j] = initialRow.value(seed, key, j);
                    }
                }
            }
        }
    }
}
