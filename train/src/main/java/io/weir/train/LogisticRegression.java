package io.weir.train;

import io.weir.client.Weir;
import io.weir.model.TableSpec;
import java.util.List;

/// A logistic regression whose weights are rows of one float in a table. Immutable.
///
/// An example has the probability `p = 1 / (1 + e^(-w · x))` of the label 1, and its gradient for each key is
/// `(p - y) · x`. Margins, losses and gradient sums are double, added in the order of the examples; the gradient that
/// is pushed is that sum rounded to float.
///
/// @param table with rows of one weight each
/// @param mean whether the gradient of a batch is the mean over its examples; otherwise it is the sum
/// @param bias whether a weight under [Model#BIAS_KEY] takes part in every example
public record LogisticRegression(TableSpec table, boolean mean, boolean bias) implements Model {
    public LogisticRegression {
        if (table.rowLength() != 1) {
            throw new IllegalArgumentException("logistic regression needs rows of one weight: dim=" + table.rowLength()
                    + ", table=" + table.name());
        }
    }

    /// As [Trainer#train].
    public static TrainingResult train(Weir weir, ExampleSource source, LrConfig config, ProgressListener listener) {
        return Trainer.train(weir, source, config.model(), config.training(), listener);
    }

    @Override
    public List<TableSpec> tables() {
        return List.of(table);
    }

    @Override
    public LogisticRegression named(String name) {
        return new LogisticRegression(table.named(name), mean, bias);
    }

    @Override
    public int marginCount() {
        return 1;
    }

    @Override
    public Learner learner(String source) {
        return new LogisticLearner(bias, source);
    }
}
