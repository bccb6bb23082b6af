package io.weir.shard;

import io.weir.wire.DataLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/// One push of a synchronous step that is not closed yet: a copy of its keys and gradients. Reused. Confined to the
/// thread inside the shard.
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

    void take(ByteBuffer frame, int at, FrameContent content, int rows) {
        worker = DataLayout.worker(frame, at);
        number = DataLayout.number(frame, at);
        step = DataLayout.clock(frame, at);
        tableId = DataLayout.tableId(frame, at);
        layout = DataLayout.layout(frame, at);
        count = DataLayout.count(frame, at);
        offset = DataLayout.offset(frame, at);
        heldRows = rows;
        length = FrameContent.plainBytes(frame, at);
        if (payload.length < length) {
            payload = new byte[length];
        }
        MemorySegment.copy(content.segment(), ValueLayout.JAVA_BYTE, content.payload(), payload, 0, length);
    }

    /// Keys and gradients, as floats.
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
