package io.weir.server;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// A parameter server in this process: listens, and serves its shards until it is closed. Thread-safe.
public final class WeirServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(WeirServer.class.getName());
    private static final int BACKLOG = 1024;

    private final ServerNode node;
    private final ServerSocketChannel listener;
    private final EventLoop[] loops;
    private final Thread acceptor;
    private final TimeLoop time;
    private final InetSocketAddress address;
    private volatile boolean closed;

    private WeirServer(ServerConfig config, ServerSocketChannel listener) throws IOException {
        this.node = new ServerNode(config.shardCount(), config.memoryCapBytes());
        this.listener = listener;
        this.address = (InetSocketAddress) listener.getLocalAddress();
        ChunkPool pool = new ChunkPool();
        this.loops = new EventLoop[config.eventLoops()];
        for (int i = 0; i < loops.length; i++) {
            loops[i] = new EventLoop("weir-loop-" + i, node, pool, config.spinNs());
        }
        node.setConnectionCount(this::connectionCount);
        this.time = TimeLoop.start(node);
        this.acceptor = Thread.ofPlatform().name("weir-accept").unstarted(this::accept);
    }

    /// Starts a server.
    ///
    /// @throws IOException if it cannot listen, saying what to do
    /// @throws IllegalStateException if the JVM is not sound, see [JvmCheck]
    /// @throws IllegalArgumentException if it is to listen beyond loopback, and `insecure` is not set
    public static WeirServer start(ServerConfig config) throws IOException {
        JvmCheck.requireSoundJvm();
        InetAddress host = InetAddress.getByName(config.host());
        if (!host.isLoopbackAddress() && !config.insecure()) {
            throw new IllegalArgumentException("listening beyond loopback needs TLS and authentication, which do not"
                    + " exist yet: host=" + config.host() + "; use a loopback address, or accept the risk with"
                    + " --insecure");
        }
        ServerSocketChannel listener = ServerSocketChannel.open();
        try {
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listener.bind(new InetSocketAddress(host, config.port()), BACKLOG);
            WeirServer server = new WeirServer(config, listener);
            for (EventLoop loop : server.loops) {
                loop.start();
            }
            server.acceptor.start();
            return server;
        } catch (BindException e) {
            listener.close();
            throw new IOException(
                    "cannot listen on " + config.host() + ":" + config.port() + ": " + e.getMessage()
                            + "; stop what uses the port, or choose another one with --port",
                    e);
        } catch (IOException | RuntimeException e) {
            listener.close();
            throw e;
        }
    }

    /// Where it listens.
    public InetSocketAddress address() {
        return address;
    }

    /// Its shards and control.
    public ServerNode node() {
        return node;
    }

    /// Connections that are open now.
    public int connectionCount() {
        int count = 0;
        for (EventLoop loop : loops) {
            count += loop.connectionCount();
        }
        return count;
    }

    private void accept() {
        int next = 0;
        while (!closed) {
            try {
                SocketChannel channel = listener.accept();
                loops[next].add(channel);
                next = (next + 1) % loops.length;
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.log(Level.WARNING, "accepting a connection failed: {0}", e.getMessage());
            }
        }
    }

    /// Stops listening, closes all connections, frees all rows.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            listener.close();
            acceptor.join();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing the listener failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        time.close();
        for (EventLoop loop : loops) {
            loop.close();
        }
        node.close();
    }
}
