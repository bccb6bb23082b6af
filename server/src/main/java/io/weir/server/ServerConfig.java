package io.weir.server;

import java.util.Objects;

/// How a server runs. Immutable; start from [#defaults].
///
/// @param host address to listen on; anything but loopback needs `insecure`, as there is no TLS yet
/// @param port to listen on, 0 for any free one
/// @param shardCount shards of this server
/// @param memoryCapBytes most memory for rows and index
/// @param eventLoops threads that serve connections
/// @param spinNs how long an event loop polls before it sleeps
/// @param insecure whether listening beyond loopback without TLS and authentication is accepted
public record ServerConfig(
        String host, int port, int shardCount, long memoryCapBytes, int eventLoops, long spinNs, boolean insecure) {
    /// Most shards of one server.
    public static final int MAX_SHARDS = 1024;

    /// Smallest useful memory cap: 16 MiB.
    public static final long MIN_MEMORY_BYTES = 16L << 20;

    public ServerConfig {
        Objects.requireNonNull(host, "host");
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port must be from 0 to 65535: port=" + port);
        }
        if (shardCount < 1 || shardCount > MAX_SHARDS) {
            throw new IllegalArgumentException("shards must be from 1 to " + MAX_SHARDS + ": shards=" + shardCount);
        }
        if (memoryCapBytes < MIN_MEMORY_BYTES) {
            throw new IllegalArgumentException(
                    "memory must be at least " + MIN_MEMORY_BYTES + " bytes (16 MiB): memory=" + memoryCapBytes);
        }
        if (eventLoops < 1 || eventLoops > 256) {
            throw new IllegalArgumentException("event loops must be from 1 to 256: eventLoops=" + eventLoops);
        }
        if (spinNs < 0) {
            throw new IllegalArgumentException("spin must be 0 or more: spinNs=" + spinNs);
        }
    }

    /// Loopback, port 7700, 8 shards, half of the machine's memory, one event loop for each processor up to 16.
    public static ServerConfig defaults() {
        int processors = Runtime.getRuntime().availableProcessors();
        return new ServerConfig(
                "127.0.0.1",
                7700,
                8,
                Math.max(MIN_MEMORY_BYTES, JvmCheck.machineMemoryBytes() / 2),
                Math.min(processors, 16),
                50_000,
                false);
    }

    public ServerConfig withHost(String host) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withPort(int port) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withShardCount(int shardCount) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withMemoryCapBytes(long memoryCapBytes) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withEventLoops(int eventLoops) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withSpinNs(long spinNs) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }

    public ServerConfig withInsecure(boolean insecure) {
        return new ServerConfig(host, port, shardCount, memoryCapBytes, eventLoops, spinNs, insecure);
    }
}
