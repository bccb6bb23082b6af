package io.weir.table;

import io.weir.kernel.FiniteCheck;
import io.weir.kernel.Vectors;
import io.weir.kernel.Vectors.Formula;
import io.weir.model.VectorOperation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// The blocks of a dense table as vectors, worked on where they lie, one after the other. Confined to its store, which
/// has checked that stretches lie within the tensor.
final class BlockVectors {
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RowSet rows;
    private final int blockLength;

    BlockVectors(RowSet rows, int blockLength) {
        this.rows = rows;
        this.blockLength = blockLength;
    }

    /// Works a change out without making it.
    ///
    /// @param result has room for one block
    /// @return position in the stretch of the first new element that is not finite, or -1
    long firstNonFinite(VectorChange change, MemorySegment result) {
        for (long done = 0; done < change.count(); done += blockLength) {
            long block = (change.offset() + done) / blockLength;
            int length = (int) Math.min(blockLength, change.count() - done);
            transform(change, block, length, result, 0);
            long nonFinite = FiniteCheck.firstNonFinite(result, 0, length);
            if (nonFinite >= 0) {
                return done + nonFinite;
            }
        }
        return -1;
    }

    /// Makes a change, for whose missing blocks there is room.
    void apply(VectorChange change) {
        for (long done = 0; done < change.count(); done += blockLength) {
            long block = (change.offset() + done) / blockLength;
            int length = (int) Math.min(blockLength, change.count() - done);
            long rowOffset = rows.findOrCreate(block);
            transform(change, block, length, rows.arena().records(), rowOffset);
        }
    }

    private void transform(VectorChange change, long block, int length, MemorySegment into, long intoOffset) {
        VectorOperation operation = change.operation();
        Formula formula = formula(operation);
        BlockVectors other = change.other().vectors();
        long xRow = other.rows.index().find(block);
        MemorySegment x = other.segment(block, xRow);
        long xAt = Math.max(0, xRow);
        if (operation == VectorOperation.COPY) {
            Vectors.transform(formula, into, intoOffset, x, xAt, x, xAt, change.scalar(), length);
        } else if (operation == VectorOperation.SUM_HALVES) {
            long lowAt = xAt + (long) blockLength * Float.BYTES;
            Vectors.transform(formula, into, intoOffset, x, xAt, x, lowAt, 1, length);
        } else {
            long yRow = rows.index().find(block);
            MemorySegment y = segment(block, yRow);
            Vectors.transform(formula, into, intoOffset, y, Math.max(0, yRow), x, xAt, change.scalar(), length);
        }
    }

    private static Formula formula(VectorOperation operation) {
        return switch (operation) {
            case FILL -> Formula.FILL;
            case ADD -> Formula.ADD;
            case SCALE, COPY -> Formula.SCALE;
            case AXPY, SUM_HALVES -> Formula.AXPY;
            case MULTIPLY -> Formula.MULTIPLY;
            case PSEUDO_GRADIENT -> Formula.PSEUDO_GRADIENT;
            case ORTHANT -> Formula.ORTHANT;
            case ALIGN -> Formula.ALIGN;
            case DOT, NORM1 -> throw new IllegalArgumentException("a sum changes nothing: operation=" + operation);
        };
    }

    /// Sums over whole blocks, one sum for each, in order.
    ///
    /// @param destination receives a float64 for each block that the stretch touches
    void reduce(
            VectorOperation operation,
            BlockVectors other,
            long offset,
            long count,
            MemorySegment destination,
            long destinationOffset) {
        long target = destinationOffset;
        for (long done = 0; done < count; done += blockLength, target += Double.BYTES) {
            long block = (offset + done) / blockLength;
            int length = (int) Math.min(blockLength, count - done);
            long yRow = rows.index().find(block);
            MemorySegment y = segment(block, yRow);
            long xRow = other.rows.index().find(block);
            MemorySegment x = other.segment(block, xRow);
            double sum = operation == VectorOperation.NORM1
                    ? Vectors.norm1(y, Math.max(0, yRow), length)
                    : Vectors.dot(y, Math.max(0, yRow), x, Math.max(0, xRow), length);
            destination.set(DOUBLE, target, sum);
        }
    }

    /// Where a block is read: the records, or what it reads as without one, then at offset 0.
    private MemorySegment segment(long block, long rowOffset) {
        return rowOffset >= 0 ? rows.arena().records() : rows.initialRow(block);
    }
}
