package io.weir.train;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.ExampleSource.Share;
import java.time.Duration;
import java.util.Objects;

/// How a logistic regression is trained. Immutable.
///
/// @param table with rows of one weight each; created if it is not there
/// @param run name of the run
/// @param continued whether a finished run may be taken up again
/// @param batch examples in a minibatch
/// @param mean whether the gradient of a batch is the mean over its examples; otherwise it is the sum
/// @param bias whether a weight under the key [#BIAS_KEY] takes part in every example
/// @param passes over the examples
/// @param shuffle whether the examples come in random order; see [ShuffledSource]
/// @param seed of the shuffling
/// @param workers threads of this process
/// @param share which process of how many this one is
/// @param progressInterval time between two calls of the [ProgressListener]
public record LrConfig(
        TableSpec table,
        String run,
        boolean continued,
        int batch,
        boolean mean,
        boolean bias,
        int passes,
        boolean shuffle,
        long seed,
        int workers,
        Share share,
        Duration progressInterval) {
    /// The key of the bias weight: the greatest unsigned one. A feature of this index is refused if there is a bias.
    public static final long BIAS_KEY = -1L;

    /// Greatest batch.
    public static final int MAX_BATCH = 1 << 20;

    public LrConfig {
        Objects.requireNonNull(run, "run");
        Objects.requireNonNull(share, "share");
        Objects.requireNonNull(progressInterval, "progressInterval");
        if (table.rowLength() != 1) {
            throw new IllegalArgumentException("logistic regression needs rows of one weight: dim=" + table.rowLength()
                    + ", table=" + table.name());
        }
        requireWithin("batch", batch, MAX_BATCH);
        requireWithin("passes", passes, Integer.MAX_VALUE);
        requireWithin("workers", workers, 1024);
        if (progressInterval.isNegative() || progressInterval.isZero()) {
            throw new IllegalArgumentException(
                    "progress interval must be above 0: progressInterval=" + progressInterval);
        }
    }

    private static void requireWithin(String name, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(name + " must be from 1 to " + most + ": " + name + "=" + value);
        }
    }

    /// One worker, batches of 256 examples summed, one pass in the order of the source, no bias, the run named as the
    /// table.
    public static LrConfig of(String table, OptimizerSpec optimizer) {
        return of(TableSpec.embedding(table, 1, optimizer));
    }

    /// As [#of(String, OptimizerSpec)], with a table of any initial row.
    public static LrConfig of(TableSpec table) {
        return new LrConfig(
                table, table.name(), false, 256, false, false, 1, false, 1, 1, Share.ALL, Duration.ofMillis(250));
    }

    public LrConfig withRun(String run, boolean continued) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withBatch(int batch) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withMean(boolean mean) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withBias(boolean bias) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withPasses(int passes) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withShuffle(boolean shuffle, long seed) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withWorkers(int workers) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withShare(Share share) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }

    public LrConfig withProgressInterval(Duration progressInterval) {
        return new LrConfig(
                table, run, continued, batch, mean, bias, passes, shuffle, seed, workers, share, progressInterval);
    }
}
