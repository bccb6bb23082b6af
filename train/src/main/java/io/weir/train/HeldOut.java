package io.weir.train;

import io.weir.client.Table;
import io.weir.train.ExampleSource.Share;

/// A few examples that training does not see, to ask a model in training now and then how good it is: one pull of their
/// distinct keys and a pass over them. Confined to one thread.
public final class HeldOut {
    private final ExampleBatch batch = new ExampleBatch();
    private final LogisticLearner learner;

    /// The first examples of a source.
    ///
    /// @param most examples
    /// @param bias whether the model has a weight under [Model#BIAS_KEY]
    /// @throws InputException if the source is broken, or has no examples
    public HeldOut(ExampleSource source, int most, boolean bias) {
        try (ExampleReader reader = source.open(Share.ALL)) {
            if (!reader.next(batch, most)) {
                throw new InputException(source.name() + ": expected examples, found none");
            }
        }
        learner = new LogisticLearner(bias, source.name());
        learner.select(batch);
    }

    /// How many examples there are.
    public int exampleCount() {
        return batch.exampleCount();
    }

    /// The mean loss, natural logarithm, with the weights as they are on the servers now.
    public double logloss(Table table) {
        Parameters parameters = learner.parameters().get(0);
        table.pull(parameters.keys(), 0, parameters.keyCount(), parameters.weights(), 0);
        double[] margins = learner.margins();
        double loss = 0;
        for (int i = 0; i < batch.exampleCount(); i++) {
            loss += LogisticLoss.loss(margins[i], batch.labels()[i] == 1);
        }
        return loss / batch.exampleCount();
    }
}
