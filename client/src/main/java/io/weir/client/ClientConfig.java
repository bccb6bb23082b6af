package io.weir.client;

import io.weir.wire.FrameCodecs;
import java.time.Duration;
import java.util.Objects;

/// How a connection behaves. Immutable; start from [#defaults].
///
/// @param deadline how long a call waits
/// @param maxInFlight most calls under way for one worker; a further one waits
/// @param spin how long a waiting thread polls before it sleeps; waking up costs more than a small request
/// @param connectionsPerServer most connections of one worker to each server, which divide its shards among them: so
/// many threads of a server may work for one worker at a time
/// @param frameCodec makes long frames shorter, without loss, if the server has it too: `none`, `deflate`, or what a
/// further module brings. Worth it where the network is slower than the codec
public record ClientConfig(
        Duration deadline, int maxInFlight, Duration spin, int connectionsPerServer, String frameCodec) {
    /// Most calls under way that may be asked for.
    public static final int MAX_IN_FLIGHT = 4096;

    /// Most connections to one server that may be asked for.
    public static final int MAX_CONNECTIONS_PER_SERVER = 64;

    public ClientConfig {
        Objects.requireNonNull(deadline, "deadline");
        Objects.requireNonNull(spin, "spin");
        if (deadline.compareTo(Duration.ofMillis(1)) < 0 || deadline.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException("deadline must be from 1 ms to 1 day: deadline=" + deadline);
        }
        if (maxInFlight < 1 || maxInFlight > MAX_IN_FLIGHT) {
            throw new IllegalArgumentException(
                    "calls in flight must be from 1 to " + MAX_IN_FLIGHT + ": maxInFlight=" + maxInFlight);
        }
        if (spin.isNegative() || spin.compareTo(Duration.ofSeconds(1)) > 0) {
            throw new IllegalArgumentException("spin must be from 0 to 1 s: spin=" + spin);
        }
        if (connectionsPerServer < 1 || connectionsPerServer > MAX_CONNECTIONS_PER_SERVER) {
            throw new IllegalArgumentException("connections to a server must be from 1 to " + MAX_CONNECTIONS_PER_SERVER
                    + ": connectionsPerServer=" + connectionsPerServer);
        }
        long unused = FrameCodecs.featureOf(frameCodec);
    }

    /// A deadline of 30 s, 64 calls in flight, 50 µs of polling, 2 connections to each server, no frame codec.
    public static ClientConfig defaults() {
        return new ClientConfig(Duration.ofSeconds(30), 64, Duration.ofNanos(50_000), 2, FrameCodecs.NONE);
    }

    public ClientConfig withDeadline(Duration deadline) {
        return new ClientConfig(deadline, maxInFlight, spin, connectionsPerServer, frameCodec);
    }

    public ClientConfig withMaxInFlight(int maxInFlight) {
        return new ClientConfig(deadline, maxInFlight, spin, connectionsPerServer, frameCodec);
    }

    public ClientConfig withSpin(Duration spin) {
        return new ClientConfig(deadline, maxInFlight, spin, connectionsPerServer, frameCodec);
    }

    public ClientConfig withConnectionsPerServer(int connectionsPerServer) {
        return new ClientConfig(deadline, maxInFlight, spin, connectionsPerServer, frameCodec);
    }

    public ClientConfig withFrameCodec(String frameCodec) {
        return new ClientConfig(deadline, maxInFlight, spin, connectionsPerServer, frameCodec);
    }
}
