package io.weir.wire;

import io.weir.model.Compression;

/// How floats lie in the payload of a push or of the answer to a pull, and how many bytes they take. Numbers are part
/// of the protocol.
///
/// Two of the types have *spans*, values that share a scale which stands in front of them: a row of 16 floats or more;
/// as many shorter rows as make at most 64 floats; 256 floats of a stretch. The last span may be shorter.
///
/// ```
///   FLOAT32          4 bytes a value
///   BFLOAT16         2 bytes a value, the upper half of a float
///   FLOAT16          2 bytes a value, IEEE 754 binary16
///   INT8             for each span: scale, float32; 1 byte a value, which is the scale times it
///   TWO_BIT          threshold t, float32, above 0; 2 bits a value: 11 is t, 10 is -t, 00 is 0; in words of 4 bytes
///   ONE_BIT          for each span: scale, float32, 0 or more; 1 bit a value: 1 is the scale, 0 its negative; in bytes
///   ONE_BIT_COMPAT   1 bit a value: 1 is 1, 0 is -1; in words of 4 bytes
///   SPARSE           count k, int32; k positions, int32, ascending; k values, float32; all others are 0
/// ```
///
/// Bits begin with the most significant of each byte; those behind the last value are 0.
public final class ValueType {
    public static final int FLOAT32 = 1;
    public static final int BFLOAT16 = 2;
    public static final int FLOAT16 = 3;
    public static final int INT8 = 4;
    public static final int TWO_BIT = 5;
    public static final int ONE_BIT = 6;
    public static final int ONE_BIT_COMPAT = 7;
    public static final int SPARSE = 8;

    /// Floats of a stretch that share a scale.
    public static final int STRETCH_SPAN = 256;

    /// Rows from this length on have a scale each.
    public static final int ROW_SPAN = 16;

    /// Most floats of shorter rows that share a scale.
    public static final int ROWS_SPAN = 64;

    private ValueType() {}

    /// The type that a compression sends.
    public static int of(Compression compression) {
        if (compression instanceof Compression.None) {
            return FLOAT32;
        } else if (compression instanceof Compression.Bfloat16) {
            return BFLOAT16;
        } else if (compression instanceof Compression.Float16) {
            return FLOAT16;
        } else if (compression instanceof Compression.Int8) {
            return INT8;
        } else if (compression instanceof Compression.TwoBit) {
            return TWO_BIT;
        } else if (compression instanceof Compression.OneBit) {
            return ONE_BIT;
        } else if (compression instanceof Compression.OneBitCompat) {
            return ONE_BIT_COMPAT;
        }
        return SPARSE;
    }

    /// Whether values of a push may be so.
    public static boolean isKnown(int type) {
        return type >= FLOAT32 && type <= SPARSE;
    }

    /// Whether rows of an answer may be so.
    public static boolean isForRows(int type) {
        return type >= FLOAT32 && type <= INT8;
    }

    /// Values of a span.
    ///
    /// @param rowLength floats in a row; not looked at for stretches
    public static int spanLength(boolean stretch, int rowLength) {
        if (stretch) {
            return STRETCH_SPAN;
        }
        return rowLength >= ROW_SPAN ? rowLength : ROWS_SPAN / rowLength * rowLength;
    }

    /// Bytes of `count` values; of [#SPARSE] the fewest, those of no value.
    ///
    /// @param spanLength as [#spanLength] says
    public static long bytes(int type, long count, int spanLength) {
        return switch (type) {
            case BFLOAT16, FLOAT16 -> 2 * count;
            case INT8 -> count + (count + spanLength - 1) / spanLength * Float.BYTES;
            case TWO_BIT -> Float.BYTES + (count + 15) / 16 * Integer.BYTES;
            case ONE_BIT -> {
                long whole = count / spanLength;
                long rest = count % spanLength;
                long restBytes = rest == 0 ? 0 : Float.BYTES + (rest + 7) / 8;
                yield whole * (Float.BYTES + (spanLength + 7) / 8) + restBytes;
            }
            case ONE_BIT_COMPAT -> (count + 31) / 32 * Integer.BYTES;
            case SPARSE -> Integer.BYTES;
            default -> count * Float.BYTES;
        };
    }

    /// Values that are [#isForRows] and take so many bytes: the inverse of [#bytes].
    public static int floats(int type, int bytes, int spanLength) {
        return switch (type) {
            case BFLOAT16, FLOAT16 -> bytes / 2;
            case INT8 -> {
                int spanBytes = Float.BYTES + spanLength;
                yield bytes / spanBytes * spanLength + Math.max(0, bytes % spanBytes - Float.BYTES);
            }
            default -> bytes / Float.BYTES;
        };
    }

    /// Bytes of [#SPARSE] values of which `kept` are there.
    public static long sparseBytes(long kept) {
        return Integer.BYTES + kept * (Integer.BYTES + Float.BYTES);
    }
}
