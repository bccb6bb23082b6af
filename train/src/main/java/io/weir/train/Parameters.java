package io.weir.train;

import io.weir.model.TableShape;

/// The rows of one table that a batch needs, with room for their weights and their gradients. Confined; the arrays grow
/// and are then other ones.
///
/// Row `i` has the key `keys()[i]` and its floats at `i * rowLength()`. Of a dense table they are the blocks of one
/// stretch, usually all of it, in their order, so that its floats stand as they stand in the tensor.
public final class Parameters {
    private final TableShape shape;
    private final int rowLength;
    private final int stretchLength;
    private final long offset;
    private long[] keys = new long[0];
    private int keyCount;
    private float[] weights = new float[0];
    private float[] gradients = new float[0];

    /// All blocks of a dense table, or no rows yet of another one.
    public Parameters(TableShape shape) {
        this(shape, 0, shape instanceof TableShape.Dense dense ? Math.toIntExact(dense.length()) : -1);
    }

    private Parameters(TableShape shape, long offset, int stretchLength) {
        this.shape = shape;
        this.rowLength = shape.rowLength();
        this.offset = offset;
        this.stretchLength = stretchLength;
        if (stretchLength >= 0) {
            long[] blocks = new long[(int) ((stretchLength + (long) rowLength - 1) / rowLength)];
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = offset / rowLength + i;
            }
            select(blocks, blocks.length);
        }
    }

    /// The blocks of one stretch of a dense table.
    ///
    /// @param offset of its first float in the tensor, where a block begins
    /// @param length of it, to the end of a block or of the tensor
    public static Parameters ofStretch(TableShape.Dense shape, long offset, int length) {
        boolean whole = length % shape.blockLength() == 0 || offset + length == shape.length();
        if (offset % shape.blockLength() != 0 || !whole || offset + length > shape.length()) {
            throw new IllegalArgumentException("a stretch must be whole blocks: offset=" + offset + ", length=" + length
                    + ", blockLength=" + shape.blockLength() + ", tensor=" + shape.length());
        }
        return new Parameters(shape, offset, length);
    }

    /// What the keys of the table mean.
    public TableShape shape() {
        return shape;
    }

    /// Whether these are the blocks of a dense table.
    public boolean isDense() {
        return stretchLength >= 0;
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

    /// Where in the tensor of a dense table the floats begin.
    public long offset() {
        return offset;
    }

    /// Floats of all rows together; of a dense table those of its stretch, without what fills up the last block.
    public int length() {
        return isDense() ? stretchLength : keyCount * rowLength;
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
