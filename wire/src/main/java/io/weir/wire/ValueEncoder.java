package io.weir.wire;

import io.weir.model.Compression;
import io.weir.model.Keys;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// Writes the values of pushes as a [Compression] has it. What is left out by one with feedback stays in the values
/// that were given: the residual. Allocates nothing once its scratch has grown. Confined.
///
/// The loops are plain Java. Servers read the same bytes with `Quantization` of the module `kernel`; a test there holds
/// the two against each other, bit for bit.
public final class ValueEncoder {
    /// Adding and subtracting it rounds a float of less than 2²² to the nearest integer, ties to even.
    private static final float ROUND = 12_582_912f;

    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

    /// 2¹¹² moves the exponent of binary16 to that of a float.
    private static final float FROM_FLOAT16 = 0x1p112f;

    private static final int ABSOLUTE = 0x7fffffff;
    private static final int INFINITE = 0x7f800000;
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;

    private final Compression compression;
    private final int type;
    private final float threshold;
    private final double fraction;
    private final int[] histogram;
    private long random;

    public ValueEncoder(Compression compression) {
        this.compression = compression;
        this.type = ValueType.of(compression);
        float ofBits = 0;
        double ofValues = 0;
        if (compression instanceof Compression.TwoBit twoBit) {
            ofBits = twoBit.threshold();
        } else if (compression instanceof Compression.OneBitCompat oneBit) {
            ofBits = oneBit.threshold();
        } else if (compression instanceof Compression.TopK topK) {
            ofValues = topK.fraction();
        } else if (compression instanceof Compression.RandomK randomK) {
            ofValues = randomK.fraction();
            random = randomK.seed();
        }
        this.threshold = ofBits;
        this.fraction = ofValues;
        this.histogram = compression instanceof Compression.TopK ? new int[TOP_BINS] : new int[0];
    }

    public Compression compression() {
        return compression;
    }

    /// Number of its [ValueType].
    public int type() {
        return type;
    }

    /// Values that are sent of `count`, for those that choose.
    private int kept(int count) {
        return (int) Math.min(count, (long) Math.ceil(fraction * count));
    }

    /// Most bytes that [#encode] writes.
    public long maxBytes(int count, int spanLength) {
        return type == ValueType.SPARSE ? ValueType.sparseBytes(kept(count)) : ValueType.bytes(type, count, spanLength);
    }

    /// Writes `count` finite values. With feedback, `values` holds afterwards what was not sent.
    ///
    /// @param spanLength as [ValueType#spanLength] says
    /// @return bytes written
    public int encode(float[] values, int count, int spanLength, ByteBuffer out, int at) {
        switch (type) {
            case ValueType.BFLOAT16 -> {
                for (int i = 0; i < count; i++) {
                    out.putShort(at + 2 * i, toBfloat16(values[i]));
                }
            }
            case ValueType.FLOAT16 -> {
                for (int i = 0; i < count; i++) {
                    out.putShort(at + 2 * i, toFloat16(values[i]));
                }
            }
            case ValueType.INT8 -> int8(values, count, spanLength, out, at);
            case ValueType.TWO_BIT -> twoBit(values, count, out, at);
            case ValueType.ONE_BIT -> oneBit(values, count, spanLength, out, at);
            case ValueType.ONE_BIT_COMPAT -> oneBitCompat(values, count, out, at);
            case ValueType.SPARSE -> {
                return compression instanceof Compression.TopK
                        ? topK(values, count, out, at)
                        : randomK(values, count, out, at);
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    out.putFloat(at + Float.BYTES * i, values[i]);
                }
            }
        }
        return (int) ValueType.bytes(type, count, spanLength);
    }

    // ---- values that are rounded ----

    /// The nearest bfloat16, ties to even; the greatest finite one for what would round to infinity.
    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int magnitude = bits & ABSOLUTE;
        if (magnitude > INFINITE) {
            return (short) (bits >>> 16 | 0x40);
        }
        int rounded = magnitude + 0x7fff + (magnitude >>> 16 & 1);
        if (rounded >= INFINITE && magnitude < INFINITE) {
            rounded = INFINITE - 0x10000;
        }
        return (short) ((bits >>> 16 & 0x8000) | rounded >>> 16);
    }

    static float fromBfloat16(short value) {
        return Float.intBitsToFloat(value << 16);
    }

    /// The nearest binary16, ties to even; the greatest finite one for what would round to infinity.
    static short toFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & ABSOLUTE;
        int half;
        if (magnitude >= INFINITE) {
            half = magnitude > INFINITE ? 0x7e00 : 0x7c00;
        } else if (magnitude >= 0x477ff000) {
            half = 0x7bff;
        } else if (magnitude >= 0x38800000) {
            half = (magnitude - 0x38000000 + 0xfff + (magnitude >>> 13 & 1)) >>> 13;
        } else {
            // Below 2⁻¹⁴: the sum with 1/2 has the wanted digits last, rounded.
            half = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - 0x3f000000;
        }
        return (short) (sign | half);
    }

    static float fromFloat16(short value) {
        int magnitude = (value & 0x7fff) << 13;
        int bits = magnitude >= 0x7c00 << 13
                ? magnitude | INFINITE
                : Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) * FROM_FLOAT16);
        return Float.intBitsToFloat(bits | (value & 0x8000) << 16);
    }

    private static void int8(float[] values, int count, int spanLength, ByteBuffer out, int at) {
        for (int from = 0; from < count; from += spanLength) {
            int to = Math.min(count, from + spanLength);
            float greatest = 0;
            for (int i = from; i < to; i++) {
                greatest = Math.max(greatest, Math.abs(values[i]));
            }
            float scale = greatest / 127;
            out.putFloat(at, scale);
            at += Float.BYTES;
            for (int i = from; i < to; i++) {
                int rounded = scale == 0 ? 0 : Float.floatToRawIntBits(values[i] / scale + ROUND) - ROUND_BITS;
                out.put(at++, (byte) Math.max(-127, Math.min(127, rounded)));
            }
        }
    }

    /// Reads values that were rounded: what an answer to a pull may hold.
    ///
    /// @param spanLength as [ValueType#spanLength] says
    public static void decodeRows(int type, ByteBuffer in, int at, float[] values, int count, int spanLength) {
        switch (type) {
            case ValueType.BFLOAT16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = fromBfloat16(in.getShort(at + 2 * i));
                }
            }
            case ValueType.FLOAT16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = fromFloat16(in.getShort(at + 2 * i));
                }
            }
            case ValueType.INT8 -> decodeInt8(in, at, values, count, spanLength);
            default -> {
                for (int i = 0; i < count; i++) {
                    values[i] = in.getFloat(at + Float.BYTES * i);
                }
            }
        }
    }

    private static void decodeInt8(ByteBuffer in, int at, float[] values, int count, int spanLength) {
        for (int from = 0; from < count; from += spanLength) {
            int to = Math.min(count, from + spanLength);
            float scale = in.getFloat(at);
            at += Float.BYTES;
            for (int i = from; i < to; i++) {
                values[i] = in.get(at++) * scale;
            }
        }
    }

    // ---- values that leave a residual ----

    private void twoBit(float[] values, int count, ByteBuffer out, int at) {
        float t = threshold;
        out.putFloat(at, t);
        at += Float.BYTES;
        for (int from = 0; from < count; from += 16) {
            int to = Math.min(count, from + 16);
            int word = 0;
            for (int i = from; i < to; i++) {
                float r = values[i];
                int code = 0;
                if (r >= t) {
                    code = 3;
                    values[i] = r - t;
                } else if (r <= -t) {
                    code = 2;
                    values[i] = r + t;
                }
                word = word << 2 | code;
            }
            out.putInt(at, Integer.reverseBytes(word << (2 * (16 - (to - from)))));
            at += Integer.BYTES;
        }
    }

    private void oneBitCompat(float[] values, int count, ByteBuffer out, int at) {
        float t = threshold;
        for (int from = 0; from < count; from += 32) {
            int to = Math.min(count, from + 32);
            int word = 0;
            for (int i = from; i < to; i++) {
                boolean up = values[i] > t;
                values[i] -= up ? 1f : -1f;
                word = word << 1 | (up ? 1 : 0);
            }
            out.putInt(at, Integer.reverseBytes(word << (32 - (to - from))));
            at += Integer.BYTES;
        }
    }

    private static void oneBit(float[] values, int count, int spanLength, ByteBuffer out, int at) {
        for (int from = 0; from < count; from += spanLength) {
            int to = Math.min(count, from + spanLength);
            double sum = 0;
            for (int i = from; i < to; i++) {
                sum += Math.abs(values[i]);
            }
            float scale = (float) (sum / (to - from));
            out.putFloat(at, scale);
            at += Float.BYTES;
            for (int first = from; first < to; first += 8) {
                int last = Math.min(to, first + 8);
                int bits = 0;
                for (int i = first; i < last; i++) {
                    // Without a branch: signs are as good as random.
                    float value = values[i];
                    values[i] = value - Math.copySign(scale, value);
                    bits = bits << 1 | (Float.floatToRawIntBits(value) >>> 31 ^ 1);
                }
                out.put(at++, (byte) (bits << (8 - (last - first))));
            }
        }
    }

    // ---- values that are chosen ----

    private static final int TOP_BINS = 2048;

    private int topK(float[] values, int count, ByteBuffer out, int at) {
        int kept = kept(count);
        int least = magnitudeOfRank(values, count, kept);
        int above = 0;
        for (int i = 0; i < count; i++) {
            above += (Float.floatToRawIntBits(values[i]) & ABSOLUTE) > least ? 1 : 0;
        }
        // Zeros are what all others are anyway.
        int equal = least == 0 ? 0 : kept - above;
        kept = above + equal;
        int positionAt = at + Integer.BYTES;
        int valueAt = positionAt + kept * Integer.BYTES;
        out.putInt(at, kept);
        for (int i = 0; i < count; i++) {
            int magnitude = Float.floatToRawIntBits(values[i]) & ABSOLUTE;
            if (magnitude > least || (magnitude == least && equal > 0)) {
                equal -= magnitude == least ? 1 : 0;
                out.putInt(positionAt, i);
                out.putFloat(valueAt, values[i]);
                positionAt += Integer.BYTES;
                valueAt += Float.BYTES;
                values[i] = 0;
            }
        }
        return (int) ValueType.sparseBytes(kept);
    }

    /// The bits of the magnitude that has this rank among `count`, the greatest being the first: by counting how often
    /// the upper, then the middle, then the lower bits occur among those that still may be it.
    private int magnitudeOfRank(float[] values, int count, int rank) {
        if (rank == 0) {
            return ABSOLUTE;
        }
        int[] bins = histogram;
        int prefix = 0;
        int left = rank;
        for (int shift = 20; shift >= 0; shift -= 10) {
            int width = shift == 20 ? TOP_BINS : TOP_BINS / 2;
            Arrays.fill(bins, 0, width, 0);
            int bitsAbove = shift == 20 ? 31 : shift + 10;
            for (int i = 0; i < count; i++) {
                int magnitude = Float.floatToRawIntBits(values[i]) & ABSOLUTE;
                if (magnitude >>> bitsAbove == prefix) {
                    bins[magnitude >>> shift & (width - 1)]++;
                }
            }
            int bin = width - 1;
            while (bins[bin] < left) {
                left -= bins[bin--];
            }
            prefix = shift == 20 ? bin : prefix << 10 | bin;
        }
        return prefix;
    }

    /// Selection sampling: each position is taken with the chance of those still wanted among those still there.
    /// Source: Knuth, *The Art of Computer Programming* 2, section 3.4.2, algorithm S.
    private int randomK(float[] values, int count, ByteBuffer out, int at) {
        int kept = kept(count);
        int positionAt = at + Integer.BYTES;
        int valueAt = positionAt + kept * Integer.BYTES;
        out.putInt(at, kept);
        int wanted = kept;
        for (int i = 0; i < count && wanted > 0; i++) {
            random += GOLDEN;
            long there = (long) (count - i) << 1;
            if (Math.multiplyHigh(Keys.mix(random) >>> 1, there) < wanted) {
                wanted--;
                out.putInt(positionAt, i);
                out.putFloat(valueAt, values[i]);
                positionAt += Integer.BYTES;
                valueAt += Float.BYTES;
                values[i] = 0;
            }
        }
        return (int) ValueType.sparseBytes(kept);
    }
}
