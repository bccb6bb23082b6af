package io.weir.kvstore;

import java.util.Arrays;

/// Some rows of a matrix; all others are zeros. Shares its arrays: whoever hands it to an asynchronous call leaves them
/// alone until the result completes.
///
/// @param rowCount rows of the matrix
/// @param rowLength floats in a row
/// @param ids which rows are here, from 0; in a gradient they may repeat, and count together then
/// @param values the rows one after the other, `ids.length * rowLength` floats
@SuppressWarnings("ArrayRecordComponent") // Shared, see above.
public record KvRows(long rowCount, int rowLength, long[] ids, float[] values) {
    public KvRows {
        if (rowCount < 1 || rowLength < 1) {
            throw new IllegalArgumentException(
                    "sizes must be at least 1: rowCount=" + rowCount + ", rowLength=" + rowLength);
        }
        if (values.length != (long) ids.length * rowLength) {
            throw new IllegalArgumentException("values must be ids * rowLength floats: expected="
                    + (long) ids.length * rowLength + ", actual=" + values.length);
        }
        for (long id : ids) {
            requireRow(id, rowCount);
        }
    }

    static void requireRow(long id, long rowCount) {
        if (id < 0 || id >= rowCount) {
            throw new IllegalArgumentException(
                    "row must be from 0 to rowCount - 1: row=" + id + ", rowCount=" + rowCount);
        }
    }

    /// A matrix of zeros.
    public static KvRows empty(long rowCount, int rowLength) {
        return new KvRows(rowCount, rowLength, new long[0], new float[0]);
    }

    /// All rows of a matrix, row by row.
    public static KvRows dense(long rowCount, int rowLength, float... values) {
        long[] ids = new long[Math.toIntExact(rowCount)];
        Arrays.setAll(ids, i -> i);
        return new KvRows(rowCount, rowLength, ids, values);
    }

    /// Each row once, sorted; those that repeat are summed in their order.
    KvRows distinct() {
        long[] once = Arrays.stream(ids).sorted().distinct().toArray();
        float[] sums = new float[once.length * rowLength];
        for (int i = 0; i < ids.length; i++) {
            int row = Arrays.binarySearch(once, ids[i]);
            for (int j = 0; j < rowLength; j++) {
                sums[row * rowLength + j] += values[i * rowLength + j];
            }
        }
        return new KvRows(rowCount, rowLength, once, sums);
    }

    /// The whole matrix, zeros included; rows that repeat are summed.
    public KvArray toDense() {
        KvArray dense = KvArray.zeros(rowCount, rowLength);
        for (int i = 0; i < ids.length; i++) {
            for (int j = 0; j < rowLength; j++) {
                long at = ids[i] * rowLength + j;
                dense.set(at, dense.get(at) + values[i * rowLength + j]);
            }
        }
        return dense;
    }

    @Override
    public boolean equals(@org.jspecify.annotations.Nullable Object other) {
        return other instanceof KvRows rows
                && rowCount == rows.rowCount
                && rowLength == rows.rowLength
                && Arrays.equals(ids, rows.ids)
                && Arrays.equals(values, rows.values);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(ids) + Arrays.hashCode(values);
    }

    @Override
    public String toString() {
        return "KvRows[" + rowCount + ", " + rowLength + "] rows " + Arrays.toString(ids) + " "
                + Arrays.toString(values);
    }
}
