package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.TableShape;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Fields of the frames that go to one shard: [FrameType#PULL], `PUSH`, `PUSH_PULL`, `LOAD`, `SCAN`, `TICK`,
/// `TRANSFORM`, `REDUCE`.
///
/// ```
///   0     8        12           16       24               32      40           44
///   +-----+--------+------------+--------+----------------+-------+------------+-------+
///   | run | worker | generation | number | previousNumber | clock | clockGroup | shard |
///   +-----+--------+------------+--------+----------------+-------+------------+-------+
///   48           52           56        60          61       62         64      68          72       80
///   +------------+------------+---------+-----------+--------+----------+-------+-----------+--------+
///   | shardEpoch | mapVersion | tableId | valueType | layout |  flags   | count | rowLength | offset |
///   +------------+------------+---------+-----------+--------+----------+-------+-----------+--------+
/// ```
///
/// With [#LAYOUT_KEYS] the payload is `count` keys, then for pushes `count * rowLength` floats. With
/// [#LAYOUT_STRETCH] it is, for pushes, `count` floats of a dense table from position `offset`, and `rowLength` is the
/// block length. `valueType` says in its lower four bits how these floats lie there, and in its upper ones how the rows
/// of the answer shall, as [ValueType] pictures them; 0 is [ValueType#FLOAT32] there. With [#LAYOUT_KEY_HASH] a
/// [KeyListHash] stands instead of the keys. With [#FLAG_WITHDRAWN] the worker has given the push up: if it is not
/// decided yet, it is refused now,
/// whatever its payload. A `LOAD` has `count` rows as [RowLayout] pictures them, a `SCAN` has no payload: it asks for
/// at most `count` rows from the cursor `offset`. `TRANSFORM` and `REDUCE` concern a stretch and have the payload that
/// [VectorLayout] pictures. A `TICK` has no payload and no table: from now on its worker is at
/// `clock`. Offsets below count from the start of the frame.
public final class DataLayout {
    public static final int LAYOUT_KEYS = 1;
    public static final int LAYOUT_STRETCH = 2;

    /// The hash of a key list that the shard has kept of this worker, instead of the keys.
    public static final int LAYOUT_KEY_HASH = 3;

    /// As [#LAYOUT_KEYS], and the shard is asked to keep the list.
    public static final int LAYOUT_KEPT_KEYS = 4;

    /// The worker has given this push up.
    public static final int FLAG_WITHDRAWN = 1;

    /// Of a tick: from now on nobody waits for this worker.
    public static final int FLAG_IDLE = 2;

    /// Of a tick: the others wait for this worker again, which goes on at the slowest clock, or at its own if that is
    /// later.
    public static final int FLAG_ACTIVE = 4;

    public static final int RUN_OFFSET = FrameLayout.FIELDS_OFFSET;
    public static final int WORKER_OFFSET = RUN_OFFSET + Long.BYTES;
    public static final int GENERATION_OFFSET = WORKER_OFFSET + Integer.BYTES;
    public static final int NUMBER_OFFSET = GENERATION_OFFSET + Integer.BYTES;
    public static final int PREVIOUS_NUMBER_OFFSET = NUMBER_OFFSET + Long.BYTES;
    public static final int CLOCK_OFFSET = PREVIOUS_NUMBER_OFFSET + Long.BYTES;
    public static final int CLOCK_GROUP_OFFSET = CLOCK_OFFSET + Long.BYTES;
    public static final int SHARD_OFFSET = CLOCK_GROUP_OFFSET + Integer.BYTES;
    public static final int SHARD_EPOCH_OFFSET = SHARD_OFFSET + Integer.BYTES;
    public static final int MAP_VERSION_OFFSET = SHARD_EPOCH_OFFSET + Integer.BYTES;
    public static final int TABLE_ID_OFFSET = MAP_VERSION_OFFSET + Integer.BYTES;
    public static final int VALUE_TYPE_OFFSET = TABLE_ID_OFFSET + Integer.BYTES;
    public static final int LAYOUT_OFFSET = VALUE_TYPE_OFFSET + Byte.BYTES;
    public static final int FLAGS_OFFSET = LAYOUT_OFFSET + Byte.BYTES;
    public static final int COUNT_OFFSET = FLAGS_OFFSET + Short.BYTES;
    public static final int ROW_LENGTH_OFFSET = COUNT_OFFSET + Integer.BYTES;
    public static final int OFFSET_OFFSET = ROW_LENGTH_OFFSET + Integer.BYTES;

    /// Bytes of these fields.
    public static final int FIELD_BYTES = OFFSET_OFFSET + Long.BYTES - FrameLayout.FIELDS_OFFSET;

    /// Where the payload begins.
    public static final int PAYLOAD_OFFSET = FrameLayout.HEADER_BYTES + FIELD_BYTES;

    /// Most floats in the reply to a pull, so that it fits a frame; and most that a vector operation concerns.
    public static final int MAX_REPLY_FLOATS =
            (Limits.MAX_FRAME_BYTES - ReplyLayout.PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES) / Float.BYTES;

    /// Most bytes of keys and floats of a push, also when it comes in fewer.
    public static final int MAX_PLAIN_BYTES = Limits.MAX_FRAME_BYTES - PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES;

    private DataLayout() {}

    public static long run(ByteBuffer frame, int at) {
        return frame.getLong(at + RUN_OFFSET);
    }

    public static int worker(ByteBuffer frame, int at) {
        return frame.getInt(at + WORKER_OFFSET);
    }

    public static int generation(ByteBuffer frame, int at) {
        return frame.getInt(at + GENERATION_OFFSET);
    }

    public static long number(ByteBuffer frame, int at) {
        return frame.getLong(at + NUMBER_OFFSET);
    }

    public static long previousNumber(ByteBuffer frame, int at) {
        return frame.getLong(at + PREVIOUS_NUMBER_OFFSET);
    }

    public static long clock(ByteBuffer frame, int at) {
        return frame.getLong(at + CLOCK_OFFSET);
    }

    public static int clockGroup(ByteBuffer frame, int at) {
        return frame.getInt(at + CLOCK_GROUP_OFFSET);
    }

    public static int shard(ByteBuffer frame, int at) {
        return frame.getInt(at + SHARD_OFFSET);
    }

    public static int shardEpoch(ByteBuffer frame, int at) {
        return frame.getInt(at + SHARD_EPOCH_OFFSET);
    }

    public static int mapVersion(ByteBuffer frame, int at) {
        return frame.getInt(at + MAP_VERSION_OFFSET);
    }

    public static int tableId(ByteBuffer frame, int at) {
        return frame.getInt(at + TABLE_ID_OFFSET);
    }

    /// How the floats of the payload lie, a number of [ValueType].
    public static int valueType(ByteBuffer frame, int at) {
        return frame.get(at + VALUE_TYPE_OFFSET) & 0xf;
    }

    /// How the rows of the answer shall lie, a number of [ValueType].
    public static int replyType(ByteBuffer frame, int at) {
        return Math.max(ValueType.FLOAT32, replyBits(frame, at));
    }

    private static int replyBits(ByteBuffer frame, int at) {
        return frame.get(at + VALUE_TYPE_OFFSET) >>> 4 & 0xf;
    }

    public static int layout(ByteBuffer frame, int at) {
        return frame.get(at + LAYOUT_OFFSET);
    }

    /// Whether it is about a stretch of a dense table; otherwise about keys, however they come.
    public static boolean isStretch(ByteBuffer frame, int at) {
        return layout(frame, at) == LAYOUT_STRETCH;
    }

    /// Whether the worker has given this push up.
    public static boolean isWithdrawn(ByteBuffer frame, int at) {
        return flags(frame, at) == FLAG_WITHDRAWN;
    }

    /// What kind of push or tick it is: 0, [#FLAG_WITHDRAWN], [#FLAG_IDLE] or [#FLAG_ACTIVE].
    public static int flags(ByteBuffer frame, int at) {
        return Short.toUnsignedInt(frame.getShort(at + FLAGS_OFFSET));
    }

    public static int count(ByteBuffer frame, int at) {
        return frame.getInt(at + COUNT_OFFSET);
    }

    public static int rowLength(ByteBuffer frame, int at) {
        return frame.getInt(at + ROW_LENGTH_OFFSET);
    }

    public static long offset(ByteBuffer frame, int at) {
        return frame.getLong(at + OFFSET_OFFSET);
    }

    /// Writes what says whose frame this is.
    public static void putWorker(ByteBuffer frame, int at, long run, int worker, int generation) {
        frame.putLong(at + RUN_OFFSET, run);
        frame.putInt(at + WORKER_OFFSET, worker);
        frame.putInt(at + GENERATION_OFFSET, generation);
    }

    /// Writes the place in the worker's stream: 0 and 0 for frames that change nothing.
    public static void putNumber(ByteBuffer frame, int at, long number, long previousNumber) {
        frame.putLong(at + NUMBER_OFFSET, number);
        frame.putLong(at + PREVIOUS_NUMBER_OFFSET, previousNumber);
    }

    /// Writes the worker's clock.
    public static void putClock(ByteBuffer frame, int at, long clock, int clockGroup) {
        frame.putLong(at + CLOCK_OFFSET, clock);
        frame.putInt(at + CLOCK_GROUP_OFFSET, clockGroup);
    }

    /// Writes where the frame goes.
    public static void putTarget(ByteBuffer frame, int at, int shard, int shardEpoch, int mapVersion, int tableId) {
        frame.putInt(at + SHARD_OFFSET, shard);
        frame.putInt(at + SHARD_EPOCH_OFFSET, shardEpoch);
        frame.putInt(at + MAP_VERSION_OFFSET, mapVersion);
        frame.putInt(at + TABLE_ID_OFFSET, tableId);
    }

    /// Writes what the payload is: plain floats, and so the answer.
    public static void putContent(ByteBuffer frame, int at, int layout, int count, int rowLength, long offset) {
        frame.put(at + VALUE_TYPE_OFFSET, (byte) ValueType.FLOAT32);
        frame.put(at + LAYOUT_OFFSET, (byte) layout);
        frame.putShort(at + FLAGS_OFFSET, (short) 0);
        frame.putInt(at + COUNT_OFFSET, count);
        frame.putInt(at + ROW_LENGTH_OFFSET, rowLength);
        frame.putLong(at + OFFSET_OFFSET, offset);
    }

    /// Writes how the keys come, after the content.
    public static void putLayout(ByteBuffer frame, int at, int layout) {
        frame.put(at + LAYOUT_OFFSET, (byte) layout);
    }

    /// Writes how the floats of the payload lie and those of the answer shall, after the content.
    public static void putTypes(ByteBuffer frame, int at, int valueType, int replyType) {
        int reply = replyType == ValueType.FLOAT32 ? 0 : replyType << 4;
        frame.put(at + VALUE_TYPE_OFFSET, (byte) (valueType | reply));
    }

    /// Says that the worker has given this push up.
    public static void putWithdrawn(ByteBuffer frame, int at) {
        putFlags(frame, at, FLAG_WITHDRAWN);
    }

    /// Writes what kind of push or tick it is, after the content.
    public static void putFlags(ByteBuffer frame, int at, int flags) {
        frame.putShort(at + FLAGS_OFFSET, (short) flags);
    }

    /// Bytes of payload that a frame of this type must have if its keys and floats are plain.
    ///
    /// @param valueLength floats of a stored row with its slots, for `LOAD`
    public static long payloadBytes(int type, int layout, int count, int rowLength, int valueLength) {
        boolean keys = layout != LAYOUT_STRETCH;
        return switch (type) {
            case FrameType.PULL -> keys ? (long) count * Long.BYTES : 0;
            case FrameType.PUSH, FrameType.PUSH_PULL ->
                keys ? (long) count * (Long.BYTES + (long) rowLength * Float.BYTES) : (long) count * Float.BYTES;
            case FrameType.LOAD -> (long) count * RowLayout.rowBytes(valueLength);
            case FrameType.TRANSFORM, FrameType.REDUCE -> VectorLayout.PAYLOAD_BYTES;
            default -> 0;
        };
    }

    /// Checks every field against the others and against the payload that is there, but for what only the table, the
    /// map and the worker's entry know.
    ///
    /// @param frame a whole frame of a data type, its header checked
    /// @throws WeirException `MALFORMED_FRAME` naming the field
    public static void check(ByteBuffer frame, int at) {
        int type = FrameLayout.type(frame, at);
        if (FrameLayout.fieldBytes(frame, at) != FIELD_BYTES) {
            throw malformed("fields of type " + type + " must be " + FIELD_BYTES + " bytes: fieldBytes="
                    + FrameLayout.fieldBytes(frame, at));
        }
        checkIdentity(frame, at, type);
        checkContent(frame, at, type);
    }

    private static void checkIdentity(ByteBuffer frame, int at, int type) {
        long number = number(frame, at);
        long previousNumber = previousNumber(frame, at);
        if ((worker(frame, at) | generation(frame, at) | shard(frame, at) | mapVersion(frame, at) | tableId(frame, at))
                < 0) {
            throw malformed("worker, generation, shard, map version and table id must be 0 or more: worker="
                    + worker(frame, at) + ", generation=" + generation(frame, at) + ", shard=" + shard(frame, at)
                    + ", mapVersion=" + mapVersion(frame, at) + ", tableId=" + tableId(frame, at));
        }
        if (clock(frame, at) < 0) {
            throw malformed("clock must be 0 or more: clock=" + clock(frame, at));
        }
        if (clockGroup(frame, at) < 0 || clockGroup(frame, at) > Limits.MAX_CLOCK_GROUP || shardEpoch(frame, at) != 0) {
            throw malformed("clock group must be from 0 to " + Limits.MAX_CLOCK_GROUP
                    + ", shard epoch must be 0 in version 1: clockGroup=" + clockGroup(frame, at) + ", shardEpoch="
                    + shardEpoch(frame, at));
        }
        if (FrameType.isNumbered(type)) {
            if (previousNumber < 0 || number <= previousNumber) {
                throw malformed("number must be above the previous one: number=" + number + ", previousNumber="
                        + previousNumber + ", type=" + type);
            }
        } else if (number != 0 || previousNumber != 0) {
            throw malformed("number must be 0 where nothing changes: number=" + number + ", previousNumber="
                    + previousNumber + ", type=" + type);
        }
    }

    private static void checkContent(ByteBuffer frame, int at, int type) {
        int layout = layout(frame, at);
        int count = count(frame, at);
        int rowLength = rowLength(frame, at);
        long offset = offset(frame, at);
        checkTypes(frame, at, type);
        boolean rows = type == FrameType.LOAD || type == FrameType.SCAN || type == FrameType.TICK;
        if (layout < LAYOUT_KEYS
                || layout > LAYOUT_KEPT_KEYS
                || (rows && layout != LAYOUT_KEYS && !(type == FrameType.TICK && layout == LAYOUT_STRETCH))
                || (FrameType.isVector(type) && layout != LAYOUT_STRETCH)) {
            throw malformed("layout does not fit: layout=" + layout + ", type=" + type);
        }
        int flags = flags(frame, at);
        if (flags != 0
                && !(flags == FLAG_WITHDRAWN && FrameType.isNumbered(type))
                && !((flags == FLAG_IDLE || flags == FLAG_ACTIVE) && type == FrameType.TICK)) {
            throw malformed("flags must be 0, or 1 for a push that is withdrawn, or 2 or 4 for a tick: flags=" + flags
                    + ", type=" + type);
        }
        if (count < 0 || rowLength < 1 || rowLength > TableShape.Dense.MAX_BLOCK_LENGTH) {
            throw malformed("count must be 0 or more and row length from 1 to " + TableShape.Dense.MAX_BLOCK_LENGTH
                    + ": count=" + count + ", rowLength=" + rowLength);
        }
        if (layout == LAYOUT_STRETCH) {
            if (offset < 0 || offset > TableShape.Dense.MAX_LENGTH - count) {
                throw malformed("stretch must be within " + TableShape.Dense.MAX_LENGTH + " floats: offset=" + offset
                        + ", count=" + count);
            }
        } else if (offset < 0 || (offset != 0 && type != FrameType.SCAN)) {
            throw malformed("offset must be 0, or the cursor of a scan: offset=" + offset + ", type=" + type);
        }
        if (type == FrameType.TICK
                && (layout != LAYOUT_KEYS || count != 0 || rowLength != 1 || tableId(frame, at) != 0)) {
            throw malformed("a tick has no content: layout=" + layout + ", count=" + count + ", rowLength=" + rowLength
                    + ", tableId=" + tableId(frame, at));
        }
        checkReply(type, layout, count, rowLength);
        int actual = FrameLayout.payloadBytes(frame, at);
        if (type == FrameType.LOAD) {
            long least = payloadBytes(type, layout, count, rowLength, rowLength);
            if (actual < least) {
                throw malformed("payload must fit the count: least=" + least + ", actual=" + actual + ", type=" + type
                        + ", count=" + count + ", rowLength=" + rowLength);
            }
            return;
        }
        long expected = payloadBytes(type, layout, count, rowLength, 0);
        if (valueType(frame, at) != ValueType.FLOAT32 || layout == LAYOUT_KEY_HASH) {
            if (expected > MAX_PLAIN_BYTES) {
                throw malformed(
                        "keys and floats must fit a frame when they are plain too: plainBytes=" + expected + ", limit="
                                + MAX_PLAIN_BYTES + ", type=" + type + ", count=" + count + ", rowLength=" + rowLength);
            }
            expected = encodedBytes(frame, at, type, actual);
        }
        if (expected != actual) {
            throw malformed("payload must fit the count: expected=" + expected + ", actual=" + actual + ", type=" + type
                    + ", count=" + count + ", rowLength=" + rowLength);
        }
        if (FrameType.isVector(type)) {
            VectorLayout.check(frame, at, type);
        }
    }

    private static void checkTypes(ByteBuffer frame, int at, int type) {
        int values = valueType(frame, at);
        int reply = replyBits(frame, at);
        boolean push = type == FrameType.PUSH || type == FrameType.PUSH_PULL;
        if (values != ValueType.FLOAT32 && !(push && ValueType.isKnown(values))) {
            throw malformed("value type must be " + ValueType.FLOAT32 + ", or up to " + ValueType.SPARSE
                    + " for a push: valueType=" + values + ", type=" + type);
        }
        boolean pull = type == FrameType.PULL || type == FrameType.PUSH_PULL;
        if (reply != 0 && !(pull && reply != ValueType.FLOAT32 && ValueType.isForRows(reply))) {
            throw malformed("value type of the answer must be 0, or from " + ValueType.BFLOAT16 + " to "
                    + ValueType.INT8 + " for a pull: replyType=" + reply + ", type=" + type);
        }
    }

    /// Where the values of a push begin, counted from the start of its frame.
    public static int valuesOffset(ByteBuffer frame, int at) {
        return PAYLOAD_OFFSET + keyBytes(layout(frame, at), count(frame, at));
    }

    /// Bytes that keys take in the payload, as the layout has them.
    public static int keyBytes(int layout, int count) {
        return layout == LAYOUT_STRETCH ? 0 : layout == LAYOUT_KEY_HASH ? KeyListHash.BYTES : count * Long.BYTES;
    }

    /// Floats that the values of a push are, or the rows of a pull.
    public static int floatCount(ByteBuffer frame, int at) {
        return count(frame, at) * (isStretch(frame, at) ? 1 : rowLength(frame, at));
    }

    /// Values that share a scale, in this frame or in its answer.
    public static int spanLength(ByteBuffer frame, int at) {
        return ValueType.spanLength(isStretch(frame, at), rowLength(frame, at));
    }

    /// Bytes of payload of a frame whose keys or values are not plain; what they would be as such fits a frame.
    private static long encodedBytes(ByteBuffer frame, int at, int type, int actual) {
        int keyBytes = valuesOffset(frame, at) - PAYLOAD_OFFSET;
        if (type == FrameType.PULL) {
            return keyBytes;
        }
        int floats = floatCount(frame, at);
        int valueType = valueType(frame, at);
        long least = keyBytes + ValueType.bytes(valueType, floats, spanLength(frame, at));
        if (valueType != ValueType.SPARSE || actual < least) {
            return least;
        }
        int kept = frame.getInt(at + PAYLOAD_OFFSET + keyBytes);
        if (kept < 0 || kept > floats) {
            throw malformed("values that are there must be some of all: kept=" + kept + ", floats=" + floats);
        }
        return keyBytes + ValueType.sparseBytes(kept);
    }

    private static void checkReply(int type, int layout, int count, int rowLength) {
        if (type == FrameType.PULL || type == FrameType.PUSH_PULL || FrameType.isVector(type)) {
            long floats = (long) count * (layout == LAYOUT_STRETCH ? 1 : rowLength);
            if (floats > MAX_REPLY_FLOATS) {
                throw malformed("reply must fit a frame: floats=" + floats + ", limit=" + MAX_REPLY_FLOATS);
            }
        }
    }

    private static WeirException malformed(String message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, message);
    }
}
