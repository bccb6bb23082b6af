package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.shard.Answer;
import io.weir.shard.Control;
import io.weir.shard.PlantedBug;
import io.weir.shard.Shard;
import io.weir.shard.ShardTable;
import io.weir.table.MemoryBudget;
import io.weir.wire.FrameCodecs;
import io.weir.wire.FrameLayout;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/// The shards of one server behind their gates, and its control messages. What reaches it over sockets and what
/// reaches it from the same process goes through the same methods. Thread-safe.
///
/// The shards are made when the first table is created, or the first run joined: only then is it known which place the
/// server has in the shard map, and from then on that map is pinned.
public final class ServerNode implements AutoCloseable {
    /// What the server says of itself.
    public static final String SOFTWARE = "weir/0.1.0";

    private final int shardCount;
    private final MemoryBudget budget;
    private final long incarnation;
    private final @Nullable PlantedBug bug;
    private volatile @Nullable Placed placed;
    private volatile IntSupplier connectionCount = () -> 0;
    private final ServerProfile profile = new ServerProfile();
    private boolean closed;

    /// The place in the shard map, and the shards that follow from it.
    private record Placed(Message.Attach map, List<ShardGate> gates) {}

    public ServerNode(int shardCount, long memoryCapBytes) {
        this(shardCount, memoryCapBytes, new SecureRandom().nextLong(), null);
    }

    /// @param incarnation random for each start of a server
    /// @param bug a mistake for its shards to make, for tests
    public ServerNode(int shardCount, long memoryCapBytes, long incarnation, @Nullable PlantedBug bug) {
        this.shardCount = shardCount;
        this.budget = new MemoryBudget(memoryCapBytes);
        this.incarnation = incarnation;
        this.bug = bug;
    }

    /// Shards of this server.
    public int shardCount() {
        return shardCount;
    }

    /// Memory of its rows and index.
    public MemoryBudget budget() {
        return budget;
    }

    /// Says where to ask for the number of connections.
    void setConnectionCount(IntSupplier count) {
        connectionCount = count;
    }

    /// The gate of a shard by its index in the cluster, or null if it is not here.
    public @Nullable ShardGate gate(int shard) {
        Placed here = placed;
        if (here == null) {
            return null;
        }
        int local = shard - here.map().firstShard();
        return local >= 0 && local < here.gates().size() ? here.gates().get(local) : null;
    }

    /// Answers a hello.
    ///
    /// @throws WeirException `VERSION_MISMATCH` if there is no version that both speak
    public Message.HelloReply hello(Message.Hello hello) {
        if (hello.minVersion() > FrameLayout.VERSION || hello.maxVersion() < FrameLayout.VERSION) {
            throw new WeirException(
                    ErrorCode.VERSION_MISMATCH,
                    "client and server share no protocol version: client=" + hello.minVersion() + ".."
                            + hello.maxVersion() + ", server=" + FrameLayout.VERSION + " (" + SOFTWARE + ")");
        }
        Placed here = placed;
        return new Message.HelloReply(
                FrameLayout.VERSION,
                hello.features() & FrameCodecs.features(),
                incarnation,
                shardCount,
                here == null ? 0 : here.map().mapHash(),
                Limits.MAX_FRAME_BYTES,
                SOFTWARE);
    }

    /// Checks that a client's map gives this server a place it can take.
    ///
    /// @throws WeirException `MAP_MISMATCH` if its tables were made with another map
    public void attach(Message.Attach map) {
        if (map.mapHash() == 0
                || map.firstShard() < 0
                || map.shardCount() < 1
                || map.shardCount() > ShardMap.MAX_SHARDS
                || map.firstShard() > map.shardCount() - shardCount) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "the map has no place for this server: firstShard=" + map.firstShard() + ", shards="
                            + map.shardCount() + ", shardsHere=" + shardCount);
        }
        Placed here = placed;
        if (here != null && !here.map().equals(map)) {
            throw new WeirException(
                    ErrorCode.MAP_MISMATCH,
                    "the tables here were made with another set of servers: their shards="
                            + here.map().shardCount() + ", yours=" + map.shardCount()
                            + "; name the same servers as when they were created");
        }
    }

    /// Answers a control message of a client that is attached with `map`: at once, but for what the home shard of a run
    /// can only answer later.
    ///
    /// @param answer gets the answer, now or later, on this or another thread; not used if this throws
    /// @throws WeirException if it is refused
    public void handle(Message message, Message.Attach map, Answer answer) {
        switch (message) {
            case Message.Ping _ -> answer.reply(new Message.Ok());
            case Message.ServerStatus _ -> answer.reply(status());
            case Message.Profile profile -> answer.reply(new Message.ProfileReply(this.profile.act(profile.action())));
            case Message.ListTables list -> answer.reply(new Message.Tables(tables(list.name())));
            case Message.CreateTable create -> answer.reply(createTable(create, map));
            case Message.DropTable drop -> answer.reply(new Message.DropTableReply(dropTable(drop.name())));
            case RunMessage run -> handleRun(run, map, answer);
            case Message.Hello _,
                    Message.HelloReply _,
                    Message.Attach _,
                    Message.Ok _,
                    Message.ServerStatusReply _,
                    Message.ProfileReply _,
                    Message.Tables _,
                    Message.DropTableReply _ -> throw noRequest(message);
        }
    }

    private void handleRun(RunMessage message, Message.Attach map, Answer answer) {
        switch (message) {
            case RunMessage.JoinRun join -> {
                place(map);
                ask(join.shard(), join, answer);
            }
            case RunMessage.Heartbeat heartbeat -> ask(heartbeat.shard(), heartbeat, answer);
            case RunMessage.CompleteStep complete -> ask(complete.shard(), complete, answer);
            case RunMessage.Barrier barrier -> ask(barrier.shard(), barrier, answer);
            case RunMessage.NextPortion next -> ask(next.shard(), next, answer);
            case RunMessage.BeginPass begin -> ask(begin.shard(), begin, answer);
            case RunMessage.OpenRun open -> {
                place(map);
                onAllShards(new Control.OpenRun(open), answer);
            }
            case RunMessage.OpenWorker open -> answer.reply(openWorker(open, map));
            case RunMessage.CloseWorker close ->
                onAllShards(new Control.CloseWorker(close.worker(), close.finished()), answer);
            case RunMessage.UpdateMembers update -> onAllShards(new Control.UpdateMembers(update), answer);
            case RunMessage.CloseStep close -> onAllShards(new Control.CloseStep(close), answer);
            case RunMessage.RunStatus status -> answer.reply(runStatus(status));
            case RunMessage.ListRuns _ -> answer.reply(new RunMessage.Runs(runs()));
            case RunMessage.JoinRunReply _,
                    RunMessage.OpenWorkerReply _,
                    RunMessage.Members _,
                    RunMessage.StepClosed _,
                    RunMessage.Portion _,
                    RunMessage.PassDone _,
                    RunMessage.RunStatusReply _,
                    RunMessage.Runs _ -> throw noRequest(message);
        }
    }

    private static WeirException noRequest(Message message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, "not a request at this point: type=" + message.type());
    }

    /// Says that time has passed, for the workers that have fallen silent.
    public void timePassed(int ms) {
        Placed here = placed;
        if (here != null) {
            Control event = new Control.TimePassed(ms);
            for (ShardGate gate : here.gates()) {
                gate.call(shard -> shard.apply(event));
            }
        }
    }

    private void ask(int shard, RunMessage question, Answer answer) {
        home(shard).call(home -> {
            home.ask(question, answer);
            return 0;
        });
    }

    private void onAllShards(Control event, Answer answer) {
        Placed here = placed;
        if (here != null) {
            for (ShardGate gate : here.gates()) {
                gate.call(shard -> shard.apply(event));
            }
        }
        answer.reply(new Message.Ok());
    }

    private Message.ServerStatusReply status() {
        Placed here = placed;
        int tableCount = 0;
        long duplicates = 0;
        long latePushes = 0;
        long skippedRows = 0;
        int waitingPulls = 0;
        if (here != null) {
            tableCount = here.gates().getFirst().call(shard -> shard.tables().size());
            for (ShardGate gate : here.gates()) {
                duplicates += gate.call(Shard::duplicates);
                latePushes += gate.call(Shard::latePushes);
                skippedRows += gate.call(Shard::skippedRows);
                waitingPulls += gate.call(Shard::waitingPulls);
            }
        }
        return new Message.ServerStatusReply(
                budget.usedBytes(),
                budget.capBytes(),
                tableCount,
                connectionCount.getAsInt(),
                duplicates,
                latePushes,
                skippedRows,
                waitingPulls);
    }

    private List<Message.Table> tables(String name) {
        Placed here = placed;
        if (here == null) {
            return List.of();
        }
        TreeMap<Integer, Message.Table> found = new TreeMap<>();
        for (ShardGate gate : here.gates()) {
            for (Message.Table part : gate.call(shard -> describe(shard, name))) {
                found.merge(part.tableId(), part, ServerNode::add);
            }
        }
        return List.copyOf(found.values());
    }

    private static List<Message.Table> describe(Shard shard, String name) {
        List<Message.Table> parts = new ArrayList<>();
        for (ShardTable table : shard.tables()) {
            if (name.isEmpty() || table.spec().name().equals(name)) {
                parts.add(new Message.Table(
                        table.id(),
                        table.creatorRun(),
                        table.store().rowCount(),
                        table.store().memoryBytes(),
                        table.spec()));
            }
        }
        return parts;
    }

    private static Message.Table add(Message.Table a, Message.Table b) {
        return new Message.Table(
                a.tableId(), a.creatorRun(), a.rowCount() + b.rowCount(), a.memoryBytes() + b.memoryBytes(), a.spec());
    }

    private synchronized Message createTable(Message.CreateTable create, Message.Attach map) {
        List<ShardGate> gates = place(map).gates();
        TableSpec spec = create.spec();
        int tableId = create.tableId();
        if (tableId == 0) {
            tableId = gates.getFirst().call(shard -> {
                ShardTable existing = shard.tableNamed(spec.name());
                return existing == null ? shard.greatestTableId() + 1 : existing.id();
            });
        }
        Control event = new Control.CreateTable(tableId, create.creatorRun(), spec);
        for (ShardGate gate : gates) {
            gate.call(shard -> shard.apply(event));
        }
        return new Message.Tables(tables(spec.name()));
    }

    private synchronized boolean dropTable(String name) {
        Placed here = placed;
        if (here == null) {
            return false;
        }
        boolean dropped = false;
        for (ShardGate gate : here.gates()) {
            dropped |= gate.call(shard -> {
                ShardTable table = shard.tableNamed(name);
                return table != null && shard.apply(new Control.DropTable(table.id())) != 0;
            });
        }
        return dropped;
    }

    private Message openWorker(RunMessage.OpenWorker open, Message.Attach map) {
        Control event = new Control.OpenWorker(open);
        List<RunMessage.Entry> entries = new ArrayList<>();
        for (ShardGate gate : place(map).gates()) {
            entries.add(gate.call(shard -> {
                shard.apply(event);
                return shard.entry(open.worker(), open.clock());
            }));
        }
        return new RunMessage.OpenWorkerReply(entries);
    }

    private Message runStatus(RunMessage.RunStatus status) {
        Placed here = placed;
        RunMessage.RunStatusReply all = null;
        if (here != null) {
            for (ShardGate gate : here.gates()) {
                RunMessage.RunStatusReply part = gate.call(shard -> shard.runStatus(status.name()));
                if (part != null) {
                    all = all == null ? part : join(all, part);
                }
            }
        }
        if (all == null) {
            throw new WeirException(ErrorCode.UNKNOWN_RUN, "no run has this name here: run=" + status.name());
        }
        return all;
    }

    private static RunMessage.RunStatusReply join(RunMessage.RunStatusReply a, RunMessage.RunStatusReply b) {
        RunMessage.RunStatusReply home = a.home() ? a : b;
        List<RunMessage.Wait> waits = new ArrayList<>(a.waits());
        waits.addAll(b.waits());
        return new RunMessage.RunStatusReply(
                home.home(),
                home.spec(),
                home.finished(),
                home.closedSteps(),
                home.portionsHeld(),
                home.portionsDone(),
                home.members(),
                waits);
    }

    private List<RunMessage.Name> runs() {
        Placed here = placed;
        List<RunMessage.Name> names = new ArrayList<>();
        if (here != null) {
            for (ShardGate gate : here.gates()) {
                gate.call(Shard::homeRuns).forEach(name -> names.add(new RunMessage.Name(name)));
            }
        }
        return names;
    }

    private ShardGate home(int shard) {
        ShardGate gate = gate(shard);
        if (gate == null) {
            throw new WeirException(ErrorCode.WRONG_SHARD, "the shard is not on this server: shard=" + shard);
        }
        return gate;
    }

    private synchronized Placed place(Message.Attach map) {
        attach(map);
        if (closed) {
            throw new WeirException(ErrorCode.STOPPING, "the server is stopping");
        }
        Placed here = placed;
        if (here == null) {
            List<ShardGate> gates = new ArrayList<>();
            for (int i = 0; i < shardCount; i++) {
                gates.add(new ShardGate(new Shard(map.firstShard() + i, map.shardCount(), budget, bug)));
            }
            here = new Placed(map, List.copyOf(gates));
            placed = here;
        }
        return Objects.requireNonNull(here);
    }

    /// Frees all rows.
    @Override
    public synchronized void close() {
        closed = true;
        profile.close();
        Placed here = placed;
        if (here != null) {
            for (ShardGate gate : here.gates()) {
                gate.call(shard -> {
                    shard.stop("the server is stopping");
                    shard.close();
                    return 0;
                });
            }
        }
    }
}
