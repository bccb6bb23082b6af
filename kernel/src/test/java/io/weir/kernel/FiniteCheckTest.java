package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FiniteCheckTest {
    private static final long SEED = 99;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    /// Sign, exponent and the upper mantissa in all combinations, with an empty and a full lower half.
    @Test
    void judgesEveryUpperHalfAsFloatDoes() {
        MemorySegment values = arena.allocate(17 * 4);
        for (int upper = 0; upper < 1 << 16; upper++) {
            for (int lower : new int[] {0, 1, 0xffff}) {
                int bits = upper << 16 | lower;
                int index = upper % 17;
                values.set(RecordLayout.INT, index * 4L, bits);
                long expected = Float.isFinite(Float.intBitsToFloat(bits)) ? -1 : index;
                assertThat(FiniteCheck.firstNonFinite(values, 0, 17))
                        .as("bits=%08x", bits)
                        .isEqualTo(expected);
                assertThat(FiniteCheck.firstNonFiniteScalar(values, 0, 17)).isEqualTo(expected);
                values.set(RecordLayout.INT, index * 4L, 0);
            }
        }
    }

    @Test
    void findsTheFirstOfSeveral() {
        Random random = new Random(SEED);
        float[] bad = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
        for (int round = 0; round < 2_000; round++) {
            int count = random.nextInt(round % 2 == 0 ? 80 : 5_000);
            int offset = random.nextInt(70);
            // Not finite on both sides of the range, which must not be looked at.
            MemorySegment values = arena.allocate(offset + 4L * count + 80).fill((byte) 0xff);
            for (int i = 0; i < count; i++) {
                values.set(RecordLayout.FLOAT, offset + 4L * i, (random.nextFloat() - 0.5f) * Float.MAX_VALUE);
            }
            assertThat(FiniteCheck.firstNonFinite(values, offset, count))
                    .as("round=%s", round)
                    .isEqualTo(-1);
            if (count == 0) {
                continue;
            }
            int first = random.nextInt(count);
            for (int i = first; i < count; i += 1 + random.nextInt(100)) {
                values.set(RecordLayout.FLOAT, offset + 4L * i, bad[random.nextInt(3)]);
            }
            assertThat(FiniteCheck.firstNonFinite(values, offset, count))
                    .as("round=%s", round)
                    .isEqualTo(first);
            assertThat(FiniteCheck.firstNonFiniteScalar(values, offset, count)).isEqualTo(first);
        }
    }

    @Test
    void refusesRangesOutOfBounds() {
        MemorySegment values = arena.allocate(40);
        assertThatThrownBy(() -> FiniteCheck.firstNonFinite(values, 4, 10))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("range must lie within its segment: offset=4, bytes=40, byteSize=40");
        assertThatThrownBy(() -> FiniteCheck.firstNonFinite(values, 0, -1))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
