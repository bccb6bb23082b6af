package io.weir.server;

import io.weir.shard.Effects;
import io.weir.shard.Parked;
import io.weir.shard.Shard;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// A data frame that found its shard taken, or must wait inside it: a copy of its bytes, and an encoder for the answer,
/// which the thread inside the shard fills and hands back to the connection.
final class QueuedFrame extends ShardTask implements Parked {
    /// Frames below this size that wait inside a shard get memory of just that size: there may be many of them.
    private static final int SMALL_BYTES = 32 << 10;

    private final Connection connection;
    private final Chunk copy;
    private final TaskEncoder encoder;

    /// Bytes that it holds, or will hold, on behalf of its connection.
    private long owedBytes;

    private boolean parked;

    private QueuedFrame(Connection connection, ChunkPool pool, Chunk copy) {
        this.connection = connection;
        this.copy = copy;
        this.encoder = new TaskEncoder(pool);
    }

    /// A frame that is to wait at the gate. Until it is answered its connection owes its bytes and those of the answer.
    static QueuedFrame atGate(Connection connection, ChunkPool pool, ByteBuffer frame, int at) {
        int length = FrameLayout.length(frame, at);
        QueuedFrame queued = new QueuedFrame(connection, pool, copy(pool.take(length), frame, at));
        queued.owedBytes = length + answerBytes(frame, at);
        return queued;
    }

    /// A frame that is to wait inside the shard. Its connection goes on meanwhile: what it waits for may come on it.
    static QueuedFrame inShard(Connection connection, ChunkPool pool, ByteBuffer frame, int at) {
        int length = FrameLayout.length(frame, at);
        Chunk chunk = length < SMALL_BYTES ? new Chunk(length, false) : pool.take(length);
        QueuedFrame parked = new QueuedFrame(connection, pool, copy(chunk, frame, at));
        parked.parked = true;
        return parked;
    }

    private static Chunk copy(Chunk chunk, ByteBuffer frame, int at) {
        chunk.buffer.put(0, frame, at, FrameLayout.length(frame, at));
        return chunk;
    }

    private static long answerBytes(ByteBuffer frame, int at) {
        return switch (FrameLayout.type(frame, at)) {
            case FrameType.PULL, FrameType.PUSH_PULL ->
                (long) DataLayout.count(frame, at)
                        * (DataLayout.isStretch(frame, at) ? 1 : DataLayout.rowLength(frame, at))
                        * Float.BYTES;
            case FrameType.SCAN -> Limits.MAX_SCAN_BYTES;
            case FrameType.REDUCE ->
                ((long) DataLayout.count(frame, at) / DataLayout.rowLength(frame, at) + 1) * Double.BYTES;
            default -> 0;
        };
    }

    long owedBytes() {
        return owedBytes;
    }

    @Override
    public void run(Shard shard) {
        FrameDispatch.accept(shard, copy.buffer, copy.bytes, 0, encoder);
        if (!parked) {
            connection.complete(encoder.detach(), copy, owedBytes);
        }
    }

    /// Gives the copy back when the frame could not be queued.
    Chunk copy() {
        return copy;
    }

    // ---- inside the shard ----

    @Override
    public ByteBuffer frame() {
        return copy.buffer;
    }

    @Override
    public MemorySegment bytes() {
        return copy.bytes;
    }

    @Override
    public Effects effects() {
        return encoder;
    }

    @Override
    public void answered() {
        connection.complete(encoder.detach(), copy, 0);
    }

    @Override
    public boolean isGone() {
        return connection.isClosed();
    }

    /// Collects the whole answer.
    private final class TaskEncoder extends ReplyEncoder {
        TaskEncoder(ChunkPool pool) {
            super(pool, true);
        }

        @Override
        void chunkFilled() {}

        /// From the gate into the shard: the copy stays where it is.
        @Override
        public Parked park(ByteBuffer frame, int at) {
            parked = true;
            connection.complete(null, null, owedBytes);
            return QueuedFrame.this;
        }
    }
}
