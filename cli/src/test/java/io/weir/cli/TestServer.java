package io.weir.cli;

import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;

/// A server in this process on a free port.
final class TestServer implements AutoCloseable {
    private final WeirServer server;

    private TestServer(WeirServer server) {
        this.server = server;
    }

    static TestServer start(int shards) throws IOException {
        return new TestServer(WeirServer.start(
                ServerConfig.defaults().withPort(0).withShardCount(shards).withMemoryCapBytes(256 << 20)));
    }

    String address() {
        return "127.0.0.1:" + port();
    }

    int port() {
        return server.address().getPort();
    }

    @Override
    public void close() {
        server.close();
    }
}
