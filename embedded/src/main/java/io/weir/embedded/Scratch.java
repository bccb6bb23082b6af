package io.weir.embedded;

import io.weir.shard.Effects;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/// Where a shard writes rows before they go to the caller's array. Confined to the thread inside that shard.
final class Scratch {
    ByteBuffer buffer;
    FloatBuffer floats;
    MemorySegment bytes;

    Scratch() {
        buffer = ByteBuffer.allocateDirect(Effects.MAX_ROOM_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        floats = buffer.asFloatBuffer();
        bytes = MemorySegment.ofBuffer(buffer);
    }

    /// Makes room for one long row.
    void require(int size) {
        if (size > buffer.capacity()) {
            buffer = ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
            floats = buffer.asFloatBuffer();
            bytes = MemorySegment.ofBuffer(buffer);
        }
    }
}
