package io.weir.train;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.util.List;

/// A softmax regression: the weights of a key, one for each class, are its row in an embedding table. Immutable.
///
/// With the rows `W`, an example has the margins `z = Σ x_key · W[key]` and the probabilities `e^(z_i) / Σ e^(z_j)`,
/// and its gradient for a key is `(p − y) · x_key`, with `y` 1 at the label and 0 elsewhere; gradients are means over
/// the batch. Of sparse batches everything is computed in double, in the order of the examples, and rounded where it is
/// pushed; of dense ones margins and gradients are products of matrices of floats, see
/// [io.weir.kernel.MatrixProduct].
///
/// @param table with rows as long as there are classes, at least 2
/// @param bias whether the row under [Model#BIAS_KEY] takes part in every example
public record SoftmaxRegression(TableSpec table, boolean bias) implements Model {
    public SoftmaxRegression {
        if (table.rowLength() < 2) {
            throw new IllegalArgumentException(
                    "softmax regression needs rows of one weight for each of 2 or more classes:" + " dim="
                            + table.rowLength() + ", table=" + table.name());
        }
    }

    /// Weights that are 0 at first.
    public static SoftmaxRegression of(String table, int classCount, OptimizerSpec optimizer, boolean bias) {
        return new SoftmaxRegression(TableSpec.embedding(table, classCount, optimizer), bias);
    }

    @Override
    public List<TableSpec> tables() {
        return List.of(table);
    }

    @Override
    public boolean mean() {
        return true;
    }

    @Override
    public SoftmaxRegression named(String name) {
        return new SoftmaxRegression(table.named(name), bias);
    }

    @Override
    public int marginCount() {
        return table.rowLength();
    }

    @Override
    public Learner learner(String source) {
        return new SoftmaxLearner(table.shape(), bias, source);
    }
}
