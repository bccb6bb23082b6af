package io.weir.embedded;

import io.weir.client.internal.ReplyHandler;
import io.weir.client.internal.Request;
import io.weir.model.ErrorCode;
import io.weir.server.FrameDispatch;
import io.weir.server.ShardTask;
import io.weir.shard.Answer;
import io.weir.shard.Effects;
import io.weir.shard.Parked;
import io.weir.shard.Shard;
import io.weir.wire.DataLayout;
import io.weir.wire.Message;
import io.weir.wire.RowLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// One request inside the process: carries its frame into the shard and takes the effects. Rows go to the caller's
/// array at once; whether it was answered or refused is kept until somebody is free to tell the client. Lives as long
/// as the request's buffer. Owned by the sender, then by the thread inside the shard, then by whoever tells the client.
final class EmbeddedTask extends ShardTask implements Effects, Parked, Answer {
    private final EmbeddedTransport transport;
    private final ReplyHandler handler;
    private final Request request;
    private final MemorySegment frame;
    private Scratch scratch;
    private Thread sender = Thread.currentThread();
    private int rowLength;
    private int rowsDone;
    private boolean scanning;
    private boolean encoded;
    private boolean summing;
    private boolean parked;
    private @Nullable Message reply;
    private @Nullable ErrorCode refusal;
    private boolean ordered;
    private int retryAfterMs;
    private String text = "";

    @Nullable
    EmbeddedTask nextReady;

    EmbeddedTask(EmbeddedTransport transport, ReplyHandler handler, Request request, Scratch scratch) {
        this.transport = transport;
        this.handler = handler;
        this.request = request;
        this.frame = MemorySegment.ofBuffer(request.frame());
        this.scratch = scratch;
    }

    void begin(Scratch shardScratch) {
        sender = Thread.currentThread();
        scratch = shardScratch;
        rowsDone = 0;
        parked = false;
        reply = null;
        refusal = null;
    }

    Request request() {
        return request;
    }

    @Override
    public void run(Shard shard) {
        FrameDispatch.accept(shard, request.frame(), frame, 0, this);
        if (!parked) {
            transport.ready(this, sender);
        }
    }

    // ---- a control message ----

    @Override
    public void reply(Message message) {
        reply = message;
        transport.ready(this, sender);
    }

    @Override
    public void refuse(ErrorCode code, String message) {
        refuse(0, code, false, 0, message);
        transport.ready(this, sender);
    }

    // ---- inside the shard ----

    @Override
    public Parked park(ByteBuffer sameFrame, int at) {
        parked = true;
        return this;
    }

    @Override
    public ByteBuffer frame() {
        return request.frame();
    }

    @Override
    public MemorySegment bytes() {
        return frame;
    }

    @Override
    public Effects effects() {
        return this;
    }

    @Override
    public void answered() {
        transport.ready(this, sender);
    }

    @Override
    public boolean isGone() {
        return false;
    }

    // ---- how it went ----

    /// Tells the client how it went.
    void tell() {
        ErrorCode code = refusal;
        Message message = reply;
        if (code != null) {
            handler.refused(request, code, ordered, retryAfterMs, text);
        } else if (message != null) {
            handler.replied(request, message);
        } else {
            handler.answered(request);
        }
    }

    // ---- effects ----

    @Override
    public void beginRows(long requestId, long number, int count, int length) {
        rowLength = length;
        scanning = false;
        encoded = false;
        summing = false;
    }

    @Override
    public void beginEncodedRows(long requestId, long number, int count, int length, int valueType, int spanLength) {
        beginRows(requestId, number, count, length);
        encoded = true;
    }

    @Override
    public void beginPartials(long requestId, long firstBlock, int count) {
        scanning = false;
        encoded = false;
        summing = true;
    }

    @Override
    public void beginScan(long requestId, long cursor, int count, int valueLength) {
        rowLength = valueLength;
        scanning = true;
        summing = false;
        handler.scanBegins(request, cursor, count, valueLength);
    }

    @Override
    public MemorySegment room(int bytes) {
        scratch.require(bytes);
        return scratch.bytes;
    }

    @Override
    public long roomOffset() {
        return 0;
    }

    @Override
    public void filled(int bytes) {
        if (summing) {
            int sums = bytes / Double.BYTES;
            handler.partials(request, scratch.buffer, 0, rowsDone, sums);
            rowsDone += sums;
        } else if (scanning) {
            int rows = bytes / RowLayout.rowBytes(rowLength);
            handler.scanned(request, scratch.buffer, 0, rows, rowLength);
        } else if (encoded) {
            rowsDone += handler.encodedRows(request, scratch.buffer, 0, rowsDone, bytes);
        } else {
            int rows = bytes / (rowLength * Float.BYTES);
            handler.rows(request, scratch.floats, 0, rowsDone, rows);
            rowsDone += rows;
        }
    }

    @Override
    public void endRows() {}

    @Override
    public void acknowledge(long requestId, int shard, long number) {}

    @Override
    public void refuse(long requestId, ErrorCode code, boolean inOrder, int retryAfter, String message) {
        refusal = code;
        ordered = inOrder;
        retryAfterMs = retryAfter;
        text = message;
    }

    /// Index of the shard it goes to.
    int shard() {
        return DataLayout.shard(request.frame(), 0);
    }
}
