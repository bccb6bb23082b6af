package io.weir.wire;

import io.weir.model.RunSpec;
import io.weir.model.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Control messages about runs and their workers. Immutable.
public sealed interface RunMessage extends Message {
    /// Asks the home shard of a run for membership. The same again, with the same token, gets the same answer.
    ///
    /// @param shard the home shard of the run
    /// @param spec what the run is
    /// @param worker index of the worker, -1 for the next that is free
    /// @param token random, another one for each life of the worker
    /// @param continued whether a finished run may be taken up again
    record JoinRun(int shard, RunSpec spec, int worker, long token, boolean continued) implements RunMessage {
        @Override
        public int type() {
            return FrameType.JOIN_RUN;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            RunSpecCodec.encode(spec, out);
            out.putInt(worker);
            out.putLong(token);
            out.putBoolean(continued);
            return out.toBytes();
        }

        static JoinRun decode(FieldReader in) {
            return new JoinRun(
                    in.getInt("shard"),
                    RunSpecCodec.decode(in),
                    in.getInt("worker"),
                    in.getLong("token"),
                    in.getBoolean("continued"));
        }
    }

    /// The worker is a member.
    ///
    /// @param worker its index
    /// @param generation which life of the worker this is, from 1
    /// @param resumed whether it goes on where its last life stopped; otherwise it begins at the slowest clock
    /// @param life how often the run was begun anew
    /// @param barriers barriers that the run has passed
    /// @param passes that were begun, of a run in passes
    /// @param closed the last closed step of each clock group, of a synchronous run
    record JoinRunReply(
            int worker, int generation, boolean resumed, int life, long barriers, long passes, List<Step> closed)
            implements RunMessage {
        public JoinRunReply {
            closed = List.copyOf(closed);
        }

        @Override
        public int type() {
            return FrameType.JOIN_RUN_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(worker);
            out.putInt(generation);
            out.putBoolean(resumed);
            out.putInt(life);
            out.putLong(barriers);
            out.putLong(passes);
            out.putInt(closed.size());
            closed.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static JoinRunReply decode(FieldReader in) {
            return new JoinRunReply(
                    in.getInt("worker"),
                    in.getInt("generation"),
                    in.getBoolean("resumed"),
                    in.getInt("life"),
                    in.getLong("barriers"),
                    in.getLong("passes"),
                    decodeList(in, "closed", Step.MIN_BYTES, Step::decode));
        }
    }

    /// Makes a run known to all shards of a server, and tells them which steps are closed. The same again is fine.
    ///
    /// @param spec what the run is
    /// @param life how often the run was begun anew
    /// @param closed the last closed step of each clock group, of a synchronous run
    record OpenRun(RunSpec spec, int life, List<Step> closed) implements RunMessage {
        public OpenRun {
            closed = List.copyOf(closed);
        }

        @Override
        public int type() {
            return FrameType.OPEN_RUN;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            RunSpecCodec.encode(spec, out);
            out.putInt(life);
            out.putInt(closed.size());
            closed.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static OpenRun decode(FieldReader in) {
            return new OpenRun(
                    RunSpecCodec.decode(in), in.getInt("life"), decodeList(in, "closed", Step.MIN_BYTES, Step::decode));
        }
    }

    /// Opens a worker's entry on all shards of a server, or a new generation of it, which fences the older ones.
    ///
    /// @param worker who it is; run 0 or unknown for one that belongs to no run
    /// @param clock where it goes on, -1 to leave that to each shard
    /// @param number its last number, as all shards shall have it; -1 to leave that to each shard
    /// @param fresh whether it begins anew; otherwise it goes on where its last life stopped
    record OpenWorker(WorkerId worker, long clock, long number, boolean fresh) implements RunMessage {
        @Override
        public int type() {
            return FrameType.OPEN_WORKER;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            encodeWorker(worker, out);
            out.putLong(clock);
            out.putLong(number);
            out.putBoolean(fresh);
            return out.toBytes();
        }

        static OpenWorker decode(FieldReader in) {
            return new OpenWorker(decodeWorker(in), in.getLong("clock"), in.getLong("number"), in.getBoolean("fresh"));
        }
    }

    /// Where the worker stands on each shard of the server.
    ///
    /// @param entries by shard
    record OpenWorkerReply(List<Entry> entries) implements RunMessage {
        public OpenWorkerReply {
            entries = List.copyOf(entries);
        }

        @Override
        public int type() {
            return FrameType.OPEN_WORKER_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(entries.size());
            entries.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static OpenWorkerReply decode(FieldReader in) {
            return new OpenWorkerReply(decodeList(in, "entries", Entry.MIN_BYTES, Entry::decode));
        }
    }

    /// Closes a worker's entry on all shards of a server; at the home shard of its run it leaves, or has finished.
    ///
    /// @param worker who it is
    /// @param finished whether it has done its part
    record CloseWorker(WorkerId worker, boolean finished) implements RunMessage {
        @Override
        public int type() {
            return FrameType.CLOSE_WORKER;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            encodeWorker(worker, out);
            out.putBoolean(finished);
            return out.toBytes();
        }

        static CloseWorker decode(FieldReader in) {
            return new CloseWorker(decodeWorker(in), in.getBoolean("finished"));
        }
    }

    /// A sign of life to the home shard; answered by [Members].
    ///
    /// @param shard the home shard of the run
    /// @param worker who asks
    /// @param members number of the newest membership record that the worker knows
    record Heartbeat(int shard, WorkerId worker, long members) implements RunMessage {
        @Override
        public int type() {
            return FrameType.HEARTBEAT;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            encodeWorker(worker, out);
            out.putLong(members);
            return out.toBytes();
        }

        static Heartbeat decode(FieldReader in) {
            return new Heartbeat(in.getInt("shard"), decodeWorker(in), in.getLong("members"));
        }
    }

    /// The newest membership record of a run.
    ///
    /// @param number which record it is, from 0
    /// @param gone workers that are members no more; empty if the asker knows the record
    record Members(long number, List<Gone> gone) implements RunMessage {
        public Members {
            gone = List.copyOf(gone);
        }

        @Override
        public int type() {
            return FrameType.MEMBERS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(number);
            out.putInt(gone.size());
            gone.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static Members decode(FieldReader in) {
            return new Members(in.getLong("number"), decodeList(in, "gone", Gone.MIN_BYTES, Gone::decode));
        }
    }

    /// Takes a membership record to all shards of a server.
    ///
    /// @param run id of the run
    /// @param number which record it is
    /// @param gone workers that are members no more
    record UpdateMembers(long run, long number, List<Gone> gone) implements RunMessage {
        public UpdateMembers {
            gone = List.copyOf(gone);
        }

        @Override
        public int type() {
            return FrameType.UPDATE_MEMBERS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(run);
            out.putLong(number);
            out.putInt(gone.size());
            gone.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static UpdateMembers decode(FieldReader in) {
            return new UpdateMembers(
                    in.getLong("run"), in.getLong("number"), decodeList(in, "gone", Gone.MIN_BYTES, Gone::decode));
        }
    }

    /// Tells the home shard that every shard has the whole part of this worker in a step. Answered with
    /// [StepClosed] when the step is closed.
    ///
    /// @param shard the home shard of the run
    /// @param worker who asks
    /// @param group clock group
    /// @param step the step
    /// @param portion the portion that the part came from, -1 if none
    /// @param last whether it was the last part of that portion
    record CompleteStep(int shard, WorkerId worker, int group, long step, int portion, boolean last)
            implements RunMessage {
        @Override
        public int type() {
            return FrameType.COMPLETE_STEP;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            encodeWorker(worker, out);
            out.putInt(group);
            out.putLong(step);
            out.putInt(portion);
            out.putBoolean(last);
            return out.toBytes();
        }

        static CompleteStep decode(FieldReader in) {
            return new CompleteStep(
                    in.getInt("shard"),
                    decodeWorker(in),
                    in.getIndex("group", Limits.MAX_CLOCK_GROUP),
                    in.getLong("step"),
                    in.getInt("portion"),
                    in.getBoolean("last"));
        }
    }

    /// A step is closed.
    ///
    /// @param group clock group
    /// @param step the step that was asked about
    /// @param counted whether the asker took part in it
    /// @param closedSteps steps that are closed: the next one is where the asker goes on
    /// @param contributors who took part in the last of them, by index
    record StepClosed(int group, long step, boolean counted, long closedSteps, List<Integer> contributors)
            implements RunMessage {
        public StepClosed {
            contributors = List.copyOf(contributors);
        }

        @Override
        public int type() {
            return FrameType.STEP_CLOSED;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(group);
            out.putLong(step);
            out.putBoolean(counted);
            out.putLong(closedSteps);
            out.putInts(contributors);
            return out.toBytes();
        }

        static StepClosed decode(FieldReader in) {
            return new StepClosed(
                    in.getIndex("group", Limits.MAX_CLOCK_GROUP),
                    in.getLong("step"),
                    in.getBoolean("counted"),
                    in.getLong("closedSteps"),
                    in.getIndexes("contributors", RunSpec.MAX_WORKERS - 1));
        }
    }

    /// Takes the record of a closed step to all shards of a server, which fold the gradients of its contributors.
    ///
    /// @param run id of the run
    /// @param group clock group
    /// @param step the step
    /// @param contributors who took part, by index
    record CloseStep(long run, int group, long step, List<Integer> contributors) implements RunMessage {
        public CloseStep {
            contributors = List.copyOf(contributors);
        }

        @Override
        public int type() {
            return FrameType.CLOSE_STEP;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(run);
            out.putInt(group);
            out.putLong(step);
            out.putInts(contributors);
            return out.toBytes();
        }

        static CloseStep decode(FieldReader in) {
            return new CloseStep(
                    in.getLong("run"),
                    in.getIndex("group", Limits.MAX_CLOCK_GROUP),
                    in.getLong("step"),
                    in.getIndexes("contributors", RunSpec.MAX_WORKERS - 1));
        }
    }

    /// Waits at the home shard until all workers do.
    ///
    /// @param shard the home shard of the run
    /// @param worker who asks
    /// @param ordinal barriers that the worker has passed
    record Barrier(int shard, WorkerId worker, long ordinal) implements RunMessage {
        @Override
        public int type() {
            return FrameType.BARRIER;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            encodeWorker(worker, out);
            out.putLong(ordinal);
            return out.toBytes();
        }

        static Barrier decode(FieldReader in) {
            return new Barrier(in.getInt("shard"), decodeWorker(in), in.getLong("ordinal"));
        }
    }

    /// Asks the home shard for a portion of the input. Answered when there is one, or when there will be none.
    ///
    /// @param shard the home shard of the run
    /// @param worker who asks
    /// @param done the portion that it is through with, -1 if none
    /// @param generation of a run in passes: that of the portion, as it was given; otherwise 0
    /// @param counted of a run in passes: whether every shard has its part of the portion
    /// @param results of a run in passes: what came of the portion, at most [Limits#MAX_PASS_VALUES], finite
    record NextPortion(int shard, WorkerId worker, int done, int generation, boolean counted, List<Double> results)
            implements RunMessage {
        public NextPortion {
            results = List.copyOf(results);
        }

        /// In a run without passes.
        public NextPortion(int shard, WorkerId worker, int done) {
            this(shard, worker, done, 0, false, List.of());
        }

        @Override
        public int type() {
            return FrameType.NEXT_PORTION;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            encodeWorker(worker, out);
            out.putInt(done);
            out.putInt(generation);
            out.putBoolean(counted);
            out.putDoubles(results);
            return out.toBytes();
        }

        static NextPortion decode(FieldReader in) {
            return new NextPortion(
                    in.getInt("shard"),
                    decodeWorker(in),
                    in.getInt("done"),
                    in.getInt("generation"),
                    in.getBoolean("counted"),
                    in.getDoubles("results", Limits.MAX_PASS_VALUES));
        }
    }

    /// A portion of the input.
    ///
    /// @param index which one, -1 if there are no more
    /// @param generation how often it was handed out
    /// @param position minibatches of it that are done; of a run that is not synchronous its stream knows. Of a
    ///     run in passes: the pass
    /// @param clock of a synchronous run: the open step, at which the worker goes on
    /// @param arguments of a run in passes: what the pass was begun with
    record Portion(int index, int generation, long position, long clock, List<Double> arguments) implements RunMessage {
        public Portion {
            arguments = List.copyOf(arguments);
        }

        /// In a run without passes.
        public Portion(int index, int generation, long position, long clock) {
            this(index, generation, position, clock, List.of());
        }

        @Override
        public int type() {
            return FrameType.PORTION;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(index);
            out.putInt(generation);
            out.putLong(position);
            out.putLong(clock);
            out.putDoubles(arguments);
            return out.toBytes();
        }

        static Portion decode(FieldReader in) {
            return new Portion(
                    in.getInt("index"),
                    in.getInt("generation"),
                    in.getLong("position"),
                    in.getLong("clock"),
                    in.getDoubles("arguments", Limits.MAX_PASS_VALUES));
        }
    }

    /// Worker 0 of a run in passes begins one, and waits until all portions are done. The same again, also when it is
    /// done, gets the same answer.
    ///
    /// @param shard the home shard of the run
    /// @param worker who asks
    /// @param pass the next one, or the last one that was begun; -1 to end them: then there are no more portions
    /// @param arguments handed out with each portion, at most [Limits#MAX_PASS_VALUES], finite
    record BeginPass(int shard, WorkerId worker, long pass, List<Double> arguments) implements RunMessage {
        public BeginPass {
            arguments = List.copyOf(arguments);
        }

        @Override
        public int type() {
            return FrameType.BEGIN_PASS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            encodeWorker(worker, out);
            out.putLong(pass);
            out.putDoubles(arguments);
            return out.toBytes();
        }

        static BeginPass decode(FieldReader in) {
            return new BeginPass(
                    in.getInt("shard"),
                    decodeWorker(in),
                    in.getLong("pass"),
                    in.getDoubles("arguments", Limits.MAX_PASS_VALUES));
        }
    }

    /// What came of a pass.
    ///
    /// @param pass which one, -1 if they have ended
    /// @param results of each portion, in order of the portions
    record PassDone(long pass, List<List<Double>> results) implements RunMessage {
        public PassDone {
            results = List.copyOf(results);
        }

        @Override
        public int type() {
            return FrameType.PASS_DONE;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(pass);
            out.putInt(results.size());
            results.forEach(out::putDoubles);
            return out.toBytes();
        }

        static PassDone decode(FieldReader in) {
            return new PassDone(
                    in.getLong("pass"),
                    decodeList(
                            in, "results", Integer.BYTES, each -> each.getDoubles("results", Limits.MAX_PASS_VALUES)));
        }
    }

    /// Asks a server what it knows of a run.
    ///
    /// @param name of the run
    record RunStatus(String name) implements RunMessage {
        @Override
        public int type() {
            return FrameType.RUN_STATUS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putString(name);
            return out.toBytes();
        }

        static RunStatus decode(FieldReader in) {
            return new RunStatus(in.getString("name"));
        }
    }

    /// What a server knows of a run: its home everything, the others who waits there.
    ///
    /// @param home whether the home shard is here; otherwise there are no members
    /// @param spec what the run is
    /// @param finished whether it is finished
    /// @param closedSteps closed steps of clock group 0
    /// @param portionsHeld portions that workers have
    /// @param portionsDone portions that are done
    /// @param members by index
    /// @param waits who waits on the shards of this server
    record RunStatusReply(
            boolean home,
            RunSpec spec,
            boolean finished,
            long closedSteps,
            int portionsHeld,
            int portionsDone,
            List<Member> members,
            List<Wait> waits)
            implements RunMessage {
        public RunStatusReply {
            members = List.copyOf(members);
            waits = List.copyOf(waits);
        }

        @Override
        public int type() {
            return FrameType.RUN_STATUS_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putBoolean(home);
            RunSpecCodec.encode(spec, out);
            out.putBoolean(finished);
            out.putLong(closedSteps);
            out.putInt(portionsHeld);
            out.putInt(portionsDone);
            out.putInt(members.size());
            members.forEach(each -> each.encode(out));
            out.putInt(waits.size());
            waits.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static RunStatusReply decode(FieldReader in) {
            return new RunStatusReply(
                    in.getBoolean("home"),
                    RunSpecCodec.decode(in),
                    in.getBoolean("finished"),
                    in.getLong("closedSteps"),
                    in.getInt("portionsHeld"),
                    in.getInt("portionsDone"),
                    decodeList(in, "members", Member.MIN_BYTES, Member::decode),
                    decodeList(in, "waits", Wait.MIN_BYTES, Wait::decode));
        }
    }

    /// Asks for [Runs].
    record ListRuns() implements RunMessage {
        @Override
        public int type() {
            return FrameType.LIST_RUNS;
        }

        @Override
        public byte[] toPayload() {
            return new byte[0];
        }
    }

    /// Runs whose home shard is on this server.
    ///
    /// @param names of the runs
    record Runs(List<Name> names) implements RunMessage {
        public Runs {
            names = List.copyOf(names);
        }

        @Override
        public int type() {
            return FrameType.RUNS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(names.size());
            names.forEach(each -> each.encode(out));
            return out.toBytes();
        }

        static Runs decode(FieldReader in) {
            return new Runs(decodeList(in, "names", Name.MIN_BYTES, Name::decode));
        }
    }

    /// A closed step.
    ///
    /// @param group clock group
    /// @param step the step
    /// @param contributors who took part, by index
    record Step(int group, long step, List<Integer> contributors) {
        public Step {
            contributors = List.copyOf(contributors);
        }

        private static final int MIN_BYTES = 16;

        void encode(FieldWriter out) {
            out.putInt(group);
            out.putLong(step);
            out.putInts(contributors);
        }

        static Step decode(FieldReader in) {
            return new Step(
                    in.getIndex("group", Limits.MAX_CLOCK_GROUP),
                    in.getLong("step"),
                    in.getIndexes("contributors", RunSpec.MAX_WORKERS - 1));
        }
    }

    /// A worker's entry on one shard.
    ///
    /// @param shard the shard
    /// @param clock its clock there
    /// @param lastNumber its last number there
    /// @param numberAtClock its last number when that clock was reached
    /// @param used whether anything was decided there since the worker last began anew
    record Entry(int shard, long clock, long lastNumber, long numberAtClock, boolean used) {
        private static final int MIN_BYTES = 29;

        void encode(FieldWriter out) {
            out.putInt(shard);
            out.putLong(clock);
            out.putLong(lastNumber);
            out.putLong(numberAtClock);
            out.putBoolean(used);
        }

        static Entry decode(FieldReader in) {
            return new Entry(
                    in.getInt("shard"),
                    in.getLong("clock"),
                    in.getLong("lastNumber"),
                    in.getLong("numberAtClock"),
                    in.getBoolean("used"));
        }
    }

    /// A worker that is no member any more.
    ///
    /// @param worker its index
    /// @param generation its last generation that was
    record Gone(int worker, int generation) {
        private static final int MIN_BYTES = 8;

        void encode(FieldWriter out) {
            out.putInt(worker);
            out.putInt(generation);
        }

        static Gone decode(FieldReader in) {
            return new Gone(
                    in.getIndex("worker", RunSpec.MAX_WORKERS - 1), in.getIndex("generation", Integer.MAX_VALUE));
        }
    }

    /// One worker of a run.
    ///
    /// @param state 0 missing, 1 active, 2 left, 3 finished, 4 fenced
    /// @param generation its current life, 0 if it never joined
    /// @param number its last push or tick that the home shard has seen
    /// @param clock its clock at the home shard
    /// @param silentMs since its last sign of life
    /// @param portion that it holds, -1 if none
    record Member(int state, int generation, long number, long clock, int silentMs, int portion) {
        private static final int MIN_BYTES = 32;

        void encode(FieldWriter out) {
            out.putInt(state);
            out.putInt(generation);
            out.putLong(number);
            out.putLong(clock);
            out.putInt(silentMs);
            out.putInt(portion);
        }

        static Member decode(FieldReader in) {
            return new Member(
                    in.getInt("state"),
                    in.getInt("generation"),
                    in.getLong("number"),
                    in.getLong("clock"),
                    in.getInt("silentMs"),
                    in.getInt("portion"));
        }
    }

    /// A worker that waits.
    ///
    /// @param worker its index
    /// @param kind 1 a pull, 2 a step to close, 3 a barrier, 4 a portion
    /// @param clock at which it waits
    /// @param waitsFor whom it waits for, by index, the first few
    record Wait(int worker, int kind, long clock, List<Integer> waitsFor) {
        public Wait {
            waitsFor = List.copyOf(waitsFor);
        }

        private static final int MIN_BYTES = 20;

        void encode(FieldWriter out) {
            out.putInt(worker);
            out.putInt(kind);
            out.putLong(clock);
            out.putInts(waitsFor);
        }

        static Wait decode(FieldReader in) {
            return new Wait(
                    in.getInt("worker"),
                    in.getInt("kind"),
                    in.getLong("clock"),
                    in.getIndexes("waitsFor", RunSpec.MAX_WORKERS - 1));
        }
    }

    /// The name of a run.
    ///
    /// @param text the name
    record Name(String text) {
        private static final int MIN_BYTES = 4;

        void encode(FieldWriter out) {
            out.putString(text);
        }

        static Name decode(FieldReader in) {
            return new Name(in.getString("text"));
        }
    }

    private static void encodeWorker(WorkerId worker, FieldWriter out) {
        out.putLong(worker.run());
        out.putInt(worker.worker());
        out.putInt(worker.generation());
    }

    private static WorkerId decodeWorker(FieldReader in) {
        return new WorkerId(
                in.getLong("run"),
                in.getIndex("worker", Integer.MAX_VALUE),
                in.getIndex("generation", Integer.MAX_VALUE));
    }

    private static <T> List<T> decodeList(FieldReader in, String field, int minBytes, Function<FieldReader, T> decode) {
        int count = in.getCount(field, minBytes);
        List<T> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(decode.apply(in));
        }
        return values;
    }
}
