package io.weir.train;

import io.weir.train.ExampleSource.Share;
import java.util.List;

/// How well a model of several classes scores labelled examples. Immutable.
///
/// @param examples scored
/// @param logloss mean of `-ln p` of the class that is there: the cross entropy
/// @param accuracy fraction of examples whose class is the most probable one
public record ClassEvaluation(long examples, double logloss, double accuracy) {
    private static final int BATCH = 1024;

    /// Scores every example of `source`, one pass in its order.
    ///
    /// @param weights of each table of the model
    /// @throws InputException if the source is broken, has no examples, or one without a label
    public static ClassEvaluation of(ExampleSource source, Model model, List<Weights> weights) {
        Scorer scorer = new Scorer(model.learner(source.name()), weights);
        ExampleBatch batch = new ExampleBatch();
        int classes = model.marginCount();
        long examples = 0;
        long right = 0;
        double loss = 0;
        try (ExampleReader reader = source.open(Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                double[] margins = scorer.margins(batch);
                for (int i = 0; i < batch.exampleCount(); i++) {
                    int label = SoftmaxLoss.requireLabel(batch.labels()[i], classes, source.name());
                    right += SoftmaxLoss.greatest(margins, i * classes, classes) == label ? 1 : 0;
                    loss += SoftmaxLoss.probabilities(margins, i * classes, classes, label);
                }
                examples += batch.exampleCount();
            }
        }
        if (examples == 0) {
            throw new InputException(source.name() + ": expected examples, found none");
        }
        return new ClassEvaluation(examples, loss / examples, (double) right / examples);
    }
}
