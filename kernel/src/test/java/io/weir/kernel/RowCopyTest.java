package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RowCopyTest {
    private static final long SEED = 4711;
    private static final int DESTINATION_OFFSET = 5;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void gathersRowsOfEveryLength() {
        for (int length = 0; length <= 1100; length += length < 140 ? 1 : 37) {
            Random random = new Random(SEED + length);
            RecordsFixture rows = RecordsFixture.create(arena, random, Math.max(1, length), 1, 7);
            MemorySegment expected = noise(random, DESTINATION_OFFSET + 7L * length * 4 + 70);
            MemorySegment vector = copy(expected);
            MemorySegment scalar = copy(expected);
            for (int row = 0; row < 7; row++) {
                MemorySegment.copy(
                        rows.records,
                        rows.rowOffsets[row],
                        expected,
                        DESTINATION_OFFSET + (long) row * length * 4,
                        (long) length * 4);
            }
            RowCopy.gather(rows.records, rows.rowOffsets, 0, 7, length, vector, DESTINATION_OFFSET);
            RowCopy.gatherScalar(rows.records, rows.rowOffsets, 0, 7, length, scalar, DESTINATION_OFFSET);
            assertThat(vector.mismatch(expected)).as("length=%s", length).isEqualTo(-1);
            assertThat(scalar.mismatch(expected)).as("length=%s", length).isEqualTo(-1);
        }
    }

    @Test
    void scattersRowsOfEveryLengthAndNothingBeside() {
        for (int length = 0; length <= 1100; length += length < 140 ? 1 : 37) {
            Random random = new Random(SEED + length);
            RecordsFixture rows = RecordsFixture.create(arena, random, Math.max(1, length), 1, 7);
            MemorySegment source = noise(random, DESTINATION_OFFSET + 7L * length * 4);
            RecordsFixture expected = rows.copy(arena);
            for (int row = 2; row < 6; row++) {
                MemorySegment.copy(
                        source,
                        DESTINATION_OFFSET + (row - 2L) * length * 4,
                        expected.records,
                        rows.rowOffsets[row],
                        (long) length * 4);
            }
            RowCopy.scatter(source.asReadOnly(), DESTINATION_OFFSET, rows.records, rows.rowOffsets, 2, 4, length);
            assertThat(rows.records.mismatch(expected.records))
                    .as("length=%s", length)
                    .isEqualTo(-1);
        }
    }

    @Test
    void gathersWhatWasScatteredWithWeightsAndSlots() {
        Random random = new Random(SEED);
        RecordsFixture rows = RecordsFixture.create(arena, random, 16, 2, 50);
        int valueLength = 3 * 16;
        MemorySegment source = noise(random, 50L * valueLength * 4);
        MemorySegment back = arena.allocate(source.byteSize());
        RowCopy.scatter(source, 0, rows.records, rows.rowOffsets, 0, 50, valueLength);
        RowCopy.gather(rows.records, rows.rowOffsets, 0, 50, valueLength, back, 0);
        assertThat(back.mismatch(source)).isEqualTo(-1);
        assertThat(rows.slot(3, 1, 15)).isEqualTo(source.get(RecordLayout.FLOAT, (3L * valueLength + 2 * 16 + 15) * 4));
    }

    @Test
    void copiesPartsOfRows() {
        Random random = new Random(SEED);
        RecordsFixture rows = RecordsFixture.create(arena, random, 100, 0, 3);
        MemorySegment part = arena.allocate(2 * 30 * 4);
        RowCopy.gatherParts(rows.records, rows.rowOffsets, 1, 2, 60 * 4, 30, part, 0);
        assertThat(part.get(RecordLayout.INT, 0)).isEqualTo(rows.records.get(RecordLayout.INT, rows.offset(1, 0, 60)));
        assertThat(part.get(RecordLayout.INT, 59 * 4))
                .isEqualTo(rows.records.get(RecordLayout.INT, rows.offset(2, 0, 89)));
        RecordsFixture before = rows.copy(arena);
        MemorySegment.copy(part, 0, rows.records, rows.offset(1, 0, 60), 0);
        RowCopy.scatterParts(part, 0, rows.records, rows.rowOffsets, 1, 2, 60 * 4, 30);
        assertThat(rows.records.mismatch(before.records)).isEqualTo(-1);
        part.fill((byte) 0);
        RowCopy.scatterParts(part, 0, rows.records, rows.rowOffsets, 1, 1, 60 * 4, 30);
        assertThat(rows.records.get(RecordLayout.INT, rows.offset(1, 0, 89))).isZero();
        assertThat(rows.records.mismatch(before.records)).isGreaterThanOrEqualTo(rows.offset(1, 0, 60));
    }

    @Test
    void refusesRangesOutOfBounds() {
        RecordsFixture rows = RecordsFixture.create(arena, new Random(SEED), 16, 0, 3);
        MemorySegment destination = arena.allocate(3 * 64);
        assertThatThrownBy(() -> RowCopy.gather(rows.records, rows.rowOffsets, 0, 3, 16, destination, 1))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("range must lie within its segment: offset=1, bytes=192, byteSize=192");
        long[] offsets = {0, rows.records.byteSize() - 63, 0};
        assertThatThrownBy(() -> RowCopy.gather(rows.records, offsets, 0, 3, 16, destination, 0))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("row=1");
        assertThatThrownBy(() -> RowCopy.gather(rows.records, offsets, 0, 1, -1, destination, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> RowCopy.scatter(destination, 0, rows.records.asReadOnly(), offsets, 0, 1, 16))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private MemorySegment noise(Random random, long bytes) {
        byte[] noise = new byte[Math.toIntExact(bytes)];
        random.nextBytes(noise);
        return arena.allocate(bytes).copyFrom(MemorySegment.ofArray(noise));
    }

    private MemorySegment copy(MemorySegment segment) {
        return arena.allocate(segment.byteSize()).copyFrom(segment);
    }
}
