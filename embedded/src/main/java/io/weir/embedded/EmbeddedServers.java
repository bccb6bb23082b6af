package io.weir.embedded;

import io.weir.client.LocalServers;
import io.weir.server.ServerConfig;

/// Gives modules that know the client alone servers in their process.
public final class EmbeddedServers implements LocalServers {
    @Override
    public Opened open() {
        return EmbeddedServer.open(ServerConfig.defaults());
    }
}
