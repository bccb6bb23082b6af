package io.weir.train;

import io.weir.model.TableShape;
import java.util.Arrays;
import java.util.List;

/// See [LogisticRegression].
final class LogisticLearner implements Learner {
    private final String source;
    private final boolean bias;
    private final Parameters parameters = new Parameters(new TableShape.Embedding(1));
    private final KeyIndexer indexer = new KeyIndexer();
    private final ExampleBatch sparse = new ExampleBatch();
    private ExampleBatch batch = sparse;
    private double[] sums = new double[0];
    private double[] margins = new double[0];

    /// @param source name of the examples, for messages
    LogisticLearner(boolean bias, String source) {
        this.source = source;
        this.bias = bias;
    }

    @Override
    public List<Parameters> parameters() {
        return List.of(parameters);
    }

    @Override
    public void select(ExampleBatch selected) {
        batch = selected.sparse(sparse);
        int count = indexer.index(batch, bias, source);
        parameters.select(indexer.uniqueKeys(), count);
        if (sums.length < count) {
            sums = new double[Math.max(count, 2 * sums.length)];
        }
        if (margins.length < batch.exampleCount()) {
            margins = new double[batch.exampleCount()];
        }
    }

    @Override
    public double lossAndGradients(double scale, long draw) {
        int count = parameters.keyCount();
        Arrays.fill(sums, 0, count, 0);
        double loss = addGradients(bias ? count - 1 : -1, parameters.weights(), sums);
        float[] gradients = parameters.gradients();
        double[] sums = this.sums;
        for (int i = 0; i < count; i++) {
            gradients[i] = (float) (sums[i] * scale);
        }
        return loss;
    }

    private double addGradients(int biasIndex, float[] weights, double[] sums) {
        int[] rowStarts = batch.rowStarts();
        int[] labels = batch.labels();
        int[] indices = indexer.indices();
        float[] values = batch.values();
        int examples = batch.exampleCount();
        double loss = 0;
        for (int i = 0; i < examples; i++) {
            loss += addGradient(indices, values, rowStarts[i], rowStarts[i + 1], labels[i], biasIndex, weights, sums);
        }
        return loss;
    }

    private static double addGradient(
            int[] indices, float[] values, int from, int to, int label, int biasIndex, float[] weights, double[] sums) {
        double margin = margin(indices, values, from, to, biasIndex, weights);
        double error = LogisticLoss.probability(margin) - label;
        for (int j = from; j < to; j++) {
            sums[indices[j]] += error * values[j];
        }
        if (biasIndex >= 0) {
            sums[biasIndex] += error;
        }
        return LogisticLoss.loss(margin, label == 1);
    }

    /// `w · x`, added in the order of the features, the bias first.
    private static double margin(int[] indices, float[] values, int from, int to, int biasIndex, float[] weights) {
        double margin = biasIndex < 0 ? 0 : weights[biasIndex];
        for (int j = from; j < to; j++) {
            margin += (double) weights[indices[j]] * values[j];
        }
        return margin;
    }

    @Override
    public double[] margins() {
        int[] rowStarts = batch.rowStarts();
        int[] indices = indexer.indices();
        float[] values = batch.values();
        float[] weights = parameters.weights();
        int biasIndex = bias ? parameters.keyCount() - 1 : -1;
        for (int i = 0; i < batch.exampleCount(); i++) {
            margins[i] = margin(indices, values, rowStarts[i], rowStarts[i + 1], biasIndex, weights);
        }
        return margins;
    }
}
