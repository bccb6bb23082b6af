package io.weir.client.internal;

import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.wire.Message;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Requests over TCP, with the JDK's channels. Thread-safe.
///
/// Whoever has something to wait for does the work: a waiting thread that finds the *role* free takes it, writes what
/// is queued, reads what has come, for everybody, and polls for a short while before it sleeps, since waking a thread
/// costs more than a small request. A thread of the transport's own looks in from time to time; it takes the role when
/// requests are under way and nobody waits, and it restores lost connections. So a blocking call passes through no
/// other thread, and an asynchronous one completes without any help.
public final class TcpTransport implements ShardTransport, Runnable {
    private static final long LOOK_IN_NS = 500_000;
    private static final long MAX_WORK_OFF_NS = 2_000_000;
    private static final long QUIET_LOOKS = 20;
    private static final long MAX_SLEEP_MS = 100;
    private static final long MAX_PARK_NS = 1_000_000;
    private static final int MAX_BACKOFF_MS = 1000;

    private final ReplyHandler handler;
    private final long spinNs;
    private final int connectTimeoutMs;
    private final ShardMap map;
    private final long[] incarnations;
    private final TcpConnection[] connections;
    private final String[] troubles;
    private final long[] nextAttemptNs;
    private final int[] backoffMs;
    private final Selector selector;
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicBoolean role = new AtomicBoolean();
    private final Thread thread;
    private final PriorityQueue<Later> later = new PriorityQueue<>(Comparator.comparingLong(Later::atNs));
    private volatile boolean sleeping;
    private volatile boolean lookingIn;
    private volatile boolean reopening;
    private volatile boolean closed;
    private final AtomicLong progress = new AtomicLong();
    private volatile @Nullable Thread standby;

    private record Later(long atNs, Resend resend) {}

    private record Opened(ServerAddress address, SocketChannel channel, Message.HelloReply hello) {}

    private TcpTransport(ShardMap map, List<Opened> opened, ReplyHandler handler, long spinNs, int connectTimeoutMs)
            throws IOException {
        this.map = map;
        this.handler = handler;
        this.spinNs = spinNs;
        this.connectTimeoutMs = connectTimeoutMs;
        this.selector = Selector.open();
        this.connections = new TcpConnection[opened.size()];
        this.incarnations = new long[opened.size()];
        this.troubles = new String[opened.size()];
        this.nextAttemptNs = new long[opened.size()];
        this.backoffMs = new int[opened.size()];
        for (int i = 0; i < connections.length; i++) {
            connections[i] = new TcpConnection(opened.get(i).address().toString(), handler);
            connections[i].open(opened.get(i).channel(), selector);
            incarnations[i] = opened.get(i).hello().incarnation();
            troubles[i] = "";
        }
        this.thread = new Thread(this, "weir-client");
        thread.setDaemon(true);
    }

    /// Connects to all servers and finds the map that follows from them.
    ///
    /// @throws WeirException `UNAVAILABLE` naming the server that is not there, or what a server refused
    public static TcpTransport connect(
            List<ServerAddress> addresses, ReplyHandler handler, long spinNs, int connectTimeoutMs) {
        List<Opened> opened = new ArrayList<>();
        ServerAddress current = addresses.get(0);
        try {
            List<ShardMap.Server> servers = new ArrayList<>();
            for (ServerAddress address : addresses.stream().sorted().toList()) {
                current = address;
                Handshake handshake = new Handshake(address, connectTimeoutMs);
                SocketChannel channel = handshake.connect();
                Message.HelloReply hello;
                try {
                    hello = handshake.hello(channel);
                } catch (IOException | RuntimeException e) {
                    channel.close();
                    throw e;
                }
                opened.add(new Opened(address, channel, hello));
                servers.add(new ShardMap.Server(address, hello.shardCount()));
            }
            ShardMap map = new ShardMap(1, servers);
            for (int i = 0; i < opened.size(); i++) {
                current = opened.get(i).address();
                new Handshake(current, connectTimeoutMs).attach(opened.get(i).channel(), attach(map, i));
            }
            TcpTransport transport = new TcpTransport(map, opened, handler, spinNs, connectTimeoutMs);
            transport.thread.start();
            return transport;
        } catch (IOException | RuntimeException e) {
            for (Opened one : opened) {
                closeQuietly(one.channel());
            }
            if (e instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            throw new WeirException(ErrorCode.UNAVAILABLE, unreachable(current, e), e);
        }
    }

    private static Message.Attach attach(ShardMap map, int server) {
        return new Message.Attach(map.version(), map.hash(), map.firstShardOf(server), map.shardCount());
    }

    private static String unreachable(ServerAddress address, Exception e) {
        String why = e instanceof ConnectException ? "nothing listens there" : String.valueOf(e.getMessage());
        return "server " + address + " cannot be reached: " + why + "; is it running? start one with: weir server"
                + " --port " + address.port();
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(TcpTransport.class.getName()).log(System.Logger.Level.DEBUG, "closing a socket failed", e);
        }
    }

    @Override
    public ShardMap map() {
        return map;
    }

    @Override
    public boolean checksums() {
        return true;
    }

    @Override
    public void send(Request request) {
        connections[request.server()].send(request, true);
    }

    @Override
    public void push() {
        for (TcpConnection connection : connections) {
            if (connection.isWorthWriting()) {
                write();
                if (connection.isBacklogged()) {
                    workOff(connection);
                }
                return;
            }
        }
    }

    @Override
    public void settle() {
        for (TcpConnection connection : connections) {
            if (connection.mustWrite()) {
                write();
                break;
            }
        }
        if (!lookingIn) {
            lookingIn = true;
            LockSupport.unpark(thread);
        }
    }

    /// Lets the socket take what is queued before more is written into memory that would leave the cache meanwhile.
    /// For a short while, and only if nobody else has the role.
    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    private void workOff(TcpConnection connection) {
        long untilNs = System.nanoTime() + MAX_WORK_OFF_NS;
        while (connection.isOpen() && connection.isBacklogged() && System.nanoTime() - untilNs < 0 && takeRole()) {
            boolean worked;
            try {
                worked = work();
            } finally {
                leaveRole();
            }
            if (!worked) {
                Thread.yield();
            }
        }
    }

    private void write() {
        if (takeRole()) {
            try {
                for (TcpConnection connection : connections) {
                    connection.write();
                }
            } catch (IOException e) {
                // The next poll meets the same failure, and may then call back.
                progress.incrementAndGet();
            } finally {
                leaveRole();
            }
        } else if (sleeping) {
            selector.wakeup();
        }
    }

    @Override
    public void poll() {
        if (takeRole()) {
            try {
                work();
            } finally {
                leaveRole();
            }
        } else if (sleeping) {
            selector.wakeup();
        }
    }

    private boolean takeRole() {
        return !reopening && !role.get() && role.compareAndSet(false, true);
    }

    private void leaveRole() {
        role.set(false);
        Thread next = standby;
        if (next != null && !next.equals(Thread.currentThread())) {
            LockSupport.unpark(next);
        }
    }

    /// Writes and reads once on every connection.
    private boolean work() {
        boolean worked = false;
        for (int i = 0; i < connections.length; i++) {
            TcpConnection connection = connections[i];
            if (!connection.isOpen()) {
                continue;
            }
            try {
                worked |= connection.write();
                worked |= connection.read();
            } catch (IOException | WeirException e) {
                lose(i, e);
                worked = true;
            }
        }
        if (worked) {
            progress.incrementAndGet();
        }
        return worked;
    }

    /// That something is ready is all the selector is asked for: the next round tries every connection.
    private static void onReady(SelectionKey key) {}

    private void sleep(long timeoutNs) {
        for (TcpConnection connection : connections) {
            connection.updateInterest();
            if (!connection.isOpen()) {
                // Only the transport's own thread restores it, and it may have gone to rest.
                LockSupport.unpark(thread);
            }
        }
        sleeping = true;
        try {
            boolean queued = false;
            for (TcpConnection connection : connections) {
                queued |= connection.hasQueued() && connection.isOpen() && !connection.isWriteBlocked();
            }
            if (!queued && !closed) {
                selector.select(TcpTransport::onReady, Math.min(MAX_SLEEP_MS, Math.max(1, timeoutNs / 1_000_000)));
            }
        } catch (IOException e) {
            progress.incrementAndGet();
        } finally {
            sleeping = false;
        }
    }

    @Override
    public boolean await(Waitable condition, long deadlineNs) {
        if (condition.holds()) {
            return true;
        }
        waiting.incrementAndGet();
        try {
            return work(condition, deadlineNs);
        } finally {
            waiting.decrementAndGet();
        }
    }

    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    private boolean work(Waitable condition, long deadlineNs) {
        long idleSince = System.nanoTime();
        while (!condition.holds()) {
            long now = System.nanoTime();
            if (now - deadlineNs >= 0) {
                return condition.holds();
            }
            boolean worked = false;
            boolean mine = takeRole();
            if (mine) {
                try {
                    worked = work();
                    if (!worked && now - idleSince >= spinNs && !condition.holds()) {
                        sleep(deadlineNs - now);
                    }
                } finally {
                    leaveRole();
                }
            }
            if (!mine && sleeping) {
                selector.wakeup();
            }
            if (worked) {
                idleSince = System.nanoTime();
            } else if (now - idleSince < spinNs) {
                Thread.yield();
            } else if (!mine) {
                Thread current = Thread.currentThread();
                condition.setWaiter(current);
                standby = current;
                if (!condition.holds()) {
                    LockSupport.parkNanos(Math.min(MAX_PARK_NS, deadlineNs - now));
                }
                condition.setWaiter(null);
            }
        }
        return true;
    }

    // ---- the transport's own thread ----

    @Override
    public void run() {
        long seen = progress.get();
        int quiet = 0;
        while (!closed) {
            restore();
            runLater();
            if (outstanding() == 0 && !hasLater()) {
                if (++quiet > QUIET_LOOKS) {
                    quiet = 0;
                    lookingIn = false;
                    if (outstanding() == 0) {
                        LockSupport.park(this);
                    }
                    lookingIn = true;
                }
            } else {
                quiet = 0;
            }
            long before = progress.get();
            if (before == seen && waiting.get() == 0 && outstanding() > 0 && takeRole()) {
                try {
                    if (!work()) {
                        sleep(MAX_SLEEP_MS * 1_000_000);
                        work();
                    }
                } finally {
                    leaveRole();
                }
            } else {
                LockSupport.parkNanos(this, LOOK_IN_NS);
            }
            seen = before;
        }
    }

    private int outstanding() {
        int count = 0;
        for (TcpConnection connection : connections) {
            count += connection.outstanding();
        }
        return count;
    }

    private boolean hasLater() {
        synchronized (later) {
            return !later.isEmpty();
        }
    }

    private void runLater() {
        while (true) {
            Later due;
            synchronized (later) {
                due = later.peek();
                if (due == null || due.atNs() - System.nanoTime() > 0) {
                    return;
                }
                later.poll();
            }
            due.resend().run();
            write();
        }
    }

    @Override
    public void resendLater(Resend resend, int delayMs) {
        synchronized (later) {
            later.add(new Later(System.nanoTime() + delayMs * 1_000_000L, resend));
        }
        LockSupport.unpark(thread);
    }

    // ---- lost connections ----

    /// Drops a connection; what was under way on it is handed back, to be sent again once it is restored.
    private void lose(int server, Exception cause) {
        troubles[server] = "server " + map.servers().get(server).address() + ": " + cause.getMessage();
        connections[server].close();
        List<Request> all = connections[server].takeAll();
        for (Request request : all) {
            handler.lost(request, troubles[server]);
        }
        LockSupport.unpark(thread);
    }

    private void restore() {
        for (int i = 0; i < connections.length && !closed; i++) {
            if (connections[i].isOpen() || System.nanoTime() - nextAttemptNs[i] < 0) {
                continue;
            }
            ServerAddress address = map.servers().get(i).address();
            Handshake handshake = new Handshake(address, connectTimeoutMs);
            try {
                SocketChannel channel = handshake.connect();
                try {
                    Message.HelloReply hello = handshake.hello(channel);
                    if (hello.incarnation() != incarnations[i]) {
                        closeQuietly(channel);
                        abandon(i, address);
                        continue;
                    }
                    handshake.attach(channel, attach(map, i));
                    reopen(i, channel);
                } catch (IOException | RuntimeException e) {
                    closeQuietly(channel);
                    throw e;
                }
            } catch (IOException | WeirException e) {
                backoffMs[i] = Math.min(MAX_BACKOFF_MS, Math.max(10, backoffMs[i] * 2));
                nextAttemptNs[i] = System.nanoTime() + backoffMs[i] * 1_000_000L;
                troubles[i] = e instanceof WeirException refusal ? refusal.getMessage() : unreachable(address, e);
            }
        }
    }

    private void reopen(int server, SocketChannel channel) throws IOException {
        // A waiting caller takes the role again as soon as it has left it, so that there would be no getting in
        // between.
        reopening = true;
        selector.wakeup();
        while (!role.compareAndSet(false, true)) {
            LockSupport.parkNanos(LOOK_IN_NS);
        }
        try {
            connections[server].open(channel, selector);
            backoffMs[server] = 0;
            troubles[server] = "";
            work();
        } finally {
            reopening = false;
            leaveRole();
        }
    }

    /// The server was restarted: it has none of the tables this client knew, so everything fails.
    private void abandon(int server, ServerAddress address) {
        troubles[server] = "server " + address + " was restarted and has lost its tables";
        backoffMs[server] = MAX_BACKOFF_MS;
        nextAttemptNs[server] = System.nanoTime() + MAX_BACKOFF_MS * 1_000_000L;
        for (Request request : connections[server].takeAll()) {
            handler.failed(request, ErrorCode.SERVER_RESTARTED, troubles[server]);
        }
    }

    @Override
    public String trouble() {
        StringBuilder text = new StringBuilder();
        for (String one : troubles) {
            if (!one.isEmpty()) {
                text.append(text.length() == 0 ? "" : "; ").append(one);
            }
        }
        return text.toString();
    }

    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        LockSupport.unpark(thread);
        try {
            if (!Thread.currentThread().equals(thread)) {
                thread.join(connectTimeoutMs);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        while (!takeRole()) {
            LockSupport.parkNanos(LOOK_IN_NS);
        }
        for (TcpConnection connection : connections) {
            connection.close();
            for (Request request : connection.takeAll()) {
                handler.failed(request, ErrorCode.UNAVAILABLE, "the connection was closed");
            }
        }
        try {
            selector.close();
        } catch (IOException e) {
            progress.incrementAndGet();
        } finally {
            leaveRole();
        }
    }
}
