package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.table.MemoryBudget;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// One run on one shard, which is its home as well, and its workers, each with the numbers of its own stream.
final class RunOnShard implements AutoCloseable {
    static final int TABLE = 1;
    static final int DENSE = 2;
    static final int BLOCK = 16;

    final MemoryBudget budget;
    final Shard shard;
    final RunSpec spec;
    private final Map<Integer, RunMessage.JoinRunReply> joined = new HashMap<>();
    private final Map<Integer, Long> numbers = new HashMap<>();
    private long tokens = 1000;

    RunOnShard(RunSpec spec) {
        this(spec, null);
    }

    RunOnShard(RunSpec spec, @org.jspecify.annotations.Nullable PlantedBug bug) {
        this(spec, bug, 64 << 20);
    }

    RunOnShard(RunSpec spec, @org.jspecify.annotations.Nullable PlantedBug bug, long memoryBytes) {
        this.spec = spec;
        budget = new MemoryBudget(memoryBytes);
        shard = new Shard(0, 1, budget, bug);
        OptimizerSpec sgd = OptimizerSpec.parse("sgd(rate=1)");
        shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 1, sgd)));
        shard.apply(new Control.CreateTable(
                DENSE, 0, new TableSpec("d", new TableShape.Dense(100, BLOCK), sgd, new InitialRow.Zero(), 0)));
    }

    // ---- members ----

    /// Joins as a client does: at the home shard, then the run, then the worker, then a sign of life.
    RunOnShard join(int... workers) {
        for (int worker : workers) {
            askToJoin(worker, false);
            open(worker);
            heartbeat(worker);
        }
        return this;
    }

    RunMessage.JoinRunReply askToJoin(int worker, boolean continued) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.JoinRun(0, spec, worker, tokens++, continued), answer);
        RunMessage.JoinRunReply reply = (RunMessage.JoinRunReply) answer.message();
        joined.put(reply.worker(), reply);
        return reply;
    }

    /// Opens what the last join gave.
    RunMessage.Entry open(int worker) {
        RunMessage.JoinRunReply reply = joined.get(worker);
        shard.apply(new Control.OpenRun(new RunMessage.OpenRun(spec, reply.life(), reply.closed())));
        long clock = spec.isBsp() ? 0 : -1;
        for (RunMessage.Step step : reply.closed()) {
            clock = step.group() == 0 ? step.step() + 1 : clock;
        }
        shard.apply(Controls.open(spec.id(), worker, reply.generation(), clock, -1, !reply.resumed()));
        RunMessage.Entry entry = shard.entry(id(worker), clock);
        numbers.put(worker, entry.lastNumber());
        return entry;
    }

    WorkerId id(int worker) {
        RunMessage.JoinRunReply reply = joined.get(worker);
        return new WorkerId(spec.id(), worker, reply == null ? 1 : reply.generation());
    }

    RunMessage.Members heartbeat(int worker) {
        return heartbeat(worker, 0);
    }

    RunMessage.Members heartbeat(int worker, long members) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.Heartbeat(0, id(worker), members), answer);
        return (RunMessage.Members) answer.message();
    }

    void close(int worker, boolean finished) {
        shard.apply(new Control.CloseWorker(id(worker), finished));
    }

    void pass(int ms) {
        shard.apply(new Control.TimePassed(ms));
    }

    /// Says that the workers are out, as the home shard's record would.
    void fence(long number, int... workers) {
        shard.apply(Controls.members(
                spec.id(),
                number,
                Arrays.stream(workers)
                        .mapToObj(
                                worker -> new RunMessage.Gone(worker, id(worker).generation()))
                        .toArray(RunMessage.Gone[]::new)));
    }

    List<Integer> states() {
        return status().members().stream().map(RunMessage.Member::state).toList();
    }

    RunMessage.RunStatusReply status() {
        RunMessage.RunStatusReply status = shard.runStatus(spec.name());
        assertThat(status).isNotNull();
        return java.util.Objects.requireNonNull(status);
    }

    // ---- frames ----

    private DataFrame next(int worker, DataFrame frame) {
        long last = numbers.getOrDefault(worker, 0L);
        numbers.put(worker, last + 1);
        return frame.ofRun(spec.id()).from(worker, id(worker).generation()).numbered(last + 1, last);
    }

    long lastNumber(int worker) {
        return numbers.getOrDefault(worker, 0L);
    }

    /// Sends a frame as the worker's next one.
    Outcome send(int worker, DataFrame frame) {
        return next(worker, frame).sendTo(shard);
    }

    Outcome push(int worker, long clock, long key, float gradient) {
        return pushFrame(worker, clock, new long[] {key}, gradient).sendTo(shard);
    }

    /// The next push of a worker, not sent yet.
    DataFrame pushFrame(int worker, long clock, long[] keys, float... gradients) {
        return next(worker, DataFrame.push(TABLE, 1, keys, gradients).atClock(clock));
    }

    Outcome pushStretch(int worker, long clock, long offset, float... gradients) {
        return next(
                        worker,
                        DataFrame.pushStretch(DENSE, BLOCK, offset, gradients).atClock(clock))
                .sendTo(shard);
    }

    /// The worker's tick that leads to this clock.
    Outcome tick(int worker, long toClock) {
        return next(worker, DataFrame.tick(toClock)).sendTo(shard);
    }

    Outcome tickInGroup(int worker, int group, long toClock) {
        return next(worker, DataFrame.tick(toClock)).inGroup(group).sendTo(shard);
    }

    Outcome tick(int worker, long toClock, int kind) {
        return next(worker, DataFrame.tick(toClock)).flagged(kind).sendTo(shard);
    }

    Outcome pull(int worker, long clock, long... keys) {
        return DataFrame.pull(TABLE, 1, keys)
                .ofRun(spec.id())
                .from(worker, id(worker).generation())
                .atClock(clock)
                .sendTo(shard);
    }

    /// A pull that must wait.
    ParkedFrame parked(int worker, long clock, long... keys) {
        Outcome outcome = pull(worker, clock, keys);
        assertThat(outcome).isInstanceOf(Outcome.Waits.class);
        return ((Outcome.Waits) outcome).frame();
    }

    /// What a client outside the run reads.
    float[] rows(long... keys) {
        return floats(DataFrame.pull(TABLE, 1, keys).ofRun(0).sendTo(shard));
    }

    float row(long key) {
        return rows(key)[0];
    }

    float[] stretch(long offset, int count) {
        return floats(
                DataFrame.pullStretch(DENSE, BLOCK, offset, count).ofRun(0).sendTo(shard));
    }

    static float[] floats(Outcome outcome) {
        List<Float> values = ((Outcome.Rows) outcome).values();
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i);
        }
        return floats;
    }

    // ---- questions ----

    void closeStep(long step, Integer... contributors) {
        shard.apply(Controls.closeStep(spec.id(), 0, step, contributors));
    }

    AskedAnswer complete(int worker, long step) {
        return complete(worker, step, -1, false);
    }

    AskedAnswer complete(int worker, long step, int portion, boolean last) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.CompleteStep(0, id(worker), 0, step, portion, last), answer);
        return answer;
    }

    static RunMessage.StepClosed closed(AskedAnswer answer) {
        return (RunMessage.StepClosed) answer.message();
    }

    AskedAnswer barrier(int worker, long ordinal) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.Barrier(0, id(worker), ordinal), answer);
        return answer;
    }

    AskedAnswer nextPortion(int worker, int done) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.NextPortion(0, id(worker), done), answer);
        return answer;
    }

    /// A worker is through with a portion of a pass.
    AskedAnswer through(int worker, int done, int generation, boolean counted, Double... results) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.NextPortion(0, id(worker), done, generation, counted, List.of(results)), answer);
        return answer;
    }

    AskedAnswer beginPass(int worker, long pass, Double... arguments) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.BeginPass(0, id(worker), pass, List.of(arguments)), answer);
        return answer;
    }

    static RunMessage.Portion portion(AskedAnswer answer) {
        Message message = answer.message();
        return (RunMessage.Portion) message;
    }

    static void assertRefused(Outcome outcome, ErrorCode code, boolean ordered, String... parts) {
        assertThat(outcome).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(code);
            assertThat(refused.ordered()).isEqualTo(ordered);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(refused.message()).contains(part));
        });
    }

    static void assertAcknowledged(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Outcome.Acknowledged.class);
    }

    @Override
    public void close() {
        shard.close();
    }
}
