package io.weir.embedded;

import io.weir.client.ClientConfig;
import io.weir.client.Weir;
import io.weir.model.ServerAddress;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Servers in this process and a way to connect to them: entered directly, or over TCP.
final class Cluster implements AutoCloseable {
    private static final long MEMORY_BYTES = 1L << 30;

    private final EmbeddedServer embedded;
    private final List<WeirServer> servers;

    private Cluster(EmbeddedServer embedded, List<WeirServer> servers) {
        this.embedded = embedded;
        this.servers = servers;
    }

    static Cluster embedded(int shards) {
        return embedded(shards, MEMORY_BYTES);
    }

    static Cluster embedded(int shards, long memoryBytes) {
        return new Cluster(
                EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(memoryBytes)),
                List.of());
    }

    static Cluster tcp(int serverCount, int shards) {
        return tcp(serverCount, shards, MEMORY_BYTES);
    }

    static Cluster tcp(int serverCount, int shards, long memoryBytes) {
        try {
            List<WeirServer> servers = new ArrayList<>();
            for (int i = 0; i < serverCount; i++) {
                servers.add(WeirServer.start(ServerConfig.defaults()
                        .withPort(0)
                        .withShardCount(shards)
                        .withEventLoops(2)
                        .withMemoryCapBytes(memoryBytes)));
            }
            return new Cluster(EmbeddedServer.open(ServerConfig.defaults()), servers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<ServerAddress> addresses() {
        return servers.stream()
                .map(server -> new ServerAddress("127.0.0.1", server.address().getPort()))
                .toList();
    }

    List<WeirServer> servers() {
        return servers;
    }

    Weir connect() {
        return connect(ClientConfig.defaults().withDeadline(Duration.ofSeconds(20)));
    }

    Weir connect(ClientConfig config) {
        return servers.isEmpty() ? embedded.connect(config) : Weir.connect(addresses(), config);
    }

    @Override
    public void close() {
        servers.forEach(WeirServer::close);
        embedded.close();
    }
}
