package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.table.CheckResult;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// What is in a data frame, held against a table: whether it fits, and its way into the rows. Confined to the
/// thread inside the shard.
final class FrameContent {
    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int index;
    private final int shardCount;
    private ErrorCode faultCode = ErrorCode.INVALID_ARGUMENT;

    /// @param index of the shard
    /// @param shardCount shards of the cluster
    FrameContent(int index, int shardCount) {
        this.index = index;
        this.shardCount = shardCount;
    }

    /// The code of the last fault.
    ErrorCode faultCode() {
        return faultCode;
    }

    /// Which row of a frame was not finite: by key, or by position in the tensor.
    static String failedPlace(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        int row = table.store().failedRow();
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_STRETCH) {
            return "offset=" + (DataLayout.offset(frame, at) + row);
        }
        int strideBytes =
                FrameLayout.type(frame, at) == FrameType.LOAD ? RowLayout.rowBytes(table.valueLength()) : Long.BYTES;
        return "key=" + bytes.get(KEY, at + (long) DataLayout.PAYLOAD_OFFSET + (long) row * strideBytes);
    }

    static CheckResult check(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        long payload = at + (long) DataLayout.PAYLOAD_OFFSET;
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            return table.store().checkLoad(bytes, payload, count);
        }
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            return table.store().check(bytes, payload, count, payload + (long) count * Long.BYTES);
        }
        return table.store().checkStretch(bytes, payload, DataLayout.offset(frame, at), count);
    }

    static void apply(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        long payload = at + (long) DataLayout.PAYLOAD_OFFSET;
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            table.store().load(bytes, payload, count);
        } else if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            table.store().apply(bytes, payload, count, payload + (long) count * Long.BYTES);
        } else {
            table.store().applyStretch(bytes, payload, DataLayout.offset(frame, at), count);
        }
    }

    /// What is wrong with a frame for this table, as a sentence, or null; [#faultCode] is its code.
    @Nullable
    String fault(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        faultCode = ErrorCode.INVALID_ARGUMENT;
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
            return faultOfKeys(table, bytes, at, count, rowBytes);
        }
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            if (spec.shape() instanceof TableShape.Dense) {
                return "a dense table is read and updated by stretches: table=" + spec.name();
            }
            return faultOfKeys(table, bytes, at, count, Long.BYTES);
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
        return null;
    }

    private @Nullable String faultOfKeys(ShardTable table, MemorySegment bytes, int at, int count, int strideBytes) {
        long offset = at + (long) DataLayout.PAYLOAD_OFFSET;
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
