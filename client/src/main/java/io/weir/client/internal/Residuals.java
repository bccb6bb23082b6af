package io.weir.client.internal;

import java.util.Arrays;

/// What compressed pushes of one table view have left out so far: a row of floats for each key, or for each block of a
/// tensor. Guarded by the lock of the session's streams.
///
/// Keys are found by open addressing with linear probing; rows lie in chunks that are never moved. A full store gives
/// the oldest row to the next key: what it held is lost.
final class Residuals {
    /// Bytes of rows that the residuals of an embedding table may take.
    static final long MAX_BYTES = 256L << 20;

    private static final int CHUNK_FLOATS = 1 << 16;

    private final int rowLength;
    private final int maxRows;
    private final int rowsPerChunk;
    private float[][] chunks = new float[4][];
    private long[] keyOfRow = new long[16];

    /// By place in the table: row plus 1, or 0 where nothing is.
    private int[] places = new int[32];

    private int rowCount;
    private int oldest;
    private boolean full;

    /// @param maxRows at least 1
    Residuals(int rowLength, int maxRows) {
        this.rowLength = rowLength;
        this.maxRows = maxRows;
        this.rowsPerChunk = Math.max(1, CHUNK_FLOATS / rowLength);
    }

    /// Rows that are kept.
    int rowCount() {
        return rowCount;
    }

    /// Adds what is kept of a part of a row to `values`, and keeps nothing of it any more. A sum beyond the greatest
    /// float is that.
    void take(long key, int start, int length, float[] values, int at) {
        int row = rowOf(key);
        if (row < 0) {
            return;
        }
        float[] chunk = chunks[row / rowsPerChunk];
        int from = row % rowsPerChunk * rowLength + start;
        for (int i = 0; i < length; i++) {
            float sum = values[at + i] + chunk[from + i];
            values[at + i] = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, sum));
        }
        Arrays.fill(chunk, from, from + length, 0);
    }

    /// Keeps what was left of a part of a row, beside what is kept of it.
    void keep(long key, int start, int length, float[] left, int at) {
        int row = rowOf(key);
        if (row < 0) {
            if (isZero(left, at, length)) {
                return;
            }
            row = newRow(key);
        }
        float[] chunk = chunks[row / rowsPerChunk];
        int from = row % rowsPerChunk * rowLength + start;
        for (int i = 0; i < length; i++) {
            chunk[from + i] += left[at + i];
        }
    }

    private static boolean isZero(float[] values, int at, int length) {
        int bits = 0;
        for (int i = at; i < at + length; i++) {
            bits |= Float.floatToRawIntBits(values[i]) << 1;
        }
        return bits == 0;
    }

    private int homeOf(long key) {
        long mixed = key * 0x9e3779b97f4a7c15L;
        return (int) (mixed >>> 32) & places.length - 1;
    }

    private int rowOf(long key) {
        int mask = places.length - 1;
        int place = homeOf(key);
        while (places[place] != 0) {
            int row = places[place] - 1;
            if (keyOfRow[row] == key) {
                return row;
            }
            place = place + 1 & mask;
        }
        return -1;
    }

    private int newRow(long key) {
        int row;
        if (full || rowCount == maxRows) {
            full = true;
            row = oldest;
            oldest = oldest + 1 == rowCount ? 0 : oldest + 1;
            remove(keyOfRow[row]);
            int from = row % rowsPerChunk * rowLength;
            Arrays.fill(chunks[row / rowsPerChunk], from, from + rowLength, 0);
        } else {
            row = rowCount++;
            grow(row);
        }
        keyOfRow[row] = key;
        insert(row);
        return row;
    }

    private void grow(int row) {
        if (row == keyOfRow.length) {
            keyOfRow = Arrays.copyOf(keyOfRow, 2 * row);
        }
        int chunk = row / rowsPerChunk;
        if (chunk == chunks.length) {
            chunks = Arrays.copyOf(chunks, 2 * chunk);
        }
        if (chunks[chunk] == null) {
            chunks[chunk] = new float[Math.min(rowsPerChunk, maxRows) * rowLength];
        }
        if (2 * rowCount > places.length) {
            places = new int[2 * places.length];
            for (int other = 0; other < row; other++) {
                insert(other);
            }
        }
    }

    private void insert(int row) {
        int mask = places.length - 1;
        int place = homeOf(keyOfRow[row]);
        while (places[place] != 0) {
            place = place + 1 & mask;
        }
        places[place] = row + 1;
    }

    /// Takes a key out and moves those behind it up that would not be found over the gap.
    private void remove(long key) {
        int mask = places.length - 1;
        int gap = homeOf(key);
        while (keyOfRow[places[gap] - 1] != key) {
            gap = gap + 1 & mask;
        }
        int place = gap;
        while (true) {
            place = place + 1 & mask;
            if (places[place] == 0) {
                break;
            }
            int home = homeOf(keyOfRow[places[place] - 1]);
            if ((place - home & mask) >= (place - gap & mask)) {
                places[gap] = places[place];
                gap = place;
            }
        }
        places[gap] = 0;
    }
}
