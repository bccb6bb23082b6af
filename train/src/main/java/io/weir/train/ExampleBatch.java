package io.weir.train;

import java.util.Arrays;

/// Some examples in compressed sparse rows, reused from batch to batch. Confined to the thread that fills and reads
/// it.
///
/// Example `i` has the features `rowStarts()[i]` to `rowStarts()[i + 1] - 1`; feature `j` has the key `keys()[j]` and
/// the value `values()[j]`, never 0. Its label is `labels()[i]`: 1, 0, or [#UNLABELLED]. The arrays grow and are then
/// other ones, so callers fetch them again after each filling.
public final class ExampleBatch {
    /// Label of an example that has none.
    public static final int UNLABELLED = -1;

    private static final int FIRST_EXAMPLES = 64;
    private static final int FIRST_FEATURES = 1024;

    private int[] rowStarts = new int[FIRST_EXAMPLES + 1];
    private int[] labels = new int[FIRST_EXAMPLES];
    private long[] keys = new long[FIRST_FEATURES];
    private float[] values = new float[FIRST_FEATURES];
    private int exampleCount;
    private int featureCount;

    /// Examples in the batch.
    public int exampleCount() {
        return exampleCount;
    }

    /// Features of all its examples together.
    public int featureCount() {
        return featureCount;
    }

    /// Where each example begins among the features, and after the last one where it ends; shared.
    public int[] rowStarts() {
        return rowStarts;
    }

    /// Labels, shared.
    public int[] labels() {
        return labels;
    }

    /// Keys of the features, shared.
    public long[] keys() {
        return keys;
    }

    /// Values of the features, shared.
    public float[] values() {
        return values;
    }

    /// Forgets all examples and keeps the arrays.
    public void clear() {
        exampleCount = 0;
        featureCount = 0;
    }

    /// Adds one feature to the example that is being filled; [#endExample] closes it. A value of 0 says the same as
    /// no feature and is left out.
    public void addFeature(long key, float value) {
        if (value == 0f) {
            return;
        }
        if (featureCount == keys.length) {
            growFeatures();
        }
        keys[featureCount] = key;
        values[featureCount] = value;
        featureCount++;
    }

    /// Closes the example that is being filled.
    public void endExample(int label) {
        if (exampleCount == labels.length) {
            labels = Arrays.copyOf(labels, Math.multiplyExact(exampleCount, 2));
            rowStarts = Arrays.copyOf(rowStarts, labels.length + 1);
        }
        labels[exampleCount++] = label;
        rowStarts[exampleCount] = featureCount;
    }

    /// Adds a copy of example `index` of `other`.
    void addCopy(ExampleBatch other, int index) {
        int from = other.rowStarts[index];
        int count = other.rowStarts[index + 1] - from;
        while (featureCount + count > keys.length) {
            growFeatures();
        }
        System.arraycopy(other.keys, from, keys, featureCount, count);
        System.arraycopy(other.values, from, values, featureCount, count);
        featureCount += count;
        endExample(other.labels[index]);
    }

    /// Makes room for more features, keeping those that are there and those being filled.
    void growFeatures() {
        int length = Math.multiplyExact(keys.length, 2);
        keys = Arrays.copyOf(keys, length);
        values = Arrays.copyOf(values, length);
    }

    /// For a filler that has written keys and values itself.
    void setFeatureCount(int featureCount) {
        this.featureCount = featureCount;
    }
}
