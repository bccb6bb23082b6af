package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Compression;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// What [ValueEncoder] writes, read back here by the rules of the specification in plain arithmetic.
class ValueEncoderTest {
    private static final int[] LENGTHS = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1000};

    // ---- the published 1-bit and 2-bit forms ----

    @Test
    void twoBitsOfThePublishedExample() {
        float[] values = sum(
                new float[] {-6, -2, 3, 1, 10, 5, -3, 2, -8, 0}, new float[] {-3, 1, -1, 5, -2, 2, 3, -7, -2, -100});
        ByteBuffer out = Frames.buffer(8);
        assertThat(new ValueEncoder(Compression.twoBit(4)).encode(values, 10, 256, out, 0))
                .isEqualTo(8);
        assertThat(out.getFloat(0)).isEqualTo(4);
        assertThat(Arrays.copyOfRange(out.array(), 4, 8)).containsExactly(0x83, 0xf2, 0xa0, 0x00);
        assertThat(decoded(Compression.twoBit(4), out, 10, 256)).containsExactly(-4, 0, 0, 4, 4, 4, 0, -4, -4, -4);
        assertThat(values).containsExactly(-5, -1, 2, 2, 4, 3, 0, -1, -6, -96);
    }

    private static float[] sum(float[] a, float[] b) {
        float[] sum = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    @Test
    void bitsTakeTheWordsOfThePublishedForms() {
        for (int count : LENGTHS) {
            assertThat(bytes(Compression.twoBit(1), count, 256)).isEqualTo(4 + (count + 15) / 16 * 4);
            assertThat(bytes(Compression.oneBitCompat(0), count, 256)).isEqualTo((count + 31) / 32 * 4);
        }
    }

    /// With `w += 2 · g` from 0 and n workers that push the same constant.
    @Test
    void publishedSequencesComeOut() {
        for (int n : new int[] {1, 2, 4}) {
            float[] twoBits = sequence(Compression.twoBit(0.5f), n, 0.4f, 0.1f, 0.2f, 0.3f);
            assertThat(twoBits).containsExactly(0, n, n, 2 * n);
            float[] oneBit = sequence(Compression.oneBitCompat(0), n, 1, -1, 2, 0, -2);
            assertThat(oneBit).containsExactly(2 * n, 0, 2 * n, 4 * n, 2 * n);
        }
    }

    private static float[] sequence(Compression compression, int workers, float... pushed) {
        int count = 40;
        float[] weight = new float[pushed.length];
        float[][] residuals = new float[workers][count];
        ValueEncoder encoder = new ValueEncoder(compression);
        float w = 0;
        for (int step = 0; step < pushed.length; step++) {
            for (float[] residual : residuals) {
                for (int i = 0; i < count; i++) {
                    residual[i] += pushed[step];
                }
                float[] sent = encoded(encoder, residual, 256);
                for (float each : sent) {
                    assertThat(each).isEqualTo(sent[0]);
                }
                w += 2 * sent[0];
            }
            weight[step] = w;
        }
        return weight;
    }

    @Test
    void aZeroGradientChangesNothingUnderOneBitAndItsScale() {
        float[] zeros = new float[100];
        assertThat(encoded(new ValueEncoder(Compression.oneBit()), zeros, 64)).containsOnly(0f);
        assertThat(zeros).containsOnly(0f);
        float[] compatible = new float[100];
        assertThat(encoded(new ValueEncoder(Compression.oneBitCompat(0)), compatible, 64))
                .containsOnly(-1f);
    }

    // ---- error feedback ----

    @Test
    void whatIsSentAndWhatIsLeftAddUpToWhatWasPushed() {
        List<Compression> all = List.of(
                Compression.twoBit(0.5f),
                Compression.oneBit(),
                Compression.oneBitCompat(0),
                Compression.topK(0.1),
                Compression.randomK(0.1, 5));
        for (Compression compression : all) {
            for (int count : LENGTHS) {
                Random random = new Random(count);
                ValueEncoder encoder = new ValueEncoder(compression);
                float[] residual = new float[count];
                double[] pushed = new double[count];
                double[] arrived = new double[count];
                for (int step = 0; step < 50; step++) {
                    for (int i = 0; i < count; i++) {
                        // Multiples of 2⁻¹⁰: all sums of the published forms are exact.
                        float gradient = random.nextInt(-512, 513) / 1024f;
                        pushed[i] += gradient;
                        residual[i] += gradient;
                    }
                    float[] sent = encoded(encoder, residual, 64);
                    for (int i = 0; i < count; i++) {
                        arrived[i] += sent[i];
                    }
                }
                for (int i = 0; i < count; i++) {
                    assertThat(Math.abs(pushed[i] - arrived[i] - residual[i]))
                            .as("%s, count=%s, i=%s", compression.text(), count, i)
                            .isLessThanOrEqualTo(compression instanceof Compression.OneBit ? 1e-4 : 0);
                }
            }
        }
    }

    @Test
    void theResidualOfTwoBitsStaysWithinTheThresholdIfGradientsDo() {
        float t = 0.5f;
        Random random = new Random(3);
        float[] residual = new float[1000];
        ValueEncoder encoder = new ValueEncoder(Compression.twoBit(t));
        for (int step = 0; step < 300; step++) {
            for (int i = 0; i < residual.length; i++) {
                residual[i] += (random.nextFloat() * 2 - 1) * t;
            }
            encoded(encoder, residual, 256);
            for (float left : residual) {
                assertThat(Math.abs(left)).isLessThan(t);
            }
        }
    }

    @Test
    void oneBitLeavesTheSquaresThatItsFormulaSays() {
        for (int count : LENGTHS) {
            for (int span : new int[] {16, 64, 256}) {
                Random random = new Random(count);
                float[] values = gaussian(random, count);
                float[] before = values.clone();
                encoded(new ValueEncoder(Compression.oneBit()), values, span);
                for (int from = 0; from < count; from += span) {
                    int to = Math.min(count, from + span);
                    double squares = 0;
                    double sum = 0;
                    double left = 0;
                    double greatest = 0;
                    for (int i = from; i < to; i++) {
                        squares += (double) before[i] * before[i];
                        sum += Math.abs(before[i]);
                        left += (double) values[i] * values[i];
                        greatest = Math.max(greatest, Math.abs(before[i]));
                        assertThat(Math.abs(values[i])).isLessThanOrEqualTo((float) greatestOf(before, from, to));
                    }
                    assertThat(left)
                            .isCloseTo(
                                    squares - sum * sum / (to - from),
                                    org.assertj.core.data.Offset.offset(1e-5 * squares));
                }
            }
        }
    }

    private static double greatestOf(float[] values, int from, int to) {
        double greatest = 0;
        for (int i = from; i < to; i++) {
            greatest = Math.max(greatest, Math.abs(values[i]));
        }
        return greatest;
    }

    // ---- values that are chosen ----

    @Test
    void topKSendsTheGreatestAndOfEqualOnesTheFirst() {
        for (int count : LENGTHS) {
            for (double fraction : new double[] {0.01, 0.1, 0.5, 1}) {
                Random random = new Random(count);
                float[] values = new float[count];
                for (int i = 0; i < count; i++) {
                    values[i] = (random.nextInt(41) - 20) * (random.nextInt(4) == 0 ? 1e-30f : 0.5f);
                }
                float[] before = values.clone();
                float[] sent = encoded(new ValueEncoder(Compression.topK(fraction)), values, 256);
                int kept = (int) Math.ceil(fraction * count);
                Integer[] order = new Integer[count];
                Arrays.setAll(order, i -> i);
                Arrays.sort(order, (a, b) -> Float.compare(Math.abs(before[b]), Math.abs(before[a])));
                float[] expected = new float[count];
                for (int i = 0; i < kept; i++) {
                    expected[order[i]] = before[order[i]];
                }
                assertThat(sent).as("count=%s, fraction=%s", count, fraction).containsExactly(expected);
                double squares = 0;
                double left = 0;
                for (int i = 0; i < count; i++) {
                    squares += (double) before[i] * before[i];
                    left += (double) values[i] * values[i];
                    assertThat(values[i]).isEqualTo(expected[i] == 0 ? before[i] : 0f);
                }
                assertThat(left).isLessThanOrEqualTo((1 - (double) kept / count) * squares);
            }
        }
    }

    @Test
    void topKSendsNoZeros() {
        float[] values = {0, 0, 5, -0f, 0};
        ByteBuffer out = Frames.buffer(100);
        assertThat(new ValueEncoder(Compression.topK(1)).encode(values, 5, 256, out, 0))
                .isEqualTo(12);
        assertThat(out.getInt(0)).isEqualTo(1);
        assertThat(out.getInt(4)).isEqualTo(2);
        assertThat(out.getFloat(8)).isEqualTo(5);
    }

    /// Each of the C(6, 2) = 15 pairs comes up as often as any other.
    @Test
    void randomKChoosesEachSetWithTheSameChance() {
        ValueEncoder encoder = new ValueEncoder(Compression.randomK(1 / 3.0, 99));
        int rounds = 60_000;
        int[] seen = new int[64];
        for (int round = 0; round < rounds; round++) {
            float[] sent = encoded(encoder, new float[] {1, 2, 3, 4, 5, 6}, 256);
            int set = 0;
            for (int i = 0; i < 6; i++) {
                set |= sent[i] == 0 ? 0 : 1 << i;
            }
            assertThat(Integer.bitCount(set)).isEqualTo(2);
            seen[set]++;
        }
        double chiSquare = 0;
        for (int set = 0; set < 64; set++) {
            if (Integer.bitCount(set) == 2) {
                double expected = rounds / 15.0;
                chiSquare += (seen[set] - expected) * (seen[set] - expected) / expected;
            }
        }
        // 14 degrees of freedom: above 36.1 with a chance of one in a thousand; the seed is fixed.
        assertThat(chiSquare).isLessThan(36.1);
    }

    @Test
    void randomKSendsTheSameForTheSameSeed() {
        Set<String> differing = new HashSet<>();
        for (long seed : new long[] {1, 1, 2}) {
            ValueEncoder encoder = new ValueEncoder(Compression.randomK(0.2, seed));
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 3; i++) {
                text.append(Arrays.toString(encoded(encoder, gaussian(new Random(8), 50), 256)));
            }
            differing.add(text.toString());
        }
        assertThat(differing).hasSize(2);
    }

    // ---- values that are rounded ----

    @Test
    void everyBinary16ReadsAsTheJdkReadsItAndIsWrittenBack() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = ValueEncoder.fromFloat16((short) bits);
            int exponent = bits >> 10 & 31;
            double magnitude = exponent == 0
                    ? (bits & 1023) * Math.pow(2, -24)
                    : (1024 + (bits & 1023)) * Math.pow(2, exponent - 25);
            if (exponent < 31) {
                assertThat((double) value).isEqualTo(bits < 1 << 15 ? magnitude : -magnitude);
                assertThat(ValueEncoder.toFloat16(value)).isEqualTo((short) bits);
            } else {
                assertThat(Float.isFinite(value)).isFalse();
            }
        }
    }

    @Test
    void roundedValuesAreWithinTheirBounds() {
        Random random = new Random(11);
        for (int i = 0; i < 300_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (!Float.isFinite(value)) {
                continue;
            }
            double magnitude = Math.abs((double) value);
            float bf16 = ValueEncoder.fromBfloat16(ValueEncoder.toBfloat16(value));
            float greatestBf16 = Float.intBitsToFloat(0x7f7f0000);
            if (magnitude <= greatestBf16 && magnitude >= Float.MIN_NORMAL) {
                assertThat(Math.abs((double) value - bf16)).isLessThanOrEqualTo(magnitude / 256);
            }
            assertThat(Float.isFinite(bf16)).isTrue();
            float fp16 = ValueEncoder.fromFloat16(ValueEncoder.toFloat16(value));
            if (magnitude <= 65_504) {
                double bound = magnitude < 0x1p-14 ? 0x1p-25 : magnitude / 2048;
                assertThat(Math.abs((double) value - fp16)).isLessThanOrEqualTo(bound);
            } else {
                assertThat(Math.abs(fp16)).isEqualTo(65_504);
            }
        }
        assertThat(ValueEncoder.fromBfloat16(ValueEncoder.toBfloat16(-Float.MAX_VALUE)))
                .isEqualTo(Float.intBitsToFloat(0xff7f0000));
        assertThat(ValueEncoder.fromFloat16(ValueEncoder.toFloat16(Float.NEGATIVE_INFINITY)))
                .isEqualTo(Float.NEGATIVE_INFINITY);
    }

    /// Half a scale, a rounding of the quotient and one of the product; of the smallest floats their grid.
    @Test
    void eightBitsAreWithinHalfAScale() {
        for (int count : LENGTHS) {
            for (float size : new float[] {1, 1e-20f, 1e38f, 1e-43f, 0}) {
                Random random = new Random(count);
                float[] values = new float[count];
                for (int i = 0; i < count; i++) {
                    values[i] = (random.nextFloat() * 2 - 1) * size;
                }
                float[] read = encoded(new ValueEncoder(Compression.int8()), values.clone(), 64);
                for (int i = 0; i < count; i++) {
                    int from = i / 64 * 64;
                    double scale = greatestOf(values, from, Math.min(count, from + 64)) / 127;
                    assertThat(Math.abs((double) values[i] - read[i]))
                            .as("count=%s, size=%s", count, size)
                            .isLessThanOrEqualTo(scale / 2 * (1 + 0x1p-14) + 127 * Float.MIN_VALUE);
                }
            }
        }
    }

    @Test
    void roundedRowsAreReadBackAsTheyWereWritten() {
        for (Compression compression : List.of(Compression.bf16(), Compression.fp16(), Compression.int8())) {
            for (int count : LENGTHS) {
                float[] values = gaussian(new Random(count), count);
                ByteBuffer out = Frames.buffer(4096);
                ValueEncoder encoder = new ValueEncoder(compression);
                int bytes = encoder.encode(values, count, 64, out, 3);
                assertThat(ValueType.floats(encoder.type(), bytes, 64)).isEqualTo(count);
                float[] read = new float[count];
                ValueEncoder.decodeRows(encoder.type(), out, 3, read, count, 64);
                ByteBuffer again = Frames.buffer(4096);
                encoder.encode(read, count, 64, again, 3);
                if (!(compression instanceof Compression.Int8)) {
                    assertThat(again).isEqualTo(out);
                }
                assertThat(read)
                        .containsExactly(decoded(compression, out.slice(3, 4000).order(out.order()), count, 64));
            }
        }
    }

    @Test
    void nothingIsWrittenBesideTheBytesThatItSays() {
        List<Compression> all = List.of(
                Compression.none(),
                Compression.bf16(),
                Compression.fp16(),
                Compression.int8(),
                Compression.twoBit(1),
                Compression.oneBit(),
                Compression.oneBitCompat(0),
                Compression.topK(0.3),
                Compression.randomK(0.3, 1));
        for (Compression compression : all) {
            for (int count : LENGTHS) {
                ByteBuffer out = Frames.buffer(8192);
                Arrays.fill(out.array(), (byte) 0x5a);
                ValueEncoder encoder = new ValueEncoder(compression);
                int bytes = encoder.encode(gaussian(new Random(count), count), count, 64, out, 5);
                assertThat(bytes).isLessThanOrEqualTo((int) encoder.maxBytes(count, 64));
                boolean beside = false;
                for (int i = 0; i < out.capacity(); i++) {
                    beside |= (i < 5 || i >= 5 + bytes) && out.get(i) != 0x5a;
                }
                assertThat(beside).as("%s, count=%s", compression.text(), count).isFalse();
            }
        }
    }

    // ---- reading, by the specification ----

    private static float[] gaussian(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static int bytes(Compression compression, int count, int span) {
        return new ValueEncoder(compression).encode(new float[count], count, span, Frames.buffer(8192), 0);
    }

    private static float[] encoded(ValueEncoder encoder, float[] values, int span) {
        ByteBuffer out = Frames.buffer(16_384);
        encoder.encode(values, values.length, span, out, 0);
        return decoded(encoder.compression(), out, values.length, span);
    }

    private static float[] decoded(Compression compression, ByteBuffer in, int count, int span) {
        float[] values = new float[count];
        int type = ValueType.of(compression);
        int at = 0;
        for (int i = 0; i < count; i++) {
            boolean newRun = i % span == 0;
            if (type == ValueType.TWO_BIT) {
                int code = in.get(4 + i / 4) >> 6 - i % 4 * 2 & 3;
                assertThat(code).isNotEqualTo(1);
                values[i] = code == 0 ? 0 : code == 3 ? in.getFloat(0) : -in.getFloat(0);
            } else if (type == ValueType.ONE_BIT_COMPAT) {
                values[i] = (in.get(i / 8) >> 7 - i % 8 & 1) == 1 ? 1 : -1;
            } else if (type == ValueType.ONE_BIT) {
                at = newRun && i > 0 ? at + 4 + (span + 7) / 8 : at;
                float scale = in.getFloat(at);
                values[i] = (in.get(at + 4 + i % span / 8) >> 7 - i % span % 8 & 1) == 1 ? scale : -scale;
            } else if (type == ValueType.INT8) {
                at = newRun && i > 0 ? at + 4 + span : at;
                values[i] = in.get(at + 4 + i % span) * in.getFloat(at);
            } else if (type == ValueType.BFLOAT16) {
                values[i] = Float.intBitsToFloat(in.getShort(2 * i) << 16);
            } else if (type == ValueType.FLOAT16) {
                values[i] = ValueEncoder.fromFloat16(in.getShort(2 * i));
            }
        }
        if (type == ValueType.SPARSE) {
            int kept = in.getInt(0);
            for (int i = 0; i < kept; i++) {
                values[in.getInt(4 + 4 * i)] = in.getFloat(4 + 4 * kept + 4 * i);
                assertThat(i == 0 || in.getInt(4 + 4 * i) > in.getInt(4 * i)).isTrue();
            }
        }
        return values;
    }
}
