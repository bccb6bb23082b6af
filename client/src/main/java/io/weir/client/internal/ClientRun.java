package io.weir.client.internal;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// One worker of a run, with a session of its own.
///
/// In a synchronous run a tick is the first of several rounds: when every shard has it, the home shard is told
/// that this worker is through with the step; when it answers that the step is closed, and by whom, that record
/// goes to every server. Only when they all have it may this worker be through with the next step, so that no
/// shard misses a record. The rounds go on from where answers arrive; no thread waits for them.
final class ClientRun implements Run {
    /// Signs of life within the silence that is borne.
    private static final int BEATS_PER_SILENCE = 5;

    private final WeirClient weir;
    private final Session session;
    private final Calls calls;
    private final RunMessage.JoinRunReply joined;
    private final RunSpec spec;
    private final WorkerId id;
    private final int home;
    private final int homeServer;
    private final WorkerStream stream;
    private final AtomicBoolean beating = new AtomicBoolean();
    private final AtomicBoolean told = new AtomicBoolean();
    private final CompletableFuture<Void> membership = new CompletableFuture<>();

    /// By clock group: what came of the last tick, and the record of the last closed step on its way to the servers.
    private final Map<Integer, CompletableFuture<Boolean>> lastTicks = new ConcurrentHashMap<>();

    private final Map<Integer, CompletableFuture<?>> lastRecords = new ConcurrentHashMap<>();

    private volatile long members;
    private volatile Pulse.@Nullable Beating pulse;
    private long barriers;
    private @Nullable ClientPortion portion;
    private @Nullable PassPortion passPortion;

    /// Whether the last life has pushed or ticked, see [#isResumed].
    private volatile boolean resumed;

    /// The pass that comes next; -1 before the first was begun by this life.
    private long nextPass = -1;
    private boolean closed;

    private ClientRun(WeirClient weir, Session session, RunSpec spec, RunMessage.JoinRunReply joined) {
        this.weir = weir;
        this.session = session;
        this.calls = session.calls();
        this.spec = spec;
        this.joined = joined;
        this.id = new WorkerId(spec.id(), joined.worker(), joined.generation());
        this.home = weir.homeOf(spec.name());
        this.homeServer = session.map().serverOf(home);
        this.barriers = joined.barriers();
        this.stream = session.newStream(id);
    }

    // ---- joining ----

    /// Joins, opens the worker on every server, and gives the first sign of life.
    static CompletableFuture<Run> join(WeirClient weir, Session session, RunOptions options, long token) {
        RunSpec spec = options.spec();
        int home = weir.homeOf(spec.name());
        return session.repeatedly(
                        session.map().serverOf(home),
                        new RunMessage.JoinRun(home, spec, options.worker(), token, options.continued()))
                .thenCompose(
                        reply -> new ClientRun(weir, session, spec, as(RunMessage.JoinRunReply.class, reply)).open());
    }

    private CompletableFuture<Run> open() {
        long clock = spec.isBsp() ? closedSteps() : -1;
        return session.toAllServers(new RunMessage.OpenRun(spec, joined.life(), joined.closed()))
                .thenCompose(
                        opened -> session.toAllServers(new RunMessage.OpenWorker(id, clock, -1, !joined.resumed())))
                .thenCompose(replies -> {
                    List<RunMessage.Entry> entries = entries(replies);
                    resumed = joined.resumed() && entries.stream().anyMatch(RunMessage.Entry::used);
                    boolean goesOn = joined.resumed() && entries.stream().noneMatch(entry -> entry.clock() < clock);
                    if (!goesOn) {
                        return begin(entries, clock);
                    }
                    resume(stream, entries, clock);
                    return CompletableFuture.completedFuture(List.of());
                })
                .thenCompose(opened -> {
                    for (RunMessage.Step step : joined.closed()) {
                        stream.reach(step.group(), step.step() + 1);
                    }
                    session.use(stream, homeServer);
                    return beat();
                })
                .thenApply(alive -> {
                    pulse = weir.pulse().every(Math.max(1, spec.silenceMs() / BEATS_PER_SILENCE), this::beatInTime);
                    return this;
                });
    }

    private long closedSteps() {
        for (RunMessage.Step step : joined.closed()) {
            if (step.group() == 0) {
                return step.step() + 1;
            }
        }
        return 0;
    }

    /// Takes a stream to where an earlier life stopped: to the lowest clock of any shard unless one is given, with the
    /// numbers that followed it. Shards that are ahead acknowledge what they have.
    ///
    /// @param givenClock -1 if none is
    private void resume(WorkerStream resumed, List<RunMessage.Entry> entries, long givenClock) {
        long clock = givenClock;
        if (clock < 0) {
            clock = Long.MAX_VALUE;
            for (RunMessage.Entry entry : entries) {
                clock = Math.min(clock, entry.clock());
            }
        }
        long number = 0;
        for (RunMessage.Entry entry : entries) {
            if (givenClock >= 0 || entry.clock() == clock) {
                number = Math.max(number, entry.numberAtClock());
            }
        }
        resumed.resume(number, clock, lastNumbers(entries));
    }

    /// Begins anew at the slowest clock, or in a synchronous run at the open step, also when the last life was
    /// left behind by the others: with the same number and clock on every shard.
    private CompletableFuture<List<Message>> begin(List<RunMessage.Entry> entries, long givenClock) {
        long number = 0;
        long clock = Math.max(0, givenClock);
        for (RunMessage.Entry entry : entries) {
            number = Math.max(number, entry.lastNumber());
            clock = Math.max(clock, entry.clock());
        }
        long[] lastNumbers = lastNumbers(entries);
        Arrays.fill(lastNumbers, number);
        stream.resume(number, clock, lastNumbers);
        return number == 0 && clock == 0
                ? CompletableFuture.completedFuture(List.of())
                : session.toAllServers(new RunMessage.OpenWorker(id, clock, number, false));
    }

    private static List<RunMessage.Entry> entries(List<Message> replies) {
        List<RunMessage.Entry> entries = new ArrayList<>();
        for (Message reply : replies) {
            entries.addAll(as(RunMessage.OpenWorkerReply.class, reply).entries());
        }
        return entries;
    }

    private long[] lastNumbers(List<RunMessage.Entry> entries) {
        long[] lastNumbers = new long[session.map().shardCount()];
        for (RunMessage.Entry entry : entries) {
            lastNumbers[entry.shard()] = entry.lastNumber();
        }
        return lastNumbers;
    }

    static <T extends Message> T as(Class<T> type, Message reply) {
        if (!type.isInstance(reply)) {
            throw new WeirException(ErrorCode.INTERNAL, "a control message was answered with something else");
        }
        return type.cast(reply);
    }

    // ---- signs of life ----

    private void beatInTime() {
        if (beating.compareAndSet(false, true)) {
            CompletableFuture<?> unused = beat().whenComplete((alive, failure) -> beating.set(false));
            calls.settle();
        }
    }

    /// Gives a sign of life, and takes a new membership record to all servers.
    private CompletableFuture<?> beat() {
        return session.repeatedly(homeServer, new RunMessage.Heartbeat(home, id, members))
                .thenCompose(reply -> {
                    calls.heard(spec.silenceMs());
                    RunMessage.Members record = as(RunMessage.Members.class, reply);
                    if (record.number() == members) {
                        return CompletableFuture.completedFuture(null);
                    }
                    return session.toAllServers(new RunMessage.UpdateMembers(id.run(), record.number(), record.gone()))
                            .thenApply(told -> {
                                members = record.number();
                                return null;
                            });
                })
                .whenComplete((done, failure) -> breakOn(failure));
    }

    /// After an answer that nothing can be done about every further call fails in the same way. A worker that
    /// learns that it is out says so to all servers itself: there may be nobody else to do it, and its pulls wait
    /// there.
    private void breakOn(@Nullable Throwable failure) {
        if (failure != null && Calls.causeOf(failure) instanceof WeirException refused) {
            calls.breakWith(refused);
            membership.completeExceptionally(refused);
            if (refused.code() == ErrorCode.FENCED && told.compareAndSet(false, true)) {
                stopBeating();
                CompletableFuture<?> unused = session.toAllServers(new RunMessage.UpdateMembers(
                        id.run(), 0, List.of(new RunMessage.Gone(id.worker(), id.generation()))));
            }
        }
    }

    // ---- who ----

    @Override
    public RunSpec spec() {
        return spec;
    }

    @Override
    public int worker() {
        return id.worker();
    }

    @Override
    public int generation() {
        return id.generation();
    }

    @Override
    public boolean isResumed() {
        return resumed;
    }

    @Override
    public long clock(int clockGroup) {
        return stream.clock(clockGroup);
    }

    @Override
    public Table table(TableSpec tableSpec, int clockGroup) {
        return new ClientTable(session, new TableView(weir.create(tableSpec, id.run()), clockGroup, null));
    }

    @Override
    public Table table(TableInfo info) {
        return new ClientTable(session, new TableView(info, 0, null));
    }

    @Override
    public DenseTable denseTable(TableSpec tableSpec, int clockGroup) {
        return new ClientDenseTable(session, new TableView(weir.create(tableSpec, id.run()), clockGroup, null));
    }

    @Override
    public DenseTable denseTable(TableInfo info) {
        return new ClientDenseTable(session, new TableView(info, 0, null));
    }

    // ---- steps ----

    @Override
    public CompletableFuture<Boolean> tickAsync(int clockGroup) {
        return tick(clockGroup, -1, false);
    }

    /// @param portionIndex of the portion whose minibatch this step was, -1 if none
    CompletableFuture<Boolean> tick(int group, int portionIndex, boolean last) {
        requireOpen();
        if (!spec.isBsp()) {
            return tickToNextClock(group, clock -> session.tick(stream, group, clock));
        }
        awaitLastTick(group);
        long step = stream.clock(group);
        CompletableFuture<Void> arrived = session.tick(stream, group, step + 1);
        stream.reach(group, step + 1);
        return ticked(
                group,
                arrived.thenCompose(
                                everywhere -> lastRecords.getOrDefault(group, CompletableFuture.completedFuture(null)))
                        .thenCompose(everywhere -> session.repeatedly(
                                homeServer, new RunMessage.CompleteStep(home, id, group, step, portionIndex, last)))
                        .thenApply(reply -> onClosed(as(RunMessage.StepClosed.class, reply))));
    }

    /// A step of a worker that pushes for a portion with a stream of its own. Under bounded staleness the worker's
    /// clock must not arrive anywhere before the portion's pushes.
    ///
    /// @param pushed completes when every shard has the minibatch
    CompletableFuture<Boolean> tickAfter(CompletableFuture<Void> pushed) {
        if (!isStale()) {
            return tick(0, -1, false);
        }
        awaitLastTick(0);
        return tickToNextClock(0, clock -> pushed.thenCompose(done -> session.tick(stream, 0, clock)));
    }

    /// A step that no record closes: it has its effect where its tick has arrived.
    ///
    /// @param ticking sends the tick that leads to this clock
    private CompletableFuture<Boolean> tickToNextClock(int group, LongFunction<CompletableFuture<Void>> ticking) {
        long clock = stream.clock(group) + 1;
        stream.reach(group, clock);
        return ticked(group, ticking.apply(clock).thenApply(everywhere -> true));
    }

    /// Keeps what comes of a tick for whoever has to wait for the last one.
    private CompletableFuture<Boolean> ticked(int group, CompletableFuture<Boolean> outcome) {
        CompletableFuture<Boolean> result = working(outcome);
        lastTicks.put(group, result);
        calls.settle();
        return result;
    }

    /// What comes of something that was asked of the servers. A failure that nothing can be done about is that of every
    /// further call.
    private <T extends @Nullable Object> CompletableFuture<T> working(CompletableFuture<T> outcome) {
        return calls.working(outcome.whenComplete((value, failure) -> breakOn(failure)));
    }

    private void awaitLastTick(int group) {
        CompletableFuture<Boolean> before = lastTicks.get(group);
        if (before != null && !before.isDone()) {
            calls.await(before, "the step before");
        }
    }

    /// Takes the record of the last closed step to every server, and goes on at the open one.
    private boolean onClosed(RunMessage.StepClosed closedStep) {
        int group = closedStep.group();
        stream.jump(group, closedStep.closedSteps());
        lastRecords.put(
                group,
                session.toAllServers(new RunMessage.CloseStep(
                                id.run(), group, closedStep.closedSteps() - 1, closedStep.contributors()))
                        .whenComplete((done, failure) -> breakOn(failure)));
        return closedStep.counted();
    }

    // ---- barriers ----

    @Override
    public void barrier() {
        calls.await(barrierAsync(), "the barrier");
    }

    @Override
    public CompletableFuture<Void> barrierAsync() {
        requireOpen();
        CompletableFuture<Message> passed =
                session.repeatedly(homeServer, new RunMessage.Barrier(home, id, barriers++));
        CompletableFuture<Void> result = working(passed.<Void>thenApply(ok -> null));
        calls.settle();
        return result;
    }

    // ---- passes ----

    @Override
    public List<List<Double>> pass(double... arguments) {
        return calls.await(passAsync(arguments), "the pass");
    }

    @Override
    public CompletableFuture<List<List<Double>>> passAsync(double... arguments) {
        requireOpen();
        List<Double> values = new ArrayList<>();
        for (double value : arguments) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("arguments of a pass must be finite: value=" + value);
            }
            values.add(value);
        }
        CompletableFuture<?> before = CompletableFuture.completedFuture(null);
        if (nextPass < 0) {
            nextPass = joined.passes();
            if (nextPass > 0) {
                before = session.repeatedly(homeServer, new RunMessage.BeginPass(home, id, nextPass - 1, List.of()));
            }
        }
        long pass = nextPass++;
        CompletableFuture<List<List<Double>>> done = before.thenCompose(
                        ready -> session.repeatedly(homeServer, new RunMessage.BeginPass(home, id, pass, values)))
                .thenApply(reply -> as(RunMessage.PassDone.class, reply).results());
        CompletableFuture<List<List<Double>>> result = working(done);
        calls.settle();
        return result;
    }

    @Override
    public long passesBegun() {
        return joined.passes();
    }

    @Override
    public void endPasses() {
        requireOpen();
        CompletableFuture<?> ended = session.repeatedly(homeServer, new RunMessage.BeginPass(home, id, -1, List.of()));
        calls.await(ended, "the end of the passes");
    }

    // ---- portions ----

    @Override
    public Optional<Portion> nextPortion() {
        return calls.await(nextPortionAsync(), "a portion");
    }

    @Override
    public CompletableFuture<Optional<Portion>> nextPortionAsync() {
        requireOpen();
        if (spec.isInPasses()) {
            return nextInPass();
        }
        ClientPortion before = portion;
        portion = null;
        if (before != null && !before.isFinished()) {
            throw new IllegalStateException("a portion must be ticked to its end before the next one: portion="
                    + before.index() + ", position=" + before.position());
        }
        CompletableFuture<Optional<Portion>> next = (before == null
                        ? CompletableFuture.completedFuture(true)
                        : before.lastTick())
                .thenCompose(ticked -> isStale()
                        ? session.tick(stream, 0, stream.clock(0), DataLayout.FLAG_IDLE)
                        : CompletableFuture.completedFuture(null))
                .thenCompose(idle -> session.repeatedly(
                        homeServer, new RunMessage.NextPortion(home, id, before == null ? -1 : before.index())))
                .thenCompose(reply -> {
                    if (before != null) {
                        before.close();
                    }
                    return take(as(RunMessage.Portion.class, reply));
                });
        CompletableFuture<Optional<Portion>> result = working(next);
        calls.settle();
        return result;
    }

    private CompletableFuture<Optional<Portion>> nextInPass() {
        PassPortion before = passPortion;
        passPortion = null;
        RunMessage.NextPortion question =
                before == null ? new RunMessage.NextPortion(home, id, -1) : before.through(home);
        CompletableFuture<Optional<Portion>> next = session.repeatedly(homeServer, question)
                .thenApply(reply -> {
                    if (before != null) {
                        before.close();
                    }
                    RunMessage.Portion given = as(RunMessage.Portion.class, reply);
                    if (given.index() < 0) {
                        return Optional.empty();
                    }
                    PassPortion taken = new PassPortion(this, given);
                    passPortion = taken;
                    return Optional.of(taken);
                });
        CompletableFuture<Optional<Portion>> result = working(next);
        calls.settle();
        return result;
    }

    /// Opens the stream of a portion of a pass on every server. Its clock is how many passes every shard has.
    ///
    /// @throws WeirException `FENCED` if a later generation was opened anywhere
    WorkerStream openPortion(int index, int generation) {
        WorkerId streamId = new WorkerId(id.run(), WorkerId.PORTIONS + index, generation);
        return calls.await(openStream(streamId), "opening a portion");
    }

    private CompletableFuture<WorkerStream> openStream(WorkerId streamId) {
        return session.toAllServers(new RunMessage.OpenWorker(streamId, -1, -1, false))
                .thenApply(replies -> {
                    WorkerStream pushes = session.newStream(streamId);
                    resume(pushes, entries(replies), -1);
                    session.addStream(pushes);
                    return pushes;
                });
    }

    private CompletableFuture<Optional<Portion>> take(RunMessage.Portion given) {
        if (given.index() < 0) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        if (spec.isBsp()) {
            stream.jump(0, given.clock());
            return CompletableFuture.completedFuture(hold(new ClientPortion(this, given.index(), given.position())));
        }
        int place = given.index() * spec.slices() + id.worker() % spec.slices();
        WorkerId streamId = new WorkerId(id.run(), WorkerId.PORTIONS + place, given.generation());
        return (isStale() ? goOn() : CompletableFuture.<Void>completedFuture(null))
                .thenCompose(counted -> openStream(streamId))
                .thenApply(pushes -> hold(new ClientPortion(this, given.index(), pushes.clock(0), pushes)));
    }

    /// After a time in which nobody waited for this worker, the others do again: at the slowest clock of each
    /// shard, then at the latest of these on all.
    private CompletableFuture<Void> goOn() {
        return session.tick(stream, 0, stream.clock(0), DataLayout.FLAG_ACTIVE)
                .thenCompose(counted -> session.toAllServers(new RunMessage.OpenWorker(id, -1, -1, false)))
                .thenCompose(replies -> {
                    for (RunMessage.Entry entry : entries(replies)) {
                        stream.jump(0, entry.clock());
                    }
                    return session.tick(stream, 0, stream.clock(0));
                });
    }

    private Optional<Portion> hold(ClientPortion taken) {
        portion = taken;
        return Optional.of(taken);
    }

    @Override
    public <T extends @Nullable Object> T await(CompletableFuture<T> result) {
        return calls.await(result, "the request");
    }

    @Override
    public CompletableFuture<Void> membership() {
        return membership.copy();
    }

    WorkerId workerId() {
        return id;
    }

    Session session() {
        return session;
    }

    WeirClient weir() {
        return weir;
    }

    boolean isStale() {
        return spec.consistency() instanceof Consistency.Ssp;
    }

    // ---- the end ----

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the worker has left the run: run=" + spec.name() + ", worker=" + worker());
        }
    }

    @Override
    public void finish() {
        CompletableFuture<Void> stepped = lastSteps();
        calls.await(stepped, "the last step");
        if (!session.drain()) {
            throw new WeirException(
                    ErrorCode.DEADLINE_EXCEEDED,
                    "pushes were not acknowledged within the deadline: run=" + name() + ", worker=" + worker());
        }
        calls.await(finishAsync(), "leaving the run");
        session.close();
    }

    @Override
    public CompletableFuture<Void> finishAsync() {
        requireOpen();
        CompletableFuture<Void> left = lastSteps().thenCompose(stepped -> {
            stopBeating();
            return session.leave(true, homeServer);
        });
        CompletableFuture<Void> result = calls.working(left.<Void>thenApply(done -> {
            closed = true;
            return null;
        }));
        calls.settle();
        return result;
    }

    /// Completes when all ticks have had their effect, and all servers have the records of the steps.
    private CompletableFuture<Void> lastSteps() {
        return CompletableFuture.allOf(lastTicks.values().toArray(new CompletableFuture<?>[0]))
                .thenCompose(
                        ticked -> CompletableFuture.allOf(lastRecords.values().toArray(new CompletableFuture<?>[0])));
    }

    private void stopBeating() {
        Pulse.Beating beat = pulse;
        pulse = null;
        if (beat != null) {
            beat.stop();
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            stopBeating();
            session.close();
        }
    }
}
