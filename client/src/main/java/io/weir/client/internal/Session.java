package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.client.PushPendingException;
import io.weir.client.RowBatch;
import io.weir.client.internal.ShardTransport.Waitable;
import io.weir.model.ErrorCode;
import io.weir.model.ShardMap;
import io.weir.model.TableShape;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import io.weir.wire.RowLayout;
import io.weir.wire.RunMessage;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One identity's way to the servers: turns calls into requests, numbers its pushes, waits for answers. A run's worker
/// has one of its own, and so has a connection for what belongs to no run. Thread-safe.
final class Session implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    private final ShardTransport transport;
    private final ShardMap map;
    private final int[] serverOfShard;
    private final RequestPool pool = new RequestPool();
    private final ReplyHandler handler;
    private final long deadlineNs;
    private final int maxInFlight;
    private final int shardCount;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final ShardTransport.Waitable room = new Condition(this::hasRoomForACall);
    private final ShardTransport.Waitable drained = new Condition(this::isDrained);
    private final AtomicReference<@Nullable WorkerStream> stream = new AtomicReference<>();
    private final List<WorkerStream> streams = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();

    /// Control messages of its own under way, which are not among the calls that a caller may have.
    private final AtomicInteger beside = new AtomicInteger();

    private volatile @Nullable WeirException broken;
    private volatile long heardNs;
    private volatile long silenceNs;
    private volatile int homeServer;
    private volatile boolean closed;

    Session(ClientConfig config, Function<ReplyHandler, ShardTransport> connect) {
        this.deadlineNs = config.deadline().toNanos();
        this.maxInFlight = config.maxInFlight();
        this.handler = new ReplyHandler(pool);
        this.transport = connect.apply(handler);
        handler.bind(transport);
        this.map = transport.map();
        this.shardCount = map.shardCount();
        this.serverOfShard = new int[shardCount];
        for (int shard = 0; shard < serverOfShard.length; shard++) {
            serverOfShard[shard] = map.serverOf(shard);
        }
    }

    ShardMap map() {
        return map;
    }

    // ---- identity ----

    /// A stream for an identity of this session, not yet in use.
    WorkerStream newStream(WorkerId id) {
        return new WorkerStream(id, shardCount, transport::send, lock);
    }

    /// Takes the stream of this session's worker into use, a member of a run.
    void use(WorkerStream opened, int homeOfRun) {
        homeServer = homeOfRun;
        use(opened);
    }

    /// Takes the stream of this session's worker into use.
    void use(WorkerStream opened) {
        addStream(opened);
        stream.set(opened);
    }

    /// Takes a further stream into use, whose pushes go beside those of the worker.
    void addStream(WorkerStream further) {
        streams.add(further);
    }

    /// Forgets a stream that has nothing under way.
    void removeStream(WorkerStream done) {
        streams.remove(done);
    }

    /// Opens an identity that belongs to no run, unless there is one.
    synchronized void openAnonymous(LongSupplier random) {
        if (stream.get() == null) {
            WorkerId id = new WorkerId(random.getAsLong(), 0, 1);
            for (int server = 0; server < map.servers().size(); server++) {
                control(server, new RunMessage.OpenWorker(id, -1, -1, true));
            }
            use(newStream(id));
        }
    }

    WorkerStream stream() {
        WorkerStream opened = stream.get();
        if (opened == null) {
            throw new IllegalStateException("no worker is open");
        }
        return opened;
    }

    private WorkerStream pushesOf(TableView table) {
        WorkerStream own = table.pushes();
        return own == null ? stream() : own;
    }

    /// Every further call fails with this.
    void breakWith(WeirException reason) {
        broken = reason;
    }

    /// Closes the worker on every server, if there is one: first where the home of its run is. As soon as an entry is
    /// gone anywhere, no later life may go on where this one stopped, and that is for the home shard to know.
    ///
    /// @param finished whether it has done its part
    /// @param homeServer of the run; any for what belongs to none
    CompletableFuture<Void> leave(boolean finished, int homeServer) {
        WorkerStream opened = stream.getAndSet(null);
        if (opened == null) {
            return CompletableFuture.completedFuture(null);
        }
        RunMessage.CloseWorker message = new RunMessage.CloseWorker(opened.id(), finished);
        return repeatedly(homeServer, message)
                .thenCompose(closedAtHome -> toAllServers(message))
                .thenApply(closedEverywhere -> null);
    }

    /// Waits until every push is decided.
    ///
    /// @return false if the deadline passed before
    boolean drain() {
        return transport.await(drained, System.nanoTime() + deadlineNs);
    }

    // ---- clocks ----

    /// Sends the end of a minibatch to every shard: the frames of one number.
    ///
    /// @param clock that it leads to
    CompletableFuture<Void> tick(WorkerStream ticking, int group, long clock) {
        return tick(ticking, group, clock, 0);
    }

    /// As [#tick], of a kind: see [DataLayout#flags].
    CompletableFuture<Void> tick(WorkerStream ticking, int group, long clock, int kind) {
        Future<Void> future = new Future<>();
        Call call = pool.takeCall();
        beside.incrementAndGet();
        call.begin(null, 0, 0, future, beside);
        lockWithRoom(ticking, call);
        try {
            long number = ticking.nextNumber();
            for (int shard = 0; shard < shardCount; shard++) {
                int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, 0);
                Request request = pool.take(length);
                request.begin(call, serverOfShard[shard], 0, 0, length, false);
                ByteBuffer frame = request.frame();
                int flags = transport.checksums() ? FrameLayout.FLAG_CHECKSUMS : 0;
                FrameLayout.putHeader(frame, 0, length, FrameType.TICK, flags, 0, DataLayout.FIELD_BYTES);
                DataLayout.putTarget(frame, 0, shard, 0, map.version(), 0);
                DataLayout.putContent(frame, 0, DataLayout.LAYOUT_KEYS, 0, 1, 0);
                DataLayout.putFlags(frame, 0, kind);
                frame.putInt(DataLayout.PAYLOAD_OFFSET, 0);
                ticking.submit(request, shard, number, clock, group);
            }
        } finally {
            ticking.lock().unlock();
        }
        transport.push();
        finishAsync(call);
        return future;
    }

    // ---- embedding tables ----

    void pull(TableView table, long[] keys, int from, int count, float[] rows, int rowsFrom) {
        Call call = begin(rows, rowsFrom, table.spec().rowLength(), null);
        sendKeys(FrameType.PULL, call, table, keys, from, count, null, 0);
        finish(call, "pull", false);
    }

    CompletableFuture<Void> pullAsync(TableView table, long[] keys, float[] rows) {
        Future<Void> future = new Future<>();
        Call call = begin(rows, 0, table.spec().rowLength(), future);
        sendKeys(FrameType.PULL, call, table, keys, 0, keys.length, null, 0);
        finishAsync(call);
        return future;
    }

    void push(TableView table, long[] keys, int from, int count, float[] gradients, int gradientsFrom) {
        GradientCheck.requireFiniteRows(table.info(), keys, from, count, gradients, gradientsFrom);
        Call call = begin(null, 0, table.spec().rowLength(), null);
        sendKeys(FrameType.PUSH, call, table, keys, from, count, gradients, gradientsFrom);
        finish(call, "push", true);
    }

    CompletableFuture<Void> pushAsync(TableView table, long[] keys, float[] gradients) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        Future<Void> future = new Future<>();
        Call call = begin(null, 0, table.spec().rowLength(), future);
        sendKeys(FrameType.PUSH, call, table, keys, 0, keys.length, gradients, 0);
        finishAsync(call);
        return future;
    }

    void pushPull(TableView table, long[] keys, float[] gradients, float[] rows) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        Call call = begin(rows, 0, table.spec().rowLength(), null);
        sendKeys(FrameType.PUSH_PULL, call, table, keys, 0, keys.length, gradients, 0);
        finish(call, "pushPull", true);
    }

    CompletableFuture<Void> pushPullAsync(TableView table, long[] keys, float[] gradients, float[] rows) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        Future<Void> future = new Future<>();
        Call call = begin(rows, 0, table.spec().rowLength(), future);
        sendKeys(FrameType.PUSH_PULL, call, table, keys, 0, keys.length, gradients, 0);
        finishAsync(call);
        return future;
    }

    // ---- dense tables ----

    void stretch(
            int type,
            TableView table,
            long offset,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom,
            float @Nullable [] values,
            int valuesFrom,
            String what) {
        GradientCheck.requireFiniteStretch(table.info(), offset, count, gradients, gradientsFrom);
        Call call = begin(values, valuesFrom, 1, null);
        sendStretch(type, call, table, offset, count, gradients, gradientsFrom);
        finish(call, what, gradients != null);
    }

    CompletableFuture<Void> stretchAsync(
            int type,
            TableView table,
            long offset,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom,
            float @Nullable [] values,
            int valuesFrom) {
        GradientCheck.requireFiniteStretch(table.info(), offset, count, gradients, gradientsFrom);
        Future<Void> future = new Future<>();
        Call call = begin(values, valuesFrom, 1, future);
        sendStretch(type, call, table, offset, count, gradients, gradientsFrom);
        finishAsync(call);
        return future;
    }

    // ---- whole rows ----

    /// Scans one shard from `cursor` on.
    ///
    /// @return the cursor to go on from, -1 at the end
    long scan(TableView table, int shard, long cursor, RowBatch batch) {
        ScanSink sink = new ScanSink(batch);
        Call call = begin(null, 0, 0, null);
        call.setSink(sink);
        Request request = request(call, shard, FrameType.SCAN, table, 0, batch.capacity(), 0, cursor);
        send(call, request, shard, 0, null, 0, table.clockGroup());
        finish(call, "scan", false);
        return sink.cursor;
    }

    void load(TableView table, RowBatch rows) {
        int valueLength = rows.valueLength();
        int expected = table.spec().rowLength() * (1 + table.spec().optimizer().slotCount());
        if (valueLength != expected) {
            throw new IllegalArgumentException("rows must have weights and slots of the table: expected=" + expected
                    + ", actual=" + valueLength + ", table=" + table.spec().name());
        }
        Call call = begin(null, 0, valueLength, null);
        Grouping grouping = call.grouping();
        long[] keys = rows.keys();
        if (table.spec().shape() instanceof TableShape.Dense) {
            grouping.groupBlocks(keys, rows.count(), shardCount, table.info());
        } else {
            grouping.group(keys, 0, rows.count(), shardCount);
        }
        int rowBytes = RowLayout.rowBytes(valueLength);
        int most = Math.max(1, Limits.MAX_SCAN_BYTES / rowBytes);
        WorkerStream numbering = pushesOf(table);
        boolean more = true;
        for (int round = 0; more; round++) {
            lockWithRoom(numbering, call);
            try {
                more = false;
                long number = numbering.nextNumber();
                for (int shard = 0; shard < shardCount; shard++) {
                    int start = grouping.startOf(shard) + round * most;
                    int count = Math.min(grouping.endOf(shard) - start, most);
                    if (count <= 0) {
                        continue;
                    }
                    more |= start + count < grouping.endOf(shard);
                    long payloadBytes = (long) count * rowBytes;
                    Request request = request(call, shard, FrameType.LOAD, table, start, count, payloadBytes, -1);
                    putStoredRows(request.frame(), grouping, rows, start, count);
                    send(call, request, shard, payloadBytes, numbering, number, table.clockGroup());
                }
            } finally {
                numbering.lock().unlock();
            }
        }
        finish(call, "load", true);
    }

    private static void putStoredRows(ByteBuffer frame, Grouping grouping, RowBatch rows, int start, int count) {
        int at = DataLayout.PAYLOAD_OFFSET;
        int valueLength = rows.valueLength();
        for (int i = 0; i < count; i++) {
            int row = grouping.position(start + i);
            frame.putLong(at + RowLayout.KEY_OFFSET, rows.keys()[row]);
            frame.putInt(at + RowLayout.PUSH_COUNT_OFFSET, rows.pushCounts()[row]);
            frame.putInt(at + RowLayout.RESERVED_OFFSET, 0);
            at += RowLayout.VALUES_OFFSET;
            for (int j = 0; j < valueLength; j++) {
                frame.putFloat(at, rows.values()[row * valueLength + j]);
                at += Float.BYTES;
            }
        }
    }

    // ---- control ----

    /// Sends a control message to one server and waits for its answer.
    ///
    /// @throws WeirException if it is refused, or not answered within the deadline
    Message control(int server, Message message) {
        Call call = begin(null, 0, 0, null);
        sendControl(call, server, message, false);
        Message reply = finish(call, "request", false);
        if (reply == null) {
            throw new WeirException(ErrorCode.INTERNAL, "control message was answered with something else");
        }
        return reply;
    }

    /// Sends a control message to one server, and again if its connection is lost: the server must take a repetition
    /// for what it is. May be called from where an answer arrives; never waits.
    CompletableFuture<Message> repeatedly(int server, Message message) {
        Future<Void> done = new Future<>();
        Call call = pool.takeCall();
        beside.incrementAndGet();
        call.begin(null, 0, 0, done, beside);
        CompletableFuture<Message> reply = done.thenApply(answered -> {
            Message got = call.reply();
            if (got == null) {
                throw new WeirException(ErrorCode.INTERNAL, "control message was answered with something else");
            }
            return got;
        });
        sendControl(call, server, message, true);
        if (call.started()) {
            pool.give(call);
        }
        return reply;
    }

    /// The same to every server.
    CompletableFuture<List<Message>> toAllServers(Message message) {
        List<CompletableFuture<Message>> replies = new ArrayList<>();
        for (int server = 0; server < map.servers().size(); server++) {
            replies.add(repeatedly(server, message));
        }
        return CompletableFuture.allOf(replies.toArray(new CompletableFuture<?>[0]))
                .thenApply(all -> replies.stream().map(CompletableFuture::join).collect(Collectors.toList()));
    }

    /// Moves what was sent on its way. Called without locks.
    void settle() {
        transport.settle();
    }

    private void sendControl(Call call, int server, Message message, boolean repeatable) {
        byte[] payload = message.toPayload();
        int length = MessageCodec.frameBytes(payload);
        Request request = pool.take(length);
        request.begin(call, server, 0, 0, length, false);
        if (repeatable) {
            request.setRepeatable();
        }
        MessageCodec.encode(
                message.type(), payload, 0, request.frame(), 0, transport.checksums() ? new Checksum() : null);
        transport.send(request);
    }

    /// A result that does the work of the connection when somebody waits for it, and ends as `outcome` does.
    <T extends @Nullable Object> CompletableFuture<T> working(CompletableFuture<T> outcome) {
        Future<T> result = new Future<>();
        CompletableFuture<T> unused = outcome.whenComplete((value, failure) -> {
            if (failure == null) {
                result.complete(value);
            } else {
                result.completeExceptionally(causeOf(failure));
            }
        });
        return result;
    }

    /// What a dependent stage wraps.
    static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }

    /// Waits for a result, at most for the deadline, or in a run as long as its servers live.
    <T extends @Nullable Object> T await(CompletableFuture<T> result, String what) {
        Waitable done = new Condition(result::isDone);
        transport.settle();
        while (!transport.await(done, System.nanoTime() + deadlineNs)) {
            if (!mayWaitOn()) {
                throw timedOut(what);
            }
        }
        return valueOf(result);
    }

    static <T extends @Nullable Object> T valueOf(CompletableFuture<T> result) {
        try {
            return result.join();
        } catch (CompletionException e) {
            if (causeOf(e) instanceof WeirException refused) {
                throw refused.here();
            }
            throw e;
        }
    }

    /// Whether a call that has passed its deadline waits for other workers and not for a server: the run's home shard
    /// was heard since, no server is out of reach, and this worker is a member.
    private boolean mayWaitOn() {
        long heard = heardNs;
        return heard != 0
                && System.nanoTime() - heard < Math.max(deadlineNs, silenceNs)
                && transport.trouble().isEmpty()
                && broken == null;
    }

    /// The home shard of the run has answered. From the first time on a call may wait for other workers longer than for
    /// the deadline.
    ///
    /// @param silenceMs how long the run bears a worker's silence; the home shard may be silent for as long
    void heard(int silenceMs) {
        silenceNs = silenceMs * 1_000_000L;
        heardNs = System.nanoTime() | 1;
    }

    // ---- how ----

    private Call begin(float @Nullable [] rows, int rowsFrom, int rowLength, @Nullable CompletableFuture<Void> future) {
        if (closed) {
            throw new IllegalStateException("the connection is closed");
        }
        WeirException reason = broken;
        if (reason != null) {
            throw reason.here();
        }
        long untilNs = System.nanoTime() + deadlineNs;
        while (inFlight.incrementAndGet() > maxInFlight) {
            inFlight.decrementAndGet();
            if (!transport.await(room, untilNs)) {
                throw timedOut("an earlier request");
            }
        }
        Call call = pool.takeCall();
        call.begin(rows, rowsFrom, rowLength, future, inFlight);
        return call;
    }

    /// Waits for the call and gives it back.
    private @Nullable Message finish(Call call, String what, boolean numbered) {
        call.started();
        if (!call.isDone()) {
            transport.poll();
        }
        boolean done = call.isDone() || transport.await(call, System.nanoTime() + deadlineNs);
        while (!done && mayWaitOn()) {
            done = transport.await(call, System.nanoTime() + deadlineNs);
        }
        if (!done) {
            CompletableFuture<Void> handle = call.abandon();
            transport.settle();
            throw numbered ? new PushPendingException(timeoutText(what), handle) : timedOut(what);
        }
        Message reply = call.reply();
        WeirException failure = call.failure();
        pool.give(call);
        if (failure != null) {
            throw failure.here();
        }
        return reply;
    }

    private void finishAsync(Call call) {
        if (call.started()) {
            pool.give(call);
        }
        transport.settle();
    }

    private WeirException timedOut(String what) {
        return new WeirException(
                transport.trouble().isEmpty() ? ErrorCode.DEADLINE_EXCEEDED : ErrorCode.UNAVAILABLE, timeoutText(what));
    }

    private String timeoutText(String what) {
        String trouble = transport.trouble();
        return what + " was not answered within the deadline: deadlineMs=" + deadlineNs / 1_000_000
                + (trouble.isEmpty() ? "" : "; " + trouble);
    }

    private void sendKeys(
            int type,
            Call call,
            TableView table,
            long[] keys,
            int from,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom) {
        Grouping grouping = call.grouping();
        grouping.group(keys, from, count, shardCount);
        int rowLength = table.spec().rowLength();
        int most = mostKeys(rowLength);
        WorkerStream numbering = gradients == null ? null : pushesOf(table);
        boolean more = true;
        for (int round = 0; more; round++) {
            if (numbering != null) {
                lockWithRoom(numbering, call);
            }
            try {
                more = false;
                long number = numbering == null ? 0 : numbering.nextNumber();
                for (int shard = 0; shard < shardCount; shard++) {
                    int start = grouping.startOf(shard) + round * most;
                    int end = Math.min(grouping.endOf(shard), start + most);
                    if (start >= end) {
                        continue;
                    }
                    more |= end < grouping.endOf(shard);
                    int keyCount = end - start;
                    long payloadBytes = DataLayout.payloadBytes(type, DataLayout.LAYOUT_KEYS, keyCount, rowLength, 0);
                    Request request = request(call, shard, type, table, start, keyCount, payloadBytes, -1);
                    grouping.putKeys(keys, from, start, end, request.frame(), DataLayout.PAYLOAD_OFFSET);
                    if (gradients != null) {
                        int rowsAt = (DataLayout.PAYLOAD_OFFSET + keyCount * Long.BYTES) / Float.BYTES;
                        grouping.putRows(gradients, gradientsFrom, rowLength, start, end, request.floats(), rowsAt);
                    }
                    send(call, request, shard, payloadBytes, numbering, number, table.clockGroup());
                }
            } finally {
                if (numbering != null) {
                    numbering.lock().unlock();
                }
            }
        }
    }

    private void sendStretch(
            int type,
            Call call,
            TableView table,
            long offset,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom) {
        if (!(table.spec().shape() instanceof TableShape.Dense dense)) {
            throw new IllegalArgumentException(
                    "only a dense table has stretches: table=" + table.spec().name());
        }
        int piece = Math.max(1, Limits.DENSE_FRAME_FLOATS / dense.blockLength()) * dense.blockLength();
        WorkerStream numbering = gradients == null ? null : pushesOf(table);
        boolean more = count > 0;
        for (int round = 0; more; round++) {
            if (numbering != null) {
                lockWithRoom(numbering, call);
            }
            try {
                more = false;
                long number = numbering == null ? 0 : numbering.nextNumber();
                for (int stretch = 0; stretch < shardCount; stretch++) {
                    long first = dense.firstBlockOf(stretch, shardCount) * dense.blockLength();
                    long last = dense.firstBlockOf(stretch + 1, shardCount) * dense.blockLength();
                    long begin = Math.max(first, offset);
                    long end = Math.min(last, offset + count);
                    long from = round == 0 ? begin : begin / piece * piece + (long) round * piece;
                    long to = Math.min(end, begin / piece * piece + (long) (round + 1) * piece);
                    if (from >= to) {
                        continue;
                    }
                    more |= to < end;
                    int floats = (int) (to - from);
                    int shard = (stretch + table.id()) % shardCount;
                    long payloadBytes = DataLayout.payloadBytes(type, DataLayout.LAYOUT_STRETCH, floats, 1, 0);
                    int start = (int) (from - offset);
                    Request request = request(call, shard, type, table, start, floats, payloadBytes, from);
                    if (gradients != null) {
                        request.floats()
                                .put(DataLayout.PAYLOAD_OFFSET / Float.BYTES, gradients, gradientsFrom + start, floats);
                    }
                    send(call, request, shard, payloadBytes, numbering, number, table.clockGroup());
                }
            } finally {
                if (numbering != null) {
                    numbering.lock().unlock();
                }
            }
        }
    }

    /// Waits until one more number fits the stream's window, and keeps the stream locked. If that takes too long, the
    /// call is over, but for what it has sent already.
    @SuppressWarnings("LockNotBeforeTry") // The caller unlocks, in a finally block.
    private void lockWithRoom(WorkerStream numbering, Call call) {
        long untilNs = System.nanoTime() + deadlineNs;
        while (true) {
            if (!numbering.hasRoom() && !transport.await(new Condition(numbering::hasRoom), untilNs)) {
                throw givenUp(call, timedOut("an earlier push"));
            }
            numbering.lock().lock();
            if (numbering.hasRoom() && !numbering.isEnded()) {
                return;
            }
            numbering.lock().unlock();
            if (numbering.isEnded()) {
                throw givenUp(call, new WeirException(ErrorCode.UNAVAILABLE, "the connection was closed"));
            }
        }
    }

    /// Ends a call that cannot be sent whole, but for what it has sent already.
    private static WeirException givenUp(Call call, WeirException failure) {
        call.failed(failure);
        CompletableFuture<Void> unused = call.abandon();
        call.started();
        return failure;
    }

    /// A data frame, complete but for identity, payload and checksums.
    ///
    /// @param offset of a stretch, -1 for keys
    private Request request(
            Call call, int shard, int type, TableView table, int from, int count, long payloadBytes, long offset) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payloadBytes);
        Request request = pool.take(length);
        boolean stretch = offset >= 0 && type != FrameType.SCAN;
        request.begin(call, serverOfShard[shard], from, count, length, stretch);
        ByteBuffer frame = request.frame();
        int flags = transport.checksums() ? FrameLayout.FLAG_CHECKSUMS : 0;
        FrameLayout.putHeader(frame, 0, length, type, flags, 0, DataLayout.FIELD_BYTES);
        DataLayout.putTarget(frame, 0, shard, 0, map.version(), table.id());
        DataLayout.putContent(
                frame,
                0,
                stretch ? DataLayout.LAYOUT_STRETCH : DataLayout.LAYOUT_KEYS,
                count,
                table.spec().rowLength(),
                Math.max(0, offset));
        return request;
    }

    private void send(
            Call call,
            Request request,
            int shard,
            long payloadBytes,
            @Nullable WorkerStream numbering,
            long number,
            int clockGroup) {
        int end = (int) (DataLayout.PAYLOAD_OFFSET + payloadBytes);
        int crc = transport.checksums()
                ? call.checksum().of(request.frame(), DataLayout.PAYLOAD_OFFSET, (int) payloadBytes)
                : 0;
        request.frame().putInt(end, crc);
        if (numbering != null) {
            numbering.submit(request, shard, number, clockGroup);
        } else {
            WorkerStream present = stream.get();
            if (present != null) {
                present.identify(request.frame(), clockGroup);
            } else {
                DataLayout.putWorker(request.frame(), 0, 0, 0, 0);
                DataLayout.putNumber(request.frame(), 0, 0, 0);
                DataLayout.putClock(request.frame(), 0, 0, 0);
            }
            transport.send(request);
        }
        transport.push();
    }

    /// Most keys of one frame: both it and the rows that answer it must fit.
    private static int mostKeys(int rowLength) {
        int perKey = Long.BYTES + rowLength * Float.BYTES;
        int room = Limits.MAX_FRAME_BYTES - DataLayout.PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES;
        return room / perKey;
    }

    /// Something of this session's own that nobody needs to be woken for.
    private record Condition(BooleanSupplier test) implements ShardTransport.Waitable {
        @Override
        public boolean holds() {
            return test.getAsBoolean();
        }

        @Override
        public void setWaiter(@Nullable Thread thread) {}
    }

    private boolean hasRoomForACall() {
        return inFlight.get() < maxInFlight;
    }

    private boolean isDrained() {
        for (WorkerStream each : streams) {
            if (each.undecided() != 0) {
                return false;
            }
        }
        return true;
    }

    /// A result whose waiting thread does the work of the connection itself instead of being woken by another.
    private final class Future<T extends @Nullable Object> extends CompletableFuture<T>
            implements ShardTransport.Waitable {
        private volatile @Nullable Thread waiter;

        @Override
        public boolean holds() {
            return isDone();
        }

        @Override
        public void setWaiter(@Nullable Thread thread) {
            waiter = thread;
        }

        @Override
        public boolean complete(T value) {
            boolean first = super.complete(value);
            LockSupport.unpark(waiter);
            return first;
        }

        @Override
        public boolean completeExceptionally(Throwable failure) {
            boolean first = super.completeExceptionally(failure);
            LockSupport.unpark(waiter);
            return first;
        }

        @Override
        public T join() {
            work(System.nanoTime() + deadlineNs);
            return super.join();
        }

        @Override
        public T get() throws InterruptedException, ExecutionException {
            work(System.nanoTime() + deadlineNs);
            return super.get();
        }

        @Override
        public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
            long untilNs = System.nanoTime() + unit.toNanos(timeout);
            work(untilNs);
            return super.get(Math.max(0, untilNs - System.nanoTime()), TimeUnit.NANOSECONDS);
        }

        @Override
        public <U> CompletableFuture<U> newIncompleteFuture() {
            return new CompletableFuture<>();
        }

        private void work(long untilNs) {
            if (!isDone()) {
                transport.await(this, untilNs);
            }
        }
    }

    /// Takes the rows of a scan into a batch.
    private static final class ScanSink implements Call.RowSink {
        private final RowBatch batch;
        private volatile long cursor = -1;

        ScanSink(RowBatch batch) {
            this.batch = batch;
        }

        @Override
        public void begin(long nextCursor, int count, int valueLength) {
            if (valueLength != batch.valueLength() || count > batch.capacity()) {
                throw new WeirException(
                        ErrorCode.CORRUPT,
                        "scan must deliver what was asked for: count=" + count + ", valueLength=" + valueLength);
            }
            batch.setCount(0);
            cursor = nextCursor;
        }

        @Override
        public void accept(ByteBuffer payload, int at, int count, int valueLength) {
            int row = batch.count();
            for (int i = 0; i < count; i++, row++) {
                batch.keys()[row] = payload.getLong(at + RowLayout.KEY_OFFSET);
                batch.pushCounts()[row] = payload.getInt(at + RowLayout.PUSH_COUNT_OFFSET);
                at += RowLayout.VALUES_OFFSET;
                for (int j = 0; j < valueLength; j++) {
                    batch.values()[row * valueLength + j] = payload.getFloat(at);
                    at += Float.BYTES;
                }
            }
            batch.setCount(row);
        }
    }

    /// Waits at most for the deadline until every push is decided, closes the worker, disconnects. Calls that are still
    /// under way then fail.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        try {
            if (drain()) {
                await(leave(false, homeServer), "leaving");
            }
        } catch (WeirException e) {
            // The servers are gone or going; there is nothing left to tell them.
            LOG.log(Level.DEBUG, "closing a worker failed", e);
        } finally {
            closed = true;
            streams.forEach(WorkerStream::end);
            transport.close();
            streams.forEach(handler::giveUp);
        }
    }
}
