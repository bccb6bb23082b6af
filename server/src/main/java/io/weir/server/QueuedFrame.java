package io.weir.server;

import io.weir.shard.Shard;
import java.nio.ByteBuffer;

/// A data frame that found its shard taken: a copy of its bytes, and an encoder for the answer, which the thread inside
/// the shard fills and hands back to the connection.
final class QueuedFrame extends ShardTask {
    private final Connection connection;
    private final Chunk copy;
    private final TaskEncoder encoder;

    QueuedFrame(Connection connection, ChunkPool pool, ByteBuffer frame, int at, int length) {
        this.connection = connection;
        this.copy = pool.take(length);
        copy.buffer.put(0, frame, at, length);
        this.encoder = new TaskEncoder(pool);
    }

    @Override
    public void run(Shard shard) {
        FrameDispatch.accept(shard, copy.buffer, copy.bytes, 0, encoder);
        connection.complete(encoder.detach(), copy);
    }

    /// Gives the copy back when the frame could not be queued.
    Chunk copy() {
        return copy;
    }

    /// Collects the whole answer.
    private static final class TaskEncoder extends ReplyEncoder {
        TaskEncoder(ChunkPool pool) {
            super(pool, true);
        }

        @Override
        void chunkFilled() {}
    }
}
