package io.weir.shard;

import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/// One push of a synchronous step that is not closed yet: a copy of its payload. Reused. Confined to the thread inside
/// the shard.
final class HeldPush {
    int worker;
    long number;
    long step;
    int tableId;
    int layout;
    int count;
    long offset;

    /// Rows that are reserved for it in its table.
    int heldRows;

    private byte[] payload = new byte[0];
    private int length;

    void take(ByteBuffer frame, MemorySegment bytes, int at, int rows) {
        worker = DataLayout.worker(frame, at);
        number = DataLayout.number(frame, at);
        step = DataLayout.clock(frame, at);
        tableId = DataLayout.tableId(frame, at);
        layout = DataLayout.layout(frame, at);
        count = DataLayout.count(frame, at);
        offset = DataLayout.offset(frame, at);
        heldRows = rows;
        length = FrameLayout.payloadBytes(frame, at);
        if (payload.length < length) {
            payload = new byte[length];
        }
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at + (long) DataLayout.PAYLOAD_OFFSET, payload, 0, length);
    }

    /// Keys and gradients, as they came.
    MemorySegment payload() {
        return MemorySegment.ofArray(payload).asSlice(0, length);
    }

    /// Bytes that it holds room for.
    int capacity() {
        return payload.length;
    }

    int length() {
        return length;
    }
}
