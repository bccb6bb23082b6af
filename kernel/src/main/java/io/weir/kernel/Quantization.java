package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;
import static io.weir.kernel.RecordLayout.INT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteOrder;

/// Turns values that came in fewer bits into floats, and rows into values of fewer bits. The layouts are those of the
/// protocol's value types; each method says its own. Segments must be native, stay open for the whole call, and not
/// overlap; offsets are in bytes, at any alignment. Calls are checked whole before the first byte is written, and
/// allocate nothing.
///
/// Readers of values that have bits or positions to get wrong return where the first such mistake is, or -1. What was
/// written by then is of no use.
public final class Quantization {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    /// Adding and subtracting it rounds a float of less than 2²² to the nearest integer, ties to even.
    private static final float ROUND = 12_582_912f;

    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    private static final int ABSOLUTE = 0x7fffffff;
    private static final int INFINITE = 0x7f800000;

    /// Greatest finite binary16.
    private static final float MAX_FLOAT16 = 65_504;

    private Quantization() {}

    // ---- values that were rounded ----

    /// Reads `count` bfloat16.
    public static void fromBfloat16(
            MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        long from = NativeMemory.address(source, sourceOffset, count * Short.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        try {
            for (long i = 0; i < count; i++) {
                MEMORY.set(INT, to + i * Float.BYTES, MEMORY.get(SHORT, from + i * Short.BYTES) << 16);
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Writes `count` bfloat16, the nearest ones, ties to even; a finite value does not become infinite.
    public static void toBfloat16(
            MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        long from = NativeMemory.address(source, sourceOffset, count * Float.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count * Short.BYTES, true);
        try {
            for (long i = 0; i < count; i++) {
                int bits = MEMORY.get(INT, from + i * Float.BYTES);
                MEMORY.set(SHORT, to + i * Short.BYTES, (short) ((bits >>> 16 & 0x8000) | roundedUpperHalf(bits)));
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    private static int roundedUpperHalf(int bits) {
        int magnitude = bits & ABSOLUTE;
        if (magnitude >= INFINITE) {
            return magnitude == INFINITE ? 0x7f80 : magnitude >>> 16 | 0x40;
        }
        return Math.min(magnitude + 0x7fff + (magnitude >>> 16 & 1), INFINITE - 0x10000) >>> 16;
    }

    /// Reads `count` binary16.
    public static void fromFloat16(
            MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        long from = NativeMemory.address(source, sourceOffset, count * Short.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        try {
            for (long i = 0; i < count; i++) {
                MEMORY.set(
                        FLOAT, to + i * Float.BYTES, Float.float16ToFloat(MEMORY.get(SHORT, from + i * Short.BYTES)));
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Writes `count` binary16, the nearest ones, ties to even; a finite value does not become infinite.
    public static void toFloat16(
            MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        long from = NativeMemory.address(source, sourceOffset, count * Float.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count * Short.BYTES, true);
        try {
            for (long i = 0; i < count; i++) {
                float value = MEMORY.get(FLOAT, from + i * Float.BYTES);
                if (Math.abs(value) < Float.POSITIVE_INFINITY) {
                    value = Math.clamp(value, -MAX_FLOAT16, MAX_FLOAT16);
                }
                MEMORY.set(SHORT, to + i * Short.BYTES, Float.floatToFloat16(value));
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Reads `count` values of 8 bits in spans: scale, float; then a byte for each value, which is the scale times it.
    public static void fromInt8(
            MemorySegment source,
            long sourceOffset,
            long count,
            int spanLength,
            MemorySegment target,
            long targetOffset) {
        long spans = (count + spanLength - 1) / spanLength;
        long from = NativeMemory.address(source, sourceOffset, count + spans * Float.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        try {
            for (long done = 0; done < count; done += spanLength) {
                int length = (int) Math.min(spanLength, count - done);
                float scale = MEMORY.get(FLOAT, from);
                from += Float.BYTES;
                for (int i = 0; i < length; i++) {
                    MEMORY.set(FLOAT, to + (long) i * Float.BYTES, MEMORY.get(BYTE, from + i) * scale);
                }
                from += length;
                to += (long) length * Float.BYTES;
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Writes `count` values of 8 bits in spans: the scale is the greatest magnitude of the span over 127, each value
    /// the nearest multiple of it. A span with a value that is not finite reads as values that
    /// are not.
    public static void toInt8(
            MemorySegment source,
            long sourceOffset,
            long count,
            int spanLength,
            MemorySegment target,
            long targetOffset) {
        long spans = (count + spanLength - 1) / spanLength;
        long from = NativeMemory.address(source, sourceOffset, count * Float.BYTES, false);
        long to = NativeMemory.address(target, targetOffset, count + spans * Float.BYTES, true);
        try {
            for (long done = 0; done < count; done += spanLength) {
                int length = (int) Math.min(spanLength, count - done);
                float greatest = 0;
                for (int i = 0; i < length; i++) {
                    greatest = Math.max(greatest, Math.abs(MEMORY.get(FLOAT, from + (long) i * Float.BYTES)));
                }
                float scale = greatest / 127;
                MEMORY.set(FLOAT, to, scale);
                to += Float.BYTES;
                for (int i = 0; i < length; i++) {
                    float value = MEMORY.get(FLOAT, from + (long) i * Float.BYTES);
                    int rounded = scale == 0 ? 0 : Float.floatToRawIntBits(value / scale + ROUND) - ROUND_BITS;
                    MEMORY.set(BYTE, to + i, (byte) Math.clamp(rounded, -127, 127));
                }
                from += (long) length * Float.BYTES;
                to += length;
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    // ---- values of one and two bits ----

    /// Reads `count` values of 2 bits, the first in the most significant ones, in words of 4 bytes: 11 is the
    /// threshold, 10 its negative, 00 is 0.
    ///
    /// @return position of the first value that is 01, or of one behind the last that is not 00, or -1
    public static long fromTwoBits(
            MemorySegment source,
            long sourceOffset,
            long count,
            float threshold,
            MemorySegment target,
            long targetOffset) {
        long bytes = (count + 15) / 16 * Integer.BYTES;
        long from = NativeMemory.address(source, sourceOffset, bytes, false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        int bits = Float.floatToRawIntBits(threshold);
        int wrong = 0;
        try {
            for (long i = 0; i < count / 4; i++) {
                int codes = MEMORY.get(BYTE, from + i);
                wrong |= codes & ~(codes >> 1) & 0x55;
                long four = to + i * 4 * Float.BYTES;
                MEMORY.set(INT, four, valueOf(codes >> 6, bits));
                MEMORY.set(INT, four + Float.BYTES, valueOf(codes >> 4, bits));
                MEMORY.set(INT, four + 2 * Float.BYTES, valueOf(codes >> 2, bits));
                MEMORY.set(INT, four + 3 * Float.BYTES, valueOf(codes, bits));
            }
            for (long i = count & -4; i < count; i++) {
                int code = MEMORY.get(BYTE, from + i / 4) >> (6 - 2 * (i & 3));
                wrong |= code & ~(code >> 1) & 1;
                MEMORY.set(INT, to + i * Float.BYTES, valueOf(code, bits));
            }
            for (long i = count; i < bytes * 4; i++) {
                wrong |= MEMORY.get(BYTE, from + i / 4) >> (6 - 2 * (i & 3)) & 3;
            }
            return wrong == 0 ? -1 : firstWrongCode(from, count, bytes * 4);
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Bit 1 says whether there is a value, bit 0 whether it is above 0.
    private static int valueOf(int code, int thresholdBits) {
        int present = -(code >> 1 & 1);
        int negative = ~code << 31;
        return (thresholdBits ^ negative) & present;
    }

    private static long firstWrongCode(long from, long count, long end) {
        for (long i = 0; i < end; i++) {
            int code = MEMORY.get(BYTE, from + i / 4) >> (6 - 2 * (i & 3)) & 3;
            if (code == 1 || (i >= count && code != 0)) {
                return i;
            }
        }
        return -1;
    }

    /// Reads `count` values of 1 bit, the first in the most significant one: 1 is `scale`, 0 its negative.
    ///
    /// @param bytes that hold them; all bits behind the last value must be 0
    /// @return position of the first bit behind the last value that is not 0, or -1
    public static long fromOneBit(
            MemorySegment source,
            long sourceOffset,
            long bytes,
            long count,
            float scale,
            MemorySegment target,
            long targetOffset) {
        if (count > bytes * Byte.SIZE) {
            throw new IndexOutOfBoundsException(
                    "bits must lie within their bytes: count=" + count + ", bytes=" + bytes);
        }
        long from = NativeMemory.address(source, sourceOffset, bytes, false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        int positive = Float.floatToRawIntBits(scale);
        try {
            for (long i = 0; i < count / 8; i++) {
                int signs = ~MEMORY.get(BYTE, from + i);
                long eight = to + i * 8 * Float.BYTES;
                for (int bit = 0; bit < 8; bit++) {
                    int sign = (signs << (24 + bit)) & 0x80000000;
                    MEMORY.set(INT, eight + (long) bit * Float.BYTES, positive ^ sign);
                }
            }
            for (long i = count & -8; i < count; i++) {
                int sign = ~MEMORY.get(BYTE, from + i / 8) << (int) (24 + (i & 7)) & 0x80000000;
                MEMORY.set(INT, to + i * Float.BYTES, positive ^ sign);
            }
            for (long i = count; i < bytes * Byte.SIZE; i++) {
                if ((MEMORY.get(BYTE, from + i / 8) << (int) (24 + (i & 7))) < 0) {
                    return i;
                }
            }
            return -1;
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /// Reads `count` values of 1 bit in spans: scale, float; then a bit for each value, in whole bytes.
    ///
    /// @return position of a value in the first span that has a wrong bit behind its last one, or a scale below 0,
    /// or -1
    public static long fromScaledBits(
            MemorySegment source,
            long sourceOffset,
            long count,
            int spanLength,
            MemorySegment target,
            long targetOffset) {
        long from = sourceOffset;
        long to = targetOffset;
        for (long done = 0; done < count; done += spanLength) {
            int length = (int) Math.min(spanLength, count - done);
            int bytes = (length + 7) / 8;
            float scale = source.get(FLOAT, from);
            if (scale < 0 || fromOneBit(source, from + Float.BYTES, bytes, length, scale, target, to) >= 0) {
                return done;
            }
            from += Float.BYTES + bytes;
            to += (long) length * Float.BYTES;
        }
        return -1;
    }

    // ---- values that were chosen ----

    /// Reads `kept` values that stand at given positions among `count`; all others are 0.
    ///
    /// @param sourceOffset of the positions, ints, ascending; the values, floats, follow
    /// @return index of the first position that is not above the one before and below `count`, or -1
    public static long fromSparse(
            MemorySegment source, long sourceOffset, int kept, long count, MemorySegment target, long targetOffset) {
        long positions = NativeMemory.address(source, sourceOffset, (long) kept * (Integer.BYTES + Float.BYTES), false);
        long to = NativeMemory.address(target, targetOffset, count * Float.BYTES, true);
        try {
            target.asSlice(targetOffset, count * Float.BYTES).fill((byte) 0);
            long values = positions + (long) kept * Integer.BYTES;
            int before = -1;
            for (int i = 0; i < kept; i++) {
                int position = MEMORY.get(INT, positions + (long) i * Integer.BYTES);
                if (position <= before || position >= count) {
                    return i;
                }
                MEMORY.set(INT, to + (long) position * Float.BYTES, MEMORY.get(INT, values + (long) i * Float.BYTES));
                before = position;
            }
            return -1;
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }
}
