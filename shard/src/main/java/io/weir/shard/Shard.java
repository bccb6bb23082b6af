package io.weir.shard;

import io.weir.kernel.Quantization;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.table.TableStore;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.RowLayout;
import io.weir.wire.RunMessage;
import io.weir.wire.ValueType;
import io.weir.wire.VectorLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A fixed set of hash ranges of all tables, and the order of everything that happens to them: a deterministic state
/// machine. Data frames and [Control] events come in, one at a time; [Effects] go out. It has no threads, I/O, clock
/// or randomness. Confined: one thread at a time is inside, and the shell decides how threads get there.
///
/// A push is decided in this order: who sends it (entry, generation), its place in the worker's stream (an old number
/// is answered again without being applied, a gap is refused), its content. Refusals for content are part of the
/// order: they use up the number, so that every retry and every replica decides the same. Refusals for load come
/// before the order and leave the number free. The whole frame is checked before the first row is touched, so a push
/// applies whole or not at all.
public final class Shard implements AutoCloseable {
    /// Greatest table id.
    public static final int MAX_TABLE_ID = 1 << 20;

    /// Most workers that may be open on a shard at a time: some 10 MB of entries.
    public static final int MAX_OPEN_WORKERS = 1 << 17;

    /// Most runs that a shard may be the home of, and most members of all of them: some 10 MB.
    public static final int MAX_RUNS = 1 << 14;

    public static final int MAX_RUN_MEMBERS = 1 << 20;

    /// Most bytes of pulls that wait for other workers; a further one is refused as [ErrorCode#BUSY].
    public static final long MAX_PARKED_BYTES = 64L << 20;

    private static final int PARKED_RETRY_MS = 10;
    private static final int WAITS_TO_PULL = 1;

    private static final int PULL_CHUNK_BYTES = 32 << 10;

    private final int index;
    private final MemoryBudget budget;
    private final WorkerEntries workers = new WorkerEntries();
    private final @Nullable PlantedBug bug;
    private final Map<Long, RunState> runs = new HashMap<>();
    private final Homes homes;
    private final OpenSteps steps;
    private long parkedBytes;
    private long duplicates;
    private long latePushes;
    private @Nullable ShardTable[] tables = new ShardTable[8];
    private int greatestTableId;
    private long position;
    private @Nullable String stoppedBy;
    private final KeyLists keyLists;
    private final FrameContent content;

    /// Rows on their way into fewer bits.
    private MemorySegment rowRoom = MemorySegment.NULL;

    /// @param index of this shard in the cluster
    /// @param shardCount shards of the cluster
    /// @param budget memory that it shares with the other shards of its server
    public Shard(int index, int shardCount, MemoryBudget budget) {
        this(index, shardCount, budget, null);
    }

    /// @param bug a mistake to make, for tests
    public Shard(int index, int shardCount, MemoryBudget budget, @Nullable PlantedBug bug) {
        this.index = index;
        this.budget = budget;
        this.bug = bug;
        this.homes = new Homes(index, bug);
        this.keyLists = new KeyLists(budget);
        this.content = new FrameContent(index, shardCount, budget, keyLists, this::tableOrNull);
        this.steps = new OpenSteps(index, budget, this::tableOrNull, bug);
    }

    /// Index of this shard in the cluster.
    public int index() {
        return index;
    }

    /// Records decided so far: pushes applied or refused in order, and control events.
    public long position() {
        return position;
    }

    /// Takes one data frame whose header and payload were checked ([DataLayout#check] and the checksums) and answers
    /// it. A pull never changes state.
    ///
    /// @param frame the bytes, little-endian
    /// @param bytes the same bytes
    /// @param at where the frame begins in both
    public void accept(ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        if (stoppedBy != null) {
            refuse(
                    frame,
                    at,
                    effects,
                    ErrorCode.INTERNAL,
                    "the shard is stopped, see the server's log: shard=" + index + ", cause=" + stoppedBy);
            return;
        }
        int type = FrameLayout.type(frame, at);
        try {
            switch (type) {
                case FrameType.PULL, FrameType.REDUCE -> pull(frame, bytes, at, effects);
                case FrameType.SCAN -> scan(frame, at, effects);
                default -> push(frame, bytes, at, effects);
            }
        } finally {
            content.done();
        }
    }

    /// Refuses everything from now on: an invariant broke, and wrong numbers are worse than none.
    public void stop(String cause) {
        stoppedBy = cause;
    }

    private void pull(ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
        if (table == null) {
            refuse(frame, at, effects, ErrorCode.UNKNOWN_TABLE, unknownTable(frame, at));
            return;
        }
        String fault = content.fault(table, listsOf(frame, at), frame, bytes, at);
        if (fault != null) {
            refuse(frame, at, effects, content.faultCode(), fault);
            return;
        }
        readInTime(table, frame, at, 0, effects);
    }

    /// The entry whose key lists a pull may name, or null.
    private @Nullable WorkerEntry listsOf(ByteBuffer frame, int at) {
        if (DataLayout.layout(frame, at) < DataLayout.LAYOUT_KEY_HASH) {
            return null;
        }
        WorkerEntry entry = workers.find(DataLayout.run(frame, at), DataLayout.worker(frame, at));
        return entry != null && entry.generation() == DataLayout.generation(frame, at) ? entry : null;
    }

    /// Forgets the key lists that workers may send again as their hash. They will be sent again.
    public void forgetKeyLists() {
        boolean _ = keyLists.forgetAll();
    }

    /// Answers with rows at once if what the run promises is in, otherwise when it is.
    private void readInTime(ShardTable table, ByteBuffer frame, int at, long number, Effects effects) {
        WorkerEntry entry = workers.find(DataLayout.run(frame, at), DataLayout.worker(frame, at));
        RunState run = entry == null ? null : entry.state;
        if (entry == null || run == null) {
            answerRows(table, frame, at, number, effects);
            return;
        }
        int generation = DataLayout.generation(frame, at);
        if (generation != entry.generation() || entry.isFenced()) {
            refuseGeneration(entry, frame, at, effects);
            return;
        }
        int group = DataLayout.clockGroup(frame, at);
        long clock = DataLayout.clock(frame, at);
        if (run.mayRead(group, clock)) {
            answerRows(table, frame, at, number, effects);
            return;
        }
        int length = FrameLayout.length(frame, at);
        if (parkedBytes + length > MAX_PARKED_BYTES) {
            effects.refuse(
                    FrameLayout.requestId(frame, at),
                    ErrorCode.BUSY,
                    false,
                    PARKED_RETRY_MS,
                    "too many pulls wait for other workers: shard=" + index + ", bytes=" + parkedBytes + ", limit="
                            + MAX_PARKED_BYTES);
            return;
        }
        parkedBytes += length;
        run.park(new RunState.ParkedPull(entry, generation, group, clock, effects.park(frame, at), length));
    }

    /// Answers the pulls whose time has come.
    private void wake(RunState run) {
        RunState.ParkedPull pull;
        while (bug != PlantedBug.PARKED_NEVER_WOKEN && (pull = run.takeReady()) != null) {
            parkedBytes -= pull.bytes();
            Parked request = pull.request();
            ByteBuffer frame = request.frame();
            if (!request.isGone()) {
                if (pull.entry().isFenced() || pull.entry().generation() != pull.generation()) {
                    refuseGeneration(pull.entry(), frame, 0, request.effects());
                } else {
                    answerParked(pull.entry(), frame, request);
                    content.done();
                }
            }
            request.answered();
        }
    }

    private void answerParked(WorkerEntry entry, ByteBuffer frame, Parked request) {
        ShardTable table = tableOrNull(DataLayout.tableId(frame, 0));
        String fault = table == null ? unknownTable(frame, 0) : content.fault(table, entry, frame, request.bytes(), 0);
        if (table == null || fault != null) {
            boolean unordered = table != null && isUnordered(content.faultCode());
            ErrorCode code = unordered ? content.faultCode() : ErrorCode.UNKNOWN_TABLE;
            refuse(frame, 0, request.effects(), code, fault == null ? "" : fault);
        } else {
            answerRows(table, frame, 0, DataLayout.number(frame, 0), request.effects());
        }
    }

    private void push(ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        long number = DataLayout.number(frame, at);
        WorkerEntry entry = entryOrRefuse(frame, at, effects);
        if (entry == null) {
            return;
        }
        if (number <= entry.lastNumber() && bug != PlantedBug.DUPLICATE_APPLIED) {
            duplicates++;
            answerAgain(entry, frame, bytes, at, effects);
            return;
        }
        if (DataLayout.previousNumber(frame, at) != entry.lastNumber()
                && bug != PlantedBug.DUPLICATE_APPLIED
                && bug != PlantedBug.GAP_ACCEPTED) {
            refuse(
                    frame,
                    at,
                    effects,
                    ErrorCode.GAP,
                    "push must follow the last one of its worker on this shard: shard=" + index + ", last="
                            + entry.lastNumber() + ", previousNumber=" + DataLayout.previousNumber(frame, at));
            return;
        }
        if (DataLayout.isWithdrawn(frame, at)) {
            reject(entry, frame, at, effects, ErrorCode.REJECTED, "push was withdrawn: number=" + number);
            return;
        }
        if (FrameLayout.type(frame, at) == FrameType.TICK) {
            tick(entry, frame, at, effects);
            return;
        }
        ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
        if (table == null) {
            reject(entry, frame, at, effects, ErrorCode.UNKNOWN_TABLE, unknownTable(frame, at));
            return;
        }
        String fault = content.fault(table, entry, frame, bytes, at);
        if (fault != null) {
            refuseContent(entry, frame, at, effects, fault);
            return;
        }
        RunState holding = FrameLayout.type(frame, at) == FrameType.LOAD ? null : synchronousRun(entry);
        if (holding != null && FrameLayout.type(frame, at) == FrameType.TRANSFORM) {
            reject(
                    entry,
                    frame,
                    at,
                    effects,
                    ErrorCode.INVALID_ARGUMENT,
                    "a vector operation belongs to no step of a synchronous run: run="
                            + holding.spec().name() + ", table=" + table.spec().name());
            return;
        }
        boolean held = holding != null;
        if (holding != null && !isInTime(holding, entry, frame, bytes, at, effects)) {
            return;
        }
        fault = content.decode(table, frame, bytes, at);
        if (fault != null) {
            refuseContent(entry, frame, at, effects, fault);
            return;
        }
        CheckResult result = check(holding, table, frame, at);
        if (result == CheckResult.OUT_OF_MEMORY && keyLists.forgetAll()) {
            result = check(holding, table, frame, at);
        }
        switch (result) {
            case NON_FINITE -> {
                if (bug == PlantedBug.HALF_APPLIED && !held && FrameLayout.type(frame, at) == FrameType.PUSH) {
                    table.store()
                            .apply(
                                    content.segment(),
                                    content.payload(),
                                    table.store().failedRow(),
                                    content.payload() + (long) DataLayout.count(frame, at) * Long.BYTES);
                }
                reject(
                        entry,
                        frame,
                        at,
                        effects,
                        ErrorCode.NON_FINITE,
                        "values must be finite: table=" + table.spec().name() + ", "
                                + content.failedPlace(table, frame, at));
            }
            case OUT_OF_MEMORY -> {
                if (bug == PlantedBug.LOAD_REFUSAL_CONSUMED) {
                    entry.advance(number, false);
                }
                refuse(
                        frame,
                        at,
                        effects,
                        ErrorCode.MEMORY_EXCEEDED,
                        "push needs memory beyond the server's cap: table="
                                + table.spec().name() + ", keys=" + DataLayout.count(frame, at) + ", usedBytes="
                                + budget.usedBytes() + ", capBytes=" + budget.capBytes()
                                + "; raise --memory, add servers, or drop tables");
            }
            case OK -> {
                entry.advance(number, false);
                position++;
                if (!held) {
                    content.apply(table, frame, at);
                }
                if (FrameLayout.type(frame, at) == FrameType.PUSH_PULL) {
                    readInTime(table, frame, at, number, effects);
                } else {
                    effects.acknowledge(FrameLayout.requestId(frame, at), index, number);
                }
            }
        }
    }

    /// Looks at the open frame, to be applied or to be kept for its step.
    private CheckResult check(@Nullable RunState holding, ShardTable table, ByteBuffer frame, int at) {
        return holding == null ? content.check(table, frame, at) : steps.hold(holding, table, content, frame, at);
    }

    /// The run whose steps hold what this worker pushes, or null if it applies on arrival.
    private static @Nullable RunState synchronousRun(WorkerEntry entry) {
        RunState run = entry.state;
        return run != null && run.spec().isBsp() ? run : null;
    }

    private void tick(WorkerEntry entry, ByteBuffer frame, int at, Effects effects) {
        int group = DataLayout.clockGroup(frame, at);
        long clock = DataLayout.clock(frame, at);
        long number = DataLayout.number(frame, at);
        if (clock < entry.clock(group)) {
            reject(
                    entry,
                    frame,
                    at,
                    effects,
                    ErrorCode.INVALID_ARGUMENT,
                    "a tick must not turn the clock back: worker=" + entry.worker + ", clock=" + clock + ", here="
                            + entry.clock(group) + ", clockGroup=" + group);
            return;
        }
        entry.advance(number, false);
        entry.tick(group, clock);
        position++;
        effects.acknowledge(FrameLayout.requestId(frame, at), index, number);
        RunState run = entry.state;
        if (run != null) {
            run.onTick(entry, group, DataLayout.flags(frame, at));
            HomeRun home = homes.find(run.id());
            if (home != null) {
                home.heard(entry.worker, entry.generation(), group);
            }
            wake(run);
        }
    }

    /// Whether a push of a synchronous run belongs to a step that is open; otherwise it is answered here.
    private boolean isInTime(
            RunState run, WorkerEntry entry, ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        RunState.Group group = run.group(DataLayout.clockGroup(frame, at));
        long step = DataLayout.clock(frame, at);
        if (step < group.closed) {
            latePushes++;
            if (bug == PlantedBug.LATE_APPLIED) {
                ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
                if (table != null
                        && content.decode(table, frame, bytes, at) == null
                        && content.check(table, frame, at) == CheckResult.OK) {
                    content.apply(table, frame, at);
                }
            }
            reject(
                    entry,
                    frame,
                    at,
                    effects,
                    ErrorCode.LATE,
                    "the step was closed without this worker: worker=" + entry.worker + ", step=" + step + ", closed="
                            + group.closed);
            return false;
        }
        if (step - group.closed > RunState.MAX_STEPS_AHEAD) {
            reject(
                    entry,
                    frame,
                    at,
                    effects,
                    ErrorCode.INVALID_ARGUMENT,
                    "a push may be at most " + RunState.MAX_STEPS_AHEAD + " steps ahead: worker=" + entry.worker
                            + ", step=" + step + ", closed=" + group.closed);
            return false;
        }
        return true;
    }

    private @Nullable WorkerEntry entryOrRefuse(ByteBuffer frame, int at, Effects effects) {
        WorkerEntry entry = workers.find(DataLayout.run(frame, at), DataLayout.worker(frame, at));
        int generation = DataLayout.generation(frame, at);
        if (entry == null || generation > entry.generation()) {
            refuse(
                    frame,
                    at,
                    effects,
                    ErrorCode.UNKNOWN_WORKER,
                    "worker must be opened on this shard before it pushes: shard=" + index + ", worker="
                            + DataLayout.worker(frame, at) + ", generation=" + generation);
            return null;
        }
        if (generation < entry.generation() || entry.isFenced()) {
            boolean planted = bug == PlantedBug.FENCED_TICK_COUNTED && FrameLayout.type(frame, at) == FrameType.TICK;
            if (!planted || generation != entry.generation()) {
                refuseGeneration(entry, frame, at, effects);
                return null;
            }
        }
        return entry;
    }

    private static void refuseGeneration(WorkerEntry entry, ByteBuffer frame, int at, Effects effects) {
        int generation = DataLayout.generation(frame, at);
        if (generation > entry.generation()) {
            refuse(
                    frame,
                    at,
                    effects,
                    ErrorCode.UNKNOWN_WORKER,
                    "worker must be opened on this shard before it pulls: worker=" + entry.worker + ", generation="
                            + generation);
            return;
        }
        refuse(
                frame,
                at,
                effects,
                ErrorCode.FENCED,
                whyOut(new WorkerId(entry.run, entry.worker, generation), entry.generation()));
    }

    /// Why a generation of a worker or a portion is out, for whoever still speaks for it.
    private static String whyOut(WorkerId id, int newest) {
        if (id.isPortion()) {
            return "the worker that held the portion was silent for too long or has left, and it is done by others:"
                    + " portion=" + (id.worker() - WorkerId.PORTIONS) + ", generation=" + id.generation()
                    + ", newest=" + newest;
        }
        return id.generation() < newest
                ? "a newer generation of this worker has taken over: worker=" + id.worker() + ", generation="
                        + id.generation() + ", newest=" + newest
                : "the worker was silent for too long or has left, and is out of the run; join again to go on as a new"
                        + " generation: worker=" + id.worker() + ", generation=" + id.generation();
    }

    /// Answers a push that was decided before, as it was decided.
    private void answerAgain(WorkerEntry entry, ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        long number = DataLayout.number(frame, at);
        if (entry.wasLate(number)) {
            effects.refuse(
                    FrameLayout.requestId(frame, at),
                    ErrorCode.LATE,
                    true,
                    0,
                    "the step was closed without this worker: number=" + number);
        } else if (entry.wasRejected(number)) {
            effects.refuse(
                    FrameLayout.requestId(frame, at),
                    ErrorCode.REJECTED,
                    true,
                    0,
                    "push was refused when it came first: number=" + number);
        } else if (FrameLayout.type(frame, at) == FrameType.PUSH_PULL) {
            ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
            String fault = table == null ? unknownTable(frame, at) : content.fault(table, entry, frame, bytes, at);
            if (table == null || fault != null) {
                boolean unordered = table != null && isUnordered(content.faultCode());
                effects.refuse(
                        FrameLayout.requestId(frame, at),
                        unordered ? content.faultCode() : ErrorCode.UNKNOWN_TABLE,
                        !unordered,
                        0,
                        fault == null ? unknownTable(frame, at) : fault);
            } else {
                readInTime(table, frame, at, number, effects);
            }
        } else {
            if (bug == PlantedBug.TRANSFORM_REPEATED && FrameLayout.type(frame, at) == FrameType.TRANSFORM) {
                ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
                if (table != null && content.decode(table, frame, bytes, at) == null) {
                    content.apply(table, frame, at);
                }
            }
            effects.acknowledge(FrameLayout.requestId(frame, at), index, number);
        }
    }

    private void scan(ByteBuffer frame, int at, Effects effects) {
        ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
        if (table == null) {
            refuse(frame, at, effects, ErrorCode.UNKNOWN_TABLE, unknownTable(frame, at));
            return;
        }
        TableStore store = table.store();
        int rowBytes = RowLayout.rowBytes(table.valueLength());
        long from = Math.min(DataLayout.offset(frame, at), store.rowCount());
        int atMost = Math.max(1, Limits.MAX_SCAN_BYTES / rowBytes);
        int count = (int) Math.min(Math.min(DataLayout.count(frame, at), atMost), store.rowCount() - from);
        long next = from + count;
        effects.beginScan(
                FrameLayout.requestId(frame, at), next < store.rowCount() ? next : -1, count, table.valueLength());
        int chunk = Math.max(1, Effects.MAX_ROOM_BYTES / rowBytes);
        for (int done = 0; done < count; done += chunk) {
            int rows = Math.min(chunk, count - done);
            MemorySegment room = effects.room(rows * rowBytes);
            store.scan(from + done, rows, room, effects.roomOffset());
            effects.filled(rows * rowBytes);
        }
        effects.endRows();
    }

    /// Answers with rows of the frame that is open in the content.
    private void answerRows(ShardTable table, ByteBuffer frame, int at, long number, Effects effects) {
        int type = DataLayout.replyType(frame, at);
        if (type != ValueType.FLOAT32) {
            answerEncodedRows(table, frame, at, number, type, effects);
            return;
        }
        int count = DataLayout.count(frame, at);
        TableStore store = table.store();
        if (FrameLayout.type(frame, at) == FrameType.REDUCE) {
            answerPartials(table, frame, at, effects);
            return;
        }
        if (!DataLayout.isStretch(frame, at)) {
            int rowLength = table.spec().rowLength();
            int rowBytes = rowLength * Float.BYTES;
            effects.beginRows(FrameLayout.requestId(frame, at), number, count, rowLength);
            int chunk = Math.max(1, PULL_CHUNK_BYTES / rowBytes);
            MemorySegment keys = content.segment();
            long keysOffset = content.payload();
            for (int done = 0; done < count; done += chunk) {
                int rows = Math.min(chunk, count - done);
                MemorySegment room = effects.room(rows * rowBytes);
                store.pull(keys, keysOffset + (long) done * Long.BYTES, rows, room, effects.roomOffset());
                effects.filled(rows * rowBytes);
            }
        } else {
            effects.beginRows(FrameLayout.requestId(frame, at), number, count, 1);
            long offset = DataLayout.offset(frame, at);
            int chunk = Effects.MAX_ROOM_BYTES / Float.BYTES;
            for (int done = 0; done < count; done += chunk) {
                int floats = Math.min(chunk, count - done);
                MemorySegment room = effects.room(floats * Float.BYTES);
                store.pullStretch(offset + done, floats, room, effects.roomOffset());
                effects.filled(floats * Float.BYTES);
            }
        }
        effects.endRows();
    }

    /// As [#answerRows], in fewer bits: some rows at a time, as many as end with a span.
    private void answerEncodedRows(ShardTable table, ByteBuffer frame, int at, long number, int type, Effects effects) {
        boolean keyed = !DataLayout.isStretch(frame, at);
        int count = DataLayout.count(frame, at);
        int rowLength = keyed ? table.spec().rowLength() : 1;
        int spanLength = DataLayout.spanLength(frame, at);
        effects.beginEncodedRows(FrameLayout.requestId(frame, at), number, count, rowLength, type, spanLength);
        int rowsOfSpans = Math.max(1, spanLength / rowLength);
        int chunk = Math.max(1, PULL_CHUNK_BYTES / Float.BYTES / rowLength / rowsOfSpans) * rowsOfSpans;
        if (rowRoom.byteSize() < (long) chunk * rowLength * Float.BYTES) {
            rowRoom = Arena.ofAuto().allocate((long) chunk * rowLength * Float.BYTES, Long.BYTES);
        }
        for (int done = 0; done < count; done += chunk) {
            int rows = Math.min(chunk, count - done);
            int floats = rows * rowLength;
            if (keyed) {
                long keysOffset = content.payload() + (long) done * Long.BYTES;
                table.store().pull(content.segment(), keysOffset, rows, rowRoom, 0);
            } else {
                table.store().pullStretch(DataLayout.offset(frame, at) + done, floats, rowRoom, 0);
            }
            int bytes = (int) ValueType.bytes(type, floats, spanLength);
            MemorySegment room = effects.room(bytes);
            long to = effects.roomOffset();
            switch (type) {
                case ValueType.BFLOAT16 -> Quantization.toBfloat16(rowRoom, 0, floats, room, to);
                case ValueType.FLOAT16 -> Quantization.toFloat16(rowRoom, 0, floats, room, to);
                default -> Quantization.toInt8(rowRoom, 0, floats, spanLength, room, to);
            }
            effects.filled(bytes);
        }
        effects.endRows();
    }

    private void answerPartials(ShardTable table, ByteBuffer frame, int at, Effects effects) {
        int blockLength = table.spec().rowLength();
        long offset = DataLayout.offset(frame, at);
        long count = DataLayout.count(frame, at);
        int blocks = (int) ((count + blockLength - 1) / blockLength);
        TableStore other = content.otherTable(table, frame, at).store();
        effects.beginPartials(FrameLayout.requestId(frame, at), offset / blockLength, blocks);
        int chunk = Effects.MAX_ROOM_BYTES / Double.BYTES;
        for (int done = 0; done < blocks; done += chunk) {
            int some = Math.min(chunk, blocks - done);
            long from = offset + (long) done * blockLength;
            long floats = Math.min((long) some * blockLength, offset + count - from);
            MemorySegment room = effects.room(some * Double.BYTES);
            table.store().reduce(VectorLayout.operation(frame, at), other, from, floats, room, effects.roomOffset());
            effects.filled(some * Double.BYTES);
        }
        effects.endRows();
    }

    /// Refuses what the content found: in order, unless the same push may come again with its keys or find memory.
    private void refuseContent(WorkerEntry entry, ByteBuffer frame, int at, Effects effects, String fault) {
        ErrorCode code = content.faultCode();
        if (isUnordered(code)) {
            if (bug == PlantedBug.FORGOTTEN_KEYS_CONSUMED && code == ErrorCode.KEYS_FORGOTTEN) {
                entry.advance(DataLayout.number(frame, at), false);
            }
            refuse(frame, at, effects, code, fault);
        } else {
            reject(entry, frame, at, effects, code, fault);
        }
    }

    private static boolean isUnordered(ErrorCode code) {
        return code == ErrorCode.KEYS_FORGOTTEN || code == ErrorCode.MEMORY_EXCEEDED;
    }

    /// Refuses in order: the number is used up.
    private void reject(WorkerEntry entry, ByteBuffer frame, int at, Effects effects, ErrorCode code, String message) {
        if (bug != PlantedBug.REJECTED_NOT_CONSUMED) {
            entry.advance(DataLayout.number(frame, at), true);
            if (code == ErrorCode.LATE) {
                entry.setLate();
            }
        }
        position++;
        effects.refuse(FrameLayout.requestId(frame, at), code, true, 0, message);
    }

    private static void refuse(ByteBuffer frame, int at, Effects effects, ErrorCode code, String message) {
        effects.refuse(FrameLayout.requestId(frame, at), code, false, 0, message);
    }

    private static String unknownTable(ByteBuffer frame, int at) {
        return "no table has this id, or it was dropped: tableId=" + DataLayout.tableId(frame, at);
    }

    // ---- control ----

    /// Takes a control event.
    ///
    /// @return the id of the table, or 0
    /// @throws WeirException if it is refused; the shard is as before
    public int apply(Control event) {
        int result =
                switch (event) {
                    case Control.CreateTable create -> createTable(create);
                    case Control.DropTable drop -> dropTable(drop);
                    case Control.OpenRun open -> openRun(open.message());
                    case Control.OpenWorker open -> openWorker(open.message());
                    case Control.CloseWorker close -> closeWorker(close);
                    case Control.UpdateMembers update -> updateMembers(update.message());
                    case Control.CloseStep close -> closeStep(close.message());
                    case Control.TimePassed passed -> timePassed(passed.ms());
                };
        position++;
        return result;
    }

    private int createTable(Control.CreateTable create) {
        TableSpec spec = create.spec();
        ShardTable existing = tableNamed(spec.name());
        if (existing != null) {
            List<String> differences = existing.spec().differencesTo(spec);
            if (existing.id() == create.tableId() && differences.isEmpty()) {
                return existing.id();
            }
            throw new WeirException(
                    ErrorCode.TABLE_MISMATCH,
                    "table exists with another specification: table=" + spec.name() + ", "
                            + (differences.isEmpty()
                                    ? "id: here " + existing.id() + ", there " + create.tableId()
                                    : String.join("; ", differences)));
        }
        if (create.tableId() < 1 || create.tableId() > MAX_TABLE_ID) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "table id must be from 1 to " + MAX_TABLE_ID + ": tableId=" + create.tableId());
        }
        if (create.tableId() <= greatestTableId && bug != PlantedBug.TABLE_ID_REUSED) {
            throw new WeirException(
                    ErrorCode.TABLE_MISMATCH,
                    "table ids are never used again: tableId=" + create.tableId() + ", greatest=" + greatestTableId);
        }
        if (create.tableId() >= tables.length) {
            tables = Arrays.copyOf(tables, Math.max(tables.length * 2, create.tableId() + 1));
        }
        tables[create.tableId()] =
                new ShardTable(create.tableId(), create.creatorRun(), spec, new TableStore(spec, budget));
        greatestTableId = create.tableId();
        return create.tableId();
    }

    private int dropTable(Control.DropTable drop) {
        ShardTable table = tableOrNull(drop.tableId());
        if (table == null) {
            return 0;
        }
        tables[drop.tableId()] = null;
        table.store().close();
        return drop.tableId();
    }

    private int openRun(RunMessage.OpenRun open) {
        long id = open.spec().id();
        RunState run = runs.get(id);
        if (run == null) {
            if (runs.size() >= MAX_RUNS) {
                throw new WeirException(
                        ErrorCode.LIMIT_EXCEEDED,
                        "too many runs are known to the shard: shard=" + index + ", limit=" + MAX_RUNS);
            }
            run = new RunState(open.spec(), open.life(), bug);
            runs.put(id, run);
        } else if (open.life() < run.life()) {
            throw new WeirException(
                    ErrorCode.FENCED,
                    "the run was begun anew since: run=" + open.spec().name() + ", life=" + open.life() + ", newest="
                            + run.life());
        } else if (open.life() > run.life()) {
            for (RunState.Group group : run.groups()) {
                group.held.forEach(steps::release);
            }
            run.restart(open.spec(), open.life());
            wake(run);
        }
        for (RunMessage.Step step : open.closed()) {
            closeStep(run, step.group(), step.step(), step.contributors());
        }
        return 0;
    }

    private int openWorker(RunMessage.OpenWorker open) {
        WorkerId id = open.worker();
        RunState run = runs.get(id.run());
        if (run != null && !run.mayHave(id)) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "the run has no such worker or portion: run=" + run.spec().name() + ", worker=" + id.worker()
                            + ", portions=" + run.spec().portionCount());
        }
        WorkerEntry entry = workers.find(id.run(), id.worker());
        if (run != null && run.wasClosed(id)) {
            throw new WeirException(ErrorCode.FENCED, whyOut(id, run.closedGeneration(id.worker())));
        }
        boolean later = entry == null || id.generation() > entry.generation();
        if (entry == null) {
            if (workers.count() >= MAX_OPEN_WORKERS) {
                throw new WeirException(
                        ErrorCode.LIMIT_EXCEEDED,
                        "too many workers are open on the shard: shard=" + index + ", limit=" + MAX_OPEN_WORKERS
                                + "; clients that end without closing leave theirs open until the server restarts");
            }
            entry = workers.add(new WorkerEntry(id.run(), id.worker(), id.generation(), id.isPortion() ? null : run));
        } else if (id.generation() < entry.generation()
                || (entry.isFenced() && id.generation() == entry.generation())) {
            throw new WeirException(ErrorCode.FENCED, whyOut(id, entry.generation()));
        } else {
            if (later) {
                keyLists.forget(entry);
            }
            entry.open(id.generation());
            if (later
                    && (bug == PlantedBug.POSITION_ADOPTED
                            || (bug == PlantedBug.PORTION_COUNTED_TWICE && id.isPortion()))) {
                entry.forgetPosition();
            }
        }
        if (run != null && !id.isPortion()) {
            boolean begins = open.number() >= 0 ? entry.lastNumber() <= open.number() : open.fresh() && later;
            if (run.spec().isBsp() && begins) {
                steps.drop(run, id.worker());
            }
            run.onOpened(entry, later, open.clock(), open.number(), open.fresh());
            wake(run);
        }
        return 0;
    }

    private int closeWorker(Control.CloseWorker close) {
        WorkerId id = close.worker();
        WorkerEntry entry = workers.find(id.run(), id.worker());
        if (entry != null && entry.generation() == id.generation()) {
            workers.remove(entry);
            keyLists.forget(entry);
            entry.fence();
        }
        RunState run = runs.get(id.run());
        if (run != null && run.mayHave(id) && (entry == null || entry.generation() <= id.generation())) {
            run.onClosed(id);
            HomeRun home = homes.find(run.id());
            if (home != null && !id.isPortion()) {
                home.close(id, close.finished());
            }
            wake(run);
        }
        return 0;
    }

    private int updateMembers(RunMessage.UpdateMembers update) {
        RunState run = runs.get(update.run());
        if (run != null && run.update(update.number(), update.gone(), workers)) {
            wake(run);
        }
        return 0;
    }

    private int closeStep(RunMessage.CloseStep close) {
        RunState run = runs.get(close.run());
        if (run == null) {
            throw new WeirException(ErrorCode.UNKNOWN_RUN, "no run has this id here: run=" + close.run());
        }
        closeStep(run, close.group(), close.step(), close.contributors());
        return 0;
    }

    private void closeStep(RunState run, int groupIndex, long step, List<Integer> contributors) {
        if (steps.close(run, groupIndex, step, contributors)) {
            wake(run);
        }
    }

    private int timePassed(int ms) {
        for (HomeRun home : homes.all()) {
            home.timePassed(ms);
            tellMembers(home);
        }
        return 0;
    }

    /// Takes the newest membership record of a run whose home this is to this shard itself.
    private void tellMembers(HomeRun home) {
        RunState run = runs.get(home.id());
        if (run != null
                && run.life() == home.life()
                && run.members() < home.records()
                && run.update(home.records(), home.gone(), workers)) {
            wake(run);
        }
    }

    // ---- what the home shard of a run is asked ----

    /// Takes a question that only the home shard of a run can answer, now or later.
    ///
    /// @throws WeirException if it is refused; the shard is as before, and `answer` is not used
    public void ask(RunMessage question, Answer answer) {
        position++;
        homes.ask(question, answer);
    }

    // ---- queries ----

    /// The table with this name, or null.
    public @Nullable ShardTable tableNamed(String name) {
        for (ShardTable table : tables) {
            if (table != null && table.spec().name().equals(name)) {
                return table;
            }
        }
        return null;
    }

    /// All tables, by id.
    public List<ShardTable> tables() {
        List<ShardTable> all = new ArrayList<>();
        for (ShardTable table : tables) {
            if (table != null) {
                all.add(table);
            }
        }
        return all;
    }

    /// Greatest table id that was ever given out here.
    public int greatestTableId() {
        if (bug == PlantedBug.TABLE_ID_REUSED) {
            return tables().stream().mapToInt(ShardTable::id).max().orElse(0);
        }
        return greatestTableId;
    }

    /// Where a worker goes on, zeros if it is not open here.
    ///
    /// @param clock as it was opened with, -1 for the one it has reached
    public RunMessage.Entry entry(WorkerId worker, long clock) {
        WorkerEntry entry = workers.find(worker.run(), worker.worker());
        if (entry == null) {
            return new RunMessage.Entry(index, 0, 0, 0, false);
        }
        long from = clock >= 0 && clock < entry.clock() ? clock : entry.clock();
        long number = bug == PlantedBug.RESTART_SKIPS ? entry.lastNumber() : entry.numberAt(from);
        return new RunMessage.Entry(index, from, entry.lastNumber(), number, entry.isUsed());
    }

    /// What this shard knows of a run, or null if it knows nothing.
    public RunMessage.@Nullable RunStatusReply runStatus(String name) {
        RunState run = runs.get(Keys.ofString(name));
        HomeRun home = homes.find(name);
        List<RunMessage.Wait> waits = new ArrayList<>();
        if (run != null) {
            for (RunState.ParkedPull pull : run.parked()) {
                waits.add(new RunMessage.Wait(
                        pull.entry().worker, WAITS_TO_PULL, pull.clock(), run.waitedFor(pull.group(), pull.clock())));
            }
        }
        if (home == null) {
            if (run == null) {
                return null;
            }
            return new RunMessage.RunStatusReply(false, run.spec(), false, 0, 0, 0, List.of(), waits);
        }
        waits.addAll(home.waits());
        return new RunMessage.RunStatusReply(
                true,
                home.spec(),
                home.isFinished(),
                home.closedSteps(0),
                home.portionsHeld(),
                home.portionsDone(),
                home.status(workers),
                waits);
    }

    /// Names of the runs whose home this is.
    public List<String> homeRuns() {
        return homes.names();
    }

    /// Pushes and ticks that came again after they were decided.
    public long duplicates() {
        return duplicates;
    }

    /// Pulls that wait for other workers.
    public int waitingPulls() {
        int count = 0;
        for (RunState run : runs.values()) {
            count += run.parked().size();
        }
        return count;
    }

    /// Pushes that came after their step had been closed without their worker.
    public long latePushes() {
        return latePushes;
    }

    /// Rows of synchronous steps that were left out because their sum was not finite.
    public long skippedRows() {
        return steps.skippedRows();
    }

    /// Frees the rows of all tables.
    @Override
    public void close() {
        for (ShardTable table : tables()) {
            table.store().close();
        }
        tables = new ShardTable[0];
        forgetKeyLists();
    }

    private @Nullable ShardTable tableOrNull(int tableId) {
        return tableId >= 0 && tableId < tables.length ? tables[tableId] : null;
    }
}
