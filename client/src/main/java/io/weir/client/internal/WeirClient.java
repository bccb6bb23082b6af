package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.RowLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/// A connection over any transport: control goes through a session of its own, which is also the identity of pushes
/// that belong to no run; each run gets a further one.
public final class WeirClient implements Weir {
    private final ClientConfig config;
    private final Function<ReplyHandler, ShardTransport> connect;
    private final Session session;

    /// @param connect opens a transport whose answers go to the given handler
    public WeirClient(ClientConfig config, Function<ReplyHandler, ShardTransport> connect) {
        this.config = config;
        this.connect = connect;
        this.session = new Session(config, connect);
    }

    @Override
    public ShardMap shardMap() {
        return session.map();
    }

    @Override
    public Run join(RunOptions options) {
        Session own = new Session(config, connect);
        try {
            return new ClientRun(this, own, options);
        } catch (RuntimeException e) {
            own.close();
            throw e;
        }
    }

    @Override
    public RunStatus runStatus(String name) {
        int home = homeOf(name);
        if (!(control(home, new Message.RunStatus(home, name)) instanceof Message.RunStatusReply reply)) {
            throw unexpected();
        }
        List<RunStatus.Worker> workers = new ArrayList<>();
        for (Message.Member member : reply.members()) {
            workers.add(new RunStatus.Worker(
                    workers.size(), stateOf(member.state()), member.generation(), member.number(), member.clock()));
        }
        return new RunStatus(name, workers);
    }

    private static RunStatus.State stateOf(int state) {
        return switch (state) {
            case 0 -> RunStatus.State.MISSING;
            case 1 -> RunStatus.State.ACTIVE;
            case 2 -> RunStatus.State.LEFT;
            default -> RunStatus.State.FINISHED;
        };
    }

    /// Home shard of a run: by its id, as a key would be placed.
    int homeOf(String run) {
        return Keys.shardOf(Keys.ofString(run), shardMap().shardCount());
    }

    /// Sends a control message to the server of a shard.
    Message control(int shard, Message message) {
        return session.control(shardMap().serverOf(shard), message);
    }

    @Override
    public TableInfo create(TableSpec spec) {
        return create(spec, 0);
    }

    /// Creates a table: the server of shard 0 gives the id, the others take it.
    TableInfo create(TableSpec spec, long creatorRun) {
        int first = shardMap().serverOf(0);
        int tableId = only(session.control(first, new Message.CreateTable(0, creatorRun, spec)))
                .tableId();
        for (int server = 0; server < shardMap().servers().size(); server++) {
            if (server != first) {
                session.control(server, new Message.CreateTable(tableId, creatorRun, spec));
            }
        }
        return describe(spec.name()).orElseThrow(() -> unknownTable(spec.name()));
    }

    private static Message.Table only(Message reply) {
        if (reply instanceof Message.Tables tables && tables.tables().size() == 1) {
            return tables.tables().get(0);
        }
        throw unexpected();
    }

    @Override
    public Optional<TableInfo> describe(String name) {
        return tables(name).stream().findFirst();
    }

    @Override
    public List<TableInfo> tables() {
        return tables("");
    }

    private List<TableInfo> tables(String name) {
        TreeMap<String, TableInfo> byName = new TreeMap<>();
        for (int server = 0; server < shardMap().servers().size(); server++) {
            if (!(session.control(server, new Message.ListTables(name)) instanceof Message.Tables reply)) {
                throw unexpected();
            }
            for (Message.Table part : reply.tables()) {
                TableInfo info = new TableInfo(
                        part.tableId(), part.spec(), part.creatorRun(), part.rowCount(), part.memoryBytes());
                byName.merge(part.spec().name(), info, WeirClient::add);
            }
        }
        return List.copyOf(byName.values());
    }

    private static TableInfo add(TableInfo a, TableInfo b) {
        return new TableInfo(
                a.id(), a.spec(), a.creatorRun(), a.rowCount() + b.rowCount(), a.memoryBytes() + b.memoryBytes());
    }

    @Override
    public boolean drop(String name) {
        boolean dropped = false;
        for (int server = 0; server < shardMap().servers().size(); server++) {
            dropped |= session.control(server, new Message.DropTable(name)) instanceof Message.DropTableReply reply
                    && reply.dropped();
        }
        return dropped;
    }

    @Override
    public Table table(String name) {
        TableInfo info = describe(name).orElseThrow(() -> unknownTable(name));
        session.openAnonymous();
        return new ClientTable(session, info);
    }

    @Override
    public DenseTable denseTable(String name) {
        TableInfo info = describe(name).orElseThrow(() -> unknownTable(name));
        session.openAnonymous();
        return new ClientDenseTable(session, info);
    }

    @Override
    public void scan(String table, Consumer<RowBatch> receiver) {
        TableInfo info = describe(table).orElseThrow(() -> unknownTable(table));
        int valueLength = valueLength(info.spec());
        RowBatch batch =
                new RowBatch(Math.max(1, Limits.MAX_SCAN_BYTES / RowLayout.rowBytes(valueLength)), valueLength);
        for (int shard = 0; shard < shardMap().shardCount(); shard++) {
            long cursor = 0;
            while (cursor >= 0) {
                cursor = session.scan(info, shard, cursor, batch);
                if (batch.count() > 0) {
                    receiver.accept(batch);
                }
            }
        }
    }

    @Override
    public void load(String table, RowBatch rows) {
        TableInfo info = describe(table).orElseThrow(() -> unknownTable(table));
        session.openAnonymous();
        session.load(info, rows);
    }

    @Override
    public long memoryBytes() {
        long bytes = 0;
        for (int server = 0; server < shardMap().servers().size(); server++) {
            if (session.control(server, new Message.ServerStatus()) instanceof Message.ServerStatusReply status) {
                bytes += status.memoryBytes();
            }
        }
        return bytes;
    }

    @Override
    public void close() {
        session.close();
    }

    private static int valueLength(TableSpec spec) {
        return spec.rowLength() * (1 + spec.optimizer().slotCount());
    }

    private static WeirException unknownTable(String name) {
        return new WeirException(ErrorCode.UNKNOWN_TABLE, "no table has this name: table=" + name);
    }

    private static WeirException unexpected() {
        return new WeirException(ErrorCode.INTERNAL, "a control message was answered with something else");
    }
}
