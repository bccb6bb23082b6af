package io.weir.kernel;

import static io.weir.kernel.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;

/// The rows of a dense matrix of floats, row-major in an array, and one row more. Lanes run along the rows: vector
/// and scalar forms add in the same order and agree bit for bit.
public final class MatrixRows {
    private MatrixRows() {}

    /// Adds `row` to each of `rows` rows.
    ///
    /// @param matrix `rows × columns`
    public static void add(float[] matrix, int rows, int columns, float[] row) {
        require(matrix, rows, columns, row);
        int bound = WIDE.loopBound(columns);
        for (int i = 0; i < rows; i++) {
            int from = i * columns;
            for (int j = 0; j < bound; j += WIDE.length()) {
                FloatVector.fromArray(WIDE, matrix, from + j)
                        .add(FloatVector.fromArray(WIDE, row, j))
                        .intoArray(matrix, from + j);
            }
            for (int j = bound; j < columns; j++) {
                matrix[from + j] += row[j];
            }
        }
    }

    /// As [#add], one float at a time: the oracle.
    static void addScalar(float[] matrix, int rows, int columns, float[] row) {
        require(matrix, rows, columns, row);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                matrix[i * columns + j] += row[j];
            }
        }
    }

    /// Puts into `row` the sum of the rows, added in their order to 0.
    ///
    /// @param matrix `rows × columns`
    public static void sum(float[] matrix, int rows, int columns, float[] row) {
        require(matrix, rows, columns, row);
        int bound = WIDE.loopBound(columns);
        for (int j = 0; j < bound; j += WIDE.length()) {
            var sum = FloatVector.zero(WIDE);
            for (int i = 0; i < rows; i++) {
                sum = sum.add(FloatVector.fromArray(WIDE, matrix, i * columns + j));
            }
            sum.intoArray(row, j);
        }
        sumScalar(matrix, rows, columns, row, bound);
    }

    /// As [#sum], one float at a time, from column `from`: the oracle.
    static void sumScalar(float[] matrix, int rows, int columns, float[] row, int from) {
        for (int j = from; j < columns; j++) {
            float sum = 0f;
            for (int i = 0; i < rows; i++) {
                sum += matrix[i * columns + j];
            }
            row[j] = sum;
        }
    }

    private static void require(float[] matrix, int rows, int columns, float[] row) {
        if (rows < 0 || columns < 0 || (long) rows * columns > matrix.length || columns > row.length) {
            throw new IndexOutOfBoundsException("rows must lie within their array: rows=" + rows + ", columns="
                    + columns + ", length=" + matrix.length + ", rowLength=" + row.length);
        }
    }
}
