package io.weir.server;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A thread and the connections it serves. After work it polls for a short while before it sleeps, since waking a
/// sleeping core costs more than a small request; it yields between polls, so that others who have work get the
/// processor.
final class EventLoop implements Runnable, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EventLoop.class.getName());
    /// Bytes in flight that still fit the second-level cache; the kernel would let it grow out of it.
    private static final int SEND_BUFFER_BYTES = 256 << 10;

    private static final long TICK_NS = 1_000_000_000L;

    private final ServerNode node;
    private final ChunkPool pool;
    private final long spinNs;
    private final Selector selector;
    private final Thread thread;
    private final Set<Connection> connections = new HashSet<>();
    private final AtomicInteger connectionCount = new AtomicInteger();
    private final ConcurrentLinkedQueue<SocketChannel> arrivals = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Connection> completed = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean asleep = new AtomicBoolean();
    private final Consumer<SelectionKey> onReady = this::onReady;
    private volatile boolean stopping;
    private @Nullable Connection hot;
    private boolean worked;

    EventLoop(String name, ServerNode node, ChunkPool pool, long spinNs) throws IOException {
        this.node = node;
        this.pool = pool;
        this.spinNs = spinNs;
        this.selector = Selector.open();
        this.thread = Thread.ofPlatform().name(name).unstarted(this);
    }

    void start() {
        thread.start();
    }

    int connectionCount() {
        return connectionCount.get();
    }

    /// Gives the loop a connection to serve. Thread-safe.
    void add(SocketChannel channel) {
        connectionCount.incrementAndGet();
        arrivals.add(channel);
        wakeUp();
    }

    /// Says that a connection has answers from another thread. Thread-safe.
    void wake(Connection connection) {
        completed.add(connection);
        wakeUp();
    }

    void forget(Connection connection) {
        connections.remove(connection);
        connectionCount.decrementAndGet();
        if (hot == connection) {
            hot = null;
        }
    }

    private void wakeUp() {
        if (asleep.get()) {
            selector.wakeup();
        }
    }

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    public void run() {
        try {
            long lastWork = System.nanoTime();
            long nextTick = lastWork + TICK_NS;
            while (!stopping) {
                worked = false;
                takeArrivals();
                takeCompleted();
                pollHot();
                if (!worked) {
                    selector.selectNow(onReady);
                }
                long now = System.nanoTime();
                if (now - nextTick >= 0) {
                    nextTick = now + TICK_NS;
                    tick();
                }
                if (worked) {
                    lastWork = now;
                } else if (now - lastWork < spinNs) {
                    Thread.yield();
                } else {
                    sleep();
                    lastWork = System.nanoTime();
                }
            }
        } catch (IOException e) {
            LOG.log(Level.ERROR, "event loop failed", e);
        } finally {
            for (Connection connection : Set.copyOf(connections)) {
                connection.close();
            }
            for (SocketChannel channel = arrivals.poll(); channel != null; channel = arrivals.poll()) {
                connectionCount.decrementAndGet();
                closeQuietly(channel);
            }
            try {
                selector.close();
            } catch (IOException e) {
                LOG.log(Level.DEBUG, "closing a selector failed", e);
            }
        }
    }

    private void sleep() throws IOException {
        asleep.set(true);
        if (arrivals.isEmpty() && completed.isEmpty() && !stopping) {
            selector.select(onReady, 1000);
        }
        asleep.set(false);
    }

    /// Reads from the connection that was active last, without asking the selector.
    private void pollHot() {
        Connection connection = hot;
        if (connection != null) {
            try {
                worked |= connection.onReadable();
            } catch (RuntimeException | OutOfMemoryError e) {
                fail(connection, e);
            }
        }
    }

    /// Ends one connection for what went wrong with it; the others go on.
    private static void fail(Connection connection, Throwable cause) {
        LOG.log(Level.ERROR, "serving a connection failed, it is closed", cause);
        connection.close();
    }

    private void onReady(SelectionKey key) {
        Connection connection = (Connection) key.attachment();
        if (!key.isValid()) {
            return;
        }
        worked = true;
        try {
            if (key.isWritable()) {
                connection.onWritable();
            } else {
                hot = connection;
                connection.onReadable();
            }
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(connection, e);
        }
    }

    private void takeArrivals() {
        SocketChannel channel;
        while ((channel = arrivals.poll()) != null) {
            worked = true;
            try {
                serve(channel);
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                LOG.log(Level.DEBUG, "a connection ended before it was served", e);
                connectionCount.decrementAndGet();
                closeQuietly(channel);
            }
        }
    }

    private void serve(SocketChannel channel) throws IOException {
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES);
        SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
        Connection connection = new Connection(this, channel, key, node, pool);
        key.attach(connection);
        connections.add(connection);
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a socket failed", e);
        }
    }

    private void takeCompleted() {
        Connection connection;
        while ((connection = completed.poll()) != null) {
            worked = true;
            try {
                connection.onCompletions();
            } catch (RuntimeException | OutOfMemoryError e) {
                fail(connection, e);
            }
        }
    }

    private void tick() {
        for (Connection connection : Set.copyOf(connections)) {
            connection.tick();
        }
    }

    /// Closes all connections and waits for the thread to end.
    @Override
    public void close() {
        stopping = true;
        selector.wakeup();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
