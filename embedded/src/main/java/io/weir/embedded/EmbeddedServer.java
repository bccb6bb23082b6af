package io.weir.embedded;

import io.weir.client.ClientConfig;
import io.weir.client.LocalServers;
import io.weir.client.Weir;
import io.weir.client.internal.WeirClient;
import io.weir.server.JvmCheck;
import io.weir.server.ServerConfig;
import io.weir.server.ServerNode;
import io.weir.server.TimeLoop;

/// Parameter servers in this process: the shards of one server, entered directly by the threads that pull and push. No
/// socket, no checksum, and no thread but one that tells the time. Thread-safe.
///
/// ```java
/// try (var server = EmbeddedServer.open(ServerConfig.defaults());
///         var weir = server.connect()) {
///     weir.create(TableSpec.embedding("w", 16, OptimizerSpec.parse("adagrad(rate=0.05)")));
///     Table table = weir.table("w");
///     float[] rows = table.pull(keys);
///     table.push(keys, gradients);
/// }
/// ```
public final class EmbeddedServer implements LocalServers.Opened {
    private final ServerNode node;
    private final Scratch[] scratches;
    private final TimeLoop time;

    private EmbeddedServer(ServerConfig config) {
        node = new ServerNode(config.shardCount(), config.memoryCapBytes());
        scratches = new Scratch[config.shardCount()];
        for (int i = 0; i < scratches.length; i++) {
            scratches[i] = new Scratch();
        }
        time = TimeLoop.start(node);
    }

    /// Opens the shards. Of the configuration, shards and memory count; there is nothing to listen on.
    ///
    /// @throws IllegalStateException if the JVM is not sound, see [JvmCheck]
    public static EmbeddedServer open(ServerConfig config) {
        JvmCheck.requireSoundJvm();
        return new EmbeddedServer(config);
    }

    /// A connection with the default configuration.
    public Weir connect() {
        return connect(ClientConfig.defaults());
    }

    @Override
    public Weir connect(ClientConfig config) {
        return new WeirClient(
                config,
                handler -> new EmbeddedTransport(
                        node, scratches, handler, config.spin().toNanos()));
    }

    /// Its shards and control.
    public ServerNode node() {
        return node;
    }

    /// Frees all rows. Connections that are still open get errors.
    @Override
    public void close() {
        time.close();
        node.close();
    }
}
