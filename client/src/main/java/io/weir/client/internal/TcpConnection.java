package io.weir.client.internal;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.CompressedFrame;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.MessageCodec;
import io.weir.wire.ReplyLayout;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One connection to one server: requests go out in the order they were sent, answers come back in any order, found by
/// their request id. [#send] is guarded by its own lock; reading and writing are confined to the thread that has the
/// transport's role.
///
/// Rows are copied to the caller's array as they arrive, straight from the receive buffer; small requests are gathered
/// into one write, large ones are written from where they are.
final class TcpConnection {
    private static final int RECEIVE_BYTES = 256 << 10;
    private static final int STAGING_BYTES = 64 << 10;

    /// Frames up to this length are gathered.
    private static final int SMALL_BYTES = 16 << 10;

    /// Queued bytes that are written at once, and queued requests, while earlier ones are under way.
    private static final int WORTH_BYTES = 16 << 10;

    private static final int WORTH_COUNT = 16;

    /// Queued bytes beyond which a sender had better work the connection off than queue more.
    private static final int BACKLOG_BYTES = 256 << 10;

    private static final int SLOT_BITS = 16;
    private static final int SLOT_MASK = (1 << SLOT_BITS) - 1;

    private final String name;
    private final ReplyHandler handler;

    // Guarded by this; the number of slots in use may be read without.
    private final ArrayDeque<Request> queue = new ArrayDeque<>();
    private final Checksum headerChecksum = new Checksum();
    private @Nullable Request[] slots = new Request[64];
    private int[] freeSlots = new int[64];
    private int freeCount;
    private int queuedBytes;
    private volatile int usedSlots;
    private long sequence;

    // Confined to the role.
    private final Checksum checksum = new Checksum();
    private final Checksum rowsChecksum = new Checksum();
    private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .limit(0);
    private ByteBuffer in = newReceiveBuffer(RECEIVE_BYTES);
    private FloatBuffer[] floats = floatViews(in);
    private int start;
    private int end;

    /// A long frame, its limit behind it and its position where writing goes on.
    private @Nullable ByteBuffer writing;

    /// Null unless both sides agreed on one; then also where frames are compressed to, and where they are restored.
    private @Nullable FrameCodec codec;

    private ByteBuffer compressed = newReceiveBuffer(0);
    private ByteBuffer restored = newReceiveBuffer(0);
    private FloatBuffer[] restoredFloats = floatViews(restored);
    private @Nullable Request rowsRequest;
    private boolean rowsEncoded;

    /// Bytes of a row, or of the rows of a span, which are taken only whole.
    private int rowBytes;

    private int payloadLeft;
    private @Nullable SocketChannel channel;
    private @Nullable SelectionKey key;
    private boolean writeBlocked;
    private boolean ready;
    private boolean heard;

    TcpConnection(String name, ReplyHandler handler) {
        this.name = name;
        this.handler = handler;
    }

    private static ByteBuffer newReceiveBuffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// The buffer as floats from its bytes 0, 1, 2 and 3 on: answers may begin anywhere.
    private static FloatBuffer[] floatViews(ByteBuffer buffer) {
        FloatBuffer[] views = new FloatBuffer[Float.BYTES];
        for (int i = 0; i < views.length; i++) {
            views[i] = buffer.duplicate()
                    .clear()
                    .position(Math.min(i, buffer.capacity()))
                    .slice()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer();
        }
        return views;
    }

    /// Takes over a channel after its handshake.
    ///
    /// @param features that the server granted
    void open(SocketChannel opened, Selector selector, long features) throws IOException {
        opened.configureBlocking(false);
        key = opened.register(selector, SelectionKey.OP_READ, this);
        start = 0;
        end = 0;
        staging.limit(0);
        writing = null;
        rowsRequest = null;
        writeBlocked = false;
        ready = false;
        codec = FrameCodecs.create(features);
        channel = opened;
    }

    boolean isOpen() {
        return channel != null;
    }

    /// Queues a request and gives it an id.
    synchronized void send(Request request, boolean checksums) {
        int slot = takeSlot();
        slots[slot] = request;
        request.setSlot(slot);
        sequence++;
        ByteBuffer frame = request.frame();
        frame.putLong(FrameLayout.REQUEST_ID_OFFSET, sequence << SLOT_BITS | slot);
        if (checksums) {
            headerChecksum.sealHeader(frame.clear(), 0);
        }
        queue.addLast(request);
        queuedBytes += request.length();
    }

    /// Whether what is queued should not wait for more.
    synchronized boolean isWorthWriting() {
        return queuedBytes >= WORTH_BYTES;
    }

    /// Whether more is queued than the cache can hold until the socket takes it.
    synchronized boolean isBacklogged() {
        return queuedBytes > BACKLOG_BYTES;
    }

    /// Whether what is queued would wait for nothing, or has waited enough.
    synchronized boolean mustWrite() {
        int queued = queue.size();
        return queued > 0 && (queued == usedSlots || queued >= WORTH_COUNT || queuedBytes >= WORTH_BYTES);
    }

    synchronized boolean hasQueued() {
        return !queue.isEmpty();
    }

    int outstanding() {
        return usedSlots;
    }

    private int takeSlot() {
        int used = usedSlots;
        int slot;
        if (freeCount > 0) {
            slot = freeSlots[--freeCount];
        } else {
            slot = used;
            if (slot > SLOT_MASK) {
                throw new WeirException(ErrorCode.BUSY, "too many requests are in flight: limit=" + (SLOT_MASK + 1));
            }
            if (slot >= slots.length) {
                slots = Arrays.copyOf(slots, slots.length * 2);
                freeSlots = Arrays.copyOf(freeSlots, slots.length);
            }
        }
        usedSlots = used + 1;
        return slot;
    }

    private synchronized @Nullable Request pollQueue() {
        Request request = queue.pollFirst();
        if (request != null) {
            queuedBytes -= request.length();
        }
        return request;
    }

    private synchronized Request requestOf(long requestId) {
        int slot = (int) (requestId & SLOT_MASK);
        Request request = slot < slots.length ? slots[slot] : null;
        if (request == null || FrameLayout.requestId(request.frame(), 0) != requestId) {
            throw new WeirException(ErrorCode.CORRUPT, "an answer belongs to no request: requestId=" + requestId);
        }
        return request;
    }

    private synchronized void release(Request request) {
        int slot = request.slot();
        slots[slot] = null;
        freeSlots[freeCount++] = slot;
        usedSlots = usedSlots - 1;
    }

    /// Every request that is under way, in no order, and forgets them.
    synchronized List<Request> takeAll() {
        List<Request> all = new ArrayList<>();
        for (Request request : slots) {
            if (request != null) {
                all.add(request);
            }
        }
        Arrays.fill(slots, null);
        freeCount = 0;
        usedSlots = 0;
        queue.clear();
        queuedBytes = 0;
        return all;
    }

    // ---- with the role ----

    /// Writes what is queued, as far as the socket takes it.
    ///
    /// @return whether anything was written
    boolean write() throws IOException {
        SocketChannel out = channel;
        if (out == null) {
            return false;
        }
        boolean worked = false;
        writeBlocked = false;
        while (true) {
            if (staging.hasRemaining()) {
                worked |= out.write(staging) > 0;
                if (staging.hasRemaining()) {
                    writeBlocked = true;
                    return worked;
                }
            }
            ByteBuffer large = writing;
            if (large != null) {
                worked |= out.write(large) > 0;
                if (large.hasRemaining()) {
                    writeBlocked = true;
                    return worked;
                }
                writing = null;
            }
            if (!stage()) {
                return worked;
            }
        }
    }

    /// Gathers small requests, up to the first large one.
    ///
    /// @return whether there is something to write
    private boolean stage() {
        staging.clear();
        Request request;
        while (staging.remaining() >= SMALL_BYTES && (request = pollQueue()) != null) {
            ByteBuffer frame = request.frame();
            int length = request.length();
            int fewer = compress(request);
            if (fewer > 0) {
                frame = compressed;
                length = fewer;
            }
            if (length > SMALL_BYTES) {
                writing = frame.limit(length).position(0);
                break;
            }
            staging.put(staging.position(), frame, 0, length);
            staging.position(staging.position() + length);
        }
        staging.flip();
        return staging.hasRemaining() || writing != null;
    }

    /// Makes a frame shorter, if a codec is agreed on and has it shorter.
    ///
    /// @return its length in the buffer for it, 0 if it goes as it is
    private int compress(Request request) {
        FrameCodec agreed = codec;
        if (agreed == null) {
            return 0;
        }
        compressed.clear();
        if (compressed.capacity() < request.length()) {
            compressed = newReceiveBuffer(request.length());
        }
        return CompressedFrame.compress(agreed, request.frame().clear(), 0, compressed, 0, checksum);
    }

    boolean isWriteBlocked() {
        return writeBlocked;
    }

    /// Asks the selector for what the connection waits for.
    void updateInterest() {
        SelectionKey registered = key;
        if (registered != null && registered.isValid()) {
            int wanted = writeBlocked ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ;
            if (registered.interestOps() != wanted) {
                registered.interestOps(wanted);
            }
        }
    }

    /// The selector found something.
    void setReady() {
        ready = true;
    }

    /// Whether anything was read since this was last asked.
    boolean takeHeard() {
        boolean wasHeard = heard;
        heard = false;
        return wasHeard;
    }

    /// Whether reading may be worth a system call.
    boolean mayHaveAnswers() {
        return ready || usedSlots > 0;
    }

    /// Reads what is there and hands it on.
    ///
    /// @return whether anything was read
    boolean read() throws IOException {
        SocketChannel source = channel;
        if (source == null) {
            return false;
        }
        ready = false;
        makeRoom();
        int read = source.read(in.limit(in.capacity()).position(end));
        if (read < 0) {
            throw new IOException("the server closed the connection");
        }
        if (read == 0) {
            return false;
        }
        end += read;
        heard = true;
        in.clear();
        serve();
        return true;
    }

    private void makeRoom() {
        if (start == end) {
            start = 0;
            end = 0;
        } else if (in.capacity() - end < in.capacity() / 4) {
            int held = end - start;
            if (held > in.capacity() / 2) {
                ByteBuffer larger = newReceiveBuffer(Math.min(2 * in.capacity(), 2 * Limits.MAX_FRAME_BYTES));
                larger.put(0, in, start, held);
                in = larger;
                floats = floatViews(larger);
            } else {
                in.put(0, in.duplicate(), start, held);
            }
            start = 0;
            end = held;
        }
    }

    private void serve() {
        while (true) {
            if (rowsRequest != null) {
                if (!serveRows(rowsRequest)) {
                    return;
                }
                continue;
            }
            int available = end - start;
            int header = FrameLayout.checkHeader(
                    in, start, available, Limits.MAX_FRAME_BYTES, true, codec != null, checksum);
            if (header == 0) {
                return;
            }
            if (CompressedFrame.is(in, start)) {
                if (!serveCompressed(available)) {
                    return;
                }
                continue;
            }
            int type = FrameLayout.type(in, start);
            if (type == FrameType.ROWS || type == FrameType.ENCODED_ROWS) {
                beginRows(type, header);
                continue;
            }
            int length = FrameLayout.length(in, start);
            if (length > available) {
                return;
            }
            if (!checksum.matchesPayload(in, start)) {
                throw new WeirException(ErrorCode.CORRUPT, "payload checksum does not match: server=" + name);
            }
            serveFrame(start);
            start += length;
        }
    }

    /// Takes a whole compressed frame.
    ///
    /// @return false if more bytes are needed
    private boolean serveCompressed(int available) {
        FrameCodec agreed = Objects.requireNonNull(codec, "codec");
        int length = FrameLayout.length(in, start);
        if (length > available) {
            return false;
        }
        if (!checksum.matchesPayload(in, start)) {
            throw new WeirException(ErrorCode.CORRUPT, "payload checksum does not match: server=" + name);
        }
        int plainLength = CompressedFrame.plainLength(in, start, Limits.MAX_FRAME_BYTES);
        if (restored.capacity() < plainLength) {
            restored = newReceiveBuffer(plainLength);
            restoredFloats = floatViews(restored);
        }
        CompressedFrame.decompress(agreed, in, start, restored, 0, checksum);
        start += length;
        ByteBuffer stream = in;
        FloatBuffer[] streamFloats = floats;
        int streamStart = start;
        int streamEnd = end;
        in = restored;
        floats = restoredFloats;
        start = 0;
        end = plainLength;
        try {
            serve();
        } finally {
            in = stream;
            floats = streamFloats;
            start = streamStart;
            end = streamEnd;
        }
        return true;
    }

    private void beginRows(int type, int header) {
        ReplyLayout.check(in, start);
        Request request = requestOf(FrameLayout.requestId(in, start));
        int count = ReplyLayout.count(in, start);
        int rowLength = ReplyLayout.rowLength(in, start);
        int expectedLength = request.isStretch() ? 1 : request.call().rowLength();
        int valueType = type == FrameType.ROWS ? ValueType.FLOAT32 : ReplyLayout.valueType(in, start);
        int spanLength = DataLayout.spanLength(request.frame(), 0);
        if (count != request.count()
                || rowLength != expectedLength
                || valueType != DataLayout.replyType(request.frame(), 0)
                || (type == FrameType.ENCODED_ROWS && ReplyLayout.spanLength(in, start) != spanLength)) {
            throw new WeirException(
                    ErrorCode.CORRUPT,
                    "an answer must fit its request: count=" + count + ", expected=" + request.count() + ", rowLength="
                            + rowLength + ", valueType=" + valueType + ", payload="
                            + FrameLayout.payloadBytes(in, start));
        }
        rowsRequest = request;
        request.setRowsDone(0);
        rowsEncoded = type == FrameType.ENCODED_ROWS;
        rowBytes = rowsEncoded
                ? (int) ValueType.bytes(valueType, Math.max(spanLength, rowLength), spanLength)
                : rowLength * Float.BYTES;
        payloadLeft = FrameLayout.payloadBytes(in, start);
        start += header;
        rowsChecksum.reset();
    }

    /// Takes the whole rows that are there.
    ///
    /// @return false if more bytes are needed
    private boolean serveRows(Request request) {
        int available = end - start;
        if (payloadLeft > 0) {
            int bytes = available >= payloadLeft ? payloadLeft : available / rowBytes * rowBytes;
            if (bytes == 0) {
                return false;
            }
            rowsChecksum.update(in, start, bytes);
            int rows;
            if (rowsEncoded) {
                rows = handler.encodedRows(request, in, start, request.rowsDone(), bytes);
            } else {
                rows = bytes / rowBytes;
                handler.rows(request, floats[start & 3], start >> 2, request.rowsDone(), rows);
            }
            request.setRowsDone(request.rowsDone() + rows);
            start += bytes;
            payloadLeft -= bytes;
            return true;
        }
        if (available < FrameLayout.TRAILER_BYTES) {
            return false;
        }
        if (in.getInt(start) != rowsChecksum.value()) {
            throw new WeirException(ErrorCode.CORRUPT, "payload checksum does not match: server=" + name);
        }
        start += FrameLayout.TRAILER_BYTES;
        rowsRequest = null;
        release(request);
        handler.answered(request);
        return true;
    }

    private String text(int at) {
        byte[] text = new byte[FrameLayout.payloadBytes(in, at)];
        in.get(at + FrameLayout.payloadOffset(in, at), text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /// After these the server reads no further, and its request id may be anything.
    private static boolean endsConnection(int code) {
        return code == ErrorCode.MALFORMED_FRAME.number()
                || code == ErrorCode.VERSION_MISMATCH.number()
                || code == ErrorCode.CORRUPT.number();
    }

    private void serveFrame(int at) {
        int type = FrameLayout.type(in, at);
        if (type == FrameType.ACK
                || type == FrameType.ERROR
                || type == FrameType.SCAN_REPLY
                || type == FrameType.PARTIALS) {
            ReplyLayout.check(in, at);
        }
        if (type == FrameType.ERROR && endsConnection(ReplyLayout.code(in, at))) {
            throw new WeirException(
                    ErrorCode.ofNumber(ReplyLayout.code(in, at)), "the server ended the connection: " + text(at));
        }
        Request request = requestOf(FrameLayout.requestId(in, at));
        int payload = at + FrameLayout.payloadOffset(in, at);
        switch (type) {
            case FrameType.ACK -> {
                release(request);
                handler.answered(request);
            }
            case FrameType.ERROR -> {
                String text = text(at);
                ErrorCode code = ErrorCode.ofNumber(ReplyLayout.code(in, at));
                boolean ordered = (ReplyLayout.errorFlags(in, at) & ReplyLayout.ERROR_ORDERED) != 0;
                int retryAfterMs = Math.max(0, ReplyLayout.retryAfterMs(in, at));
                release(request);
                handler.refused(request, code, ordered, retryAfterMs, text);
            }
            case FrameType.PARTIALS -> {
                int count = ReplyLayout.count(in, at);
                if (request.type() != FrameType.REDUCE
                        || count != request.count()
                        || ReplyLayout.number(in, at) != request.from()) {
                    throw new WeirException(
                            ErrorCode.CORRUPT,
                            "sums must fit their request: count=" + count + ", expected=" + request.count() + ", first="
                                    + ReplyLayout.number(in, at));
                }
                handler.partials(request, in, payload, 0, count);
                release(request);
                handler.answered(request);
            }
            case FrameType.SCAN_REPLY -> {
                int count = ReplyLayout.count(in, at);
                int valueLength = ReplyLayout.rowLength(in, at);
                if (count < 0
                        || valueLength < 1
                        || (long) count * RowLayout.rowBytes(valueLength) != FrameLayout.payloadBytes(in, at)) {
                    throw new WeirException(ErrorCode.CORRUPT, "a scan's answer must fit its count: count=" + count);
                }
                handler.scanBegins(request, ReplyLayout.number(in, at), count, valueLength);
                handler.scanned(request, in, payload, count, valueLength);
                release(request);
                handler.answered(request);
            }
            default -> {
                var message = MessageCodec.decode(in, at);
                release(request);
                handler.replied(request, message);
            }
        }
    }

    /// Drops the channel. What is under way stays, see [#takeAll].
    void close() {
        SocketChannel open = channel;
        channel = null;
        key = null;
        FrameCodec agreed = codec;
        if (agreed != null) {
            codec = null;
            agreed.close();
        }
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                System.getLogger(TcpConnection.class.getName())
                        .log(System.Logger.Level.DEBUG, "closing a socket failed", e);
            }
        }
    }
}
