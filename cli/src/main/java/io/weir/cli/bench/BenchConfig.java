package io.weir.cli.bench;

import io.weir.model.OptimizerSpec;
import java.time.Duration;
import java.util.Objects;

/// What `weir bench` runs with. Immutable.
///
/// @param keyCount rows of the table
/// @param dim floats of a row
/// @param batchLength keys of a batch; one for [BenchMode#SMALL]
/// @param zipf exponent of the law that keys are drawn by
/// @param inFlight calls that wait for their answer at a time; one for a tensor
/// @param shardCount shards of the server
/// @param denseLength floats of the tensor
/// @param warmups rounds that are not counted
/// @param repetitions rounds that are counted
/// @param duration of one contender's turn
/// @param embedded whether the server is in this process, without a socket
/// @param seed of batches, rows and gradients
public record BenchConfig(
        BenchMode mode,
        int keyCount,
        int dim,
        int batchLength,
        double zipf,
        int inFlight,
        int shardCount,
        int denseLength,
        int warmups,
        int repetitions,
        Duration duration,
        boolean embedded,
        long seed) {

    /// Fewest batches to draw: enough that none is still in a cache when it comes round again.
    static final int MIN_BATCH_COUNT = 512;

    private static final int MIN_DRAWN_KEYS = 1 << 16;

    public BenchConfig {
        Objects.requireNonNull(mode, "mode");
        Objects.requireNonNull(duration, "duration");
        requireWithin("keys", keyCount, 1, 1 << 28);
        requireWithin("dim", dim, 1, 4096);
        requireWithin("batch", batchLength, 1, keyCount);
        requireWithin("in-flight", inFlight, 1, 1024);
        requireWithin("shards", shardCount, 1, 65_536);
        requireWithin("dense length", denseLength, 1, 1 << 28);
        requireWithin("warm-ups", warmups, 0, 1000);
        requireWithin("repetitions", repetitions, 1, 10_000);
        if ((long) batchLength * dim > 1 << 28) {
            throw new IllegalArgumentException(
                    "a batch must hold at most 2^28 floats: batch=" + batchLength + ", dim=" + dim);
        }
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("duration must be above 0: duration=" + duration);
        }
        if (mode == BenchMode.SMALL) {
            batchLength = 1;
        }
        if (mode.isDense()) {
            inFlight = 1;
        }
    }

    /// What `weir bench` runs with unless told otherwise.
    public static BenchConfig defaults(BenchMode mode) {
        return new BenchConfig(
                mode, 1_000_000, 16, 10_000, 1.05, 1, 8, 1_000_000, 3, 5, Duration.ofMillis(700), false, 1);
    }

    /// The optimizer of the table: the same as that of the references.
    public OptimizerSpec.AdaGrad optimizer() {
        return new OptimizerSpec.AdaGrad(BareTable.RATE, BareTable.EPSILON);
    }

    /// Batches to draw.
    int batchCount() {
        return Math.max(MIN_BATCH_COUNT, MIN_DRAWN_KEYS / batchLength);
    }

    private static void requireWithin(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " must be " + least + " to " + most + ": " + name + "=" + value);
        }
    }
}
