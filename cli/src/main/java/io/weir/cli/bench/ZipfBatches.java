package io.weir.cli.bench;

import io.weir.model.Keys;
import java.util.Arrays;
import java.util.SplittableRandom;

/// Batches of distinct keys, drawn by a Zipf law without replacement. Immutable; equal arguments give equal batches on
/// every platform.
///
/// The key of popularity rank `k` (from 1) is drawn with weight `k^-exponent`. Ranks are spread over records by a
/// random permutation, so hot records are not neighbours; a key is the mixed ordinal of its record, so keys spread
/// over all 64 bits.
///
/// A batch takes one draw after the other and skips what it has already: successive sampling without replacement. Draws
/// come from an alias table (*A Linear Algorithm for Generating Random Numbers with a Given Distribution*, IEEE
/// Transactions on Software Engineering 17 (1991)) in constant time, exact up to the rounding of its probabilities.
/// When a batch holds a large part of all keys, skipping would take for ever; then every rank gets an exponential
/// arrival time of its weight and the earliest ones make the batch, which is the same law (*Weighted random sampling
/// with a reservoir*, Information Processing Letters 97 (2006)).
public final class ZipfBatches {
    /// A batch larger than this part of all keys is drawn by arrival times.
    private static final int SKIPPING_PART = 4;

    private final int keyCount;
    private final long[][] ordinals;
    private final long[][] keys;

    private ZipfBatches(int keyCount, long[][] ordinals, long[][] keys) {
        this.keyCount = keyCount;
        this.ordinals = ordinals;
        this.keys = keys;
    }

    /// Draws `count` batches of `batchLength` keys out of `keyCount`.
    ///
    /// @param exponent of the law, 0 or more; 0 is uniform
    public static ZipfBatches draw(int keyCount, int batchLength, double exponent, int count, long seed) {
        if (batchLength < 1 || batchLength > keyCount) {
            throw new IllegalArgumentException(
                    "batch must hold 1 to all keys: batch=" + batchLength + ", keys=" + keyCount);
        }
        if (!(exponent >= 0) || exponent > 20) {
            throw new IllegalArgumentException("zipf exponent must be 0 to 20: zipf=" + exponent);
        }
        if (count < 1) {
            throw new IllegalArgumentException("there must be a batch: count=" + count);
        }
        SplittableRandom random = new SplittableRandom(seed);
        double[] weights = new double[keyCount];
        for (int rank = 0; rank < keyCount; rank++) {
            weights[rank] = StrictMath.pow(rank + 1.0, -exponent);
        }
        int[] ordinalOfRank = permutation(keyCount, random.split());
        long[][] ordinals = new long[count][batchLength];
        if (batchLength > keyCount / SKIPPING_PART) {
            drawByArrival(weights, random, ordinals);
        } else {
            drawBySkipping(weights, random, ordinals);
        }
        long[][] keys = new long[count][batchLength];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < batchLength; j++) {
                ordinals[i][j] = ordinalOfRank[(int) ordinals[i][j]];
                keys[i][j] = keyOf(ordinals[i][j]);
            }
        }
        return new ZipfBatches(keyCount, ordinals, keys);
    }

    private static void drawBySkipping(double[] weights, SplittableRandom random, long[][] ranks) {
        int n = weights.length;
        double sum = 0;
        for (int rank = n - 1; rank >= 0; rank--) {
            sum += weights[rank];
        }
        double[] threshold = new double[n];
        int[] alias = new int[n];
        int[] stack = new int[n];
        int small = 0;
        int large = n;
        for (int rank = 0; rank < n; rank++) {
            threshold[rank] = weights[rank] / sum * n;
            alias[rank] = rank;
            if (threshold[rank] < 1) {
                stack[small++] = rank;
            } else {
                stack[--large] = rank;
            }
        }
        while (small > 0 && large < n) {
            int below = stack[--small];
            int above = stack[large];
            alias[below] = above;
            threshold[above] -= 1 - threshold[below];
            if (threshold[above] < 1) {
                large++;
                stack[small++] = above;
            }
        }
        // What rounding left over stands for itself.
        while (small > 0) {
            threshold[stack[--small]] = 1;
        }
        while (large < n) {
            threshold[stack[large++]] = 1;
        }

        int[] lastBatch = new int[n];
        for (int i = 0; i < ranks.length; i++) {
            long[] batch = ranks[i];
            for (int filled = 0; filled < batch.length; ) {
                int bucket = random.nextInt(n);
                int rank = random.nextDouble() < threshold[bucket] ? bucket : alias[bucket];
                if (lastBatch[rank] != i + 1) {
                    lastBatch[rank] = i + 1;
                    batch[filled++] = rank;
                }
            }
        }
    }

    private static void drawByArrival(double[] weights, SplittableRandom random, long[][] ranks) {
        double[] arrivals = new double[weights.length];
        for (long[] batch : ranks) {
            for (int rank = 0; rank < weights.length; rank++) {
                arrivals[rank] = -StrictMath.log(1 - random.nextDouble()) / weights[rank];
            }
            double[] sorted = arrivals.clone();
            Arrays.sort(sorted);
            double last = sorted[batch.length - 1];
            int filled = 0;
            for (int rank = 0; rank < weights.length && filled < batch.length; rank++) {
                if (arrivals[rank] <= last) {
                    batch[filled++] = rank;
                }
            }
            shuffle(batch, random);
        }
    }

    private static void shuffle(long[] values, SplittableRandom random) {
        for (int i = values.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            long value = values[i];
            values[i] = values[j];
            values[j] = value;
        }
    }

    private static int[] permutation(int length, SplittableRandom random) {
        int[] values = new int[length];
        for (int i = 0; i < length; i++) {
            int j = random.nextInt(i + 1);
            values[i] = values[j];
            values[j] = i;
        }
        return values;
    }

    /// The key of the record with this ordinal.
    public static long keyOf(long ordinal) {
        return Keys.mix(ordinal);
    }

    /// All ordinals, `0 … keyCount - 1`, in an order drawn from `seed`: the order to preload rows in.
    public int[] preloadOrder(long seed) {
        return permutation(keyCount, new SplittableRandom(seed));
    }

    /// Keys that batches are drawn from.
    public int keyCount() {
        return keyCount;
    }

    /// Batches drawn.
    public int count() {
        return keys.length;
    }

    /// Keys in a batch.
    public int batchLength() {
        return keys[0].length;
    }

    /// The keys of batch `index`, shared.
    public long[] keys(int index) {
        return keys[index];
    }

    /// The ordinals of the records of batch `index`, in the order of [#keys], shared.
    public long[] ordinals(int index) {
        return ordinals[index];
    }
}
