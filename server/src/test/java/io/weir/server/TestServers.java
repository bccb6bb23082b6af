package io.weir.server;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;

/// Servers for a [RawClient], and what they hold.
final class TestServers {
    private static final long MEMORY_BYTES = 64 << 20;

    private TestServers() {}

    /// A server with a table whose rows have `dim` floats.
    static WeirServer start(int dim) throws IOException {
        WeirServer server = WeirServer.start(ServerConfig.defaults()
                .withPort(0)
                .withShardCount(RawClient.SHARDS)
                .withEventLoops(2)
                .withMemoryCapBytes(MEMORY_BYTES));
        try (RawClient client = RawClient.attached(server)) {
            RawClient.createTable(client, dim);
        }
        return server;
    }

    /// Stops a server whose clients have all been closed.
    static void stop(WeirServer server) {
        Eventually.await("every connection is closed", () -> server.connectionCount() == 0);
        server.close();
    }

    /// Memory in direct buffers of this JVM.
    static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }
}
