package io.weir.client;

import io.weir.model.ServerAddress;

/// One server of the cluster, as it answered. Immutable.
///
/// @param address where it listens
/// @param shardCount shards it holds
/// @param memoryBytes held by rows and index
/// @param memoryCapBytes the most it will hold
/// @param connectionCount open connections, this one included
/// @param duplicates pushes and ticks that came again after they were decided, and were not applied again
/// @param latePushes pushes whose synchronous step had been closed without their worker
/// @param skippedRows rows of synchronous steps that were left out because their sum was not finite
/// @param waitingPulls pulls that wait for other workers
public record ServerInfo(
        ServerAddress address,
        int shardCount,
        long memoryBytes,
        long memoryCapBytes,
        int connectionCount,
        long duplicates,
        long latePushes,
        long skippedRows,
        int waitingPulls) {}
