package io.weir.train;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.util.Objects;
import java.util.function.UnaryOperator;

/// How a logistic regression is trained. Immutable.
///
/// @param table with rows of one weight each; created if it is not there
/// @param training what it has in common with the training of other models
/// @param mean whether the gradient of a batch, and in a synchronous run of a step, is the mean; otherwise it is the
/// sum
/// @param bias whether a weight under the key [#BIAS_KEY] takes part in every example
public record LrConfig(TableSpec table, TrainingConfig training, boolean mean, boolean bias) {
    /// The key of the bias weight: the greatest unsigned one. A feature of this index is refused if there is a bias.
    public static final long BIAS_KEY = -1L;

    public LrConfig {
        Objects.requireNonNull(training, "training");
        if (table.rowLength() != 1) {
            throw new IllegalArgumentException("logistic regression needs rows of one weight: dim=" + table.rowLength()
                    + ", table=" + table.name());
        }
    }

    /// One worker, asynchronous, batches of 256 examples summed, one pass in the order of the source, no bias, the run
    /// named as the table.
    public static LrConfig of(String table, OptimizerSpec optimizer) {
        return of(TableSpec.embedding(table, 1, optimizer));
    }

    /// As [#of(String, OptimizerSpec)], with a table of any initial row.
    public static LrConfig of(TableSpec table) {
        return new LrConfig(table, TrainingConfig.of(table.name()), false, false);
    }

    public LrConfig withTable(TableSpec table) {
        return new LrConfig(table, training, mean, bias);
    }

    /// The same with another training: `config.with(training -> training.withBatch(64).withPasses(3))`.
    public LrConfig with(UnaryOperator<TrainingConfig> change) {
        return new LrConfig(table, change.apply(training), mean, bias);
    }

    public LrConfig withMean(boolean mean) {
        return new LrConfig(table, training, mean, bias);
    }

    public LrConfig withBias(boolean bias) {
        return new LrConfig(table, training, mean, bias);
    }
}
