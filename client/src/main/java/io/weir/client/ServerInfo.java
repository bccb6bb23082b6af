package io.weir.client;

import io.weir.model.ServerAddress;

/// One server of the cluster, as it answered. Immutable.
///
/// @param address where it listens
/// @param shardCount shards it holds
/// @param memoryBytes held by rows and index
/// @param memoryCapBytes the most it will hold
/// @param connectionCount open connections, this one included
public record ServerInfo(
        ServerAddress address, int shardCount, long memoryBytes, long memoryCapBytes, int connectionCount) {}
