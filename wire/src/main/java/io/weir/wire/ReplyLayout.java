package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Fields of the replies to data frames.
///
/// ```
///             0        8       12          16
///             +--------+-------+-----------+
///   ROWS      | number | count | rowLength |  payload: count * rowLength floats; a stretch has rowLength 1
///   ACK       | number | shard | reserved  |  every push up to this number is decided
///             +--------+-------+-----------+
///             0        8       12          16          17         20           24
///             +--------+-------+-----------+-----------+----------+------------+
///   ENCODED_  | number | count | rowLength | valueType | reserved | spanLength |  payload: as ROWS, but as
///   ROWS      +--------+-------+-----------+-----------+----------+------------+  valueType has it
///             0        8       12          16
///             +--------+-------+-----------+
///   PARTIALS  | first  | count | reserved  |  payload: count float64, the sums of the blocks from `first` on
///             +--------+-------+-----------+
///             0        8       12            16
///             +--------+-------+-------------+
///   SCAN_REPLY| cursor | count | valueLength |  payload: rows; cursor -1 when there are no more
///             +--------+-------+-------------+
///             0      4       8              12          16
///             +------+-------+--------------+-----------+
///   ERROR     | code | flags | retryAfterMs | reserved  |  payload: the message, UTF-8
///             +------+-------+--------------+-----------+
/// ```
///
/// Offsets count from the start of the frame.
public final class ReplyLayout {
    public static final int NUMBER_OFFSET = FrameLayout.FIELDS_OFFSET;
    public static final int COUNT_OFFSET = NUMBER_OFFSET + Long.BYTES;
    public static final int SHARD_OFFSET = COUNT_OFFSET;
    public static final int ROW_LENGTH_OFFSET = COUNT_OFFSET + Integer.BYTES;

    public static final int CODE_OFFSET = FrameLayout.FIELDS_OFFSET;
    public static final int ERROR_FLAGS_OFFSET = CODE_OFFSET + Integer.BYTES;
    public static final int RETRY_AFTER_OFFSET = ERROR_FLAGS_OFFSET + Integer.BYTES;

    /// The refusal stands in the shard's order: it used up the push's number, and a retry is refused again.
    public static final int ERROR_ORDERED = 1;

    public static final int VALUE_TYPE_OFFSET = ROW_LENGTH_OFFSET + Integer.BYTES;
    public static final int SPAN_LENGTH_OFFSET = VALUE_TYPE_OFFSET + Integer.BYTES;

    /// Bytes of the fields of `ENCODED_ROWS`.
    public static final int ENCODED_FIELD_BYTES = SPAN_LENGTH_OFFSET + Integer.BYTES - FrameLayout.FIELDS_OFFSET;

    /// Where the payload of `ENCODED_ROWS` begins.
    public static final int ENCODED_PAYLOAD_OFFSET = FrameLayout.HEADER_BYTES + ENCODED_FIELD_BYTES;

    /// Bytes of the fields of each of the others.
    public static final int FIELD_BYTES = ROW_LENGTH_OFFSET + Integer.BYTES - FrameLayout.FIELDS_OFFSET;

    /// Where the payload begins.
    public static final int PAYLOAD_OFFSET = FrameLayout.HEADER_BYTES + FIELD_BYTES;

    private ReplyLayout() {}

    /// The number of a `ROWS` or an `ACK`, the cursor of a `SCAN_REPLY`, the first block of `PARTIALS`.
    public static long number(ByteBuffer frame, int at) {
        return frame.getLong(at + NUMBER_OFFSET);
    }

    public static int count(ByteBuffer frame, int at) {
        return frame.getInt(at + COUNT_OFFSET);
    }

    public static int shard(ByteBuffer frame, int at) {
        return frame.getInt(at + SHARD_OFFSET);
    }

    public static int rowLength(ByteBuffer frame, int at) {
        return frame.getInt(at + ROW_LENGTH_OFFSET);
    }

    public static int code(ByteBuffer frame, int at) {
        return frame.getInt(at + CODE_OFFSET);
    }

    public static int errorFlags(ByteBuffer frame, int at) {
        return frame.getInt(at + ERROR_FLAGS_OFFSET);
    }

    public static int retryAfterMs(ByteBuffer frame, int at) {
        return frame.getInt(at + RETRY_AFTER_OFFSET);
    }

    public static void putRows(ByteBuffer frame, int at, long number, int count, int rowLength) {
        frame.putLong(at + NUMBER_OFFSET, number);
        frame.putInt(at + COUNT_OFFSET, count);
        frame.putInt(at + ROW_LENGTH_OFFSET, rowLength);
    }

    /// Writes the fields of `ENCODED_ROWS`.
    public static void putEncodedRows(
            ByteBuffer frame, int at, long number, int count, int rowLength, int valueType, int spanLength) {
        putRows(frame, at, number, count, rowLength);
        frame.putInt(at + VALUE_TYPE_OFFSET, valueType);
        frame.putInt(at + SPAN_LENGTH_OFFSET, spanLength);
    }

    public static void putError(ByteBuffer frame, int at, int code, int flags, int retryAfterMs) {
        frame.putInt(at + CODE_OFFSET, code);
        frame.putInt(at + ERROR_FLAGS_OFFSET, flags);
        frame.putInt(at + RETRY_AFTER_OFFSET, retryAfterMs);
        frame.putInt(at + RETRY_AFTER_OFFSET + Integer.BYTES, 0);
    }

    /// How the rows of an `ENCODED_ROWS` lie, a number of [ValueType].
    public static int valueType(ByteBuffer frame, int at) {
        return frame.getInt(at + VALUE_TYPE_OFFSET);
    }

    /// Values of an `ENCODED_ROWS` that share a scale.
    public static int spanLength(ByteBuffer frame, int at) {
        return frame.getInt(at + SPAN_LENGTH_OFFSET);
    }

    /// Checks the fields of a `ROWS`, `ENCODED_ROWS`, `ACK`, `SCAN_REPLY`, `PARTIALS` or `ERROR` against each other and
    /// against the payload that is there.
    ///
    /// @param frame a whole frame of one of these types, its header checked
    /// @throws WeirException `MALFORMED_FRAME` naming the field
    public static void check(ByteBuffer frame, int at) {
        int type = FrameLayout.type(frame, at);
        int fieldBytes = type == FrameType.ENCODED_ROWS ? ENCODED_FIELD_BYTES : FIELD_BYTES;
        if (FrameLayout.fieldBytes(frame, at) != fieldBytes) {
            throw malformed("fields of type " + type + " must be " + fieldBytes + " bytes: fieldBytes="
                    + FrameLayout.fieldBytes(frame, at));
        }
        switch (type) {
            case FrameType.ROWS -> {
                requireAtLeast(0, number(frame, at), "number");
                checkRows(frame, at, (long) rowLength(frame, at) * Float.BYTES);
            }
            case FrameType.ENCODED_ROWS -> {
                requireAtLeast(0, number(frame, at), "number");
                checkEncodedRows(frame, at);
            }
            case FrameType.SCAN_REPLY -> {
                requireAtLeast(-1, number(frame, at), "cursor");
                checkRows(frame, at, RowLayout.VALUES_OFFSET + (long) rowLength(frame, at) * Float.BYTES);
            }
            case FrameType.PARTIALS -> {
                requireAtLeast(0, number(frame, at), "first");
                requireAtLeast(0, count(frame, at), "count");
                long expected = (long) count(frame, at) * Double.BYTES;
                if (rowLength(frame, at) != 0 || expected != FrameLayout.payloadBytes(frame, at)) {
                    throw malformed("reserved bytes must be 0 and payload fit the count: reserved="
                            + rowLength(frame, at) + ", expected=" + expected + ", actual="
                            + FrameLayout.payloadBytes(frame, at));
                }
            }
            case FrameType.ACK -> {
                requireAtLeast(1, number(frame, at), "number");
                requireAtLeast(0, shard(frame, at), "shard");
                requireEmpty(rowLength(frame, at), FrameLayout.payloadBytes(frame, at));
            }
            case FrameType.ERROR -> checkError(frame, at);
            default -> throw malformed("frame type must be known: type=" + type);
        }
    }

    private static void checkEncodedRows(ByteBuffer frame, int at) {
        requireAtLeast(0, count(frame, at), "count");
        requireAtLeast(1, spanLength(frame, at), "spanLength");
        int type = valueType(frame, at);
        if (type == ValueType.FLOAT32 || !ValueType.isForRows(type)) {
            throw malformed(
                    "value type must be from " + ValueType.BFLOAT16 + " to " + ValueType.INT8 + ": valueType=" + type);
        }
        int rowLength = rowLength(frame, at);
        if (rowLength < 1 || (long) count(frame, at) * rowLength > Limits.MAX_FRAME_BYTES / Float.BYTES) {
            throw malformed(
                    "rows must fit a frame as floats too: rowLength=" + rowLength + ", count=" + count(frame, at));
        }
        long expected = ValueType.bytes(type, (long) count(frame, at) * rowLength, spanLength(frame, at));
        if (expected != FrameLayout.payloadBytes(frame, at)) {
            throw malformed("payload must fit the count: expected=" + expected + ", actual="
                    + FrameLayout.payloadBytes(frame, at) + ", count=" + count(frame, at) + ", rowLength="
                    + rowLength + ", valueType=" + type);
        }
    }

    private static void checkRows(ByteBuffer frame, int at, long rowBytes) {
        requireAtLeast(0, count(frame, at), "count");
        if (rowLength(frame, at) < 1 || rowLength(frame, at) > Limits.MAX_FRAME_BYTES / Float.BYTES) {
            throw malformed("row must fit a frame: rowLength=" + rowLength(frame, at));
        }
        long expected = count(frame, at) * rowBytes;
        if (expected != FrameLayout.payloadBytes(frame, at)) {
            throw malformed("payload must fit the count: expected=" + expected + ", actual="
                    + FrameLayout.payloadBytes(frame, at) + ", count=" + count(frame, at) + ", rowLength="
                    + rowLength(frame, at));
        }
    }

    private static void checkError(ByteBuffer frame, int at) {
        requireAtLeast(1, code(frame, at), "code");
        requireAtLeast(0, retryAfterMs(frame, at), "retryAfterMs");
        if ((errorFlags(frame, at) & ~ERROR_ORDERED) != 0) {
            throw malformed("error flags must be 0 or " + ERROR_ORDERED + ": flags=" + errorFlags(frame, at));
        }
        requireEmpty(frame.getInt(at + RETRY_AFTER_OFFSET + Integer.BYTES), 0);
        if (FrameLayout.payloadBytes(frame, at) > Limits.MAX_CONTROL_BYTES) {
            throw malformed("error message must be at most " + Limits.MAX_CONTROL_BYTES + " bytes: bytes="
                    + FrameLayout.payloadBytes(frame, at));
        }
    }

    private static void requireAtLeast(long least, long value, String field) {
        if (value < least) {
            throw malformed(field + " must be at least " + least + ": " + field + "=" + value);
        }
    }

    private static void requireEmpty(int reserved, int payloadBytes) {
        if (reserved != 0 || payloadBytes != 0) {
            throw malformed("reserved bytes must be 0 and payload empty: reserved=" + reserved + ", payloadBytes="
                    + payloadBytes);
        }
    }

    private static WeirException malformed(String message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, message);
    }
}
