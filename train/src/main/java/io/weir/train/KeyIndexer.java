package io.weir.train;

import java.util.Arrays;

/// Finds the distinct keys of a batch and numbers them in order of first appearance, so that each row crosses to the
/// servers once. Confined, reused from batch to batch.
///
/// An open-addressing table with linear probing. Entry `e` is two words side by side, `table[2e]` the key and
/// `table[2e + 1]` the stamp of the batch that wrote it above the key's number; an entry with an older stamp is free,
/// so that clearing costs nothing. The table is at most five eighths full and grows with the number of distinct keys,
/// not of features. The place is the upper part of the key times 2^64 divided by the golden ratio (Knuth, *The Art of
/// Computer Programming* 3, section 6.4), which spreads the runs and strides that keys are made of.
public final class KeyIndexer {
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;
    private static final int FIRST_CAPACITY = 1024;

    private long[] table = new long[2 * FIRST_CAPACITY];
    private long[] uniqueKeys = new long[FIRST_CAPACITY / 2];
    private int[] indices = new int[FIRST_CAPACITY];
    private int uniqueCount;
    private int stamp = 1;

    /// Distinct keys since they were last forgotten.
    public int uniqueCount() {
        return uniqueCount;
    }

    /// The distinct keys, at least one longer than [#uniqueCount]; shared.
    public long[] uniqueKeys() {
        return uniqueKeys;
    }

    /// For each of the keys that came last the number that it has; shared.
    public int[] indices() {
        return indices;
    }

    /// Numbers the first `count` of `keys`, from 0 on.
    public void index(long[] keys, int count) {
        clear();
        append(keys, count);
        if (uniqueCount == uniqueKeys.length) {
            uniqueKeys = Arrays.copyOf(uniqueKeys, 2 * uniqueCount);
        }
    }

    /// Numbers the keys of a batch.
    ///
    /// @param bias whether the bias key stands behind them in [#uniqueKeys], with the number after theirs
    /// @param name of the examples
    /// @return the distinct keys, that of the bias among them
    /// @throws InputException if it is among those of the batch
    int index(ExampleBatch batch, boolean bias, String name) {
        index(batch.keys(), batch.featureCount());
        if (!bias) {
            return uniqueCount;
        }
        requireNoBiasKey(name);
        uniqueKeys[uniqueCount] = Model.BIAS_KEY;
        return uniqueCount + 1;
    }

    /// Forgets all keys.
    public void clear() {
        if (++stamp == Integer.MAX_VALUE) {
            Arrays.fill(table, 0);
            stamp = 1;
        }
        uniqueCount = 0;
    }

    /// Numbers the first `count` of `keys`; those that are there already keep their numbers.
    public void append(long[] keys, int count) {
        if (indices.length < count) {
            indices = new int[Math.max(count, 2 * indices.length)];
        }
        int done = 0;
        while ((done = indexUntilFull(keys, done, count)) < count) {
            grow();
        }
    }

    /// @param name of the examples
    /// @throws InputException if the bias key is among the keys of the last batch
    public void requireNoBiasKey(String name) {
        for (int i = 0; i < uniqueCount; i++) {
            if (uniqueKeys[i] == Model.BIAS_KEY) {
                throw new InputException(name + ": the index " + Long.toUnsignedString(Model.BIAS_KEY)
                        + " is the bias and cannot be a feature");
            }
        }
    }

    private int indexUntilFull(long[] keys, int from, int count) {
        long[] table = this.table;
        long[] uniqueKeys = this.uniqueKeys;
        int[] indices = this.indices;
        int mask = table.length - 2;
        int shift = Long.numberOfLeadingZeros(mask);
        long stamp = (long) this.stamp << 32;
        int unique = uniqueCount;
        int most = Math.min(mostKeys(table.length), uniqueKeys.length);
        int i = from;
        for (; i < count; i++) {
            long key = keys[i];
            int at = (int) ((key * GOLDEN) >>> shift) & mask;
            long tag;
            while (((tag = table[at + 1]) & 0xffffffff00000000L) == stamp && table[at] != key) {
                at = (at + 2) & mask;
            }
            if ((tag & 0xffffffff00000000L) != stamp) {
                if (unique == most) {
                    break;
                }
                table[at] = key;
                tag = stamp | unique;
                table[at + 1] = tag;
                uniqueKeys[unique++] = key;
            }
            indices[i] = (int) tag;
        }
        uniqueCount = unique;
        return i;
    }

    /// Keys that a table of this length may hold: five for eight entries. Fuller is slower to probe, emptier wider in
    /// the cache.
    private static int mostKeys(int length) {
        return length / 16 * 5;
    }

    private void grow() {
        if (uniqueCount == uniqueKeys.length) {
            uniqueKeys = Arrays.copyOf(uniqueKeys, Math.multiplyExact(uniqueCount, 2));
        }
        if (uniqueCount < mostKeys(table.length)) {
            return;
        }
        long[] grown = new long[Math.multiplyExact(table.length, 2)];
        int mask = grown.length - 2;
        int shift = Long.numberOfLeadingZeros(mask);
        for (int unique = 0; unique < uniqueCount; unique++) {
            int at = (int) ((uniqueKeys[unique] * GOLDEN) >>> shift) & mask;
            while (grown[at + 1] != 0) {
                at = (at + 2) & mask;
            }
            grown[at] = uniqueKeys[unique];
            grown[at + 1] = (long) stamp << 32 | unique;
        }
        table = grown;
    }
}
