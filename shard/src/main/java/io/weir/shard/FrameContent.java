package io.weir.shard;

import io.weir.kernel.Quantization;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.table.VectorChange;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueType;
import io.weir.wire.VectorLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// What is in a data frame, held against a table: whether it fits, and its way into the rows. Confined to the thread
/// inside the shard.
///
/// One frame is open at a time, from [#fault] on. Its keys and floats are read from where they lie in the frame. If it
/// names its keys by their hash, [#fault] brings them into room of this object; floats that came in fewer bits
/// [#decode] turns into floats there, all of them. So whatever looks at them, checks them, applies them or keeps them
/// knows one form only.
final class FrameContent {
    /// Room that stays here for the next frame. What a frame needs beyond that is taken from the budget while it is
    /// open.
    private static final long KEPT_ROOM_BYTES = 4L << 20;

    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int index;
    private final int shardCount;
    private final MemoryBudget budget;
    private final KeyLists keyLists;
    private final IntFunction<@Nullable ShardTable> tables;
    private ErrorCode faultCode = ErrorCode.INVALID_ARGUMENT;

    /// Keys and floats of the open frame, and where they begin.
    private MemorySegment segment = MemorySegment.NULL;

    private long payload;

    /// Whether they lie in the room.
    private boolean inRoom;

    private MemorySegment room = MemorySegment.NULL;
    private @Nullable Arena largeRoom;
    private long largeRoomBytes;

    /// @param index of the shard
    /// @param shardCount shards of the cluster
    /// @param budget pays for the room of long frames
    /// @param keyLists that workers may send again as their hash
    /// @param tables by id, null for one that is not there
    FrameContent(
            int index,
            int shardCount,
            MemoryBudget budget,
            KeyLists keyLists,
            IntFunction<@Nullable ShardTable> tables) {
        this.index = index;
        this.shardCount = shardCount;
        this.budget = budget;
        this.keyLists = keyLists;
        this.tables = tables;
    }

    /// Holds the keys of the open frame, then the floats if it is a push.
    MemorySegment segment() {
        return segment;
    }

    /// Where in [#segment] the keys begin; the floats of a stretch.
    long payload() {
        return payload;
    }

    /// The code of the last fault.
    ErrorCode faultCode() {
        return faultCode;
    }

    /// Which row of the open frame was not finite: by key, or by position in the tensor.
    String failedPlace(ShardTable table, ByteBuffer frame, int at) {
        int row = table.store().failedRow();
        if (DataLayout.isStretch(frame, at)) {
            return "offset=" + (DataLayout.offset(frame, at) + row);
        }
        int strideBytes =
                FrameLayout.type(frame, at) == FrameType.LOAD ? RowLayout.rowBytes(table.valueLength()) : Long.BYTES;
        return "key=" + segment.get(KEY, payload + (long) row * strideBytes);
    }

    /// Looks at the rows or gradients of the open frame before any of them is applied.
    CheckResult check(ShardTable table, ByteBuffer frame, int at) {
        if (FrameLayout.type(frame, at) == FrameType.TRANSFORM) {
            return table.store().checkChange(change(table, frame, at));
        }
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            return table.store().checkLoad(segment, payload, count);
        }
        if (!DataLayout.isStretch(frame, at)) {
            return table.store().check(segment, payload, count, payload + (long) count * Long.BYTES);
        }
        return table.store().checkStretch(segment, payload, DataLayout.offset(frame, at), count);
    }

    /// Looks at the gradients of the open frame, to be kept for later.
    CheckResult hold(ShardTable table, ByteBuffer frame, int at) {
        int count = DataLayout.count(frame, at);
        if (!DataLayout.isStretch(frame, at)) {
            return table.store().hold(segment, payload, count, payload + (long) count * Long.BYTES);
        }
        return table.store().holdStretch(segment, payload, DataLayout.offset(frame, at), count);
    }

    /// Applies the rows or gradients of the open frame, which were checked.
    void apply(ShardTable table, ByteBuffer frame, int at) {
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.TRANSFORM) {
            table.store().applyChange(change(table, frame, at));
        } else if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            table.store().load(segment, payload, count);
        } else if (!DataLayout.isStretch(frame, at)) {
            table.store().apply(segment, payload, count, payload + (long) count * Long.BYTES);
        } else {
            table.store().applyStretch(segment, payload, DataLayout.offset(frame, at), count);
        }
    }

    /// Bytes of the keys and floats of a push, as they are here.
    static int plainBytes(ByteBuffer frame, int at) {
        return (int) DataLayout.payloadBytes(
                FrameType.PUSH,
                DataLayout.layout(frame, at),
                DataLayout.count(frame, at),
                DataLayout.rowLength(frame, at),
                0);
    }

    /// The other table of a vector operation that was found to fit: the same one if none takes part.
    ShardTable otherTable(ShardTable table, ByteBuffer frame, int at) {
        int id = VectorLayout.other(frame, at);
        ShardTable other = id == 0 ? table : tables.apply(id);
        if (other == null) {
            throw new IllegalStateException("the other table must have been looked for: tableId=" + id);
        }
        return other;
    }

    private VectorChange change(ShardTable table, ByteBuffer frame, int at) {
        return new VectorChange(
                VectorLayout.operation(frame, at),
                VectorLayout.scalar(frame, at),
                otherTable(table, frame, at).store(),
                DataLayout.offset(frame, at),
                DataLayout.count(frame, at));
    }

    private @Nullable String faultOfVectors(ShardTable table, ByteBuffer frame, int at) {
        VectorOperation operation = VectorLayout.operation(frame, at);
        Optional<String> scalar = operation.faultOf(VectorLayout.scalar(frame, at));
        if (scalar.isPresent()) {
            return scalar.get() + ", table=" + table.spec().name();
        }
        int id = VectorLayout.other(frame, at);
        ShardTable other = id == 0 ? table : tables.apply(id);
        if (other == null) {
            faultCode = ErrorCode.UNKNOWN_TABLE;
            return "no table has this id, or it was dropped: tableId=" + id + ", operation=" + operation + ", table="
                    + table.spec().name();
        }
        Optional<String> fault = operation.fault(table.spec(), table.id(), other.spec(), other.id());
        if (fault.isPresent()) {
            return fault.get();
        }
        long offset = DataLayout.offset(frame, at);
        long end = offset + DataLayout.count(frame, at);
        int blockLength = table.spec().rowLength();
        boolean whole = offset % blockLength == 0
                && (end % blockLength == 0
                        || (table.spec().shape() instanceof TableShape.Dense dense && end == dense.length()));
        return whole
                ? null
                : "a vector operation concerns whole blocks: offset=" + offset + ", end=" + end + ", blockLength="
                        + blockLength + ", table=" + table.spec().name();
    }

    // ---- fewer bits ----

    /// Turns the values of the open frame, a push, into floats.
    ///
    /// @return what is wrong with them, or null; [#faultCode] is its code
    @Nullable
    String decode(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        int type = DataLayout.valueType(frame, at);
        boolean inRoom = this.inRoom;
        if (type == ValueType.FLOAT32 && !inRoom) {
            return null;
        }
        int plainBytes = plainBytes(frame, at);
        if (!hasRoom(plainBytes)) {
            return noRoom(table, plainBytes);
        }
        int floatBytes = DataLayout.floatCount(frame, at) * Float.BYTES;
        int keyBytes = plainBytes - floatBytes;
        if (!inRoom) {
            MemorySegment.copy(segment, payload, room, 0, keyBytes);
            moveIntoRoom();
        }
        if (type == ValueType.FLOAT32) {
            MemorySegment.copy(bytes, at + (long) DataLayout.valuesOffset(frame, at), room, keyBytes, floatBytes);
            return null;
        }
        return decode(table, type, frame, bytes, at, keyBytes);
    }

    private void moveIntoRoom() {
        segment = room;
        payload = 0;
        inRoom = true;
    }

    private String noRoom(ShardTable table, long bytes) {
        faultCode = ErrorCode.MEMORY_EXCEEDED;
        return "request needs memory beyond the server's cap for its keys and values: table="
                + table.spec().name() + ", bytes=" + bytes + ", usedBytes=" + budget.usedBytes() + ", capBytes="
                + budget.capBytes();
    }

    private @Nullable String decode(
            ShardTable table, int type, ByteBuffer frame, MemorySegment bytes, int at, long to) {
        long from = at + (long) DataLayout.valuesOffset(frame, at);
        int count = DataLayout.floatCount(frame, at);
        int spanLength = DataLayout.spanLength(frame, at);
        long wrong = -1;
        switch (type) {
            case ValueType.BFLOAT16 -> Quantization.fromBfloat16(bytes, from, count, room, to);
            case ValueType.FLOAT16 -> Quantization.fromFloat16(bytes, from, count, room, to);
            case ValueType.INT8 -> Quantization.fromInt8(bytes, from, count, spanLength, room, to);
            case ValueType.TWO_BIT -> {
                float threshold = frame.getFloat((int) from);
                if (!(threshold > 0) || threshold == Float.POSITIVE_INFINITY) {
                    faultCode = ErrorCode.INVALID_ARGUMENT;
                    return "threshold must be finite and above 0: threshold=" + threshold + ", table="
                            + table.spec().name();
                }
                wrong = Quantization.fromTwoBits(bytes, from + Float.BYTES, count, threshold, room, to);
            }
            case ValueType.ONE_BIT -> wrong = Quantization.fromScaledBits(bytes, from, count, spanLength, room, to);
            case ValueType.ONE_BIT_COMPAT -> {
                long valueBytes = ValueType.bytes(type, count, spanLength);
                wrong = Quantization.fromOneBit(bytes, from, valueBytes, count, 1f, room, to);
            }
            case ValueType.SPARSE -> {
                int kept = frame.getInt((int) from);
                wrong = Quantization.fromSparse(bytes, from + Integer.BYTES, kept, count, room, to);
            }
            default -> throw new IllegalStateException("value type must have been checked: valueType=" + type);
        }
        if (wrong >= 0) {
            faultCode = ErrorCode.INVALID_ARGUMENT;
            return "values must be such as their type has, positions ascending and unused bits 0: valueType=" + type
                    + ", at=" + wrong + ", count=" + count + ", table="
                    + table.spec().name();
        }
        return null;
    }

    private boolean hasRoom(long bytes) {
        if (bytes <= room.byteSize()) {
            return true;
        }
        if (bytes <= KEPT_ROOM_BYTES) {
            room = Arena.ofAuto().allocate(Math.min(KEPT_ROOM_BYTES, 2 * bytes), Long.BYTES);
            return true;
        }
        if (!budget.tryReserve(bytes) && !(keyLists.forgetAll() && budget.tryReserve(bytes))) {
            return false;
        }
        Arena arena = Arena.ofShared();
        room = arena.allocate(bytes, Long.BYTES);
        largeRoom = arena;
        largeRoomBytes = bytes;
        return true;
    }

    /// Closes the open frame: nothing of it is looked at any more.
    void done() {
        segment = MemorySegment.NULL;
        Arena arena = largeRoom;
        if (arena != null) {
            largeRoom = null;
            room = MemorySegment.NULL;
            arena.close();
            budget.release(largeRoomBytes);
        }
    }

    /// Opens a frame.
    ///
    /// @param entry of the worker whose key lists it may name, null if it has none here
    /// @return what is wrong with it for this table, as a sentence, or null; [#faultCode] is its code
    @Nullable
    String fault(ShardTable table, @Nullable WorkerEntry entry, ByteBuffer frame, MemorySegment bytes, int at) {
        faultCode = ErrorCode.INVALID_ARGUMENT;
        segment = bytes;
        payload = at + (long) DataLayout.PAYLOAD_OFFSET;
        inRoom = false;
        TableSpec spec = table.spec();
        int count = DataLayout.count(frame, at);
        int rowLength = DataLayout.rowLength(frame, at);
        if (rowLength != spec.rowLength()) {
            return "row length must be that of the table: expected=" + spec.rowLength() + ", actual=" + rowLength
                    + ", table=" + spec.name();
        }
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            long expected = DataLayout.payloadBytes(
                    FrameType.LOAD, DataLayout.LAYOUT_KEYS, count, rowLength, table.valueLength());
            if (expected != FrameLayout.payloadBytes(frame, at)) {
                return "rows must be whole, with their slots: expectedBytes=" + expected + ", actualBytes="
                        + FrameLayout.payloadBytes(frame, at) + ", table=" + spec.name();
            }
            int rowBytes = RowLayout.rowBytes(table.valueLength());
            for (int i = 0; i < count; i++) {
                int reserved = at + DataLayout.PAYLOAD_OFFSET + i * rowBytes + RowLayout.RESERVED_OFFSET;
                if (frame.getInt(reserved) != 0) {
                    return "reserved bytes of a row must be 0: row=" + i + ", table=" + spec.name();
                }
            }
            return faultOfKeys(table, count, rowBytes);
        }
        if (!DataLayout.isStretch(frame, at)) {
            if (spec.shape() instanceof TableShape.Dense) {
                return "a dense table is read and updated by stretches: table=" + spec.name();
            }
            return faultOfKeys(table, entry, frame, at);
        }
        if (!(spec.shape() instanceof TableShape.Dense dense)) {
            return "only a dense table has stretches: table=" + spec.name();
        }
        long offset = DataLayout.offset(frame, at);
        if (offset > dense.length() - count) {
            return "stretch must lie inside the table: offset=" + offset + ", count=" + count + ", length="
                    + dense.length() + ", table=" + spec.name();
        }
        boolean whole = offset == 0 && count == dense.length();
        if (spec.optimizer().needsWholeRow() && !whole && FrameLayout.type(frame, at) != FrameType.PULL) {
            return "a push carries the whole tensor, for the optimizer needs all of its gradient: offset=" + offset
                    + ", count=" + count + ", length=" + dense.length() + ", optimizer="
                    + spec.optimizer().text() + ", table=" + spec.name();
        }
        long lastBlock = (offset + Math.max(1, count) - 1) / dense.blockLength();
        for (long block = offset / dense.blockLength(); block <= lastBlock; block++) {
            if (dense.shardOf(block, table.id(), shardCount) != index) {
                return wrongShard(table, block);
            }
        }
        return FrameType.isVector(FrameLayout.type(frame, at)) ? faultOfVectors(table, frame, at) : null;
    }

    /// Finds the keys that a hash stands for, checks them, and keeps them if that is asked for.
    private @Nullable String faultOfKeys(ShardTable table, @Nullable WorkerEntry entry, ByteBuffer frame, int at) {
        int layout = DataLayout.layout(frame, at);
        int count = DataLayout.count(frame, at);
        if (layout == DataLayout.LAYOUT_KEY_HASH) {
            long[] keys = entry == null ? null : keyLists.find(entry, frame, at + DataLayout.PAYLOAD_OFFSET, count);
            if (keys == null) {
                faultCode = ErrorCode.KEYS_FORGOTTEN;
                return "keys must be sent that are not kept here: shard=" + index + ", count=" + count + ", table="
                        + table.spec().name();
            }
            long plainBytes = DataLayout.payloadBytes(
                    FrameLayout.type(frame, at), layout, count, DataLayout.rowLength(frame, at), 0);
            if (!hasRoom(plainBytes)) {
                return noRoom(table, plainBytes);
            }
            MemorySegment.copy(keys, 0, room, KEY, 0, count);
            moveIntoRoom();
        }
        String fault = faultOfKeys(table, count, Long.BYTES);
        if (fault == null && layout == DataLayout.LAYOUT_KEPT_KEYS && entry != null) {
            keyLists.keep(entry, frame, at + DataLayout.PAYLOAD_OFFSET, count);
        }
        return fault;
    }

    private @Nullable String faultOfKeys(ShardTable table, int count, int strideBytes) {
        MemorySegment bytes = segment;
        long offset = payload;
        if (table.spec().shape() instanceof TableShape.Dense dense) {
            for (int i = 0; i < count; i++) {
                long block = bytes.get(KEY, offset + (long) i * strideBytes);
                if (block < 0 || block >= dense.blockCount() || dense.shardOf(block, table.id(), shardCount) != index) {
                    return wrongShard(table, block);
                }
            }
            return null;
        }
        int shards = shardCount;
        int here = index;
        int wrong = 0;
        for (int i = 0; i < count; i++) {
            wrong |= Keys.shardOf(bytes.get(KEY, offset + (long) i * strideBytes), shards) ^ here;
        }
        if (wrong == 0) {
            return null;
        }
        int i = 0;
        while (Keys.shardOf(bytes.get(KEY, offset + (long) i * strideBytes), shards) == here) {
            i++;
        }
        return wrongShard(table, bytes.get(KEY, offset + (long) i * strideBytes));
    }

    private String wrongShard(ShardTable table, long key) {
        faultCode = ErrorCode.WRONG_SHARD;
        return "key must belong to the shard it is sent to: table="
                + table.spec().name() + ", key=" + key + ", shard=" + index + ", shards=" + shardCount;
    }
}
