package io.weir.train;

import java.util.Arrays;

/// Computes the margins `w · x` of a batch. Confined, reused from batch to batch.
final class Scorer {
    private final Weights source;
    private final boolean bias;
    private final String name;
    private final KeyIndexer indexer = new KeyIndexer();
    private float[] weights = new float[0];
    private double[] margins = new double[0];

    /// @param name of the examples, for messages
    Scorer(Weights source, boolean bias, String name) {
        this.source = source;
        this.bias = bias;
        this.name = name;
    }

    /// The margins of the examples of `batch`, added in the order of the features, the bias first; shared.
    double[] margins(ExampleBatch batch) {
        indexer.index(batch.keys(), batch.featureCount());
        int count = indexer.uniqueCount();
        long[] keys = indexer.uniqueKeys();
        if (bias) {
            indexer.requireNoBiasKey(name);
            keys[count++] = LrConfig.BIAS_KEY;
        }
        if (weights.length < count) {
            weights = new float[Math.max(count, 2 * weights.length)];
        }
        if (margins.length < batch.exampleCount()) {
            margins = new double[batch.exampleCount()];
        }
        source.read(keys, count, weights);
        int[] rowStarts = batch.rowStarts();
        int[] indices = indexer.indices();
        float[] values = batch.values();
        Arrays.fill(margins, bias ? weights[count - 1] : 0.0);
        for (int i = 0; i < batch.exampleCount(); i++) {
            double margin = margins[i];
            for (int j = rowStarts[i]; j < rowStarts[i + 1]; j++) {
                margin += (double) weights[indices[j]] * values[j];
            }
            margins[i] = margin;
        }
        return margins;
    }
}
