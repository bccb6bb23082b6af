package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.shard.Answer;
import io.weir.shard.Parked;
import io.weir.shard.Shard;
import io.weir.wire.Checksum;
import io.weir.wire.CompressedFrame;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// One client's connection: reads frames, checks each in full, lets it into its shard or answers it, and sends the
/// replies. A connection whose bytes cannot be read gets an error and is closed; nobody else notices. Confined to its
/// event loop, but for [#complete].
/// Frames are served from where they were read, without a copy.
final class Connection {
    private static final System.Logger LOG = System.getLogger(Connection.class.getName());

    /// Replies that wait to be sent, or for their shard, beyond which no more requests are read.
    private static final long MAX_PENDING_BYTES = 4L << 20;

    /// Bytes that are sent before all requests at hand are answered: the client can go to work on them.
    private static final int EARLY_SEND_BYTES = 64 << 10;

    /// Seconds within which a hello must come, and within which a refused client must go.
    private static final int HANDSHAKE_TICKS = 5;

    private final EventLoop loop;
    private final SocketChannel channel;
    private final SelectionKey key;
    private final ServerNode node;
    private final ChunkPool pool;
    private final Checksum checksum = new Checksum();
    private final Replies replies;
    private final AtomicReference<@Nullable Completion> completions = new AtomicReference<>();
    private final Intake intake;
    private Message.@Nullable Attach map;
    private boolean greeted;

    /// Null unless the hello agreed on one.
    private @Nullable FrameCodec codec;

    private boolean closing;
    private volatile boolean closed;
    private boolean wantsWrite;
    private boolean drains;
    private boolean backlogged;
    private int interest = SelectionKey.OP_READ;

    /// Bytes of the frames that wait at gates, and of their answers.
    private long owedBytes;

    private boolean quiet = true;
    private int ticks;

    /// An answer that another thread finished.
    private record Completion(
            @Nullable Chunk chain, long owedBytes, @Nullable Completion before) {}

    /// The encoder whose chain the socket sends.
    private final class Replies extends ReplyEncoder {
        Replies() {
            super(pool, true);
        }

        @Override
        public Parked park(ByteBuffer frame, int at) {
            return QueuedFrame.inShard(Connection.this, pool, frame, at);
        }

        @Override
        void chunkFilled() {
            if (!wantsWrite) {
                try {
                    send();
                } catch (IOException e) {
                    closing = true;
                }
            }
        }
    }

    /// The answer to a control message, which may come later and from another thread.
    private final class Answering implements Answer {
        private final long requestId;
        private final Thread serving = Thread.currentThread();
        private boolean later;

        Answering(long requestId) {
            this.requestId = requestId;
        }

        /// The message has been handled; from now on the connection may be elsewhere.
        void handled() {
            later = true;
        }

        @Override
        public void reply(Message message) {
            if (later || !serving.equals(Thread.currentThread())) {
                LateReply late = new LateReply(pool);
                late.reply(requestId, message);
                complete(late.detach(), null, 0);
            } else {
                replies.reply(requestId, message);
            }
        }

        @Override
        public void refuse(ErrorCode code, String message) {
            LateReply late = new LateReply(pool);
            late.refuse(requestId, code, false, 0, message);
            complete(late.detach(), null, 0);
        }
    }

    /// Collects an answer that comes later.
    private static final class LateReply extends ReplyEncoder {
        LateReply(ChunkPool pool) {
            super(pool, true);
        }

        @Override
        public Parked park(ByteBuffer frame, int at) {
            throw new IllegalStateException("a control message does not wait as a frame");
        }

        @Override
        void chunkFilled() {}
    }

    /// Collects an answer that is compressed when it is whole.
    private final class Collected extends ReplyEncoder {
        Collected() {
            super(pool, true);
        }

        @Override
        public Parked park(ByteBuffer frame, int at) {
            return QueuedFrame.inShard(Connection.this, pool, frame, at);
        }

        @Override
        void chunkFilled() {}
    }

    Connection(EventLoop loop, SocketChannel channel, SelectionKey key, ServerNode node, ChunkPool pool) {
        this.loop = loop;
        this.channel = channel;
        this.key = key;
        this.node = node;
        this.pool = pool;
        this.intake = new Intake(pool);
        this.replies = new Replies();
    }

    boolean isClosed() {
        return closed;
    }

    /// Takes an answer from the thread that worked inside the shard, and the chunk that held the request.
    ///
    /// @param owed what [QueuedFrame#owedBytes] was
    void complete(@Nullable Chunk chain, @Nullable Chunk request, long owed) {
        if (request != null) {
            pool.give(request);
        }
        Completion before;
        Completion completion;
        do {
            before = completions.get();
            completion = new Completion(chain, owed, before);
        } while (!completions.compareAndSet(before, completion));
        if (before == null) {
            loop.wake(this);
        }
    }

    /// Sends what other threads finished.
    void onCompletions() {
        Completion completion = completions.getAndSet(null);
        Completion ordered = null;
        while (completion != null) {
            ordered = new Completion(completion.chain(), completion.owedBytes(), ordered);
            completion = completion.before();
        }
        while (ordered != null) {
            Chunk chain = ordered.chain();
            owedBytes -= ordered.owedBytes();
            if (chain != null) {
                if (closed) {
                    pool.give(chain);
                } else {
                    append(chain);
                }
            }
            ordered = ordered.before();
        }
        onWritable();
    }

    /// Takes the frame of an answer to be sent: compressed, if a codec is agreed on and has it shorter.
    private void append(Chunk chain) {
        FrameCodec agreed = codec;
        if (agreed == null || chain.chainBytes() < CompressedFrame.MIN_PAYLOAD_BYTES) {
            replies.append(chain);
            return;
        }
        Chunk whole = pool.gather(chain);
        Chunk out = pool.take(whole.end - whole.start);
        out.buffer.clear();
        int bytes = CompressedFrame.compress(agreed, whole.buffer.clear(), whole.start, out.buffer, 0, checksum);
        if (bytes == 0) {
            pool.give(out);
            replies.append(whole);
        } else {
            pool.give(whole);
            out.end = bytes;
            replies.append(out);
        }
    }

    /// Sends on after the socket had been full, then serves what had waited.
    void onWritable() {
        flush();
        if (!wantsWrite && !closed) {
            serveAndSend();
        }
    }

    /// Serves what is there and sends the answers; goes on with what had to wait for their room if they are gone at
    /// once, for nothing else would.
    private void serveAndSend() {
        do {
            serve();
            flush();
        } while (backlogged && !wantsWrite && !closed && !isFull());
    }

    /// Reads what is there and serves it.
    ///
    /// @return whether anything was read
    boolean onReadable() {
        if (closed || wantsWrite || isFull()) {
            return false;
        }
        quiet = false;
        if (drains) {
            return drain();
        }
        try {
            int read = intake.read(channel, maxFrameBytes());
            if (read > 0) {
                serveAndSend();
            }
            if (read < 0) {
                close();
            }
            return read > 0;
        } catch (IOException e) {
            close();
            return false;
        }
    }

    /// Reads and forgets what the client still sends after an error, so that it gets to read the error.
    private boolean drain() {
        Chunk chunk = pool.take(0);
        try {
            int read = channel.read(chunk.buffer.clear());
            if (read < 0) {
                close();
            }
            return read > 0;
        } catch (IOException e) {
            close();
            return false;
        } finally {
            pool.give(chunk);
        }
    }

    /// Called about once a second: ends what takes too long, and gives up memory that a quiet connection holds.
    void tick() {
        ticks++;
        if ((!greeted || closing) && ticks > HANDSHAKE_TICKS) {
            close();
            return;
        }
        if (greeted && !closing) {
            ticks = 0;
        }
        if (quiet) {
            intake.shrink();
        }
        quiet = true;
    }

    private int maxFrameBytes() {
        return greeted ? Limits.MAX_FRAME_BYTES : Limits.MAX_HELLO_BYTES;
    }

    /// Serves the whole frames that are there. Sending on the way may find the connection broken and close it; the
    /// chunk then belongs to somebody else.
    private void serve() {
        backlogged = false;
        Chunk chunk = intake.chunk();
        while (chunk != null && !closing && !closed && !isFull()) {
            int available = chunk.end - chunk.start;
            if (available == 0) {
                intake.release();
                return;
            }
            ByteBuffer buffer = chunk.buffer.clear();
            int at = chunk.start;
            try {
                int header =
                        FrameLayout.checkHeader(buffer, at, available, maxFrameBytes(), true, codec != null, checksum);
                if (header == 0 || FrameLayout.length(buffer, at) > available) {
                    return;
                }
                if (!checksum.matchesPayload(buffer, at)) {
                    throw new WeirException(
                            ErrorCode.CORRUPT,
                            "payload checksum does not match: type=" + FrameLayout.type(buffer, at) + ", length="
                                    + FrameLayout.length(buffer, at));
                }
                intake.take(FrameLayout.length(buffer, at));
                if (CompressedFrame.is(buffer, at)) {
                    serveCompressed(chunk, at);
                } else {
                    serve(chunk, at);
                }
            } catch (WeirException e) {
                long requestId = available >= FrameLayout.HEADER_BYTES ? FrameLayout.requestId(buffer, at) : 0;
                replies.refuse(requestId, e.code(), false, 0, e.getMessage());
                if (endsConnection(e.code())) {
                    LOG.log(Level.DEBUG, "closing a connection: {0}", e.getMessage());
                    closing = true;
                }
            }
            if (replies.isBroken()) {
                closing = true;
            }
            if (replies.pendingBytes() >= EARLY_SEND_BYTES && !wantsWrite) {
                flush();
            }
        }
        backlogged = chunk != null && !closing && !closed;
    }

    private boolean isFull() {
        return replies.pendingBytes() + owedBytes > MAX_PENDING_BYTES;
    }

    /// Whether what comes behind cannot be trusted either.
    private static boolean endsConnection(ErrorCode code) {
        return code == ErrorCode.MALFORMED_FRAME || code == ErrorCode.VERSION_MISMATCH || code == ErrorCode.CORRUPT;
    }

    private void serveCompressed(Chunk chunk, int at) {
        FrameCodec agreed = Objects.requireNonNull(codec, "codec");
        int length = CompressedFrame.plainLength(chunk.buffer, at, maxFrameBytes());
        Chunk plain = pool.take(length);
        try {
            CompressedFrame.decompress(agreed, chunk.buffer, at, plain.buffer.clear(), 0, checksum);
            serve(plain, 0);
        } finally {
            pool.give(plain);
        }
    }

    private void serve(Chunk chunk, int at) {
        ByteBuffer frame = chunk.buffer;
        int type = FrameLayout.type(frame, at);
        Message.Attach attached = map;
        if (FrameType.isData(type)) {
            DataLayout.check(frame, at);
            if (attached == null) {
                throw new WeirException(ErrorCode.MALFORMED_FRAME, "a hello and an attach must come first");
            }
            serveData(chunk, at, attached);
            return;
        }
        long requestId = FrameLayout.requestId(frame, at);
        Message message = MessageCodec.decode(frame, at);
        if (message instanceof Message.Hello hello) {
            Message.HelloReply reply = node.hello(hello);
            greeted = true;
            replies.reply(requestId, reply);
            closeCodec();
            codec = FrameCodecs.create(reply.features());
            return;
        }
        if (!greeted) {
            throw new WeirException(ErrorCode.MALFORMED_FRAME, "a hello must come first: type=" + type);
        }
        try {
            if (message instanceof Message.Attach attach) {
                node.attach(attach);
                map = attach;
                replies.reply(requestId, new Message.Ok());
            } else if (attached == null) {
                throw new WeirException(ErrorCode.MALFORMED_FRAME, "an attach must come first: type=" + type);
            } else {
                Answering answering = new Answering(requestId);
                node.handle(message, attached, answering);
                answering.handled();
            }
        } catch (WeirException e) {
            throw e;
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "a control message failed: " + message, e);
            replies.refuse(requestId, ErrorCode.INTERNAL, false, 0, "the server failed, see its log: cause=" + e);
        }
    }

    private void serveData(Chunk chunk, int at, Message.Attach attached) {
        ByteBuffer frame = chunk.buffer;
        long requestId = FrameLayout.requestId(frame, at);
        int shardIndex = DataLayout.shard(frame, at);
        ShardGate gate = node.gate(shardIndex);
        if (gate == null || DataLayout.mapVersion(frame, at) != attached.mapVersion()) {
            boolean here = gate != null;
            replies.refuse(
                    requestId,
                    here ? ErrorCode.MAP_MISMATCH : ErrorCode.WRONG_SHARD,
                    false,
                    0,
                    here
                            ? "frame and connection must have one map version: frame="
                                    + DataLayout.mapVersion(frame, at) + ", connection=" + attached.mapVersion()
                            : "the shard is not on this server, or it has no tables yet: shard=" + shardIndex);
            return;
        }
        Shard shard = gate.tryEnter();
        if (shard != null) {
            if (codec != null) {
                serveCollected(gate, shard, chunk, at);
                return;
            }
            try {
                FrameDispatch.accept(shard, frame, chunk.bytes, at, replies);
            } finally {
                gate.leave();
            }
            return;
        }
        QueuedFrame task = QueuedFrame.atGate(this, pool, frame, at);
        if (gate.offer(task)) {
            owedBytes += task.owedBytes();
        } else {
            pool.give(task.copy());
            replies.refuse(
                    requestId,
                    ErrorCode.BUSY,
                    false,
                    1,
                    "too many requests wait for the shard: shard=" + shardIndex + ", limit=" + ShardGate.MAX_QUEUED);
        }
    }

    /// Lets a frame into its shard and takes the whole answer, which may be compressed.
    private void serveCollected(ShardGate gate, Shard shard, Chunk chunk, int at) {
        Collected collected = new Collected();
        try {
            FrameDispatch.accept(shard, chunk.buffer, chunk.bytes, at, collected);
        } finally {
            gate.leave();
        }
        Chunk chain = collected.detach();
        if (collected.isBroken()) {
            closing = true;
        }
        if (chain != null) {
            append(chain);
        }
    }

    private void closeCodec() {
        FrameCodec agreed = codec;
        if (agreed != null) {
            codec = null;
            agreed.close();
        }
    }

    private void flush() {
        if (closed) {
            return;
        }
        try {
            send();
            wantsWrite = replies.first() != null;
            int wanted = wantsWrite ? SelectionKey.OP_WRITE : isFull() ? 0 : SelectionKey.OP_READ;
            if (wanted != interest) {
                interest = wanted;
                key.interestOps(wanted);
            }
            if (closing && !wantsWrite && !drains) {
                // A close with unread bytes would reset the connection and take the error reply with it.
                drains = true;
                channel.shutdownOutput();
            }
        } catch (IOException e) {
            close();
        }
    }

    private void send() throws IOException {
        Chunk chunk;
        while ((chunk = replies.first()) != null) {
            int length = chunk.end - chunk.start;
            int sent = length == 0 ? 0 : channel.write(ReplyEncoder.sendable(chunk));
            chunk.buffer.clear();
            if (length > 0) {
                replies.sent(sent);
            }
            if (sent < length || length == 0) {
                return;
            }
        }
    }

    void close() {
        if (closed) {
            return;
        }
        closed = true;
        replies.discard();
        closeCodec();
        intake.release();
        key.cancel();
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a socket failed", e);
        }
        loop.forget(this);
    }
}
