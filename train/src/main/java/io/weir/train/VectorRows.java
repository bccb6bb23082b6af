package io.weir.train;

import io.weir.client.DenseTable;
import java.util.Arrays;

/// The rows of a linear model as one vector: row `key` at `key * rowLength`, the bias last. Immutable.
///
/// @param rowCount the bias included
/// @param bias whether there is one
record VectorRows(int rowLength, int rowCount, boolean bias) {
    static VectorRows of(Model model, long maxKey) {
        boolean bias = hasBias(model);
        return new VectorRows(model.marginCount(), (int) maxKey + 1 + (bias ? 1 : 0), bias);
    }

    /// Those of a vector of this length.
    static VectorRows ofLength(Model model, long length) {
        int rowLength = model.marginCount();
        return new VectorRows(rowLength, (int) (length / rowLength), hasBias(model));
    }

    /// @throws IllegalArgumentException if the model is not linear
    static boolean hasBias(Model model) {
        return switch (model) {
            case LogisticRegression lr -> lr.bias();
            case SoftmaxRegression softmax -> softmax.bias();
            case Perceptron _ ->
                throw new IllegalArgumentException("L-BFGS trains linear models: model=" + model.text());
        };
    }

    long length() {
        return (long) rowLength * rowCount;
    }

    int offsetOf(long key) {
        return rowLength * (bias && key == Model.BIAS_KEY ? rowCount - 1 : (int) key);
    }

    long keyAt(int row) {
        return bias && row == rowCount - 1 ? Model.BIAS_KEY : row;
    }

    /// Pulls the vector and writes the rows of the first `count` of `keys` into `weights`; what it has no row of is 0.
    void read(DenseTable vector, long[] keys, int count, float[] weights) {
        float[] all = new float[Math.toIntExact(length())];
        vector.pull(all);
        for (int i = 0; i < count; i++) {
            if (has(keys[i])) {
                System.arraycopy(all, offsetOf(keys[i]), weights, i * rowLength, rowLength);
            } else {
                Arrays.fill(weights, i * rowLength, (i + 1) * rowLength, 0f);
            }
        }
    }

    /// Whether a row can be in a vector of these.
    boolean has(long key) {
        return (bias && key == Model.BIAS_KEY) || (key >= 0 && key < rowCount - (bias ? 1 : 0));
    }
}
