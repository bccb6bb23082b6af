package io.weir.train;

import io.weir.client.Table;
import io.weir.train.ExampleSource.Share;

/// A few examples that training does not see, to ask a model in training now and then how good it is: one pull of their
/// distinct keys and a pass over them. Confined to one thread.
public final class HeldOut {
    private final ExampleBatch batch = new ExampleBatch();
    private final KeyIndexer indexer = new KeyIndexer();
    private final boolean bias;
    private final int keyCount;
    private final float[] weights;

    /// The first examples of a source.
    ///
    /// @param most examples
    /// @param bias whether the model has a weight under [LrConfig#BIAS_KEY]
    /// @throws InputException if the source is broken, or has no examples
    public HeldOut(ExampleSource source, int most, boolean bias) {
        this.bias = bias;
        try (ExampleReader reader = source.open(Share.ALL)) {
            if (!reader.next(batch, most)) {
                throw new InputException(source.name() + ": expected examples, found none");
            }
        }
        indexer.index(batch.keys(), batch.featureCount());
        int count = indexer.uniqueCount();
        if (bias) {
            indexer.requireNoBiasKey(source.name());
            indexer.uniqueKeys()[count++] = LrConfig.BIAS_KEY;
        }
        this.keyCount = count;
        this.weights = new float[count];
    }

    /// How many examples there are.
    public int exampleCount() {
        return batch.exampleCount();
    }

    /// The mean loss, natural logarithm, with the weights as they are on the servers now.
    public double logloss(Table table) {
        table.pull(indexer.uniqueKeys(), 0, keyCount, weights, 0);
        double loss = 0;
        for (int i = 0; i < batch.exampleCount(); i++) {
            double margin = bias ? weights[keyCount - 1] : 0;
            for (int j = batch.rowStarts()[i]; j < batch.rowStarts()[i + 1]; j++) {
                margin += (double) weights[indexer.indices()[j]] * batch.values()[j];
            }
            loss += LogisticLoss.loss(margin, batch.labels()[i] == 1);
        }
        return loss / batch.exampleCount();
    }
}
