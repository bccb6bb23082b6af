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
    /// Floats that are gathered on the heap: half of a first-level cache.
    private static final int STAGED_FLOATS = 4096;

    private int[] shards = new int[0];
    private int[] positions = new int[0];
    private int[] starts = new int[0];

    // Made when rows first go through them: many calls have none.
    private float[] outStaged = new float[0];
    private float[] inStaged = new float[0];
    private boolean inOrder;

    /// Groups `count` keys from `keys[from]`.
    void group(long[] keys, int from, int count, int shardCount) {
        inOrder = shardCount == 1;
        if (starts.length < shardCount + 2) {
            starts = new int[shardCount + 2];
        }
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
        place(count, shardCount);
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
        place(count, shardCount);
    }

    private void place(int count, int shardCount) {
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
    /// Rows are gathered on the heap first: one long copy out of it costs less than many short ones.
    ///
    /// @param floats the frame as floats
    /// @param at where the first row goes, in floats
    void putRows(float[] rows, int from, int rowLength, int start, int end, FloatBuffer floats, int at) {
        if (inOrder || rowLength > STAGED_FLOATS / 2) {
            putRowByRow(rows, from, rowLength, start, end, floats, at);
            return;
        }
        if (outStaged.length == 0) {
            outStaged = new float[STAGED_FLOATS];
        }
        float[] staged = outStaged;
        int[] positions = this.positions;
        int most = STAGED_FLOATS / rowLength;
        for (int first = start; first < end; first += most) {
            int last = Math.min(end, first + most);
            int to = 0;
            if (rowLength == 1) {
                for (int i = first; i < last; i++) {
                    staged[to++] = rows[from + positions[i]];
                }
            } else {
                for (int i = first; i < last; i++) {
                    System.arraycopy(rows, from + positions[i] * rowLength, staged, to, rowLength);
                    to += rowLength;
                }
            }
            floats.put(at, staged, 0, to);
            at += to;
        }
    }

    private void putRowByRow(float[] rows, int from, int rowLength, int start, int end, FloatBuffer floats, int at) {
        if (inOrder) {
            floats.put(at, rows, from + start * rowLength, (end - start) * rowLength);
            return;
        }
        for (int i = start; i < end; i++) {
            floats.put(at, rows, from + positions[i] * rowLength, rowLength);
            at += rowLength;
        }
    }

    /// Copies `count` rows of an answer, which are those of the sorted indices from `first` on, to where their keys
    /// stood. Guarded by the call's lock.
    void scatter(FloatBuffer source, int at, int first, int count, float[] rows, int from, int rowLength) {
        if (inOrder || rowLength > STAGED_FLOATS / 2) {
            scatterRowByRow(source, at, first, count, rows, from, rowLength);
            return;
        }
        if (inStaged.length == 0) {
            inStaged = new float[STAGED_FLOATS];
        }
        float[] staged = inStaged;
        int[] positions = this.positions;
        int most = STAGED_FLOATS / rowLength;
        for (int done = 0; done < count; done += most) {
            int part = Math.min(count - done, most);
            source.get(at + done * rowLength, staged, 0, part * rowLength);
            int begin = first + done;
            if (rowLength == 1) {
                for (int i = 0; i < part; i++) {
                    rows[from + positions[begin + i]] = staged[i];
                }
            } else {
                int next = 0;
                for (int i = begin; i < begin + part; i++) {
                    System.arraycopy(staged, next, rows, from + positions[i] * rowLength, rowLength);
                    next += rowLength;
                }
            }
        }
    }

    private void scatterRowByRow(
            FloatBuffer source, int at, int first, int count, float[] rows, int from, int rowLength) {
        if (inOrder) {
            source.get(at, rows, from + first * rowLength, count * rowLength);
            return;
        }
        for (int i = first; i < first + count; i++) {
            source.get(at, rows, from + positions[i] * rowLength, rowLength);
            at += rowLength;
        }
    }
}
