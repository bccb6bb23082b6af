package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.client.RowBatch;
import io.weir.model.ErrorCode;
import io.weir.model.ShardMap;
import io.weir.model.TableShape;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import io.weir.wire.RunMessage;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One identity's way to the servers: whose streams there are, and what can be asked of tables and servers.
/// [DataFrames]
/// makes and sends what a call asks of the shards, [Calls] waits for its end. A run's worker has a session of its own,
/// and so has a connection for what belongs to no run. Thread-safe.
final class Session implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    private final ShardTransport transport;
    private final ShardMap map;
    private final RequestPool pool = new RequestPool();
    private final ReplyHandler handler;
    private final Calls calls;
    private final DataFrames frames;
    private final AtomicReference<@Nullable WorkerStream> stream = new AtomicReference<>();
    private final List<WorkerStream> streams = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private volatile int homeServer;

    Session(ClientConfig config, Function<ReplyHandler, ShardTransport> connect) {
        this.handler = new ReplyHandler(pool);
        this.transport = connect.apply(handler);
        handler.bind(transport);
        this.map = transport.map();
        this.calls = new Calls(transport, pool, config.deadline().toNanos(), config.maxInFlight());
        this.frames = new DataFrames(transport, pool, calls);
    }

    ShardMap map() {
        return map;
    }

    /// What is under way, for whoever waits for several of its results.
    Calls calls() {
        return calls;
    }

    // ---- identity ----

    /// A stream for an identity of this session, not yet in use.
    WorkerStream newStream(WorkerId id) {
        return new WorkerStream(id, map.shardCount(), transport::send, lock);
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

    private WorkerStream stream() {
        WorkerStream opened = stream.get();
        if (opened == null) {
            throw new IllegalStateException("no worker is open");
        }
        return opened;
    }

    /// The stream that a push of this table belongs to, or whose clock a pull shows, which may be missing.
    private @Nullable WorkerStream streamOf(TableView table, float @Nullable [] gradients) {
        return gradients == null ? stream.get() : pushesOf(table);
    }

    private WorkerStream pushesOf(TableView table) {
        WorkerStream own = table.pushes();
        return own == null ? stream() : own;
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

    // ---- clocks ----

    /// Sends the end of a minibatch to every shard: the frames of one number.
    ///
    /// @param clock that it leads to
    CompletableFuture<Void> tick(WorkerStream ticking, int group, long clock) {
        return tick(ticking, group, clock, 0);
    }

    /// As [#tick], of a kind: see [DataLayout#flags].
    ///
    /// @throws WeirException if further calls are refused: pushes before this one may have been, and are not to be
    ///     taken for done
    CompletableFuture<Void> tick(WorkerStream ticking, int group, long clock, int kind) {
        calls.requireUnbroken();
        WorkingFuture<Void> future = calls.future();
        Call call = calls.beginBeside(future);
        frames.sendTick(call, ticking, group, clock, kind);
        calls.finishAsync(call);
        return future;
    }

    // ---- embedding tables ----

    void pull(TableView table, long[] keys, int from, int count, float[] rows, int rowsFrom) {
        Call call = calls.begin(rows, rowsFrom, table.spec().rowLength(), null);
        frames.sendKeys(FrameType.PULL, call, table, stream.get(), keys, from, count, null, 0);
        calls.finish(call, "pull", false);
    }

    CompletableFuture<Void> pullAsync(TableView table, long[] keys, float[] rows) {
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(rows, 0, table.spec().rowLength(), future);
        frames.sendKeys(FrameType.PULL, call, table, stream.get(), keys, 0, keys.length, null, 0);
        calls.finishAsync(call);
        return future;
    }

    void push(TableView table, long[] keys, int from, int count, float[] gradients, int gradientsFrom) {
        GradientCheck.requireFiniteRows(table.info(), keys, from, count, gradients, gradientsFrom);
        Call call = calls.begin(null, 0, table.spec().rowLength(), null);
        frames.sendKeys(FrameType.PUSH, call, table, pushesOf(table), keys, from, count, gradients, gradientsFrom);
        calls.finish(call, "push", true);
    }

    CompletableFuture<Void> pushAsync(TableView table, long[] keys, float[] gradients) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(null, 0, table.spec().rowLength(), future);
        frames.sendKeys(FrameType.PUSH, call, table, pushesOf(table), keys, 0, keys.length, gradients, 0);
        calls.finishAsync(call);
        return future;
    }

    void pushPull(TableView table, long[] keys, float[] gradients, float[] rows) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        Call call = calls.begin(rows, 0, table.spec().rowLength(), null);
        frames.sendKeys(FrameType.PUSH_PULL, call, table, pushesOf(table), keys, 0, keys.length, gradients, 0);
        calls.finish(call, "pushPull", true);
    }

    CompletableFuture<Void> pushPullAsync(TableView table, long[] keys, float[] gradients, float[] rows) {
        GradientCheck.requireFiniteRows(table.info(), keys, 0, keys.length, gradients, 0);
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(rows, 0, table.spec().rowLength(), future);
        frames.sendKeys(FrameType.PUSH_PULL, call, table, pushesOf(table), keys, 0, keys.length, gradients, 0);
        calls.finishAsync(call);
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
        Call call = calls.begin(values, valuesFrom, 1, null);
        frames.sendStretch(type, call, table, streamOf(table, gradients), offset, count, gradients, gradientsFrom);
        calls.finish(call, what, gradients != null);
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
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(values, valuesFrom, 1, future);
        frames.sendStretch(type, call, table, streamOf(table, gradients), offset, count, gradients, gradientsFrom);
        calls.finishAsync(call);
        return future;
    }

    // ---- dense tables as vectors ----

    /// @param other id of the other table, 0 if none takes part
    void transform(TableView table, VectorOperation operation, double scalar, int other) {
        Call call = calls.begin(null, 0, 1, null);
        frames.sendVector(call, table, pushesOf(table), operation, scalar, other);
        calls.finish(call, "vector operation", true);
    }

    CompletableFuture<Void> transformAsync(TableView table, VectorOperation operation, double scalar, int other) {
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(null, 0, 1, future);
        frames.sendVector(call, table, pushesOf(table), operation, scalar, other);
        calls.finishAsync(call);
        return future;
    }

    double reduce(TableView table, VectorOperation operation, int other) {
        double[] partials = new double[blockCountOf(table)];
        Call call = calls.begin(null, 0, 1, null);
        call.setPartials(partials);
        frames.sendVector(call, table, stream.get(), operation, 0, other);
        calls.finish(call, "sum", false);
        return sumInOrder(partials);
    }

    CompletableFuture<Double> reduceAsync(TableView table, VectorOperation operation, int other) {
        double[] partials = new double[blockCountOf(table)];
        WorkingFuture<Void> future = calls.future();
        Call call = calls.begin(null, 0, 1, future);
        call.setPartials(partials);
        CompletableFuture<Double> result = calls.working(future.thenApply(done -> sumInOrder(partials)));
        frames.sendVector(call, table, stream.get(), operation, 0, other);
        calls.finishAsync(call);
        return result;
    }

    private static int blockCountOf(TableView table) {
        return table.spec().shape() instanceof TableShape.Dense dense ? Math.toIntExact(dense.blockCount()) : 0;
    }

    private static double sumInOrder(double[] partials) {
        double sum = 0;
        for (double partial : partials) {
            sum += partial;
        }
        return sum;
    }

    // ---- whole rows ----

    /// Scans one shard from `cursor` on.
    ///
    /// @return the cursor to go on from, -1 at the end
    long scan(TableView table, int shard, long cursor, RowBatch batch) {
        ScanSink sink = new ScanSink(batch);
        Call call = calls.begin(null, 0, 0, null);
        call.setSink(sink);
        frames.sendScan(call, table, stream.get(), shard, cursor, batch.capacity());
        calls.finish(call, "scan", false);
        return sink.cursor();
    }

    void load(TableView table, RowBatch rows) {
        int valueLength = rows.valueLength();
        int expected = table.spec().valueLength();
        if (valueLength != expected) {
            throw new IllegalArgumentException("rows must have weights and slots of the table: expected=" + expected
                    + ", actual=" + valueLength + ", table=" + table.spec().name());
        }
        Call call = calls.begin(null, 0, valueLength, null);
        frames.sendRows(call, table, pushesOf(table), rows);
        calls.finish(call, "load", true);
    }

    // ---- control ----

    /// Sends a control message to one server and waits for its answer.
    ///
    /// @throws WeirException if it is refused, or not answered within the deadline
    Message control(int server, Message message) {
        Call call = calls.begin(null, 0, 0, null);
        sendControl(call, server, message, false);
        Message reply = calls.finish(call, "request", false);
        if (reply == null) {
            throw new WeirException(ErrorCode.INTERNAL, "control message was answered with something else");
        }
        return reply;
    }

    /// Sends a control message to one server, and again if its connection is lost: the server must take a repetition
    /// for what it is. May be called from where an answer arrives; never waits.
    CompletableFuture<Message> repeatedly(int server, Message message) {
        WorkingFuture<Void> done = calls.future();
        Call call = calls.beginBeside(done);
        CompletableFuture<Message> reply = done.thenApply(answered -> {
            Message got = call.reply();
            if (got == null) {
                throw new WeirException(ErrorCode.INTERNAL, "control message was answered with something else");
            }
            return got;
        });
        sendControl(call, server, message, true);
        calls.sent(call);
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

    private void sendControl(Call call, int server, Message message, boolean repeatable) {
        byte[] payload = message.toPayload();
        int length = MessageCodec.frameBytes(payload);
        Request request = pool.take(length);
        request.begin(call, server, 0, 0, length, false);
        if (repeatable) {
            request.setRepeatable();
        }
        MessageCodec.encode(
                message.type(), payload, 0, request.frame(), 0, transport.checksums() ? call.checksum() : null);
        transport.send(request);
    }

    // ---- the end ----

    /// Waits until every push is decided.
    ///
    /// @return false if the deadline passed before
    boolean drain() {
        return calls.awaitCondition(this::isDrained);
    }

    private boolean isDrained() {
        for (WorkerStream each : streams) {
            if (each.undecided() != 0) {
                return false;
            }
        }
        return true;
    }

    /// Waits at most for the deadline until every push is decided, closes the worker, disconnects. Calls that are still
    /// under way then fail.
    @Override
    public void close() {
        if (calls.isClosed()) {
            return;
        }
        try {
            if (drain()) {
                calls.await(leave(false, homeServer), "leaving");
            }
        } catch (WeirException e) {
            // The servers are gone or going; there is nothing left to tell them.
            LOG.log(Level.DEBUG, "closing a worker failed", e);
        } finally {
            calls.close();
            streams.forEach(WorkerStream::end);
            transport.close();
            streams.forEach(handler::giveUp);
        }
    }
}
