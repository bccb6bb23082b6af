package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.ServerInfo;
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
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;

/// A connection over any transport: control goes through a session of its own, which is also the identity of pushes
/// that belong to no run; each run gets a further one.
public final class WeirClient implements Weir {
    private final ClientConfig config;
    private final Function<ReplyHandler, ShardTransport> connect;
    private final Session session;
    private final Pulse pulse;
    private final LongSupplier random;

    /// @param connect opens a transport whose answers go to the given handler
    public WeirClient(ClientConfig config, Function<ReplyHandler, ShardTransport> connect) {
        this(
                config,
                connect,
                new PulseThread(),
                () -> ThreadLocalRandom.current().nextLong());
    }

    /// @param pulse calls for signs of life
    /// @param random makes up identities
    public WeirClient(
            ClientConfig config, Function<ReplyHandler, ShardTransport> connect, Pulse pulse, LongSupplier random) {
        this.config = config;
        this.connect = connect;
        this.pulse = pulse;
        this.random = random;
        this.session = new Session(config, connect);
    }

    Pulse pulse() {
        return pulse;
    }

    @Override
    public ShardMap shardMap() {
        return session.map();
    }

    @Override
    public Run join(RunOptions options) {
        Session own = new Session(config, connect);
        try {
            return own.calls().await(ClientRun.join(this, own, options, random.getAsLong()), "joining the run");
        } catch (RuntimeException e) {
            own.close();
            throw e;
        }
    }

    @Override
    public CompletableFuture<Run> joinAsync(RunOptions options) {
        Session own = new Session(config, connect);
        CompletableFuture<Run> joined = own.calls().working(ClientRun.join(this, own, options, random.getAsLong()));
        own.calls().settle();
        return joined;
    }

    @Override
    public List<String> runs() {
        TreeSet<String> names = new TreeSet<>();
        for (int server = 0; server < shardMap().servers().size(); server++) {
            RunMessage.Runs runs =
                    ClientRun.as(RunMessage.Runs.class, session.control(server, new RunMessage.ListRuns()));
            runs.names().forEach(name -> names.add(name.text()));
        }
        return List.copyOf(names);
    }

    @Override
    public RunStatus runStatus(String name) {
        RunMessage.RunStatusReply home = null;
        List<RunStatus.Wait> waits = new ArrayList<>();
        for (int server = 0; server < shardMap().servers().size(); server++) {
            try {
                RunMessage.RunStatusReply part = ClientRun.as(
                        RunMessage.RunStatusReply.class, session.control(server, new RunMessage.RunStatus(name)));
                home = home == null || part.home() ? part : home;
                for (RunMessage.Wait wait : part.waits()) {
                    waits.add(new RunStatus.Wait(
                            wait.worker(),
                            choice(RunStatus.Kind.values(), wait.kind() - 1),
                            wait.clock(),
                            wait.waitsFor()));
                }
            } catch (WeirException e) {
                if (e.code() != ErrorCode.UNKNOWN_RUN) {
                    throw e;
                }
            }
        }
        if (home == null) {
            throw new WeirException(ErrorCode.UNKNOWN_RUN, "no run has this name: run=" + name);
        }
        List<RunStatus.Worker> workers = new ArrayList<>();
        for (RunMessage.Member member : home.members()) {
            workers.add(new RunStatus.Worker(
                    workers.size(),
                    choice(RunStatus.State.values(), member.state()),
                    member.generation(),
                    member.number(),
                    member.clock(),
                    member.silentMs(),
                    member.portion()));
        }
        return new RunStatus(
                home.spec(),
                home.finished(),
                home.closedSteps(),
                home.portionsHeld(),
                home.portionsDone(),
                workers,
                waits);
    }

    private static <T> T choice(T[] choices, int number) {
        if (number < 0 || number >= choices.length) {
            throw unexpected();
        }
        return choices[number];
    }

    /// Home shard of a run: by its id, as a key would be placed.
    int homeOf(String run) {
        return Keys.shardOf(Keys.ofString(run), shardMap().shardCount());
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
        session.openAnonymous(random);
        return new ClientTable(session, TableView.of(info));
    }

    @Override
    public DenseTable denseTable(String name) {
        TableInfo info = describe(name).orElseThrow(() -> unknownTable(name));
        session.openAnonymous(random);
        return new ClientDenseTable(session, TableView.of(info));
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
                cursor = session.scan(TableView.of(info), shard, cursor, batch);
                if (batch.count() > 0) {
                    receiver.accept(batch);
                }
            }
        }
    }

    @Override
    public void load(String table, RowBatch rows) {
        TableInfo info = describe(table).orElseThrow(() -> unknownTable(table));
        session.openAnonymous(random);
        session.load(TableView.of(info), rows);
    }

    @Override
    public List<ServerInfo> servers() {
        List<ServerInfo> servers = new ArrayList<>();
        for (ShardMap.Server server : shardMap().servers()) {
            Message reply = session.control(servers.size(), new Message.ServerStatus());
            if (!(reply instanceof Message.ServerStatusReply status)) {
                throw unexpected();
            }
            servers.add(new ServerInfo(
                    server.address(),
                    server.shardCount(),
                    status.memoryBytes(),
                    status.memoryCapBytes(),
                    status.connectionCount(),
                    status.duplicates(),
                    status.latePushes(),
                    status.skippedRows(),
                    status.waitingPulls()));
        }
        return List.copyOf(servers);
    }

    @Override
    public void startProfile() {
        List<String> unused = profile(Message.Profile.Action.START);
    }

    @Override
    public List<String> dumpProfile(boolean end) {
        return profile(end ? Message.Profile.Action.STOP : Message.Profile.Action.DUMP);
    }

    private List<String> profile(Message.Profile.Action action) {
        List<String> files = new ArrayList<>();
        for (int server = 0; server < shardMap().servers().size(); server++) {
            if (!(session.control(server, new Message.Profile(action)) instanceof Message.ProfileReply reply)) {
                throw unexpected();
            }
            files.add(reply.file());
        }
        return List.copyOf(files);
    }

    @Override
    public long memoryBytes() {
        return servers().stream().mapToLong(ServerInfo::memoryBytes).sum();
    }

    @Override
    public void close() {
        pulse.close();
        session.close();
    }

    private static int valueLength(TableSpec spec) {
        return spec.valueLength();
    }

    private static WeirException unknownTable(String name) {
        return new WeirException(ErrorCode.UNKNOWN_TABLE, "no table has this name: table=" + name);
    }

    private static WeirException unexpected() {
        return new WeirException(ErrorCode.INTERNAL, "a control message was answered with something else");
    }
}
