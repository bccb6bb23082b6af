package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AccumulateTest {
    @Test
    void addsRunsOfEveryLengthAndNothingBeside() {
        try (Arena arena = Arena.ofConfined()) {
            for (int length = 0; length <= 130; length++) {
                Random random = new Random(length);
                MemorySegment from = arena.allocate(9 + 4L * length);
                MemorySegment expected = arena.allocate(7 + 4L * length + 64).fill((byte) 0x5a);
                for (int i = 0; i < length; i++) {
                    from.set(RecordLayout.FLOAT, 9 + 4L * i, (float) random.nextGaussian() * 1e38f);
                    expected.set(RecordLayout.FLOAT, 7 + 4L * i, (float) random.nextGaussian() * 1e38f);
                }
                MemorySegment vector = arena.allocate(expected.byteSize()).copyFrom(expected);
                MemorySegment scalar = arena.allocate(expected.byteSize()).copyFrom(expected);
                for (int i = 0; i < length; i++) {
                    float sum = expected.get(RecordLayout.FLOAT, 7 + 4L * i) + from.get(RecordLayout.FLOAT, 9 + 4L * i);
                    expected.set(RecordLayout.FLOAT, 7 + 4L * i, sum);
                }
                Accumulate.add(vector, 7, from.asReadOnly(), 9, length);
                Accumulate.addScalar(scalar, 7, from.asReadOnly(), 9, length);
                assertThat(vector.mismatch(expected)).as("length=%s", length).isEqualTo(-1);
                assertThat(scalar.mismatch(expected)).as("length=%s", length).isEqualTo(-1);
            }
        }
    }

    @Test
    void keepsTheLeastOrTheGreatestOfEveryLength() {
        try (Arena arena = Arena.ofConfined()) {
            for (int length = 0; length <= 40; length++) {
                Random random = new Random(length);
                MemorySegment from = arena.allocate(9 + 4L * length);
                MemorySegment least = arena.allocate(7 + 4L * length + 64).fill((byte) 0x5a);
                MemorySegment greatest = arena.allocate(least.byteSize()).fill((byte) 0x5a);
                MemorySegment expectedLeast = arena.allocate(least.byteSize()).fill((byte) 0x5a);
                MemorySegment expectedGreatest =
                        arena.allocate(least.byteSize()).fill((byte) 0x5a);
                for (int i = 0; i < length; i++) {
                    float here = i % 5 == 0 ? -0f : (float) random.nextGaussian();
                    float there = i % 5 == 0 ? 0f : (float) random.nextGaussian();
                    from.set(RecordLayout.FLOAT, 9 + 4L * i, there);
                    least.set(RecordLayout.FLOAT, 7 + 4L * i, here);
                    greatest.set(RecordLayout.FLOAT, 7 + 4L * i, here);
                    expectedLeast.set(RecordLayout.FLOAT, 7 + 4L * i, there < here ? there : here);
                    expectedGreatest.set(RecordLayout.FLOAT, 7 + 4L * i, here > there ? here : there);
                }
                Accumulate.least(least, 7, from.asReadOnly(), 9, length);
                Accumulate.greatest(greatest, 7, from.asReadOnly(), 9, length);
                assertThat(least.mismatch(expectedLeast))
                        .as("length=%s", length)
                        .isEqualTo(-1);
                assertThat(greatest.mismatch(expectedGreatest))
                        .as("length=%s", length)
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void refusesRangesOutOfBounds() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sums = arena.allocate(40);
            assertThatThrownBy(() -> Accumulate.add(sums, 0, sums, 20, 6))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("range must lie within its segment: offset=20, bytes=24, byteSize=40");
        }
    }
}
