package io.weir.table;

import io.weir.model.Keys;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Which keys of a push are the same. Used only where a push has repeats or keys without a row; reused from
/// push to push, and grown to the largest. Confined to its store.
///
/// Each distinct key is a chain of its positions in order of appearance.
final class Repeats {
    private static final int NONE = -1;
    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Hash buckets, open addressing: position of the first occurrence plus one, or 0.
    private int[] buckets = new int[0];

    /// By position of a first occurrence: the last one so far. [#NONE] for all others.
    private int[] lasts = new int[0];

    /// By position: the next occurrence of the same key, or [#NONE].
    private int[] nexts = new int[0];

    /// Takes in the keys of one push.
    void collect(MemorySegment keys, long keysOffset, int count) {
        if (nexts.length < count) {
            int length = TableStore.grownLength(count);
            nexts = new int[length];
            lasts = new int[length];
            buckets = new int[2 * Integer.highestOneBit(Math.max(1, length - 1)) * 2];
        }
        int mask = 2 * Integer.highestOneBit(Math.max(1, count - 1)) * 2 - 1;
        Arrays.fill(buckets, 0, mask + 1, 0);
        for (int i = 0; i < count; i++) {
            long key = keys.get(KEY, keysOffset + (long) i * Long.BYTES);
            long mix = Keys.mix(key);
            int bucket = (int) (mix ^ (mix >>> 32)) & mask;
            nexts[i] = NONE;
            lasts[i] = NONE;
            while (true) {
                int first = buckets[bucket] - 1;
                if (first < 0) {
                    buckets[bucket] = i + 1;
                    lasts[i] = i;
                    break;
                }
                if (keys.get(KEY, keysOffset + (long) first * Long.BYTES) == key) {
                    nexts[lasts[first]] = i;
                    lasts[first] = i;
                    break;
                }
                bucket = (bucket + 1) & mask;
            }
        }
    }

    boolean isFirst(int position) {
        return lasts[position] != NONE;
    }

    boolean isRepeated(int firstPosition) {
        return nexts[firstPosition] != NONE;
    }

    /// The next position with the same key, below 0 if there is none.
    int next(int position) {
        return nexts[position];
    }

    long heapBytes() {
        return ((long) buckets.length + lasts.length + nexts.length) * Integer.BYTES;
    }
}
