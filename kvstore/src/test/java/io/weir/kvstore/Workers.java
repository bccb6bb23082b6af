package io.weir.kvstore;

import io.weir.client.ClientConfig;
import io.weir.client.Weir;
import io.weir.client.internal.Pulse;
import io.weir.client.internal.TcpTransport;
import io.weir.client.internal.WeirClient;
import io.weir.model.ServerAddress;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Servers in this process, reached over sockets, and workers of a store in threads: fresh ones for each test of the
/// class that registers them.
final class Workers implements BeforeEachCallback, AfterEachCallback {
    private static final int SECONDS = 60;

    private final int serverCount;
    private final List<WeirServer> servers = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    /// What one worker does.
    interface Part<T> {
        T of(KvStore store) throws Exception;
    }

    Workers(int serverCount) {
        this.serverCount = serverCount;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        for (int i = 0; i < serverCount; i++) {
            servers.add(WeirServer.start(ServerConfig.defaults()
                    .withPort(0)
                    .withShardCount(1 + i)
                    .withEventLoops(1)
                    .withMemoryCapBytes(512L << 20)));
        }
    }

    WeirServer server(int index) {
        return servers.get(index);
    }

    String addresses() {
        List<String> addresses = new ArrayList<>();
        for (WeirServer server : servers) {
            addresses.add("127.0.0.1:" + server.address().getPort());
        }
        return String.join(",", addresses);
    }

    KvConfig config(String type, String name, int rank, int count) {
        return KvConfig.distributed(KvType.parse(type), addresses(), rank, count)
                .withName(name)
                .withClient(ClientConfig.defaults().withConnectionsPerServer(1));
    }

    /// Opens a store of `count` workers, lets each do its part in a thread of its own, and closes it.
    ///
    /// @return what each came to, by rank
    <T> List<T> run(String type, String name, int count, Part<T> part) throws InterruptedException {
        List<Future<T>> parts = new ArrayList<>();
        for (int rank = 0; rank < count; rank++) {
            KvConfig config = config(type, name, rank, count);
            parts.add(threads.submit(() -> {
                try (KvStore store = KvStore.open(config)) {
                    return part.of(store);
                }
            }));
        }
        List<T> results = new ArrayList<>();
        for (Future<T> each : parts) {
            try {
                results.add(each.get(SECONDS, TimeUnit.SECONDS));
            } catch (ExecutionException | TimeoutException e) {
                throw new AssertionError("worker " + results.size() + " failed: " + e, e);
            }
        }
        return results;
    }

    /// A connection whose workers give no signs of life but by what they do.
    Weir silent(KvConfig config) {
        List<ServerAddress> addresses = new ArrayList<>();
        for (String address : config.servers().split(",", -1)) {
            addresses.add(ServerAddress.parse(address));
        }
        Pulse pulse = new Pulse() {
            @Override
            public Beating every(int periodMs, Runnable beat) {
                return () -> {};
            }

            @Override
            public void close() {}
        };
        return new WeirClient(
                config.client(),
                handler -> TcpTransport.connect(addresses, handler, config.client()),
                pulse,
                () -> ThreadLocalRandom.current().nextLong());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        threads.shutdownNow();
        servers.forEach(WeirServer::close);
    }
}
