package io.weir.cli;

import io.weir.client.ClientConfig;
import io.weir.client.Weir;
import io.weir.model.ServerAddress;
import java.util.ArrayList;
import java.util.List;

/// Which servers a command is to talk to.
final class ServerOptions {
    /// What `--servers` says.
    static final String DESCRIPTION =
            "All servers of the cluster, in any order: host:port,... The port is 7700 if none is named.";

    private ServerOptions() {}

    /// Connects to the servers of a list with commas between.
    static Weir connect(String servers, ClientConfig config) {
        List<ServerAddress> addresses = new ArrayList<>();
        for (String server : servers.split(",", -1)) {
            addresses.add(ServerAddress.parse(server));
        }
        return Weir.connect(addresses, config);
    }
}
