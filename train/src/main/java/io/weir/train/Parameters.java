package io.weir.train;

import io.weir.model.TableShape;

/// The rows of one table that a batch needs, with room for their weights and their gradients. Confined; the arrays grow
/// and are then other ones.
///
/// Row `i` has the key `keys()[i]` and its floats at `i * rowLength()`. Of a dense table they are all its blocks
/// in their order, so that its floats stand where they stand in the tensor.
public final class Parameters {
    private final TableShape shape;
    private final int rowLength;
    private final int tensorLength;
    private long[] keys = new long[0];
    private int keyCount;
    private float[] weights = new float[0];
    private float[] gradients = new float[0];

    /// All blocks of a dense table, or no rows yet of another one.
    public Parameters(TableShape shape) {
        this.shape = shape;
        this.rowLength = shape.rowLength();
        if (shape instanceof TableShape.Dense dense) {
            this.tensorLength = Math.toIntExact(dense.length());
            long[] blocks = new long[Math.toIntExact(dense.blockCount())];
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = i;
            }
            select(blocks, blocks.length);
        } else {
            this.tensorLength = -1;
        }
    }

    /// What the keys of the table mean.
    public TableShape shape() {
        return shape;
    }

    /// Whether these are the blocks of a dense table.
    public boolean isDense() {
        return tensorLength >= 0;
    }

    /// Floats of a row.
    public int rowLength() {
        return rowLength;
    }

    /// Keys of the rows, shared; distinct.
    public long[] keys() {
        return keys;
    }

    /// How many rows there are.
    public int keyCount() {
        return keyCount;
    }

    /// Floats of all rows together; of a dense table those of its tensor, without what fills up its last block.
    public int length() {
        return isDense() ? tensorLength : keyCount * rowLength;
    }

    /// What the rows hold, shared.
    public float[] weights() {
        return weights;
    }

    /// The gradients, shared.
    public float[] gradients() {
        return gradients;
    }

    /// Other rows. Weights and gradients are then undefined.
    ///
    /// @param keys shared from now on
    public void select(long[] keys, int count) {
        this.keys = keys;
        this.keyCount = count;
        int length = Math.multiplyExact(count, rowLength);
        if (weights.length < length) {
            weights = new float[(int) Math.max(length, Math.min(2L * weights.length, Integer.MAX_VALUE - 8))];
            gradients = new float[weights.length];
        }
    }
}
