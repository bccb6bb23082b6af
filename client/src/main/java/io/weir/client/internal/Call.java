package io.weir.client.internal;

import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.KeyListHash;
import io.weir.wire.Message;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// One call of the user: it is done when each of its requests has been answered. Reused; one thread starts it, any
/// thread may bring answers.
///
/// The caller's arrays are written only under the call's own lock and only while it is not abandoned, so that a caller
/// who gave up waiting has its arrays for itself.
final class Call implements ShardTransport.Waitable {
    /// Floats that are decoded at a time: half of a first-level cache, or a row if that is longer.
    private static final int DECODED_FLOATS = 4096;

    private final AtomicInteger remaining = new AtomicInteger();
    private final Grouping grouping = new Grouping();
    private final Checksum checksum = new Checksum();
    private final KeyListHash keyListHash = new KeyListHash();
    private float @Nullable [] rows;
    private double @Nullable [] partials;
    private AtomicInteger inFlight = new AtomicInteger();
    private int rowsFrom;
    private int rowLength;
    private boolean abandoned;
    private @Nullable Message reply;
    private @Nullable WeirException failure;
    private volatile boolean done;
    private volatile @Nullable Thread waiter;
    private @Nullable CompletableFuture<Void> future;
    private @Nullable RowSink sink;

    /// Made when a call first asks for rows in fewer bits.
    private FloatBuffer decoded = FloatBuffer.allocate(0);

    /// Takes the rows of a scan.
    interface RowSink {
        /// Says how the answer goes on: rows that follow, and the cursor behind them, -1 at the end.
        void begin(long cursor, int count, int valueLength);

        /// Takes some of the rows, laid out as `RowLayout` says.
        void accept(ByteBuffer payload, int at, int count, int valueLength);
    }

    /// Begins a call. One request is counted until [#started], so that it cannot end before all are sent.
    void begin(
            float @Nullable [] rows,
            int rowsFrom,
            int rowLength,
            @Nullable CompletableFuture<Void> future,
            AtomicInteger inFlight) {
        this.inFlight = inFlight;
        this.rows = rows;
        this.rowsFrom = rowsFrom;
        this.rowLength = rowLength;
        this.future = future;
        this.sink = null;
        this.partials = null;
        this.abandoned = false;
        this.reply = null;
        this.failure = null;
        this.done = false;
        this.waiter = null;
        remaining.set(1);
    }

    /// Where the sums of blocks go, by number of the block.
    void setPartials(double[] partials) {
        this.partials = partials;
    }

    void setSink(RowSink sink) {
        this.sink = sink;
    }

    @Nullable
    RowSink sink() {
        return sink;
    }

    Grouping grouping() {
        return grouping;
    }

    /// For the thread that starts the call.
    Checksum checksum() {
        return checksum;
    }

    /// For the thread that starts the call.
    KeyListHash keyListHash() {
        return keyListHash;
    }

    int rowLength() {
        return rowLength;
    }

    boolean isAsync() {
        return future != null;
    }

    /// Counts one more request.
    void add() {
        remaining.incrementAndGet();
    }

    /// Says that all requests are sent.
    ///
    /// @return as [#answered]
    boolean started() {
        return answered();
    }

    boolean isDone() {
        return done;
    }

    @Override
    public boolean holds() {
        return done;
    }

    /// Copies `count` floats of an answer, from byte `at` of `source`, into the caller's array: for keys, row after
    /// row to where each key stood; for a stretch, one after the other.
    ///
    /// @param first index, in the request's order, of the first row; or the first float of the stretch
    synchronized void scatter(Request request, FloatBuffer source, int at, int first, int count) {
        float[] target = rows;
        if (abandoned || target == null) {
            return;
        }
        if (request.isStretch()) {
            source.get(at, target, rowsFrom + request.from() + first, count);
        } else {
            grouping.scatter(source, at, request.from() + first, count, target, rowsFrom, rowLength);
        }
    }

    /// As [#scatter], for `bytes` of rows in the fewer bits that the request asked for.
    ///
    /// @return rows, or floats of the stretch, that they were
    synchronized int scatterEncoded(Request request, ByteBuffer source, int at, int first, int bytes) {
        ByteBuffer frame = request.frame();
        int type = DataLayout.replyType(frame, 0);
        int spanLength = DataLayout.spanLength(frame, 0);
        int floats = ValueType.floats(type, bytes, spanLength);
        int length = request.isStretch() ? 1 : rowLength;
        int most = Math.max(1, DECODED_FLOATS / spanLength) * spanLength;
        if (decoded.capacity() < Math.min(most, floats)) {
            decoded = FloatBuffer.allocate(most);
        }
        int spanBytes = (int) ValueType.bytes(type, spanLength, spanLength);
        for (int done = 0; done < floats; done += most) {
            int part = Math.min(most, floats - done);
            ValueEncoder.decodeRows(
                    type, source, at + done / spanLength * spanBytes, decoded.array(), part, spanLength);
            scatter(request, decoded, 0, first + done / length, part / length);
        }
        return floats / length;
    }

    /// Takes the sums of some blocks.
    ///
    /// @param first index, in the request's order, of the first block
    synchronized void takePartials(Request request, ByteBuffer payload, int at, int first, int count) {
        double[] target = partials;
        if (abandoned || target == null) {
            return;
        }
        for (int i = 0; i < count; i++) {
            target[request.from() + first + i] = payload.getDouble(at + i * Double.BYTES);
        }
    }

    /// Takes the answer to a control message.
    void replied(Message message) {
        reply = message;
    }

    @Nullable
    Message reply() {
        return reply;
    }

    /// One request failed; the first failure is the call's.
    void failed(WeirException exception) {
        synchronized (this) {
            if (failure == null) {
                failure = exception;
            }
        }
    }

    /// One request is answered.
    ///
    /// @return whether the call is done and nobody waits to take it back
    boolean answered() {
        if (remaining.decrementAndGet() != 0) {
            return false;
        }
        inFlight.decrementAndGet();
        CompletableFuture<Void> result;
        @Nullable WeirException exception;
        synchronized (this) {
            result = future;
            exception = failure;
            done = true;
        }
        if (result == null) {
            LockSupport.unpark(waiter);
            return false;
        }
        boolean reusable = !abandoned;
        if (exception == null) {
            result.complete(null);
        } else {
            result.completeExceptionally(exception);
        }
        return reusable;
    }

    synchronized @Nullable WeirException failure() {
        return failure;
    }

    @Override
    public void setWaiter(@Nullable Thread thread) {
        waiter = thread;
    }

    /// Leaves the arrays alone from now on. What is still in flight goes on.
    ///
    /// @return completes when the last request is answered
    CompletableFuture<Void> abandon() {
        CompletableFuture<Void> handle = new CompletableFuture<>();
        synchronized (this) {
            abandoned = true;
            rows = null;
            partials = null;
            future = handle;
        }
        WeirException exception = failure();
        if (done && exception == null) {
            handle.complete(null);
        } else if (done) {
            handle.completeExceptionally(exception);
        }
        return handle;
    }
}
