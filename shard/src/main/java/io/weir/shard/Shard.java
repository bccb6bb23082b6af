package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.table.TableStore;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
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

    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int PULL_CHUNK_BYTES = 32 << 10;

    private final int index;
    private final int shardCount;
    private final MemoryBudget budget;
    private final WorkerEntries workers = new WorkerEntries();
    private final Runs runs;
    private @Nullable ShardTable[] tables = new ShardTable[8];
    private int greatestTableId;
    private long position;
    private @Nullable String stoppedBy;
    private ErrorCode faultCode = ErrorCode.INVALID_ARGUMENT;

    /// @param index of this shard in the cluster
    /// @param shardCount shards of the cluster
    /// @param budget memory that it shares with the other shards of its server
    public Shard(int index, int shardCount, MemoryBudget budget) {
        this.index = index;
        this.shardCount = shardCount;
        this.budget = budget;
        this.runs = new Runs(index);
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
        switch (type) {
            case FrameType.PULL -> pull(frame, bytes, at, effects);
            case FrameType.SCAN -> scan(frame, at, effects);
            default -> push(frame, bytes, at, effects);
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
        String fault = fault(table, frame, bytes, at);
        if (fault != null) {
            refuse(frame, at, effects, faultCode, fault);
            return;
        }
        answerRows(table, frame, bytes, at, 0, effects);
    }

    private void push(ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        long number = DataLayout.number(frame, at);
        WorkerEntry entry = entryOrRefuse(frame, at, effects);
        if (entry == null) {
            return;
        }
        if (number <= entry.lastNumber()) {
            answerAgain(entry, frame, bytes, at, effects);
            return;
        }
        if (DataLayout.previousNumber(frame, at) != entry.lastNumber()) {
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
        ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
        if (table == null) {
            reject(entry, frame, at, effects, ErrorCode.UNKNOWN_TABLE, unknownTable(frame, at));
            return;
        }
        String fault = fault(table, frame, bytes, at);
        if (fault != null) {
            reject(entry, frame, at, effects, faultCode, fault);
            return;
        }
        switch (check(table, frame, bytes, at)) {
            case NON_FINITE ->
                reject(
                        entry,
                        frame,
                        at,
                        effects,
                        ErrorCode.NON_FINITE,
                        "values must be finite: table=" + table.spec().name() + ", "
                                + failedPlace(table, frame, bytes, at));
            case OUT_OF_MEMORY ->
                refuse(
                        frame,
                        at,
                        effects,
                        ErrorCode.MEMORY_EXCEEDED,
                        "push needs memory beyond the server's cap: table="
                                + table.spec().name() + ", keys=" + DataLayout.count(frame, at) + ", usedBytes="
                                + budget.usedBytes() + ", capBytes=" + budget.capBytes()
                                + "; raise --memory, add servers, or drop tables");
            case OK -> {
                entry.advance(number, DataLayout.clock(frame, at), false);
                position++;
                apply(table, frame, bytes, at);
                if (FrameLayout.type(frame, at) == FrameType.PUSH_PULL) {
                    answerRows(table, frame, bytes, at, number, effects);
                } else {
                    effects.acknowledge(FrameLayout.requestId(frame, at), index, number);
                }
            }
        }
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
        if (generation < entry.generation()) {
            refuse(
                    frame,
                    at,
                    effects,
                    ErrorCode.FENCED,
                    "a newer generation of this worker has taken over: worker=" + DataLayout.worker(frame, at)
                            + ", generation=" + generation + ", newest=" + entry.generation());
            return null;
        }
        return entry;
    }

    /// Answers a push that was decided before, as it was decided.
    private void answerAgain(WorkerEntry entry, ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        long number = DataLayout.number(frame, at);
        if (entry.wasRejected(number)) {
            effects.refuse(
                    FrameLayout.requestId(frame, at),
                    ErrorCode.REJECTED,
                    true,
                    0,
                    "push was refused when it came first: number=" + number);
        } else if (FrameLayout.type(frame, at) == FrameType.PUSH_PULL) {
            ShardTable table = tableOrNull(DataLayout.tableId(frame, at));
            String fault = table == null ? unknownTable(frame, at) : fault(table, frame, bytes, at);
            if (table == null || fault != null) {
                effects.refuse(
                        FrameLayout.requestId(frame, at),
                        ErrorCode.UNKNOWN_TABLE,
                        true,
                        0,
                        fault == null ? unknownTable(frame, at) : fault);
            } else {
                answerRows(table, frame, bytes, at, number, effects);
            }
        } else {
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

    private void answerRows(
            ShardTable table, ByteBuffer frame, MemorySegment bytes, int at, long number, Effects effects) {
        int count = DataLayout.count(frame, at);
        TableStore store = table.store();
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            int rowLength = table.spec().rowLength();
            int rowBytes = rowLength * Float.BYTES;
            effects.beginRows(FrameLayout.requestId(frame, at), number, count, rowLength);
            int chunk = Math.max(1, PULL_CHUNK_BYTES / rowBytes);
            long keysOffset = at + (long) DataLayout.PAYLOAD_OFFSET;
            for (int done = 0; done < count; done += chunk) {
                int rows = Math.min(chunk, count - done);
                MemorySegment room = effects.room(rows * rowBytes);
                store.pull(bytes, keysOffset + (long) done * Long.BYTES, rows, room, effects.roomOffset());
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

    /// Which row of a frame was not finite: by key, or by position in the tensor.
    private static String failedPlace(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        int row = table.store().failedRow();
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_STRETCH) {
            return "offset=" + (DataLayout.offset(frame, at) + row);
        }
        int strideBytes =
                FrameLayout.type(frame, at) == FrameType.LOAD ? RowLayout.rowBytes(table.valueLength()) : Long.BYTES;
        return "key=" + bytes.get(KEY, at + (long) DataLayout.PAYLOAD_OFFSET + (long) row * strideBytes);
    }

    private static CheckResult check(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        long payload = at + (long) DataLayout.PAYLOAD_OFFSET;
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            return table.store().checkLoad(bytes, payload, count);
        }
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            return table.store().check(bytes, payload, count, payload + (long) count * Long.BYTES);
        }
        return table.store().checkStretch(bytes, payload, DataLayout.offset(frame, at), count);
    }

    private static void apply(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        long payload = at + (long) DataLayout.PAYLOAD_OFFSET;
        int count = DataLayout.count(frame, at);
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            table.store().load(bytes, payload, count);
        } else if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            table.store().apply(bytes, payload, count, payload + (long) count * Long.BYTES);
        } else {
            table.store().applyStretch(bytes, payload, DataLayout.offset(frame, at), count);
        }
    }

    /// What is wrong with a frame for this table, as a sentence, or null; [#faultCode] is its code.
    private @Nullable String fault(ShardTable table, ByteBuffer frame, MemorySegment bytes, int at) {
        faultCode = ErrorCode.INVALID_ARGUMENT;
        TableSpec spec = table.spec();
        int count = DataLayout.count(frame, at);
        int rowLength = DataLayout.rowLength(frame, at);
        if (rowLength != spec.rowLength()) {
            return "row length must be that of the table: expected=" + spec.rowLength() + ", actual=" + rowLength
                    + ", table=" + spec.name();
        }
        if (FrameLayout.type(frame, at) == FrameType.LOAD) {
            long expected = DataLayout.payloadBytes(
                    FrameType.LOAD, DataLayout.LAYOUT_KEYS, count, rowLength, table.valueLength());
            if (expected != FrameLayout.payloadBytes(frame, at)) {
                return "rows must be whole, with their slots: expectedBytes=" + expected + ", actualBytes="
                        + FrameLayout.payloadBytes(frame, at) + ", table=" + spec.name();
            }
            int rowBytes = RowLayout.rowBytes(table.valueLength());
            for (int i = 0; i < count; i++) {
                int reserved = at + DataLayout.PAYLOAD_OFFSET + i * rowBytes + RowLayout.RESERVED_OFFSET;
                if (frame.getInt(reserved) != 0) {
                    return "reserved bytes of a row must be 0: row=" + i + ", table=" + spec.name();
                }
            }
            return faultOfKeys(table, bytes, at, count, rowBytes);
        }
        if (DataLayout.layout(frame, at) == DataLayout.LAYOUT_KEYS) {
            if (spec.shape() instanceof TableShape.Dense) {
                return "a dense table is read and updated by stretches: table=" + spec.name();
            }
            return faultOfKeys(table, bytes, at, count, Long.BYTES);
        }
        if (!(spec.shape() instanceof TableShape.Dense dense)) {
            return "only a dense table has stretches: table=" + spec.name();
        }
        long offset = DataLayout.offset(frame, at);
        if (offset > dense.length() - count) {
            return "stretch must lie inside the table: offset=" + offset + ", count=" + count + ", length="
                    + dense.length() + ", table=" + spec.name();
        }
        long lastBlock = (offset + Math.max(1, count) - 1) / dense.blockLength();
        for (long block = offset / dense.blockLength(); block <= lastBlock; block++) {
            if (dense.shardOf(block, table.id(), shardCount) != index) {
                return wrongShard(table, block);
            }
        }
        return null;
    }

    private @Nullable String faultOfKeys(ShardTable table, MemorySegment bytes, int at, int count, int strideBytes) {
        long offset = at + (long) DataLayout.PAYLOAD_OFFSET;
        if (table.spec().shape() instanceof TableShape.Dense dense) {
            for (int i = 0; i < count; i++) {
                long block = bytes.get(KEY, offset + (long) i * strideBytes);
                if (block < 0 || block >= dense.blockCount() || dense.shardOf(block, table.id(), shardCount) != index) {
                    return wrongShard(table, block);
                }
            }
            return null;
        }
        int shards = shardCount;
        int here = index;
        int wrong = 0;
        for (int i = 0; i < count; i++) {
            wrong |= Keys.shardOf(bytes.get(KEY, offset + (long) i * strideBytes), shards) ^ here;
        }
        if (wrong == 0) {
            return null;
        }
        int i = 0;
        while (Keys.shardOf(bytes.get(KEY, offset + (long) i * strideBytes), shards) == here) {
            i++;
        }
        return wrongShard(table, bytes.get(KEY, offset + (long) i * strideBytes));
    }

    private String wrongShard(ShardTable table, long key) {
        faultCode = ErrorCode.WRONG_SHARD;
        return "key must belong to the shard it is sent to: table="
                + table.spec().name() + ", key=" + key + ", shard=" + index + ", shards=" + shardCount;
    }

    /// Refuses in order: the number is used up.
    private void reject(WorkerEntry entry, ByteBuffer frame, int at, Effects effects, ErrorCode code, String message) {
        entry.advance(DataLayout.number(frame, at), DataLayout.clock(frame, at), true);
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
    /// @return for [Control.JoinRun] the worker's generation, otherwise the id of the table or 0
    /// @throws WeirException if it is refused; the shard is as before
    public int apply(Control event) {
        int result =
                switch (event) {
                    case Control.CreateTable create -> createTable(create);
                    case Control.DropTable drop -> dropTable(drop);
                    case Control.JoinRun join -> runs.join(join);
                    case Control.OpenWorker open -> openWorker(open);
                    case Control.CloseWorker close -> closeWorker(close);
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
        if (create.tableId() <= greatestTableId) {
            throw new WeirException(
                    ErrorCode.TABLE_MISMATCH,
                    "table ids are never used again: tableId=" + create.tableId() + ", greatest=" + greatestTableId);
        }
        if (create.tableId() >= tables.length) {
            tables = java.util.Arrays.copyOf(tables, Math.max(tables.length * 2, create.tableId() + 1));
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

    private int openWorker(Control.OpenWorker open) {
        WorkerEntry entry = workers.find(open.run(), open.worker());
        if (entry == null) {
            if (workers.count() >= MAX_OPEN_WORKERS) {
                throw new WeirException(
                        ErrorCode.LIMIT_EXCEEDED,
                        "too many workers are open on the shard: shard=" + index + ", limit=" + MAX_OPEN_WORKERS
                                + "; clients that end without closing leave theirs open until the server restarts");
            }
            workers.add(new WorkerEntry(open.run(), open.worker(), open.generation()));
        } else if (open.generation() < entry.generation()) {
            throw new WeirException(
                    ErrorCode.FENCED,
                    "a newer generation of this worker has taken over: worker=" + open.worker() + ", generation="
                            + open.generation() + ", newest=" + entry.generation());
        } else {
            entry.open(open.generation());
        }
        return 0;
    }

    private int closeWorker(Control.CloseWorker close) {
        runs.close(close);
        WorkerEntry entry = workers.find(close.run(), close.worker());
        if (entry != null && entry.generation() == close.generation()) {
            workers.remove(entry);
        }
        return 0;
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
        return greatestTableId;
    }

    /// A worker's clock, last number and number at that clock, or zeros if it has no entry.
    public long[] workerPlace(long run, int worker) {
        WorkerEntry entry = workers.find(run, worker);
        return entry == null ? new long[3] : new long[] {entry.clock(), entry.lastNumber(), entry.numberAtClock()};
    }

    /// State and generation of each worker of a run, or null if this shard is not its home.
    public int @Nullable [][] runMembers(String name) {
        RunMembers members = runs.find(name);
        if (members == null) {
            return null;
        }
        int[][] result = new int[members.workerCount()][];
        for (int i = 0; i < result.length; i++) {
            result[i] = new int[] {members.state(i), members.generation(i)};
        }
        return result;
    }

    /// Frees the rows of all tables.
    @Override
    public void close() {
        for (ShardTable table : tables()) {
            table.store().close();
        }
        tables = new ShardTable[0];
    }

    private @Nullable ShardTable tableOrNull(int tableId) {
        return tableId >= 0 && tableId < tables.length ? tables[tableId] : null;
    }
}
