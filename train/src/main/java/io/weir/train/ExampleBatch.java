package io.weir.train;

import java.util.Arrays;

/// Some examples, reused from batch to batch. Confined to the thread that fills and reads it.
///
/// Example `i` has the features `rowStarts()[i]` to `rowStarts()[i + 1] - 1` and the label `labels()[i]`: its class,
/// from 0, or [#UNLABELLED]; where there are two classes, 1 is the positive one. The arrays grow and are then other
/// ones, so callers fetch them again after each filling.
///
/// A sparse batch holds compressed rows: feature `j` has the key `keys()[j]` and the value `values()[j]`, never 0. A
/// *dense* one holds [#width] values of each example, zeros among them, whose keys are 0 to `width - 1` and are not
/// stored: `values()` is a matrix, row-major.
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
    private int width;

    /// Examples in the batch.
    public int exampleCount() {
        return exampleCount;
    }

    /// Features of all its examples together.
    public int featureCount() {
        return featureCount;
    }

    /// Whether every example has the same features, 0 to [#width] less 1.
    public boolean isDense() {
        return width > 0;
    }

    /// Values of each example of a dense batch, 0 of a sparse one.
    public int width() {
        return width;
    }

    /// Where each example begins among the features, and after the last one where it ends; shared.
    public int[] rowStarts() {
        return rowStarts;
    }

    /// Labels, shared.
    public int[] labels() {
        return labels;
    }

    /// Keys of the features, shared; undefined in a dense batch.
    public long[] keys() {
        return keys;
    }

    /// Values of the features, shared.
    public float[] values() {
        return values;
    }

    /// Forgets all examples and keeps the arrays. The batch is sparse then.
    public void clear() {
        exampleCount = 0;
        featureCount = 0;
        width = 0;
    }

    /// Forgets all examples and makes the batch dense.
    ///
    /// @param width values of each example, at least 1
    public void clearDense(int width) {
        if (width < 1) {
            throw new IllegalArgumentException("a dense example has at least one value: width=" + width);
        }
        clear();
        this.width = width;
    }

    /// Adds an example to a dense batch. The caller then writes its values.
    ///
    /// @return where in [#values] they begin
    public int addDense(int label) {
        int from = featureCount;
        featureCount = Math.addExact(from, width);
        if (values.length < featureCount) {
            values = Arrays.copyOf(values, (int) Math.max(featureCount, Math.min(2L * from, Integer.MAX_VALUE - 8)));
        }
        endExample(label);
        return from;
    }

    /// This batch if it is sparse, otherwise a copy without the zeros.
    ///
    /// @param into where the copy goes
    ExampleBatch sparse(ExampleBatch into) {
        if (!isDense()) {
            return this;
        }
        into.clear();
        for (int i = 0; i < exampleCount; i++) {
            for (int j = 0; j < width; j++) {
                into.addFeature(j, values[i * width + j]);
            }
            into.endExample(labels[i]);
        }
        return into;
    }

    /// Multiplies all values. What becomes 0 stays.
    void scale(float factor) {
        for (int i = 0; i < featureCount; i++) {
            values[i] *= factor;
        }
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
        if (other.isDense()) {
            if (exampleCount == 0) {
                clearDense(other.width);
            }
            int at = addDense(other.labels[index]);
            System.arraycopy(other.values, from, values, at, width);
            return;
        }
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
        values = values.length < length ? Arrays.copyOf(values, length) : values;
    }

    /// For a filler that has written keys and values itself.
    void setFeatureCount(int featureCount) {
        this.featureCount = featureCount;
    }
}
