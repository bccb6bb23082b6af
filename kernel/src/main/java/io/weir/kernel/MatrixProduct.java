package io.weir.kernel;

import static io.weir.kernel.Lanes.WIDE;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Products of dense matrices of floats, row-major in arrays. Confined: it keeps the buffers that it packs into.
///
/// An element of the product is `c ← fma(a, b, c)` over the depth in ascending order, from 0 or from what is there.
/// Lanes run along a row of the product, so none of them is ever added to another, and the vector form equals the
/// scalar one bit for bit, on every machine: `|ĉ − c| ≤ n·u / (1 − n·u) · Σ|a·b|` with the depth `n` and
/// `u = 2^-24` (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002, section 3.1; a fused
/// step rounds once).
///
/// The product is computed in tiles of [#TILE_ROWS] rows and [#TILE_COLUMNS] columns that stay in registers while they
/// run through [#DEPTH] elements of depth. Both factors are packed first, in the order in which the tiles read
/// them, transposed or not: a panel of the second stays in the first cache while all tiles of a block of the first one
/// pass over it (Goto and van de Geijn, *Anatomy of High-Performance Matrix Multiplication*, ACM Trans. Math. Softw.
/// 34 (2008), section 4).
public final class MatrixProduct {
    /// Rows of a tile.
    private static final int TILE_ROWS = 6;

    private static final int LANES = WIDE.length();

    /// Columns of a tile: two vectors.
    private static final int TILE_COLUMNS = 2 * LANES;

    /// Depth of a block: a panel of the second factor is 32 KiB at most.
    private static final int DEPTH = 256;

    /// Rows of a block: 96 KiB of the first factor.
    private static final int BLOCK_ROWS = 16 * TILE_ROWS;

    /// Columns of a block.
    private static final int BLOCK_COLUMNS = 16 * TILE_COLUMNS;

    private final float[] tile = new float[TILE_ROWS * TILE_COLUMNS];
    private float[] first = new float[0];
    private float[] second = new float[0];

    /// `C ← A · B`, or `C ← C + A · B`.
    ///
    /// @param a `rows × depth`
    /// @param b `depth × columns`
    /// @param c `rows × columns`, another array than `a` and `b`
    /// @param add whether to add to what is in `c`
    public void multiply(float[] a, float[] b, float[] c, int rows, int columns, int depth, boolean add) {
        require("a", a.length, rows, depth);
        require("b", b.length, depth, columns);
        require("c", c.length, rows, columns);
        multiply(a, depth, 1, b, columns, 1, c, rows, columns, depth, add);
    }

    /// `C ← A · Bᵀ`, or `C ← C + A · Bᵀ`.
    ///
    /// @param a `rows × depth`
    /// @param b `columns × depth`
    /// @param c `rows × columns`, another array than `a` and `b`
    /// @param add whether to add to what is in `c`
    public void multiplyTransposed(float[] a, float[] b, float[] c, int rows, int columns, int depth, boolean add) {
        require("a", a.length, rows, depth);
        require("b", b.length, columns, depth);
        require("c", c.length, rows, columns);
        multiply(a, depth, 1, b, 1, depth, c, rows, columns, depth, add);
    }

    /// `C ← Aᵀ · B`, or `C ← C + Aᵀ · B`.
    ///
    /// @param a `depth × rows`
    /// @param b `depth × columns`
    /// @param c `rows × columns`, another array than `a` and `b`
    /// @param add whether to add to what is in `c`
    public void transposedMultiply(float[] a, float[] b, float[] c, int rows, int columns, int depth, boolean add) {
        require("a", a.length, depth, rows);
        require("b", b.length, depth, columns);
        require("c", c.length, rows, columns);
        multiply(a, 1, rows, b, columns, 1, c, rows, columns, depth, add);
    }

    /// As the three products, one element at a time: the oracle. Element `(i, j)` of a factor is at
    /// `i · rowStride + j · columnStride`.
    static void multiplyScalar(
            float[] a,
            int aRowStride,
            int aColumnStride,
            float[] b,
            int bRowStride,
            int bColumnStride,
            float[] c,
            int rows,
            int columns,
            int depth,
            boolean add) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                float sum = add ? c[i * columns + j] : 0f;
                for (int p = 0; p < depth; p++) {
                    sum = Math.fma(a[i * aRowStride + p * aColumnStride], b[p * bRowStride + j * bColumnStride], sum);
                }
                c[i * columns + j] = sum;
            }
        }
    }

    private static void require(String name, int length, int rows, int columns) {
        if (rows < 0 || columns < 0 || (long) rows * columns > length) {
            throw new IndexOutOfBoundsException("matrix must lie within its array: matrix=" + name + ", rows=" + rows
                    + ", columns=" + columns + ", length=" + length);
        }
    }

    private void multiply(
            float[] a,
            int aRowStride,
            int aColumnStride,
            float[] b,
            int bRowStride,
            int bColumnStride,
            float[] c,
            int rows,
            int columns,
            int depth,
            boolean add) {
        if (depth == 0 && !add) {
            Arrays.fill(c, 0, rows * columns, 0f);
        }
        reserve(rows, columns, depth);
        for (int column = 0; column < columns; column += BLOCK_COLUMNS) {
            int blockColumns = Math.min(BLOCK_COLUMNS, columns - column);
            for (int from = 0; from < depth; from += DEPTH) {
                int blockDepth = Math.min(DEPTH, depth - from);
                packSecond(
                        b,
                        from * bRowStride + column * bColumnStride,
                        bRowStride,
                        bColumnStride,
                        blockColumns,
                        blockDepth);
                for (int row = 0; row < rows; row += BLOCK_ROWS) {
                    int blockRows = Math.min(BLOCK_ROWS, rows - row);
                    packFirst(
                            a,
                            row * aRowStride + from * aColumnStride,
                            aRowStride,
                            aColumnStride,
                            blockRows,
                            blockDepth);
                    multiplyBlock(
                            c, row * columns + column, columns, blockRows, blockColumns, blockDepth, add || from > 0);
                }
            }
        }
    }

    private void reserve(int rows, int columns, int depth) {
        int blockDepth = Math.min(DEPTH, depth);
        int firstLength = roundUp(Math.min(BLOCK_ROWS, rows), TILE_ROWS) * blockDepth;
        if (first.length < firstLength) {
            first = new float[firstLength];
        }
        int secondLength = roundUp(Math.min(BLOCK_COLUMNS, columns), TILE_COLUMNS) * blockDepth;
        if (second.length < secondLength) {
            second = new float[secondLength];
        }
    }

    private static int roundUp(int value, int unit) {
        return (value + unit - 1) / unit * unit;
    }

    /// Packs rows of the first factor: for each tile, for each depth, its [#TILE_ROWS] elements; what is missing to a
    /// whole tile is 0.
    private void packFirst(float[] a, int from, int rowStride, int columnStride, int rows, int depth) {
        pack(first, TILE_ROWS, a, from, rowStride, columnStride, rows, depth);
    }

    private void packSecond(float[] b, int from, int rowStride, int columnStride, int columns, int depth) {
        if (columnStride != 1) {
            pack(second, TILE_COLUMNS, b, from, columnStride, rowStride, columns, depth);
            return;
        }
        int at = 0;
        for (int column = 0; column < columns; column += TILE_COLUMNS) {
            int count = Math.min(TILE_COLUMNS, columns - column);
            for (int p = 0; p < depth; p++) {
                System.arraycopy(b, from + p * rowStride + column, second, at, count);
                for (int j = count; j < TILE_COLUMNS; j++) {
                    second[at + j] = 0f;
                }
                at += TILE_COLUMNS;
            }
        }
    }

    /// @param stride of the elements of a tile
    /// @param depthStride along the depth
    private static void pack(
            float[] packed,
            int tileLength,
            float[] matrix,
            int from,
            int stride,
            int depthStride,
            int length,
            int depth) {
        for (int i = 0; i < length; i += tileLength) {
            int count = Math.min(tileLength, length - i);
            int tileAt = i * depth;
            if (stride == 1) {
                for (int p = 0; p < depth; p++) {
                    int at = from + i + p * depthStride;
                    for (int j = 0; j < count; j++) {
                        packed[tileAt + p * tileLength + j] = matrix[at + j];
                    }
                }
            } else {
                for (int j = 0; j < count; j++) {
                    int at = from + (i + j) * stride;
                    for (int p = 0; p < depth; p++) {
                        packed[tileAt + p * tileLength + j] = matrix[at + p * depthStride];
                    }
                }
            }
            for (int j = count; j < tileLength; j++) {
                for (int p = 0; p < depth; p++) {
                    packed[tileAt + p * tileLength + j] = 0f;
                }
            }
        }
    }

    private void multiplyBlock(float[] c, int from, int stride, int rows, int columns, int depth, boolean add) {
        for (int column = 0; column < columns; column += TILE_COLUMNS) {
            int tileColumns = Math.min(TILE_COLUMNS, columns - column);
            for (int row = 0; row < rows; row += TILE_ROWS) {
                int tileRows = Math.min(TILE_ROWS, rows - row);
                int at = from + row * stride + column;
                if (tileRows == TILE_ROWS && tileColumns == TILE_COLUMNS) {
                    multiplyTile(first, row * depth, second, column * depth, depth, c, at, stride, add);
                    continue;
                }
                if (add) {
                    for (int i = 0; i < tileRows; i++) {
                        System.arraycopy(c, at + i * stride, tile, i * TILE_COLUMNS, tileColumns);
                    }
                }
                multiplyTile(first, row * depth, second, column * depth, depth, tile, 0, TILE_COLUMNS, add);
                for (int i = 0; i < tileRows; i++) {
                    System.arraycopy(tile, i * TILE_COLUMNS, c, at + i * stride, tileColumns);
                }
            }
        }
    }

    private static void multiplyTile(
            float[] a, int aFrom, float[] b, int bFrom, int depth, float[] c, int cFrom, int stride, boolean add) {
        var zero = FloatVector.zero(WIDE);
        var c00 = zero;
        var c01 = zero;
        var c10 = zero;
        var c11 = zero;
        var c20 = zero;
        var c21 = zero;
        var c30 = zero;
        var c31 = zero;
        var c40 = zero;
        var c41 = zero;
        var c50 = zero;
        var c51 = zero;
        if (add) {
            c00 = FloatVector.fromArray(WIDE, c, cFrom);
            c01 = FloatVector.fromArray(WIDE, c, cFrom + LANES);
            c10 = FloatVector.fromArray(WIDE, c, cFrom + stride);
            c11 = FloatVector.fromArray(WIDE, c, cFrom + stride + LANES);
            c20 = FloatVector.fromArray(WIDE, c, cFrom + 2 * stride);
            c21 = FloatVector.fromArray(WIDE, c, cFrom + 2 * stride + LANES);
            c30 = FloatVector.fromArray(WIDE, c, cFrom + 3 * stride);
            c31 = FloatVector.fromArray(WIDE, c, cFrom + 3 * stride + LANES);
            c40 = FloatVector.fromArray(WIDE, c, cFrom + 4 * stride);
            c41 = FloatVector.fromArray(WIDE, c, cFrom + 4 * stride + LANES);
            c50 = FloatVector.fromArray(WIDE, c, cFrom + 5 * stride);
            c51 = FloatVector.fromArray(WIDE, c, cFrom + 5 * stride + LANES);
        }
        int aAt = aFrom;
        int bAt = bFrom;
        for (int p = 0; p < depth; p++) {
            var b0 = FloatVector.fromArray(WIDE, b, bAt);
            var b1 = FloatVector.fromArray(WIDE, b, bAt + LANES);
            var a0 = FloatVector.broadcast(WIDE, a[aAt]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            var a1 = FloatVector.broadcast(WIDE, a[aAt + 1]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            var a2 = FloatVector.broadcast(WIDE, a[aAt + 2]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            var a3 = FloatVector.broadcast(WIDE, a[aAt + 3]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            var a4 = FloatVector.broadcast(WIDE, a[aAt + 4]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            var a5 = FloatVector.broadcast(WIDE, a[aAt + 5]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            aAt += TILE_ROWS;
            bAt += TILE_COLUMNS;
        }
        c00.intoArray(c, cFrom);
        c01.intoArray(c, cFrom + LANES);
        c10.intoArray(c, cFrom + stride);
        c11.intoArray(c, cFrom + stride + LANES);
        c20.intoArray(c, cFrom + 2 * stride);
        c21.intoArray(c, cFrom + 2 * stride + LANES);
        c30.intoArray(c, cFrom + 3 * stride);
        c31.intoArray(c, cFrom + 3 * stride + LANES);
        c40.intoArray(c, cFrom + 4 * stride);
        c41.intoArray(c, cFrom + 4 * stride + LANES);
        c50.intoArray(c, cFrom + 5 * stride);
        c51.intoArray(c, cFrom + 5 * stride + LANES);
    }
}
