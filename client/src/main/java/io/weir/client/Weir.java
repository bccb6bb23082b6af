package io.weir.client;

import io.weir.client.internal.TcpTransport;
import io.weir.client.internal.WeirClient;
import io.weir.model.RunSpec;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/// A connection to a cluster of parameter servers. Thread-safe; one for a process is enough.
///
/// Pushes through [#table] belong to no run: they carry an identity that this connection makes up for itself.
public interface Weir extends AutoCloseable {
    /// Connects to servers.
    ///
    /// @param servers addresses, separated by commas: `host`, `host:port` or `weir://host:port`. All servers of the
    ///     cluster, in any order
    /// @throws io.weir.model.WeirException `UNAVAILABLE` naming a server that cannot be reached,
    ///     `VERSION_MISMATCH` if one speaks another protocol, `MAP_MISMATCH` if their tables were made with another
    ///     set of servers
    static Weir connect(String servers) {
        return connect(servers, ClientConfig.defaults());
    }

    /// Connects to servers, see [#connect(String)].
    static Weir connect(String servers, ClientConfig config) {
        List<ServerAddress> addresses = new ArrayList<>();
        for (String server : servers.split(",", -1)) {
            addresses.add(ServerAddress.parse(server));
        }
        return connect(addresses, config);
    }

    /// Connects to servers, see [#connect(String)].
    static Weir connect(List<ServerAddress> servers, ClientConfig config) {
        List<ServerAddress> addresses = List.copyOf(servers);
        if (addresses.isEmpty()) {
            throw new IllegalArgumentException("at least one server must be named");
        }
        return new WeirClient(config, handler -> TcpTransport.connect(addresses, handler, config));
    }

    /// The shard map this connection works by.
    ShardMap shardMap();

    /// A training run with so many workers, to be described further and joined.
    default RunBuilder run(String name, int workerCount) {
        return new RunBuilder(this, RunSpec.of(name, workerCount), false);
    }

    /// Joins a run.
    ///
    /// @throws io.weir.model.WeirException `RUN_FINISHED` if it is finished and not to be continued,
    ///     `RUN_MISMATCH`, naming what differs, if it is there with another specification
    Run join(RunOptions options);

    /// As [#join], without waiting for the servers.
    CompletableFuture<Run> joinAsync(RunOptions options);

    /// Names of all runs, sorted, finished ones included.
    List<String> runs();

    /// How a run stands.
    ///
    /// @throws io.weir.model.WeirException `UNKNOWN_RUN` if there is none of this name
    RunStatus runStatus(String name);

    /// Creates a table. The same table with the same specification again is fine.
    ///
    /// @throws io.weir.model.WeirException `TABLE_MISMATCH`, naming what differs, if it is there with another one
    TableInfo create(TableSpec spec);

    /// Describes the table with this name, if there is one.
    Optional<TableInfo> describe(String name);

    /// Describes all tables, by name.
    List<TableInfo> tables();

    /// Drops a table. Its id is not used again; late pushes to it are refused.
    ///
    /// @return false if there is no such table
    boolean drop(String name);

    /// The embedding table with this name, outside any run.
    ///
    /// @throws io.weir.model.WeirException `UNKNOWN_TABLE` if there is none
    Table table(String name);

    /// The dense table with this name, outside any run.
    DenseTable denseTable(String name);

    /// Hands every stored row of a table to `receiver`, shard by shard, in no promised order. Rows that appear
    /// meanwhile may be left out; every row is delivered whole.
    ///
    /// @param receiver gets one batch after the other; the batch is reused
    void scan(String table, Consumer<RowBatch> receiver);

    /// Stores whole rows, weights and slots, over what is there. Of a row with a push count of 0 the slots are not
    /// looked at: it gets those that an optimizer begins with. Acknowledged and exactly once, as a push.
    void load(String table, RowBatch rows);

    /// Describes all servers, in the order of the shard map.
    List<ServerInfo> servers();

    /// Lets all servers begin to record what they spend their time on, unless they do already.
    void startProfile();

    /// Lets all servers write what they have recorded to a file of their machine, and go on or not.
    ///
    /// @param end whether they are to record no longer
    /// @return the files, in the order of the shard map; they are in the format of the JVM's flight recorder
    /// @throws io.weir.model.WeirException `INVALID_ARGUMENT` if they do not record
    List<String> dumpProfile(boolean end);

    /// Bytes of parameters and index that the servers hold, all tables together.
    long memoryBytes();

    /// Waits until every push is acknowledged, at most for the deadline, and disconnects.
    @Override
    void close();
}
