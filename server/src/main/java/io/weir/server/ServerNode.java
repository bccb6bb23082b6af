package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.shard.Control;
import io.weir.shard.Shard;
import io.weir.shard.ShardTable;
import io.weir.table.MemoryBudget;
import io.weir.wire.FrameLayout;
import io.weir.wire.Limits;
import io.weir.wire.Message;
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
    private final long incarnation = new SecureRandom().nextLong();
    private volatile @Nullable Placed placed;
    private volatile IntSupplier connectionCount = () -> 0;
    private boolean closed;

    /// The place in the shard map, and the shards that follow from it.
    private record Placed(Message.Attach map, List<ShardGate> gates) {}

    public ServerNode(int shardCount, long memoryCapBytes) {
        this.shardCount = shardCount;
        this.budget = new MemoryBudget(memoryCapBytes);
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
                0,
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
                || map.shardCount() > io.weir.model.ShardMap.MAX_SHARDS
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

    /// Answers a control message of a client that is attached with `map`.
    ///
    /// @throws WeirException if it is refused
    public Message handle(Message message, Message.Attach map) {
        return switch (message) {
            case Message.Ping _ -> new Message.Ok();
            case Message.ServerStatus _ -> status();
            case Message.ListTables list -> new Message.Tables(tables(list.name()));
            case Message.CreateTable create -> createTable(create, map);
            case Message.DropTable drop -> new Message.DropTableReply(dropTable(drop.name()));
            case Message.JoinRun join -> joinRun(join, map);
            case Message.OpenWorker open -> openWorker(open, map);
            case Message.CloseWorker close -> closeWorker(close);
            case Message.RunStatus run -> runStatus(run);
            case Message.Hello _,
                    Message.HelloReply _,
                    Message.Attach _,
                    Message.Ok _,
                    Message.ServerStatusReply _,
                    Message.Tables _,
                    Message.DropTableReply _,
                    Message.JoinRunReply _,
                    Message.OpenWorkerReply _,
                    Message.RunStatusReply _ ->
                throw new WeirException(
                        ErrorCode.MALFORMED_FRAME, "not a request at this point: type=" + message.type());
        };
    }

    private Message.ServerStatusReply status() {
        Placed here = placed;
        int tableCount = here == null
                ? 0
                : here.gates().getFirst().call(shard -> shard.tables().size());
        return new Message.ServerStatusReply(
                budget.usedBytes(), budget.capBytes(), tableCount, connectionCount.getAsInt());
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

    private Message joinRun(Message.JoinRun join, Message.Attach map) {
        if (join.workerCount() < 1
                || join.workerCount() > MAX_WORKERS
                || join.worker() < 0
                || join.worker() >= join.workerCount()) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "worker must be from 0 to workerCount - 1, workerCount from 1 to " + MAX_WORKERS + ": worker="
                            + join.worker() + ", workerCount=" + join.workerCount());
        }
        place(map);
        Control event = new Control.JoinRun(join.name(), join.worker(), join.workerCount(), join.continued());
        return new Message.JoinRunReply(home(join.shard()).call(shard -> shard.apply(event)));
    }

    /// Most workers of one run.
    private static final int MAX_WORKERS = 65_536;

    private Message openWorker(Message.OpenWorker open, Message.Attach map) {
        Control event = new Control.OpenWorker(open.run(), open.worker(), open.generation());
        List<Message.Entry> entries = new ArrayList<>();
        for (ShardGate gate : place(map).gates()) {
            entries.add(gate.call(shard -> {
                shard.apply(event);
                long[] place = shard.workerPlace(open.run(), open.worker());
                return new Message.Entry(shard.index(), place[0], place[1], place[2]);
            }));
        }
        return new Message.OpenWorkerReply(entries);
    }

    private Message closeWorker(Message.CloseWorker close) {
        Placed here = placed;
        if (here != null) {
            Control event = new Control.CloseWorker(close.run(), close.worker(), close.generation(), close.finished());
            for (ShardGate gate : here.gates()) {
                gate.call(shard -> shard.apply(event));
            }
        }
        return new Message.Ok();
    }

    private Message runStatus(Message.RunStatus run) {
        Message.@Nullable RunStatusReply reply = placed == null
                ? null
                : home(run.shard()).call(shard -> {
                    int[][] members = shard.runMembers(run.name());
                    if (members == null) {
                        return null;
                    }
                    List<Message.Member> list = new ArrayList<>();
                    for (int i = 0; i < members.length; i++) {
                        long[] place = shard.workerPlace(Keys.ofString(run.name()), i);
                        list.add(new Message.Member(members[i][0], members[i][1], place[1], place[0]));
                    }
                    return new Message.RunStatusReply(list);
                });
        if (reply == null) {
            throw new WeirException(ErrorCode.UNKNOWN_RUN, "no run has this name here: run=" + run.name());
        }
        return reply;
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
                gates.add(new ShardGate(new Shard(map.firstShard() + i, map.shardCount(), budget)));
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
