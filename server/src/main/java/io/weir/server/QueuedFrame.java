package io.weir.server;

import io.weir.shard.Shard;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import java.nio.ByteBuffer;

/// A data frame that found its shard taken: a copy of its bytes, and an encoder for the answer, which the thread inside
/// the shard fills and hands back to the connection.
final class QueuedFrame extends ShardTask {
    private final Connection connection;
    private final Chunk copy;
    private final TaskEncoder encoder;
    private final long owedBytes;

    QueuedFrame(Connection connection, ChunkPool pool, ByteBuffer frame, int at, int length) {
        this.connection = connection;
        this.copy = pool.take(length);
        copy.buffer.put(0, frame, at, length);
        this.encoder = new TaskEncoder(pool);
        this.owedBytes = length + answerBytes(frame, at);
    }

    private static long answerBytes(ByteBuffer frame, int at) {
        return switch (FrameLayout.type(frame, at)) {
            case FrameType.PULL, FrameType.PUSH_PULL ->
                (long) DataLayout.count(frame, at)
                        * (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS ? DataLayout.rowLength(frame, at) : 1)
                        * Float.BYTES;
            case FrameType.SCAN -> Limits.MAX_SCAN_BYTES;
            default -> 0;
        };
    }

    /// Bytes that it holds, or will hold, on behalf of its connection.
    long owedBytes() {
        return owedBytes;
    }

    @Override
    public void run(Shard shard) {
        FrameDispatch.accept(shard, copy.buffer, copy.bytes, 0, encoder);
        connection.complete(encoder.detach(), copy, owedBytes);
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
