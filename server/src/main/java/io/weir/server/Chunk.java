package io.weir.server;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// A piece of memory that replies are written to and sockets send from; the bytes between `start` and `end` wait to be
/// sent. Confined to its owner: a connection, a task, or the pool.
final class Chunk {
    final ByteBuffer buffer;
    final MemorySegment bytes;
    final boolean pooled;
    int start;
    int end;

    @Nullable
    Chunk next;

    Chunk(int capacity, boolean pooled) {
        this.buffer = ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
        this.bytes = MemorySegment.ofBuffer(buffer);
        this.pooled = pooled;
    }

    /// Bytes that wait in this one and those behind it.
    int chainBytes() {
        int bytes = 0;
        for (Chunk chunk = this; chunk != null; chunk = chunk.next) {
            bytes += chunk.end - chunk.start;
        }
        return bytes;
    }

    int free() {
        return buffer.capacity() - end;
    }
}
