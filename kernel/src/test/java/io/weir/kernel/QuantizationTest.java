package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QuantizationTest {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int[] LENGTHS = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 255, 257, 1000};
    private static final int FROM = 3;
    private static final int TO = 5;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment source = arena.allocate(16_384);
    private final MemorySegment target = arena.allocate(16_384);

    @AfterEach
    void close() {
        arena.close();
    }

    private float target(int i) {
        return target.get(RecordLayout.FLOAT, TO + 4L * i);
    }

    private void fill(Random random) {
        for (int i = 0; i < source.byteSize(); i++) {
            source.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        target.fill((byte) 0x5a);
    }

    private void assertNothingBeside(long bytes) {
        for (long i = 0; i < target.byteSize(); i++) {
            if ((i < TO || i >= TO + bytes) && target.get(ValueLayout.JAVA_BYTE, i) != 0x5a) {
                throw new AssertionError("written beside the target: at=" + i + ", bytes=" + bytes);
            }
        }
    }

    @Test
    void readsHalvesOfFloats() {
        for (int count : LENGTHS) {
            fill(new Random(count));
            Quantization.fromBfloat16(source, FROM, count, target, TO);
            assertNothingBeside(4L * count);
            for (int i = 0; i < count; i++) {
                int bits = source.get(SHORT, FROM + 2L * i) << 16;
                assertThat(target.get(RecordLayout.INT, TO + 4L * i)).isEqualTo(bits);
            }
            fill(new Random(count));
            Quantization.fromFloat16(source, FROM, count, target, TO);
            assertNothingBeside(4L * count);
            for (int i = 0; i < count; i++) {
                assertThat(target(i)).isEqualTo(Float.valueOf(Float.float16ToFloat(source.get(SHORT, FROM + 2L * i))));
            }
        }
    }

    @Test
    void writesTheNearestHalves() {
        int count = 1000;
        for (int round = 0; round < 200; round++) {
            fill(new Random(round));
            Quantization.toBfloat16(source, FROM, count, target, TO);
            assertNothingBeside(2L * count);
            for (int i = 0; i < count; i++) {
                float value = source.get(RecordLayout.FLOAT, FROM + 4L * i);
                float written = Float.intBitsToFloat(target.get(SHORT, TO + 2L * i) << 16);
                if (Float.isFinite(value)) {
                    float ulp = Math.ulp(value) * 0x1p16f;
                    boolean greatest = Math.abs(value) > Float.intBitsToFloat(0x7f7f0000);
                    assertThat((double) Math.abs(written - value)).isLessThanOrEqualTo(greatest ? ulp : ulp / 2);
                    assertThat(Float.isFinite(written)).isTrue();
                } else {
                    assertThat(Float.isNaN(written)).isEqualTo(Float.isNaN(value));
                }
            }
            Quantization.toFloat16(source, FROM, count, target, TO);
            for (int i = 0; i < count; i++) {
                float value = source.get(RecordLayout.FLOAT, FROM + 4L * i);
                float written = Float.float16ToFloat(target.get(SHORT, TO + 2L * i));
                if (Float.isFinite(value)) {
                    float nearest =
                            Float.float16ToFloat(Float.floatToFloat16(Math.max(-65_504, Math.min(65_504, value))));
                    assertThat(written).isEqualTo(nearest);
                } else {
                    assertThat(written).isEqualTo(Float.valueOf(value));
                }
            }
        }
    }

    @Test
    void eightBitsComeBackWithinHalfAScale() {
        for (int count : LENGTHS) {
            for (int span : new int[] {1, 16, 64, 256}) {
                Random random = new Random(count);
                for (int i = 0; i < count; i++) {
                    source.set(RecordLayout.FLOAT, FROM + 4L * i, (float) random.nextGaussian());
                }
                MemorySegment bytes = arena.allocate(8 * count + 16);
                Quantization.toInt8(source, FROM, count, span, bytes, 1);
                target.fill((byte) 0x5a);
                Quantization.fromInt8(bytes, 1, count, span, target, TO);
                assertNothingBeside(4L * count);
                for (int i = 0; i < count; i++) {
                    float scale = bytes.get(RecordLayout.FLOAT, 1 + (long) i / span * (span + 4));
                    float value = source.get(RecordLayout.FLOAT, FROM + 4L * i);
                    assertThat((double) Math.abs(value - target(i))).isLessThanOrEqualTo(scale / 2 * (1 + 0x1p-14));
                }
            }
        }
    }

    @Test
    void aSpanWithAValueThatIsNotFiniteReadsAsSuch() {
        for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (int i = 0; i < 32; i++) {
                source.set(RecordLayout.FLOAT, 4L * i, i == 20 ? odd : 1f);
            }
            MemorySegment bytes = arena.allocate(64);
            Quantization.toInt8(source, 0, 32, 16, bytes, 0);
            Quantization.fromInt8(bytes, 0, 32, 16, target, TO);
            for (int i = 0; i < 32; i++) {
                assertThat(Float.isFinite(target(i))).as("odd=%s, i=%s", odd, i).isEqualTo(i < 16);
            }
        }
    }

    @Test
    void readsTwoBits() {
        for (int count : LENGTHS) {
            Random random = new Random(count);
            long bytes = (count + 15) / 16 * 4;
            source.fill((byte) 0);
            int[] codes = new int[count];
            for (int i = 0; i < count; i++) {
                codes[i] = new int[] {0, 2, 3}[random.nextInt(3)];
                put(i / 4, codes[i] << 6 - i % 4 * 2);
            }
            target.fill((byte) 0x5a);
            assertThat(Quantization.fromTwoBits(source, FROM, count, 0.25f, target, TO))
                    .isEqualTo(-1);
            assertNothingBeside(4L * count);
            for (int i = 0; i < count; i++) {
                assertThat(target(i)).isEqualTo(codes[i] == 0 ? 0 : codes[i] == 3 ? 0.25f : -0.25f);
            }
            for (int wrong = 0; wrong < bytes * 4; wrong++) {
                int before = source.get(ValueLayout.JAVA_BYTE, FROM + (long) wrong / 4);
                int shift = 6 - wrong % 4 * 2;
                source.set(
                        ValueLayout.JAVA_BYTE, FROM + (long) wrong / 4, (byte) (before & ~(3 << shift) | 1 << shift));
                assertThat(Quantization.fromTwoBits(source, FROM, count, 0.25f, target, TO))
                        .isEqualTo(wrong);
                source.set(ValueLayout.JAVA_BYTE, FROM + (long) wrong / 4, (byte) before);
            }
        }
    }

    private void put(int index, int bits) {
        int before = source.get(ValueLayout.JAVA_BYTE, FROM + index);
        source.set(ValueLayout.JAVA_BYTE, FROM + (long) index, (byte) (before | bits));
    }

    @Test
    void readsOneBit() {
        for (int count : LENGTHS) {
            long bytes = (count + 31) / 32 * 4;
            Random random = new Random(count);
            source.fill((byte) 0);
            boolean[] up = new boolean[count];
            for (int i = 0; i < count; i++) {
                up[i] = random.nextBoolean();
                put(i / 8, up[i] ? 0x80 >> i % 8 : 0);
            }
            target.fill((byte) 0x5a);
            assertThat(Quantization.fromOneBit(source, FROM, bytes, count, 1.5f, target, TO))
                    .isEqualTo(-1);
            assertNothingBeside(4L * count);
            for (int i = 0; i < count; i++) {
                assertThat(target(i)).isEqualTo(up[i] ? 1.5f : -1.5f);
            }
            for (int tail = count; tail < bytes * 8; tail++) {
                int before = source.get(ValueLayout.JAVA_BYTE, FROM + (long) tail / 8);
                put(tail / 8, 0x80 >> tail % 8);
                assertThat(Quantization.fromOneBit(source, FROM, bytes, count, 1.5f, target, TO))
                        .isEqualTo(tail);
                source.set(ValueLayout.JAVA_BYTE, FROM + (long) tail / 8, (byte) before);
            }
        }
    }

    @Test
    void refusesScalesBelowZeroAndBitsBehindTheLast() {
        source.fill((byte) 0);
        assertThat(Quantization.fromScaledBits(source, 0, 40, 20, target, TO)).isEqualTo(-1);
        source.set(ValueLayout.JAVA_BYTE, 7 + 4 + 2, (byte) 1);
        assertThat(Quantization.fromScaledBits(source, 0, 40, 20, target, TO)).isEqualTo(20);
        source.set(RecordLayout.FLOAT, 0, -1f);
        assertThat(Quantization.fromScaledBits(source, 0, 40, 20, target, TO)).isEqualTo(0);
    }

    @Test
    void readsChosenValuesAndZerosBetween() {
        int[] positions = {0, 4, 5, 9};
        for (int i = 0; i < 4; i++) {
            source.set(RecordLayout.INT, FROM + 4L * i, positions[i]);
            source.set(RecordLayout.FLOAT, FROM + 16 + 4L * i, i + 1f);
        }
        target.fill((byte) 0x5a);
        assertThat(Quantization.fromSparse(source, FROM, 4, 10, target, TO)).isEqualTo(-1);
        assertNothingBeside(40);
        float[] expected = {1, 0, 0, 0, 2, 3, 0, 0, 0, 4};
        for (int i = 0; i < 10; i++) {
            assertThat(target(i)).isEqualTo(expected[i]);
        }
        assertThat(Quantization.fromSparse(source, FROM, 4, 9, target, TO)).isEqualTo(3);
        for (int wrong : new int[] {5, 4, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            source.set(RecordLayout.INT, FROM + 8, wrong);
            assertThat(Quantization.fromSparse(source, FROM, 4, 10, target, TO)).isEqualTo(wrong == 5 ? -1 : 2);
        }
    }

    @Test
    void refusesRangesOutOfBounds() {
        MemorySegment ten = arena.allocate(10);
        assertThatThrownBy(() -> Quantization.fromBfloat16(ten, 0, 6, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.fromInt8(ten, 0, 7, 64, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.fromTwoBits(ten, 7, 16, 1, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.fromOneBit(target, 0, 4, 33, 1, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.fromScaledBits(ten, 0, 56, 56, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.fromSparse(ten, 0, 2, 10, target, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Quantization.toFloat16(target, 0, 100, ten, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
