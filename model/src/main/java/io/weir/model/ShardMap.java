package io.weir.model;

import java.util.List;
import java.util.Objects;

/// Which server holds which shard. In a static cluster it follows from the server addresses in sorted order and the
/// number of shards of each: shards are numbered through, server after server. Immutable.
///
/// @param version 1 for a static cluster; later maps count up
/// @param servers each with its number of shards, in order of address
public record ShardMap(int version, List<Server> servers) {
    /// Most shards in one cluster.
    public static final int MAX_SHARDS = 4096;

    /// One server of the map.
    ///
    /// @param address where it listens
    /// @param shardCount shards it holds, at least 1
    public record Server(ServerAddress address, int shardCount) {
        public Server {
            Objects.requireNonNull(address, "address");
            if (shardCount < 1 || shardCount > MAX_SHARDS) {
                throw new IllegalArgumentException("a server has from 1 to " + MAX_SHARDS + " shards: shards="
                        + shardCount + ", server=" + address);
            }
        }
    }

    public ShardMap {
        if (version < 1) {
            throw new IllegalArgumentException("shard map version must be at least 1: version=" + version);
        }
        servers = servers.stream()
                .sorted((a, b) -> a.address().compareTo(b.address()))
                .toList();
        if (servers.isEmpty()) {
            throw new IllegalArgumentException("a shard map needs at least one server");
        }
        long count = 0;
        for (int i = 0; i < servers.size(); i++) {
            count += servers.get(i).shardCount();
            if (i > 0 && servers.get(i).address().equals(servers.get(i - 1).address())) {
                throw new IllegalArgumentException(
                        "a server is listed twice: server=" + servers.get(i).address());
            }
        }
        if (count > MAX_SHARDS) {
            throw new IllegalArgumentException("a cluster has at most " + MAX_SHARDS + " shards: shards=" + count);
        }
    }

    /// Shards of all servers together.
    public int shardCount() {
        int count = 0;
        for (Server server : servers) {
            count += server.shardCount();
        }
        return count;
    }

    /// First shard of the server at `serverIndex`.
    public int firstShardOf(int serverIndex) {
        int first = 0;
        for (int i = 0; i < serverIndex; i++) {
            first += servers.get(i).shardCount();
        }
        return first;
    }

    /// Index in [#servers] of the server that holds `shard`.
    public int serverOf(int shard) {
        int first = 0;
        for (int i = 0; i < servers.size(); i++) {
            first += servers.get(i).shardCount();
            if (shard >= 0 && shard < first) {
                return i;
            }
        }
        throw new IllegalArgumentException("shard is not in the map: shard=" + shard + ", shards=" + first);
    }

    /// A number that tells maps apart: [Keys#ofString] of the text `version;host:port=shards;…`.
    /// Never 0, which on the wire means that no map is known yet.
    public long hash() {
        StringBuilder text = new StringBuilder().append(version);
        for (Server server : servers) {
            text.append(';').append(server.address()).append('=').append(server.shardCount());
        }
        long hash = Keys.ofString(text.toString());
        return hash == 0 ? 1 : hash;
    }
}
