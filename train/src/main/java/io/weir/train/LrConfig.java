package io.weir.train;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.util.Objects;
import java.util.function.UnaryOperator;

/// A logistic regression and how it is trained. Immutable.
public record LrConfig(LogisticRegression model, TrainingConfig training) {
    public LrConfig {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(training, "training");
    }

    /// One worker, asynchronous, batches of 256 examples summed, one pass in the order of the source, no bias, the run
    /// named as the table.
    public static LrConfig of(String table, OptimizerSpec optimizer) {
        return of(TableSpec.embedding(table, 1, optimizer));
    }

    /// As [#of(String, OptimizerSpec)], with a table of any initial row.
    public static LrConfig of(TableSpec table) {
        return new LrConfig(new LogisticRegression(table, false, false), TrainingConfig.of(table.name()));
    }

    /// The table of the weights.
    public TableSpec table() {
        return model.table();
    }

    /// Whether gradients are means.
    public boolean mean() {
        return model.mean();
    }

    /// Whether there is a bias.
    public boolean bias() {
        return model.bias();
    }

    public LrConfig withTable(TableSpec table) {
        return new LrConfig(new LogisticRegression(table, mean(), bias()), training);
    }

    /// The same with another training: `config.with(training -> training.withBatch(64).withPasses(3))`.
    public LrConfig with(UnaryOperator<TrainingConfig> change) {
        return new LrConfig(model, change.apply(training));
    }

    public LrConfig withMean(boolean mean) {
        return new LrConfig(new LogisticRegression(table(), mean, bias()), training);
    }

    public LrConfig withBias(boolean bias) {
        return new LrConfig(new LogisticRegression(table(), mean(), bias), training);
    }
}
