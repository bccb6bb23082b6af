package io.weir.train;

import java.util.List;

/// Computes the margins of examples with a model whose parameters are read anew for each batch. Confined, reused from
/// batch to batch.
final class Scorer {
    private final Learner learner;
    private final List<Weights> weights;

    /// @param weights of each table of the model
    Scorer(Learner learner, List<Weights> weights) {
        this.learner = learner;
        this.weights = weights;
    }

    /// A logistic regression.
    ///
    /// @param name of the examples, for messages
    static Scorer of(Weights weights, boolean bias, String name) {
        return new Scorer(new LogisticLearner(bias, name), List.of(weights));
    }

    /// The margins of the examples of `batch`, see [Learner#margins]; shared.
    double[] margins(ExampleBatch batch) {
        learner.select(batch);
        for (int i = 0; i < weights.size(); i++) {
            Parameters parameters = learner.parameters().get(i);
            weights.get(i).read(parameters.keys(), parameters.keyCount(), parameters.weights());
        }
        return learner.margins();
    }
}
