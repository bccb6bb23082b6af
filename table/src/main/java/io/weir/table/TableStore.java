package io.weir.table;

import io.weir.kernel.Accumulate;
import io.weir.kernel.FiniteCheck;
import io.weir.kernel.RecordLayout;
import io.weir.kernel.RowCopy;
import io.weir.kernel.UpdateKernel;
import io.weir.model.Fold;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The rows of one table in one shard. Confined to the thread that is inside the shard.
///
/// Requests are bytes in native memory, little-endian, at any alignment: keys as longs, rows as floats, one
/// after the other. A change is checked whole, then applied: after [#check] returned [CheckResult#OK],
/// [#apply] with the same arguments cannot fail, and until then nothing that a reader could see has changed.
///
/// Work goes through all keys of a request in phases (guess where the rows are, compare their keys, copy or
/// update), each a loop whose cache misses do not wait for one another. In the steady state no call
/// allocates.
///
/// Repeats of a key in one push are found by a stamp in the record's header, which each push counts up: a row
/// that carries the stamp of this push has been met before. The counter has 32 bits. Each push also renews
/// the stamps of some rows, in turn, so that no stamp ever gets as old as a whole round of the
/// counter.
public final class TableStore implements AutoCloseable {
    /// Most addresses reserved for the records of one store. Costs no memory, but processes have 2⁴⁷ of them.
    public static final long MAX_RESERVED_BYTES = 1L << 38;

    /// Bytes before the values of a stored row: key, push count, four bytes of 0. See [#scan].
    public static final int STORED_HEADER_BYTES = 16;

    private static final int STORED_PUSH_COUNT_OFFSET = 8;
    private static final int STORED_RESERVED_OFFSET = 12;

    /// Keys of a pull that go through the phases together: their records fit into the second-level cache.
    private static final int CHUNK_KEYS = 1024;

    /// Sums of repeated keys are worked out and applied in portions of about this size.
    private static final int SUMS_BYTES = 1 << 16;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final MemorySegment MEMORY = AddressSpace.MEMORY;
    private static final long KEY_FROM_ROW = RecordLayout.KEY_OFFSET - RecordLayout.HEADER_BYTES;
    private static final long STAMP_FROM_ROW = RecordLayout.STAMP_OFFSET - RecordLayout.HEADER_BYTES;

    private final TableSpec spec;
    private final UpdateKernel kernel;
    private final Fold fold;
    private final RowSet rowSet;
    private final RowArena rows;
    private final KeyIndex index;
    private final BlockVectors vectors;
    private final Repeats repeats = new Repeats();
    private final int rowLength;
    private final int valueLength;
    private final long rowBytes;
    private long[] rowOffsets = new long[0];
    private int[] absentPositions = new int[0];
    private @Nullable AddressSpace sums;
    private int failedRow = -1;
    private boolean closed;

    /// Rows reserved for the last push that was held.
    private int lastHeldRows;

    /// The keys that [#rowOffsets] holds the rows of: those of the last check.
    private long checkedKeysAddress;

    private int checkedCount = -1;

    /// How many of them had no row.
    private int checkedAbsent;

    /// @param budget pays for rows as they are created
    /// @throws io.weir.model.WeirException if the system has no addresses left
    public TableStore(TableSpec spec, MemoryBudget budget) {
        this(spec, budget, 0);
    }

    /// @param stamp of the last push, so to speak
    TableStore(TableSpec spec, MemoryBudget budget, int stamp) {
        this.spec = spec;
        this.kernel = OptimizerKernels.of(spec);
        this.fold = spec.optimizer().fold();
        this.rowLength = spec.rowLength();
        this.rowBytes = (long) rowLength * Float.BYTES;
        this.valueLength = spec.valueLength();
        this.rowSet = new RowSet(spec, kernel, budget, stamp);
        this.rows = rowSet.arena();
        this.index = rowSet.index();
        this.vectors = new BlockVectors(rowSet, rowLength);
    }

    public TableSpec spec() {
        return spec;
    }

    /// Rows that have been created.
    public long rowCount() {
        return rows.rowCount();
    }

    /// Bytes taken from the budget for records and index, and what this store holds on the heap and for
    /// repeats.
    public long memoryBytes() {
        return rowSet.memoryBytes()
                + (long) rowOffsets.length * Long.BYTES
                + (long) absentPositions.length * Integer.BYTES
                + repeats.heapBytes()
                + kernel.scratchBytes()
                + (sums == null ? 0 : sums.segment().byteSize());
    }

    /// Reads rows, in the order of the keys, repeats allowed. A key without a row reads as its initial row,
    /// which is not stored: a pull never changes what the store holds.
    ///
    /// @param destination receives `count × rowLength` floats from `destinationOffset` on; must not overlap
    /// `frame`
    public void pull(
            MemorySegment frame, long keysOffset, int count, MemorySegment destination, long destinationOffset) {
        requireRange(frame, keysOffset, count, Long.BYTES);
        requireRange(destination, destinationOffset, count, rowBytes);
        checkedCount = -1;
        long[] rowOffsets = rowOffsetsFor(Math.min(count, CHUNK_KEYS));
        for (int start = 0; start < count; start += CHUNK_KEYS) {
            int chunk = Math.min(CHUNK_KEYS, count - start);
            long chunkKeysOffset = keysOffset + (long) start * Long.BYTES;
            int absent = index.find(frame, chunkKeysOffset, chunk, rowOffsets, RecordLayout.HEADER_BYTES + rowBytes);
            long chunkOffset = destinationOffset + start * rowBytes;
            int absentRows = absent == 0 ? 0 : replaceAbsent(rowOffsets, chunk);
            if (rows.rowCount() > 0) {
                RowCopy.gather(rows.records(), rowOffsets, 0, chunk, rowLength, destination, chunkOffset);
            }
            for (int i = 0; i < absentRows; i++) {
                int position = absentPositions[i];
                long key = frame.get(LONG, chunkKeysOffset + (long) position * Long.BYTES);
                rowSet.putInitialValues(key, 0, rowLength, destination, chunkOffset + position * rowBytes);
            }
        }
    }

    /// Lists the positions of keys without a row, and lets them point to the first row, so that one copy without
    /// a branch serves all keys of a chunk.
    ///
    /// @return how many they are
    private int replaceAbsent(long[] rowOffsets, int count) {
        if (absentPositions.length < count) {
            absentPositions = new int[Math.min(CHUNK_KEYS, grownLength(count))];
        }
        int[] absentPositions = this.absentPositions;
        long firstRow = rows.rowOffset(0);
        int absent = 0;
        for (int i = 0; i < count; i++) {
            if (rowOffsets[i] < 0) {
                rowOffsets[i] = firstRow;
                absentPositions[absent++] = i;
            }
        }
        return absent;
    }

    /// Looks at a push before anything is changed, and reserves the memory it needs.
    ///
    /// Gradients of a repeated key are summed in order of appearance, and it is the sum that must be finite. An
    /// optimizer with another [Fold] makes one value of them in its own way.
    /// A store has one checked push at a time.
    ///
    /// @param gradientsOffset offset in `frame` of `count × rowLength` floats
    public CheckResult check(MemorySegment frame, long keysOffset, int count, long gradientsOffset) {
        requireRange(frame, keysOffset, count, Long.BYTES);
        checkedCount = -1;
        if (!areFinite(frame, gradientsOffset, count, rowLength)) {
            return CheckResult.NON_FINITE;
        }
        long[] rowOffsets = rowOffsetsFor(count);
        int absent = index.find(frame, keysOffset, count, rowOffsets, touchedBytes(count));
        // Stamps of a check mean nothing to others; keys without a row may be repeats of each other.
        boolean mayRepeat = absent > 1 || stampPresent(rowOffsets, count);
        if (mayRepeat) {
            repeats.collect(frame, keysOffset, count);
            failedRow = firstNonFiniteSum(frame, gradientsOffset, count);
            if (failedRow >= 0) {
                return CheckResult.NON_FINITE;
            }
        }
        if (absent > 0 && !rowSet.tryReserve(absent)) {
            int missing = mayRepeat ? countMissing(rowOffsets, count) : absent;
            if (missing == absent || !rowSet.tryReserve(missing)) {
                return CheckResult.OUT_OF_MEMORY;
            }
        }
        checkedKeysAddress = frame.address() + keysOffset;
        checkedCount = count;
        checkedAbsent = absent;
        return CheckResult.OK;
    }

    /// Looks at the gradients of a push, each of them by itself. After one that is not finite, [#failedRow] is
    /// the position of its row, cut at the greatest int.
    ///
    /// @param count rows of `length` floats each; of a stretch, floats
    private boolean areFinite(MemorySegment frame, long gradientsOffset, long count, int length) {
        requireRange(frame, gradientsOffset, count, (long) length * Float.BYTES);
        long nonFinite = FiniteCheck.firstNonFinite(frame, gradientsOffset, count * length);
        failedRow = nonFinite < 0 ? -1 : (int) Math.min(Integer.MAX_VALUE, nonFinite / length);
        return nonFinite < 0;
    }

    /// Bytes of each record that a push of `count` rows brings into the cache when it finds them: all, unless
    /// the first would have left the cache before the last is found.
    private long touchedBytes(int count) {
        return count <= 2 * CHUNK_KEYS ? rows.recordBytes() : RecordLayout.HEADER_BYTES;
    }

    /// Position, in the request last checked, of the row that is not finite; -1 unless that was the result.
    public int failedRow() {
        return failedRow;
    }

    /// Applies a push that has been checked: creates the rows it misses, sums the gradients of repeated keys in
    /// order of appearance (or folds them as the optimizer says), and lets the optimizer change each row once.
    /// The frame is only read.
    public void apply(MemorySegment frame, long keysOffset, int count, long gradientsOffset) {
        requireRange(frame, keysOffset, count, Long.BYTES);
        requireRange(frame, gradientsOffset, count, rowBytes);
        long[] rowOffsets = rowOffsetsFor(count);
        int absent = checkedAbsent;
        if (checkedCount != count || checkedKeysAddress != frame.address() + keysOffset) {
            absent = index.find(frame, keysOffset, count, rowOffsets, touchedBytes(count));
        }
        checkedCount = -1;
        if (absent > 0) {
            createMissing(frame, keysOffset, count, rowOffsets);
        }
        if (stampAndCount(frame, keysOffset, count, rowOffsets)) {
            repeats.collect(frame, keysOffset, count);
            applySums(frame, gradientsOffset, count, rowOffsets);
        } else {
            kernel.update(rows.records(), rowOffsets, 0, count, frame, gradientsOffset, rowLength, rowBytes);
        }
    }

    private void createMissing(MemorySegment frame, long keysOffset, int count, long[] rowOffsets) {
        for (int i = 0; i < count; i++) {
            if (rowOffsets[i] < 0) {
                rowOffsets[i] = rowSet.findOrCreate(frame.get(LONG, keysOffset + (long) i * Long.BYTES));
            }
        }
    }

    /// Stamps the rows that exist.
    ///
    /// @return whether one was met twice
    private boolean stampPresent(long[] rowOffsets, int count) {
        int stamp = rowSet.nextStamp();
        long firstStamp = rows.records().address() + STAMP_FROM_ROW;
        boolean repeated = false;
        for (int i = 0; i < count; i++) {
            long rowOffset = rowOffsets[i];
            if (rowOffset >= 0) {
                repeated |= MEMORY.get(INT, firstStamp + rowOffset) == stamp;
                MEMORY.set(INT, firstStamp + rowOffset, stamp);
            }
        }
        return repeated;
    }

    /// Makes sure of all rows, and counts the push in each distinct row once.
    ///
    /// @return whether a row was met twice
    private boolean stampAndCount(MemorySegment frame, long keysOffset, int count, long[] rowOffsets) {
        int stamp = rowSet.nextStamp();
        long firstKey = AddressSpace.address(frame, keysOffset, (long) count * Long.BYTES);
        long records = rows.records().address();
        boolean repeated = false;
        try {
            for (int i = 0; i < count; i++) {
                long key = MEMORY.get(LONG, firstKey + (long) i * Long.BYTES);
                long rowOffset = rowOffsets[i];
                if (MEMORY.get(LONG, records + KEY_FROM_ROW + rowOffset) != key) {
                    rowOffset = rowSet.findOrCreate(key);
                    rowOffsets[i] = rowOffset;
                }
                // Stamp and push count are one word: the stamp below, the count above.
                long stampAndCount = MEMORY.get(LONG, records + STAMP_FROM_ROW + rowOffset);
                if ((int) stampAndCount == stamp) {
                    repeated = true;
                } else {
                    long pushCount = (stampAndCount >>> Integer.SIZE) + 1;
                    stampAndCount = (pushCount << Integer.SIZE) | (stamp & 0xffffffffL);
                    MEMORY.set(LONG, records + STAMP_FROM_ROW + rowOffset, stampAndCount);
                }
            }
        } finally {
            Reference.reachabilityFence(frame);
        }
        return repeated;
    }

    /// For tests: the stamp in a record.
    int stampOf(long ordinal) {
        return RecordLayout.stamp(rows.records(), ordinal * rows.recordBytes());
    }

    /// Position of the first occurrence of the first key whose sum is not finite, or -1.
    private int firstNonFiniteSum(MemorySegment frame, long gradientsOffset, int count) {
        for (int i = 0; i < count; i++) {
            if (repeats.isFirst(i) && repeats.isRepeated(i)) {
                MemorySegment sums = sums();
                sum(frame, gradientsOffset, i, sums, 0);
                if (FiniteCheck.firstNonFinite(sums, 0, rowLength) >= 0) {
                    return i;
                }
            }
        }
        return -1;
    }

    private int countMissing(long[] rowOffsets, int count) {
        int missing = 0;
        for (int i = 0; i < count; i++) {
            missing += rowOffsets[i] < 0 && repeats.isFirst(i) ? 1 : 0;
        }
        return missing;
    }

    /// Updates each distinct row by its sum. Sums go through a scratch of bounded size, a portion of rows at
    /// a time.
    private void applySums(MemorySegment frame, long gradientsOffset, int count, long[] rowOffsets) {
        MemorySegment sums = sums();
        int portion = (int) (sums.byteSize() / rowBytes);
        int held = 0;
        for (int i = 0; i < count; i++) {
            if (repeats.isFirst(i)) {
                sum(frame, gradientsOffset, i, sums, held * rowBytes);
                rowOffsets[held++] = rowOffsets[i];
                if (held == portion) {
                    kernel.update(rows.records(), rowOffsets, 0, held, sums, 0, rowLength, rowBytes);
                    held = 0;
                }
            }
        }
        kernel.update(rows.records(), rowOffsets, 0, held, sums, 0, rowLength, rowBytes);
    }

    /// The one value that those of the key first seen at position `first` make: their sum, unless the optimizer
    /// folds otherwise.
    private void sum(MemorySegment frame, long gradientsOffset, int first, MemorySegment sums, long sumOffset) {
        MemorySegment.copy(frame, gradientsOffset + first * rowBytes, sums, sumOffset, rowBytes);
        for (int next = repeats.next(first); next >= 0; next = repeats.next(next)) {
            fold(sums, sumOffset, frame, gradientsOffset + next * rowBytes, rowLength);
        }
    }

    /// Makes one of each two floats, as the optimizer wants it. The runs must be native memory and not overlap.
    ///
    /// @param intoOffset offset in bytes of the first float that is changed
    /// @param fromOffset offset in bytes of the first float that comes later
    /// @param length floats of each
    public void fold(MemorySegment into, long intoOffset, MemorySegment from, long fromOffset, int length) {
        switch (fold) {
            case SUM -> Accumulate.add(into, intoOffset, from, fromOffset, length);
            case LAST -> MemorySegment.copy(from, fromOffset, into, intoOffset, (long) length * Float.BYTES);
            case LEAST -> Accumulate.least(into, intoOffset, from, fromOffset, length);
            case GREATEST -> Accumulate.greatest(into, intoOffset, from, fromOffset, length);
        }
    }

    private MemorySegment sums() {
        AddressSpace sums = this.sums;
        if (sums == null) {
            sums = AddressSpace.reserve(Math.max(SUMS_BYTES, rowBytes));
            this.sums = sums;
        }
        return sums.segment();
    }

    /// Looks at a push that is to be applied later, together with others, and reserves memory for the rows that
    /// it misses until [#release]. The values must be finite, whatever their sums with others will be.
    ///
    /// @param gradientsOffset offset in `frame` of `count × rowLength` floats
    public CheckResult hold(MemorySegment frame, long keysOffset, int count, long gradientsOffset) {
        requireRange(frame, keysOffset, count, Long.BYTES);
        checkedCount = -1;
        if (!areFinite(frame, gradientsOffset, count, rowLength)) {
            return CheckResult.NON_FINITE;
        }
        return hold(index.find(frame, keysOffset, count, rowOffsetsFor(count), touchedBytes(count)));
    }

    /// As [#hold], for a stretch of a dense table.
    public CheckResult holdStretch(MemorySegment frame, long gradientsOffset, long offset, long count) {
        int blockLength = requireStretch(offset, count);
        if (!areFinite(frame, gradientsOffset, count, 1)) {
            return CheckResult.NON_FINITE;
        }
        return hold((int) rowSet.missingBlocks(offset, count, blockLength));
    }

    private CheckResult hold(int missing) {
        if (missing > 0 && !rowSet.tryReserve(missing)) {
            return CheckResult.OUT_OF_MEMORY;
        }
        lastHeldRows = missing;
        rowSet.hold(missing);
        return CheckResult.OK;
    }

    /// Rows that the last [#hold] reserved.
    public int lastHeldRows() {
        return lastHeldRows;
    }

    /// Gives up what a [#hold] reserved.
    public void release(int held) {
        rowSet.release(held);
    }

    /// Reads a stretch of a dense table. Blocks that no push has created read as their initial values.
    ///
    /// @param offset index of the first float in the tensor
    /// @param count floats; the stretch must lie within the tensor, and its blocks in this shard
    public void pullStretch(long offset, long count, MemorySegment destination, long destinationOffset) {
        int blockLength = requireStretch(offset, count);
        requireRange(destination, destinationOffset, count, Float.BYTES);
        long done = 0;
        while (done < count) {
            long block = (offset + done) / blockLength;
            int start = (int) ((offset + done) % blockLength);
            int length = (int) Math.min(blockLength - start, count - done);
            long target = destinationOffset + done * Float.BYTES;
            long rowOffset = index.find(block);
            if (rowOffset >= 0) {
                long source = rowOffset + (long) start * Float.BYTES;
                MemorySegment.copy(rows.records(), source, destination, target, (long) length * Float.BYTES);
            } else {
                rowSet.putInitialValues(block, start, length, destination, target);
            }
            done += length;
        }
    }

    /// Looks at a push to a stretch of a dense table before anything is changed, and reserves the memory it
    /// needs. After [CheckResult#NON_FINITE], [#failedRow] is the position in the stretch, cut at the
    /// greatest int.
    public CheckResult checkStretch(MemorySegment frame, long gradientsOffset, long offset, long count) {
        int blockLength = requireStretch(offset, count);
        if (!areFinite(frame, gradientsOffset, count, 1)) {
            return CheckResult.NON_FINITE;
        }
        long missing = rowSet.missingBlocks(offset, count, blockLength);
        return missing == 0 || rowSet.tryReserve(missing) ? CheckResult.OK : CheckResult.OUT_OF_MEMORY;
    }

    /// Applies a push to a stretch of a dense table that has been checked.
    ///
    /// Blocks are created by their first push. A push of part of a block changes only that part, but counts
    /// as a push of the block: the bias correction of Adam follows that count.
    public void applyStretch(MemorySegment frame, long gradientsOffset, long offset, long count) {
        int blockLength = requireStretch(offset, count);
        requireRange(frame, gradientsOffset, count, Float.BYTES);
        MemorySegment records = rows.records();
        long[] rowOffsets = rowOffsetsFor(1);
        checkedCount = -1;
        long done = 0;
        while (done < count) {
            long block = (offset + done) / blockLength;
            int start = (int) ((offset + done) % blockLength);
            int length = (int) Math.min(blockLength - start, count - done);
            long rowOffset = rowSet.findOrCreate(block);
            long recordOffset = RecordLayout.recordOffset(rowOffset);
            RecordLayout.putPushCount(records, recordOffset, RecordLayout.pushCount(records, recordOffset) + 1);
            rowOffsets[0] = rowOffset;
            long source = gradientsOffset + done * Float.BYTES;
            kernel.updateParts(records, rowOffsets, 0, 1, (long) start * Float.BYTES, frame, source, length, rowBytes);
            done += length;
        }
    }

    /// Looks at a vector operation before anything is changed, and reserves the memory that it needs: no new element
    /// may be NaN or infinite. After [CheckResult#NON_FINITE], [#failedRow] is the position in the stretch, cut at
    /// the greatest int.
    public CheckResult checkChange(VectorChange change) {
        int blockLength = requireStretch(change.offset(), change.count());
        long nonFinite = vectors.firstNonFinite(change, sums());
        failedRow = (int) Math.min(Integer.MAX_VALUE, nonFinite);
        if (nonFinite >= 0) {
            return CheckResult.NON_FINITE;
        }
        long missing = rowSet.missingBlocks(change.offset(), change.count(), blockLength);
        return missing == 0 || rowSet.tryReserve(missing) ? CheckResult.OK : CheckResult.OUT_OF_MEMORY;
    }

    /// Applies a vector operation that has been checked. Blocks that are missing are created; slots and push counts
    /// stay as they are, for no gradient was pushed.
    public void applyChange(VectorChange change) {
        requireStretch(change.offset(), change.count());
        checkedCount = -1;
        vectors.apply(change);
    }

    /// Sums over whole blocks, one sum for each, in order.
    ///
    /// @param operation one that changes nothing
    /// @param other the table of `x`, with its blocks beside those of this one; this one where there is none
    /// @param offset first float of a block
    /// @param destination receives a float64 for each block that the stretch touches
    public void reduce(
            VectorOperation operation,
            TableStore other,
            long offset,
            long count,
            MemorySegment destination,
            long destinationOffset) {
        int blockLength = requireStretch(offset, count);
        requireRange(destination, destinationOffset, (count + blockLength - 1) / blockLength, Double.BYTES);
        vectors.reduce(operation, other.vectors, offset, count, destination, destinationOffset);
    }

    BlockVectors vectors() {
        return vectors;
    }

    /// Bytes of one row as [#scan] writes and [#load] reads it: key (8), push count (4), zeros (4), then the
    /// weights and all slots.
    public long storedRowBytes() {
        return STORED_HEADER_BYTES + (long) valueLength * Float.BYTES;
    }

    /// Writes whole rows in order of ordinal. With no change in between, calls that each go on where the last
    /// one ended give every row once; rows keep their ordinals, and later ones come behind.
    ///
    /// @param fromOrdinal ordinal of the first row, 0 at the start, then increased by each result
    /// @param destination has room for `maxRows` rows of [#storedRowBytes]
    /// @return rows written: `maxRows`, or fewer at the end
    public int scan(long fromOrdinal, int maxRows, MemorySegment destination, long destinationOffset) {
        if (fromOrdinal < 0) {
            throw new IllegalArgumentException("a scan starts at ordinal 0 or later: fromOrdinal=" + fromOrdinal);
        }
        MemorySegment records = rows.records();
        long storedBytes = storedRowBytes();
        requireRange(destination, destinationOffset, maxRows, storedBytes);
        int count = Math.clamp(rows.rowCount() - fromOrdinal, 0, maxRows);
        long target = destinationOffset;
        for (long ordinal = fromOrdinal; ordinal < fromOrdinal + count; ordinal++) {
            long rowOffset = rows.rowOffset(ordinal);
            long recordOffset = RecordLayout.recordOffset(rowOffset);
            destination.set(LONG, target, RecordLayout.key(records, recordOffset));
            destination.set(INT, target + STORED_PUSH_COUNT_OFFSET, RecordLayout.pushCount(records, recordOffset));
            destination.set(INT, target + STORED_RESERVED_OFFSET, 0);
            MemorySegment.copy(
                    records, rowOffset, destination, target + STORED_HEADER_BYTES, (long) valueLength * Float.BYTES);
            target += storedBytes;
        }
        return count;
    }

    /// Looks at rows in the form of [#scan] before they are loaded, and reserves the memory they need. A key
    /// that is listed twice and has no row is reserved for twice.
    ///
    /// @throws IllegalArgumentException if the reserved bytes of a row are not 0
    public CheckResult checkLoad(MemorySegment frame, long offset, int count) {
        long storedBytes = storedRowBytes();
        requireRange(frame, offset, count, storedBytes);
        failedRow = -1;
        long missing = 0;
        for (int i = 0; i < count; i++) {
            long source = offset + i * storedBytes;
            if (frame.get(INT, source + STORED_RESERVED_OFFSET) != 0) {
                throw new IllegalArgumentException("reserved bytes of a stored row must be 0: row=" + i + ", key="
                        + frame.get(LONG, source) + ", table=" + spec.name());
            }
            if (FiniteCheck.firstNonFinite(frame, source + STORED_HEADER_BYTES, valueLength) >= 0) {
                failedRow = i;
                return CheckResult.NON_FINITE;
            }
            missing += index.find(frame.get(LONG, source)) < 0 ? 1 : 0;
        }
        return missing == 0 || rowSet.tryReserve(missing) ? CheckResult.OK : CheckResult.OUT_OF_MEMORY;
    }

    /// Stores whole rows that have been checked, weights and slots as they are, over those that exist. Of a row that no
    /// push has seen the slots are those that its weights begin with, whatever the frame says.
    public void load(MemorySegment frame, long offset, int count) {
        MemorySegment records = rows.records();
        long storedBytes = storedRowBytes();
        requireRange(frame, offset, count, storedBytes);
        for (int i = 0; i < count; i++) {
            long source = offset + i * storedBytes;
            long rowOffset = rowSet.findOrCreate(frame.get(LONG, source));
            int pushCount = frame.get(INT, source + STORED_PUSH_COUNT_OFFSET);
            RecordLayout.putPushCount(records, RecordLayout.recordOffset(rowOffset), pushCount);
            MemorySegment.copy(
                    frame, source + STORED_HEADER_BYTES, records, rowOffset, (long) valueLength * Float.BYTES);
            if (pushCount == 0) {
                kernel.initialize(records, rowOffset, rowLength, rowBytes);
            }
        }
    }

    /// Unmaps all memory and gives it back to the budget. Later requests fail with [IllegalStateException].
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        rowSet.close();
        if (sums != null) {
            sums.close();
            sums = null;
        }
    }

    /// Length of a scratch array for `count` items, so that slowly growing requests do not allocate each
    /// time.
    static int grownLength(int count) {
        return (int) Math.min(Integer.MAX_VALUE - 8L, count + (count >> 3) + 16L);
    }

    private long[] rowOffsetsFor(int count) {
        if (rowOffsets.length < count) {
            rowOffsets = new long[grownLength(count)];
        }
        return rowOffsets;
    }

    private int requireStretch(long offset, long count) {
        if (!(spec.shape() instanceof TableShape.Dense dense)) {
            throw new IllegalArgumentException("stretches belong to dense tables: table=" + spec.name());
        }
        if ((offset | count) < 0 || offset > dense.length() - count) {
            throw new IllegalArgumentException("a stretch must lie within the tensor: offset=" + offset + ", count="
                    + count + ", length=" + dense.length() + ", table=" + spec.name());
        }
        return dense.blockLength();
    }

    /// Each request passes here before it touches memory, which lookups then reach without further checks.
    private void requireRange(MemorySegment segment, long offset, long count, long unitBytes) {
        if (closed) {
            throw new IllegalStateException("a store is not used after it was closed: table=" + spec.name());
        }
        if (count < 0 || count > segment.byteSize() / unitBytes) {
            throw new IndexOutOfBoundsException("items must lie within the segment: count=" + count + ", unitBytes="
                    + unitBytes + ", byteSize=" + segment.byteSize());
        }
        Objects.checkFromIndexSize(offset, count * unitBytes, segment.byteSize());
    }
}
