package io.weir.client.internal;

import io.weir.client.TableInfo;
import io.weir.model.Keys;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;

/// Which keys of a call go to which shard: positions in the caller's array, sorted by shard, in order of appearance
/// within each. Two passes over the keys (count, place), no allocation once the arrays have grown. Confined to the
/// thread that starts the call until it is started, then read-only.
final class Grouping {
    private static final int BULK_FLOATS = 6;

    private int[] shards = new int[0];
    private int[] positions = new int[0];
    private int[] starts = new int[0];
    private int shardCount;
    private boolean inOrder;

    /// Groups `count` keys from `keys[from]`.
    void group(long[] keys, int from, int count, int shardCount) {
        inOrder = shardCount == 1;
        if (starts.length < shardCount + 2) {
            starts = new int[shardCount + 2];
        }
        this.shardCount = shardCount;
        if (inOrder) {
            starts[0] = 0;
            starts[1] = count;
            return;
        }
        if (positions.length < count) {
            int capacity = Math.max(count, Math.min(2 * positions.length, Integer.MAX_VALUE - 8));
            positions = new int[capacity];
            shards = new int[capacity];
        }
        int[] starts = this.starts;
        int[] shards = this.shards;
        Arrays.fill(starts, 0, shardCount + 2, 0);
        for (int i = 0; i < count; i++) {
            int shard = Keys.shardOf(keys[from + i], shardCount);
            shards[i] = shard;
            starts[shard + 2]++;
        }
        place(count);
    }

    /// Groups the first `count` keys, which are blocks of a dense table.
    void groupBlocks(long[] keys, int count, int shardCount, TableInfo table) {
        group(keys, 0, count, shardCount);
        if (inOrder) {
            return;
        }
        Arrays.fill(starts, 0, shardCount + 2, 0);
        for (int i = 0; i < count; i++) {
            shards[i] = table.spec().shape().shardOf(keys[i], table.id(), shardCount);
            starts[shards[i] + 2]++;
        }
        place(count);
    }

    private void place(int count) {
        int[] shards = this.shards;
        int[] positions = this.positions;
        int[] starts = this.starts;
        for (int s = 2; s <= shardCount; s++) {
            starts[s] += starts[s - 1];
        }
        for (int i = 0; i < count; i++) {
            positions[starts[shards[i] + 1]++] = i;
        }
    }

    /// Where in the caller's array the key with this index in the sorted order stands.
    int position(int index) {
        return inOrder ? index : positions[index];
    }

    /// Index in the sorted order of the first key of a shard.
    int startOf(int shard) {
        return starts[shard];
    }

    /// Index in the sorted order behind the last key of a shard.
    int endOf(int shard) {
        return starts[shard + 1];
    }

    /// Shards of the last grouping.
    int shardCount() {
        return shardCount;
    }

    /// Writes the keys from sorted index `start` to `end` into a frame.
    void putKeys(long[] keys, int from, int start, int end, ByteBuffer frame, int at) {
        if (inOrder) {
            for (int i = start; i < end; i++) {
                frame.putLong(at, keys[from + i]);
                at += Long.BYTES;
            }
            return;
        }
        int[] positions = this.positions;
        for (int i = start; i < end; i++) {
            frame.putLong(at, keys[from + positions[i]]);
            at += Long.BYTES;
        }
    }

    /// Writes the rows of the keys from sorted index `start` to `end` into a frame.
    ///
    /// @param floats the frame as floats
    /// @param at where the first row goes, in floats
    void putRows(float[] rows, int from, int rowLength, int start, int end, FloatBuffer floats, int at) {
        if (inOrder) {
            floats.put(at, rows, from + start * rowLength, (end - start) * rowLength);
            return;
        }
        int[] positions = this.positions;
        if (rowLength == 1) {
            for (int i = start; i < end; i++) {
                floats.put(at++, rows[from + positions[i]]);
            }
        } else if (rowLength < BULK_FLOATS) {
            for (int i = start; i < end; i++) {
                int row = from + positions[i] * rowLength;
                for (int j = 0; j < rowLength; j++) {
                    floats.put(at++, rows[row + j]);
                }
            }
        } else {
            for (int i = start; i < end; i++) {
                floats.put(at, rows, from + positions[i] * rowLength, rowLength);
                at += rowLength;
            }
        }
    }

    /// Copies `count` rows of an answer, which are those of the sorted indices from `first` on, to where their keys
    /// stood.
    void scatter(FloatBuffer source, int at, int first, int count, float[] rows, int from, int rowLength) {
        if (inOrder) {
            source.get(at, rows, from + first * rowLength, count * rowLength);
            return;
        }
        int[] positions = this.positions;
        int end = first + count;
        if (rowLength == 1) {
            for (int i = first; i < end; i++) {
                rows[from + positions[i]] = source.get(at++);
            }
        } else if (rowLength < BULK_FLOATS) {
            for (int i = first; i < end; i++) {
                int row = from + positions[i] * rowLength;
                for (int j = 0; j < rowLength; j++) {
                    rows[row + j] = source.get(at++);
                }
            }
        } else {
            for (int i = first; i < end; i++) {
                source.get(at, rows, from + positions[i] * rowLength, rowLength);
                at += rowLength;
            }
        }
    }
}
