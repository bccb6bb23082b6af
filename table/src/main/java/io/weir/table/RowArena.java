package io.weir.table;

import io.weir.kernel.RecordLayout;
import java.lang.foreign.MemorySegment;

/// The records of one store, one after the other in order of creation, outside the heap. They never move.
/// Confined to its store.
final class RowArena implements AutoCloseable {
    /// Most rows in one store: ordinals are unsigned 32-bit numbers.
    static final long MAX_ROWS = 1L << 32;

    private final MemoryRegion region;
    private final long recordBytes;
    private final long maxRows;
    private long rowCount;

    /// @param reservedBytes of addresses, which bound the number of rows
    RowArena(MemoryBudget budget, long recordBytes, long reservedBytes) {
        // A step of one huge page costs less than a fifth of a long record, a twelfth of a short one.
        this.region = new MemoryRegion(budget, reservedBytes, recordBytes < 128 ? 24L << 20 : 10L << 20);
        this.recordBytes = recordBytes;
        this.maxRows = Math.min(MAX_ROWS, region.segment().byteSize() / recordBytes);
    }

    /// One segment for the life of the store. What lies behind the last row must not be touched.
    MemorySegment records() {
        return region.segment();
    }

    long recordBytes() {
        return recordBytes;
    }

    long rowCount() {
        return rowCount;
    }

    /// Rows that can be added without asking the budget.
    long freeRows() {
        return region.committedBytes() / recordBytes - rowCount;
    }

    long committedBytes() {
        return region.committedBytes();
    }

    /// Makes room for `count` more rows, or changes nothing.
    boolean tryReserve(long count) {
        return count <= maxRows - rowCount && region.tryCommit((rowCount + count) * recordBytes);
    }

    /// Undoes a [#tryReserve] that went from `committedBytes` up.
    void shrinkTo(long committedBytes) {
        region.shrinkTo(committedBytes);
    }

    /// Adds a record of zeros, for which there must be room.
    ///
    /// @return its ordinal
    long append() {
        if (freeRows() < 1) {
            throw new IllegalStateException("rows are added after a check that reserved them: rowCount=" + rowCount);
        }
        return rowCount++;
    }

    /// Where the weights of the row with this ordinal start.
    long rowOffset(long ordinal) {
        return RecordLayout.rowOffset(ordinal * recordBytes);
    }

    @Override
    public void close() {
        region.close();
    }
}
