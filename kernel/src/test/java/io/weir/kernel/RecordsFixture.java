package io.weir.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Records at uneven distances in one segment, guard bytes between them, and gradients at an odd offset.
final class RecordsFixture {
    static final long GRADIENTS_OFFSET = 3;

    final int rowLength;
    final int slotCount;
    final int rowSlotCount;
    final int rowCount;
    final MemorySegment records;
    final MemorySegment gradients;
    final long[] rowOffsets;

    private RecordsFixture(
            int rowLength,
            int slotCount,
            int rowSlotCount,
            int rowCount,
            MemorySegment records,
            MemorySegment gradients) {
        this.rowLength = rowLength;
        this.slotCount = slotCount;
        this.rowSlotCount = rowSlotCount;
        this.rowCount = rowCount;
        this.records = records;
        this.gradients = gradients;
        this.rowOffsets = new long[rowCount];
    }

    /// Rows lie in shuffled order; every byte that belongs to no row is random, so that a stray write shows.
    static RecordsFixture create(Arena arena, Random random, int rowLength, int slotCount, int rowCount) {
        return create(arena, random, rowLength, slotCount, 0, rowCount);
    }

    /// Rows of the shape that `kernel` needs.
    static RecordsFixture create(Arena arena, Random random, int rowLength, UpdateKernel kernel, int rowCount) {
        return create(arena, random, rowLength, kernel.slotCount(), kernel.rowSlotCount(), rowCount);
    }

    private static RecordsFixture create(
            Arena arena, Random random, int rowLength, int slotCount, int rowSlotCount, int rowCount) {
        long recordBytes = RecordLayout.recordBytes(rowLength * (1L + slotCount) + rowSlotCount);
        long[] recordOffsets = new long[rowCount];
        long end = 0;
        for (int i = 0; i < rowCount; i++) {
            recordOffsets[i] = end + (long) RecordLayout.ALIGNMENT_BYTES * random.nextInt(3);
            end = recordOffsets[i] + recordBytes;
        }
        for (int i = rowCount - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            long swapped = recordOffsets[i];
            recordOffsets[i] = recordOffsets[j];
            recordOffsets[j] = swapped;
        }
        MemorySegment records = arena.allocate(end, RecordLayout.ALIGNMENT_BYTES);
        byte[] noise = new byte[Math.toIntExact(end)];
        random.nextBytes(noise);
        MemorySegment.copy(MemorySegment.ofArray(noise), 0, records, 0, end);
        long gradientBytes = (long) rowCount * rowLength * Float.BYTES;
        MemorySegment gradients = arena.allocate(GRADIENTS_OFFSET + gradientBytes);
        RecordsFixture fixture = new RecordsFixture(rowLength, slotCount, rowSlotCount, rowCount, records, gradients);
        for (int i = 0; i < rowCount; i++) {
            fixture.rowOffsets[i] = RecordLayout.rowOffset(recordOffsets[i]);
            RecordLayout.putPushCount(records, recordOffsets[i], 1 + random.nextInt(20));
        }
        return fixture;
    }

    /// The same bytes elsewhere.
    RecordsFixture copy(Arena arena) {
        RecordsFixture copy = new RecordsFixture(
                rowLength, slotCount, rowSlotCount, rowCount, arena.allocate(records.byteSize(), 16), gradients);
        copy.records.copyFrom(records);
        System.arraycopy(rowOffsets, 0, copy.rowOffsets, 0, rowCount);
        return copy;
    }

    long slotStrideBytes() {
        return (long) rowLength * Float.BYTES;
    }

    long gradientOffset(int row, int index) {
        return GRADIENTS_OFFSET + ((long) row * rowLength + index) * Float.BYTES;
    }

    long offset(int row, int part, int index) {
        return rowOffsets[row] + part * slotStrideBytes() + (long) index * Float.BYTES;
    }

    /// Floats of a row with all its slots.
    int valueLength() {
        return rowLength * (1 + slotCount) + rowSlotCount;
    }

    /// The float at `position` among all of a row.
    long valueOffset(int row, int position) {
        return rowOffsets[row] + (long) position * Float.BYTES;
    }

    float weight(int row, int index) {
        return records.get(RecordLayout.FLOAT, offset(row, 0, index));
    }

    float slot(int row, int slot, int index) {
        return records.get(RecordLayout.FLOAT, offset(row, 1 + slot, index));
    }

    void putWeight(int row, int index, float value) {
        records.set(RecordLayout.FLOAT, offset(row, 0, index), value);
    }

    void putSlot(int row, int slot, int index, float value) {
        records.set(RecordLayout.FLOAT, offset(row, 1 + slot, index), value);
    }

    float gradient(int row, int index) {
        return gradients.get(RecordLayout.FLOAT, gradientOffset(row, index));
    }

    void putGradient(int row, int index, float value) {
        gradients.set(RecordLayout.FLOAT, gradientOffset(row, index), value);
    }

    void putPushCount(int row, int pushCount) {
        RecordLayout.putPushCount(records, RecordLayout.recordOffset(rowOffsets[row]), pushCount);
    }

    int pushCount(int row) {
        return RecordLayout.pushCount(records, RecordLayout.recordOffset(rowOffsets[row]));
    }

    void update(UpdateKernel kernel) {
        kernel.update(records, rowOffsets, 0, rowCount, gradients, GRADIENTS_OFFSET, rowLength, slotStrideBytes());
    }

    void updateScalar(UpdateKernel kernel) {
        kernel.updateScalar(
                records, rowOffsets, 0, rowCount, 0, gradients, GRADIENTS_OFFSET, rowLength, slotStrideBytes());
    }

    void initialize(UpdateKernel kernel) {
        for (long rowOffset : rowOffsets) {
            kernel.initialize(records, rowOffset, rowLength, slotStrideBytes());
        }
    }
}
