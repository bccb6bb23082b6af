package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.shard.Effects;
import io.weir.wire.Checksum;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import io.weir.wire.ReplyLayout;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Effects as reply frames: encodes them into a chain of chunks. With a checksum the payload's is computed piece by
/// piece, while the bytes are still in the cache. Confined to the thread that fills it.
abstract class ReplyEncoder implements Effects {
    private static final int MAX_MESSAGE_BYTES = 1024;

    private final ChunkPool pool;
    private final @Nullable Checksum checksum;
    private final Checksum payloadChecksum = new Checksum();
    private @Nullable Chunk first;
    private @Nullable Chunk last;
    private long bytes;
    private boolean inRows;
    private boolean broken;

    ReplyEncoder(ChunkPool pool, boolean checksums) {
        this.pool = pool;
        this.checksum = checksums ? new Checksum() : null;
    }

    /// Called when a chunk is full and another one follows; the chain may be sent up to there.
    abstract void chunkFilled();

    /// First chunk with bytes to send, or null.
    final @Nullable Chunk first() {
        return first;
    }

    /// Bytes that wait to be sent.
    final long pendingBytes() {
        return bytes;
    }

    /// Whether an answer broke off in the middle of its rows: what follows it cannot be read.
    final boolean isBroken() {
        return broken;
    }

    /// Says that `sent` bytes of the first chunk are gone.
    final void sent(int sent) {
        Chunk chunk = first;
        if (chunk == null) {
            return;
        }
        bytes -= sent;
        chunk.start += sent;
        if (chunk.start == chunk.end) {
            first = chunk.next;
            chunk.next = null;
            if (first == null) {
                last = null;
            }
            pool.give(chunk);
        }
    }

    /// Takes the whole chain away.
    final @Nullable Chunk detach() {
        Chunk chain = first;
        first = null;
        last = null;
        bytes = 0;
        return chain;
    }

    /// Appends a chain that another encoder filled.
    final void append(Chunk chain) {
        Chunk tail = last;
        if (tail == null) {
            first = chain;
        } else {
            tail.next = chain;
        }
        Chunk chunk = chain;
        while (true) {
            bytes += chunk.end - chunk.start;
            if (chunk.next == null) {
                last = chunk;
                return;
            }
            chunk = chunk.next;
        }
    }

    /// Gives all chunks back to the pool.
    final void discard() {
        Chunk chunk = detach();
        while (chunk != null) {
            Chunk next = chunk.next;
            chunk.next = null;
            pool.give(chunk);
            chunk = next;
        }
    }

    // ---- effects ----

    @Override
    public void beginRows(long requestId, long number, int count, int rowLength) {
        Chunk chunk = begin(FrameType.ROWS, requestId, ReplyLayout.FIELD_BYTES, (long) count * rowLength * Float.BYTES);
        ReplyLayout.putRows(chunk.buffer, chunk.end, number, count, rowLength);
        endHeader(chunk, ReplyLayout.PAYLOAD_OFFSET);
        payloadChecksum.reset();
        inRows = true;
    }

    @Override
    public void beginEncodedRows(long requestId, long number, int count, int rowLength, int valueType, int spanLength) {
        long payloadBytes = ValueType.bytes(valueType, (long) count * rowLength, spanLength);
        Chunk chunk = begin(FrameType.ENCODED_ROWS, requestId, ReplyLayout.ENCODED_FIELD_BYTES, payloadBytes);
        ReplyLayout.putEncodedRows(chunk.buffer, chunk.end, number, count, rowLength, valueType, spanLength);
        endHeader(chunk, ReplyLayout.ENCODED_PAYLOAD_OFFSET);
        payloadChecksum.reset();
        inRows = true;
    }

    @Override
    public void beginScan(long requestId, long cursor, int count, int valueLength) {
        Chunk chunk = begin(
                FrameType.SCAN_REPLY,
                requestId,
                ReplyLayout.FIELD_BYTES,
                (long) count * RowLayout.rowBytes(valueLength));
        ReplyLayout.putRows(chunk.buffer, chunk.end, cursor, count, valueLength);
        endHeader(chunk, ReplyLayout.PAYLOAD_OFFSET);
        payloadChecksum.reset();
        inRows = true;
    }

    @Override
    public void beginPartials(long requestId, long firstBlock, int count) {
        Chunk chunk = begin(FrameType.PARTIALS, requestId, ReplyLayout.FIELD_BYTES, (long) count * Double.BYTES);
        ReplyLayout.putRows(chunk.buffer, chunk.end, firstBlock, count, 0);
        endHeader(chunk, ReplyLayout.PAYLOAD_OFFSET);
        payloadChecksum.reset();
        inRows = true;
    }

    @Override
    public MemorySegment room(int size) {
        return chunkWith(size).bytes;
    }

    @Override
    public long roomOffset() {
        Chunk chunk = last;
        return chunk == null ? 0 : chunk.end;
    }

    @Override
    public void filled(int size) {
        Chunk chunk = chunkWith(0);
        if (checksum != null) {
            payloadChecksum.update(chunk.buffer, chunk.end, size);
        }
        chunk.end += size;
        bytes += size;
    }

    @Override
    public void endRows() {
        inRows = false;
        Chunk chunk = chunkWith(FrameLayout.TRAILER_BYTES);
        chunk.buffer.putInt(chunk.end, checksum == null ? 0 : payloadChecksum.value());
        chunk.end += FrameLayout.TRAILER_BYTES;
        bytes += FrameLayout.TRAILER_BYTES;
    }

    @Override
    public void acknowledge(long requestId, int shard, long number) {
        Chunk chunk = begin(FrameType.ACK, requestId, ReplyLayout.FIELD_BYTES, 0);
        ReplyLayout.putRows(chunk.buffer, chunk.end, number, shard, 0);
        endHeader(chunk, ReplyLayout.PAYLOAD_OFFSET);
        payloadChecksum.reset();
        endRows();
    }

    @Override
    public void refuse(long requestId, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
        if (inRows) {
            broken = true;
            return;
        }
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        if (text.length > MAX_MESSAGE_BYTES) {
            text = Arrays.copyOf(text, MAX_MESSAGE_BYTES);
        }
        Chunk chunk = begin(FrameType.ERROR, requestId, ReplyLayout.FIELD_BYTES, text.length);
        ReplyLayout.putError(
                chunk.buffer, chunk.end, code.number(), ordered ? ReplyLayout.ERROR_ORDERED : 0, retryAfterMs);
        endHeader(chunk, ReplyLayout.PAYLOAD_OFFSET);
        payloadChecksum.reset();
        Chunk body = chunkWith(text.length);
        body.buffer.put(body.end, text);
        filled(text.length);
        endRows();
    }

    /// Answers a control message with another.
    void reply(long requestId, Message message) {
        byte[] payload = message.toPayload();
        int length = MessageCodec.frameBytes(payload);
        Chunk chunk = chunkWith(length);
        MessageCodec.encode(message.type(), payload, requestId, chunk.buffer, chunk.end, checksum);
        chunk.end += length;
        bytes += length;
    }

    private Chunk begin(int type, long requestId, int fieldBytes, long payloadBytes) {
        int length = FrameLayout.frameBytes(fieldBytes, payloadBytes);
        Chunk chunk = chunkWith(FrameLayout.HEADER_BYTES + fieldBytes);
        FrameLayout.putHeader(
                chunk.buffer,
                chunk.end,
                length,
                type,
                checksum == null ? 0 : FrameLayout.FLAG_CHECKSUMS,
                requestId,
                fieldBytes);
        return chunk;
    }

    private void endHeader(Chunk chunk, int headerBytes) {
        if (checksum != null) {
            checksum.sealHeader(chunk.buffer, chunk.end);
        }
        chunk.end += headerBytes;
        bytes += headerBytes;
    }

    private Chunk chunkWith(int size) {
        Chunk chunk = last;
        if (chunk != null && chunk.free() >= size) {
            return chunk;
        }
        Chunk fresh = pool.take(Math.min(size, Limits.MAX_FRAME_BYTES));
        if (chunk == null) {
            first = fresh;
        } else {
            chunk.next = fresh;
        }
        last = fresh;
        if (chunk != null) {
            chunkFilled();
        }
        return fresh;
    }

    /// The bytes of the chunk, for the socket.
    static ByteBuffer sendable(Chunk chunk) {
        return chunk.buffer.limit(chunk.end).position(chunk.start);
    }
}
