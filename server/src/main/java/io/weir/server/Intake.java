package io.weir.server;

import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.Limits;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/// What a connection has read and not served yet, in a chunk that it holds only while there is something. A chunk grows
/// no faster than bytes arrive, so a length in a header costs nothing by itself. Confined to the event loop.
final class Intake {
    /// Frames from here on are read one by one.
    private static final int LONG_FRAME_BYTES = 32 << 10;

    private final ChunkPool pool;
    private @Nullable Chunk chunk;
    private int expectedFrameBytes;

    Intake(ChunkPool pool) {
        this.pool = pool;
    }

    /// What is there, null if there is nothing.
    @Nullable
    Chunk chunk() {
        return chunk;
    }

    /// Reads what the socket has, as far as there is room.
    ///
    /// @param maxFrameBytes longest frame that may come
    /// @return bytes read, below 0 at the end
    int read(SocketChannel channel, int maxFrameBytes) throws IOException {
        Chunk chunk = roomToRead(maxFrameBytes);
        int read = channel.read(chunk.buffer.limit(readLimit(chunk)).position(chunk.end));
        if (read > 0) {
            chunk.end += read;
        } else if (chunk.start == chunk.end) {
            release();
        }
        return read;
    }

    /// Where to stop reading. A long frame is read to its end and to the header of the next one, so that there is
    /// little to move when the chunk is used up.
    private static int readLimit(Chunk chunk) {
        int capacity = chunk.buffer.capacity();
        if (chunk.end - chunk.start >= FrameLayout.HEADER_BYTES) {
            int length = FrameLayout.length(chunk.buffer, chunk.start);
            if (length >= LONG_FRAME_BYTES && length <= Limits.MAX_FRAME_BYTES) {
                return (int) Math.min(capacity, (long) chunk.start + length + DataLayout.PAYLOAD_OFFSET);
            }
        }
        return capacity;
    }

    private Chunk roomToRead(int maxFrameBytes) {
        Chunk chunk = this.chunk;
        if (chunk == null) {
            chunk = pool.take(expectedFrameBytes);
            this.chunk = chunk;
            return chunk;
        }
        int held = chunk.end - chunk.start;
        int capacity = chunk.buffer.capacity();
        int wanted = held >= FrameLayout.HEADER_BYTES
                ? Math.clamp(FrameLayout.length(chunk.buffer, chunk.start), held, maxFrameBytes)
                : FrameLayout.HEADER_BYTES;
        if (chunk.start + wanted <= capacity && chunk.free() > 0) {
            return chunk;
        }
        if (wanted <= capacity) {
            chunk.buffer.put(0, chunk.buffer.duplicate().clear(), chunk.start, held);
            chunk.start = 0;
            chunk.end = held;
            return chunk;
        }
        if (chunk.free() > 0) {
            return chunk;
        }
        // The frame is larger than the chunk, and the chunk is full: twice the bytes that are there, at most the frame.
        Chunk larger = pool.take(Math.min(Math.max(wanted, held + 1), Math.max(2 * held, ChunkPool.CHUNK_BYTES)));
        larger.buffer.put(0, chunk.buffer.duplicate().clear(), chunk.start, held);
        larger.end = held;
        pool.give(chunk);
        this.chunk = larger;
        return larger;
    }

    /// Takes the first frame out; the next one may well be as long.
    void take(int frameBytes) {
        if (chunk != null) {
            chunk.start += frameBytes;
        }
        expectedFrameBytes = frameBytes;
    }

    /// Moves what is there out of the pool's memory.
    void shrink() {
        Chunk chunk = this.chunk;
        if (chunk != null && chunk.pooled) {
            int held = chunk.end - chunk.start;
            Chunk small = new Chunk(Math.max(held, FrameLayout.HEADER_BYTES), false);
            small.buffer.put(0, chunk.buffer.clear(), chunk.start, held);
            small.end = held;
            pool.give(chunk);
            this.chunk = small;
        }
    }

    /// Gives up what is there.
    void release() {
        Chunk chunk = this.chunk;
        if (chunk != null) {
            this.chunk = null;
            pool.give(chunk);
        }
    }
}
