package io.weir.train;

import io.weir.kernel.MatrixProduct;
import io.weir.kernel.MatrixRows;
import io.weir.model.TableShape;
import java.util.Arrays;
import java.util.List;

/// See [SoftmaxRegression].
final class SoftmaxLearner implements Learner {
    private final String source;
    private final boolean bias;
    private final int classCount;
    private final Parameters parameters;
    private final KeyIndexer indexer = new KeyIndexer();
    private final MatrixProduct product = new MatrixProduct();
    private ExampleBatch batch = new ExampleBatch();
    private long[] denseKeys = new long[0];
    private double[] sums = new double[0];
    private double[] margins = new double[0];
    private float[] floats = new float[0];
    private final float[] biasRow;

    /// @param source name of the examples, for messages
    SoftmaxLearner(TableShape shape, boolean bias, String source) {
        this.source = source;
        this.bias = bias;
        this.classCount = shape.rowLength();
        this.parameters = new Parameters(shape);
        this.biasRow = new float[classCount];
    }

    @Override
    public List<Parameters> parameters() {
        return List.of(parameters);
    }

    @Override
    public void select(ExampleBatch batch) {
        this.batch = batch;
        if (batch.isDense()) {
            selectAll(batch.width());
        } else {
            selectDistinct();
        }
        int length = Math.multiplyExact(batch.exampleCount(), classCount);
        if (margins.length < length) {
            margins = new double[length];
        }
    }

    private void selectAll(int width) {
        int count = bias ? width + 1 : width;
        if (denseKeys.length != count) {
            denseKeys = new long[count];
            for (int i = 0; i < width; i++) {
                denseKeys[i] = i;
            }
            if (bias) {
                denseKeys[width] = Model.BIAS_KEY;
            }
        }
        parameters.select(denseKeys, count);
    }

    private void selectDistinct() {
        int count = indexer.index(batch, bias, source);
        parameters.select(indexer.uniqueKeys(), count);
    }

    @Override
    public double lossAndGradients(double scale, long draw) {
        margins();
        double loss = 0;
        for (int i = 0; i < batch.exampleCount(); i++) {
            int label = SoftmaxLoss.requireLabel(batch.labels()[i], classCount, source);
            loss += SoftmaxLoss.lossAndGradient(margins, i * classCount, classCount, label);
        }
        if (batch.isDense()) {
            putDenseGradients(scale);
        } else {
            putSparseGradients(scale);
        }
        return loss;
    }

    @Override
    public double[] margins() {
        if (batch.isDense()) {
            putDenseMargins();
        } else {
            putSparseMargins();
        }
        return margins;
    }

    private void putDenseMargins() {
        int examples = batch.exampleCount();
        int width = batch.width();
        int length = examples * classCount;
        reserveFloats(length);
        product.multiply(batch.values(), parameters.weights(), floats, examples, classCount, width, false);
        if (bias) {
            System.arraycopy(parameters.weights(), width * classCount, biasRow, 0, classCount);
            MatrixRows.add(floats, examples, classCount, biasRow);
        }
        for (int i = 0; i < length; i++) {
            margins[i] = floats[i];
        }
    }

    private void putDenseGradients(double scale) {
        int examples = batch.exampleCount();
        int width = batch.width();
        int length = examples * classCount;
        for (int i = 0; i < length; i++) {
            floats[i] = (float) (margins[i] * scale);
        }
        product.transposedMultiply(batch.values(), floats, parameters.gradients(), width, classCount, examples, false);
        if (bias) {
            MatrixRows.sum(floats, examples, classCount, biasRow);
            System.arraycopy(biasRow, 0, parameters.gradients(), width * classCount, classCount);
        }
    }

    private void putSparseMargins() {
        int classCount = this.classCount;
        double[] margins = this.margins;
        float[] weights = parameters.weights();
        int[] rowStarts = batch.rowStarts();
        int[] indices = indexer.indices();
        float[] values = batch.values();
        int biasRow = parameters.keyCount() - 1;
        for (int i = 0; i < batch.exampleCount(); i++) {
            int at = i * classCount;
            for (int c = 0; c < classCount; c++) {
                margins[at + c] = bias ? weights[biasRow * classCount + c] : 0;
            }
            for (int j = rowStarts[i]; j < rowStarts[i + 1]; j++) {
                int row = indices[j] * classCount;
                double value = values[j];
                for (int c = 0; c < classCount; c++) {
                    margins[at + c] += weights[row + c] * value;
                }
            }
        }
    }

    private void putSparseGradients(double scale) {
        int classCount = this.classCount;
        int length = parameters.length();
        if (sums.length < length) {
            sums = new double[Math.max(length, 2 * sums.length)];
        }
        double[] sums = this.sums;
        double[] errors = margins;
        Arrays.fill(sums, 0, length, 0);
        int[] rowStarts = batch.rowStarts();
        int[] indices = indexer.indices();
        float[] values = batch.values();
        int biasRow = length - classCount;
        for (int i = 0; i < batch.exampleCount(); i++) {
            int at = i * classCount;
            for (int j = rowStarts[i]; j < rowStarts[i + 1]; j++) {
                int row = indices[j] * classCount;
                double value = values[j];
                for (int c = 0; c < classCount; c++) {
                    sums[row + c] += errors[at + c] * value;
                }
            }
            for (int c = 0; bias && c < classCount; c++) {
                sums[biasRow + c] += errors[at + c];
            }
        }
        float[] gradients = parameters.gradients();
        for (int i = 0; i < length; i++) {
            gradients[i] = (float) (sums[i] * scale);
        }
    }

    private void reserveFloats(int length) {
        if (floats.length < length) {
            floats = new float[length];
        }
    }
}
