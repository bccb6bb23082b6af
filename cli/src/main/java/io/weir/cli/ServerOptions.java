package io.weir.cli;

/// Which servers a command is to talk to.
final class ServerOptions {
    /// What `--servers` says.
    static final String DESCRIPTION =
            "All servers of the cluster, in any order: host:port,... The port is 7700 if none is named.";

    private ServerOptions() {}
}
