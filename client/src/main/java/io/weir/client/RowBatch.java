package io.weir.client;

/// Whole stored rows of a table, weights and slots: what a scan delivers and a restore takes. Reused between
/// deliveries; confined to the thread that receives it.
///
/// Row `i` has the key `keys()[i]`, its floats from `values()[i * valueLength()]` (the weights, then each slot) and
/// the number of pushes it has seen, `pushCounts()[i]`.
public final class RowBatch {
    private final int valueLength;
    private final long[] keys;
    private final int[] pushCounts;
    private final float[] values;
    private int count;

    /// Room for `capacity` rows of `valueLength` floats, slots included.
    public RowBatch(int capacity, int valueLength) {
        this.valueLength = valueLength;
        this.keys = new long[capacity];
        this.pushCounts = new int[capacity];
        this.values = new float[Math.multiplyExact(capacity, valueLength)];
    }

    /// Rows that fit.
    public int capacity() {
        return keys.length;
    }

    /// Rows that are there.
    public int count() {
        return count;
    }

    /// Says how many rows are there, after filling the arrays.
    public void setCount(int count) {
        if (count < 0 || count > keys.length) {
            throw new IllegalArgumentException("row count must fit: count=" + count + ", capacity=" + keys.length);
        }
        this.count = count;
    }

    /// Floats of one row: the weights, then the slots.
    public int valueLength() {
        return valueLength;
    }

    /// Keys, shared.
    public long[] keys() {
        return keys;
    }

    /// Pushes each row has seen, shared.
    public int[] pushCounts() {
        return pushCounts;
    }

    /// Weights and slots, shared.
    public float[] values() {
        return values;
    }
}
