package io.weir.table;

import io.weir.kernel.RecordLayout;
import io.weir.kernel.UpdateKernel;
import io.weir.model.InitialRow;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// The rows of one store: where they lie, how they are found, what one without a record reads as, and how a record
/// comes into being. Confined to its store.
final class RowSet implements AutoCloseable {
    private static final int RENEWED_ROWS = 2;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TableSpec spec;
    private final UpdateKernel kernel;
    private final RowArena rows;
    private final KeyIndex index;
    private final int rowLength;
    private final long rowBytes;
    private final boolean initialRowsDiffer;
    private final float initialValue;
    private @Nullable AddressSpace initialRow;
    private int stamp;
    private long renewed;

    /// Rows reserved for pushes that are held.
    private long heldRows;

    /// @param kernel initializes the slots
    /// @param budget pays for rows as they are created
    /// @param stamp of the last push, so to speak
    /// @throws io.weir.model.WeirException if the system has no addresses left
    RowSet(TableSpec spec, UpdateKernel kernel, MemoryBudget budget, int stamp) {
        this.spec = spec;
        this.kernel = kernel;
        this.stamp = stamp;
        this.rowLength = spec.rowLength();
        this.rowBytes = (long) rowLength * Float.BYTES;
        this.initialRowsDiffer =
                spec.initialRow() instanceof InitialRow.Uniform || spec.initialRow() instanceof InitialRow.Normal;
        this.initialValue = initialRowsDiffer ? 0 : spec.initialRow().value(spec.seed(), 0, 0);
        long recordBytes = RecordLayout.recordBytes(spec.valueLength());
        long reservedBytes = Math.clamp(budget.capBytes(), recordBytes, TableStore.MAX_RESERVED_BYTES);
        reservedBytes = Math.min(reservedBytes, maxRows(spec) * recordBytes);
        this.rows = new RowArena(budget, recordBytes, reservedBytes);
        try {
            this.index = new KeyIndex(budget, rows, Math.max(reservedBytes, 4 * KeyIndex.PAGE_BYTES));
        } catch (Throwable e) {
            rows.close();
            throw e;
        }
    }

    private static long maxRows(TableSpec spec) {
        return switch (spec.shape()) {
            case TableShape.Embedding _ -> RowArena.MAX_ROWS;
            case TableShape.Dense dense -> Math.min(RowArena.MAX_ROWS, dense.blockCount());
        };
    }

    RowArena arena() {
        return rows;
    }

    KeyIndex index() {
        return index;
    }

    /// Bytes taken from the budget, and what is beside them on the heap and for initial rows.
    long memoryBytes() {
        return rows.committedBytes()
                + index.committedBytes()
                + index.heapBytes()
                + (initialRow == null ? 0 : initialRow.segment().byteSize());
    }

    /// The stamp of the next push. Also renews those of some rows, in turn, so that none ever gets as old as a whole
    /// round of the counter.
    int nextStamp() {
        MemorySegment records = rows.records();
        long rowCount = rows.rowCount();
        for (int i = 0; i < RENEWED_ROWS && i < rowCount; i++) {
            renewed = renewed < rowCount ? renewed : 0;
            RecordLayout.putStamp(records, renewed * rows.recordBytes(), stamp);
            renewed++;
        }
        return ++stamp;
    }

    /// The offset of the weights of the row of `key`, for whose record there must be room if it has none.
    long findOrCreate(long key) {
        long rowOffset = index.find(key);
        return rowOffset >= 0 ? rowOffset : create(key);
    }

    private long create(long key) {
        MemorySegment records = rows.records();
        long ordinal = rows.append();
        long rowOffset = rows.rowOffset(ordinal);
        long recordOffset = RecordLayout.recordOffset(rowOffset);
        RecordLayout.putKey(records, recordOffset, key);
        RecordLayout.putStamp(records, recordOffset, stamp - 1);
        if (!spec.initialRow().isZero()) {
            putInitialValues(key, 0, rowLength, records, rowOffset);
        }
        kernel.initialize(records, rowOffset, rowLength, rowBytes);
        index.insert(key, ordinal);
        return rowOffset;
    }

    /// Writes the initial values of the row of `key`, from position `from` on.
    void putInitialValues(long key, int from, int length, MemorySegment destination, long offset) {
        if (initialRowsDiffer) {
            InitialRow initialRow = spec.initialRow();
            long seed = spec.seed();
            for (int i = 0; i < length; i++) {
                destination.set(FLOAT, offset + (long) i * Float.BYTES, initialRow.value(seed, key, from + i));
            }
        } else {
            float value = initialValue;
            for (int i = 0; i < length; i++) {
                destination.set(FLOAT, offset + (long) i * Float.BYTES, value);
            }
        }
    }

    /// What the row of `key` reads as if it has no record, at offset 0, until the next call.
    MemorySegment initialRow(long key) {
        AddressSpace space = initialRow;
        if (space == null) {
            space = AddressSpace.reserve(rowBytes);
            initialRow = space;
        }
        putInitialValues(key, 0, rowLength, space.segment(), 0);
        return space.segment();
    }

    /// How many of the blocks that a stretch of a dense table touches have no record.
    long missingBlocks(long offset, long count, int blockLength) {
        long missing = 0;
        if (count > 0) {
            long last = (offset + count - 1) / blockLength;
            for (long block = offset / blockLength; block <= last; block++) {
                missing += index.find(block) < 0 ? 1 : 0;
            }
        }
        return missing;
    }

    /// Makes room for so many rows beside those that are held, or changes nothing.
    boolean tryReserve(long missing) {
        long committedBytes = rows.committedBytes();
        long count = missing + heldRows;
        if (!rows.tryReserve(count)) {
            return false;
        }
        if (!index.tryReserve(count)) {
            rows.shrinkTo(committedBytes);
            return false;
        }
        return true;
    }

    /// Keeps the room that was just made until [#release].
    void hold(long count) {
        heldRows += count;
    }

    void release(long count) {
        heldRows -= count;
    }

    @Override
    public void close() {
        index.close();
        rows.close();
        if (initialRow != null) {
            initialRow.close();
            initialRow = null;
        }
    }
}
