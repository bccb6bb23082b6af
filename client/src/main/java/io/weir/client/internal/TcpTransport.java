package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Requests over TCP, with the JDK's channels. Thread-safe.
///
/// Whoever has something to wait for does the work: a waiting thread that finds the *role* free takes it, writes what
/// is queued, reads what has come, for everybody, and polls for a short while before it sleeps, since waking a thread
/// costs more than a small request. A thread of the transport's own looks in from time to time; it takes the role when
/// requests are under way and nobody waits, and it restores lost connections. So a blocking call passes through no
/// other thread, and an asynchronous one completes without any help.
///
/// A connection that owes answers and is silent is asked for a sign of life, and given up if none comes: requests go
/// over a new one then, long before their deadline, also where the network forgot the old one without a word.
///
/// A server is reached over several connections, among which its shards are divided for good, so that several of its
/// threads work for one client at a time, and what goes to one shard keeps its order. Control goes over the first.
public final class TcpTransport implements ShardTransport, Runnable {
    private static final long LOOK_IN_NS = 500_000;
    private static final long MAX_WORK_OFF_NS = 2_000_000;
    private static final long QUIET_LOOKS = 20;
    private static final long MAX_SLEEP_MS = 100;
    private static final long MAX_PARK_NS = 1_000_000;
    private static final int MAX_BACKOFF_MS = 1000;
    private static final int MIN_CONNECT_MS = 1_000;
    private static final int MAX_CONNECT_MS = 5_000;
    private static final long LEAST_SILENCE_NS = 1_000_000_000L;
    private static final long MOST_SILENCE_NS = 10_000_000_000L;
    private static final int PROBE_BYTES = 1024;

    private final ReplyHandler handler;
    private final long spinNs;
    private final int connectTimeoutMs;
    private final long mostSilenceNs;
    private final ShardMap map;
    private final Link[] links;
    private final int[] firstLinks;
    private final int[] linkOfShard;
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

    /// One connection to a server, and what is needed to restore it. The connection guards itself; the rest belongs to
    /// the transport's own thread, but for what is volatile.
    private static final class Link {
        final TcpConnection connection;
        final int server;
        final long incarnation;

        /// With the role: since when answers are due and nothing is heard; 0 if that is not so.
        long silentSinceNs;

        boolean probed;
        volatile String trouble = "";
        volatile long nextAttemptNs = System.nanoTime();
        int backoffMs;

        Link(TcpConnection connection, int server, long incarnation) {
            this.connection = connection;
            this.server = server;
            this.incarnation = incarnation;
        }
    }

    private TcpTransport(ShardMap map, List<List<Opened>> opened, ReplyHandler handler, ClientConfig config)
            throws IOException {
        this.map = map;
        this.handler = handler;
        this.spinNs = config.spin().toNanos();
        this.connectTimeoutMs = connectTimeoutMs(config);
        this.mostSilenceNs = Math.max(
                LEAST_SILENCE_NS, Math.min(MOST_SILENCE_NS, config.deadline().toNanos() / 3));
        this.selector = Selector.open();
        this.firstLinks = new int[opened.size()];
        this.linkOfShard = new int[map.shardCount()];
        List<Link> made = new ArrayList<>();
        for (int server = 0; server < firstLinks.length; server++) {
            firstLinks[server] = made.size();
            for (Opened one : opened.get(server)) {
                TcpConnection connection = new TcpConnection(one.address().toString(), handler);
                connection.open(one.channel(), selector);
                made.add(new Link(connection, server, one.hello().incarnation()));
            }
        }
        this.links = made.toArray(Link[]::new);
        for (int shard = 0; shard < linkOfShard.length; shard++) {
            int server = map.serverOf(shard);
            int connectionCount = opened.get(server).size();
            linkOfShard[shard] = firstLinks[server] + (shard - map.firstShardOf(server)) % connectionCount;
        }
        this.thread = new Thread(this, "weir-client");
        thread.setDaemon(true);
    }

    private static int connectTimeoutMs(ClientConfig config) {
        return (int) Math.min(
                MAX_CONNECT_MS, Math.max(MIN_CONNECT_MS, config.deadline().toMillis()));
    }

    /// Connects to all servers and finds the map that follows from them. A server with fewer shards than `config` has
    /// connections for it gets one for each shard.
    ///
    /// @throws WeirException `UNAVAILABLE` naming the server that is not there, or what a server refused
    public static TcpTransport connect(List<ServerAddress> addresses, ReplyHandler handler, ClientConfig config) {
        int connectTimeoutMs = connectTimeoutMs(config);
        List<List<Opened>> opened = new ArrayList<>();
        ServerAddress current = addresses.get(0);
        try {
            List<ShardMap.Server> servers = new ArrayList<>();
            for (ServerAddress address : addresses.stream().sorted().toList()) {
                current = address;
                List<Opened> toServer = new ArrayList<>();
                opened.add(toServer);
                Opened first = open(address, connectTimeoutMs);
                toServer.add(first);
                servers.add(new ShardMap.Server(address, first.hello().shardCount()));
                for (int i = 1;
                        i
                                < Math.min(
                                        config.connectionsPerServer(),
                                        first.hello().shardCount());
                        i++) {
                    Opened further = open(address, connectTimeoutMs);
                    toServer.add(further);
                    requireSame(first.hello(), further);
                }
            }
            ShardMap map = new ShardMap(1, servers);
            for (int i = 0; i < opened.size(); i++) {
                for (Opened one : opened.get(i)) {
                    current = one.address();
                    new Handshake(current, connectTimeoutMs).attach(one.channel(), attach(map, i));
                }
            }
            TcpTransport transport = new TcpTransport(map, opened, handler, config);
            transport.thread.start();
            return transport;
        } catch (IOException | RuntimeException e) {
            opened.forEach(toServer -> toServer.forEach(one -> closeQuietly(one.channel())));
            if (e instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            throw new WeirException(ErrorCode.UNAVAILABLE, unreachable(current, e), e);
        }
    }

    private static Opened open(ServerAddress address, int connectTimeoutMs) throws IOException {
        Handshake handshake = new Handshake(address, connectTimeoutMs);
        SocketChannel channel = handshake.connect();
        try {
            return new Opened(address, channel, handshake.hello(channel));
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    private static void requireSame(Message.HelloReply first, Opened further) {
        if (further.hello().incarnation() != first.incarnation()) {
            throw new WeirException(
                    ErrorCode.UNAVAILABLE,
                    "all connections must reach one server, which must not be restarted meanwhile: server="
                            + further.address());
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
        linkOf(request).connection.send(request, true);
    }

    private Link linkOf(Request request) {
        int link = FrameType.isData(request.type()) ? linkOfShard[request.shard()] : firstLinks[request.server()];
        return links[link];
    }

    @Override
    public void push() {
        for (Link link : links) {
            TcpConnection connection = link.connection;
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
        for (Link link : links) {
            TcpConnection connection = link.connection;
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
                for (Link link : links) {
                    TcpConnection connection = link.connection;
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
        for (Link link : links) {
            TcpConnection connection = link.connection;
            if (!connection.isOpen()) {
                continue;
            }
            try {
                worked |= connection.write();
                if (connection.mayHaveAnswers()) {
                    worked |= connection.read();
                }
            } catch (IOException | WeirException e) {
                lose(link, e);
                worked = true;
            }
        }
        if (worked) {
            progress.incrementAndGet();
        }
        return worked;
    }

    /// The next round tries every connection where something may have come: an answer to a request, or the end.
    private static void onReady(SelectionKey key) {
        ((TcpConnection) key.attachment()).setReady();
    }

    private void sleep(long timeoutNs) {
        for (Link link : links) {
            TcpConnection connection = link.connection;
            connection.updateInterest();
            if (!connection.isOpen()) {
                // Only the transport's own thread restores it, and it may have gone to rest.
                LockSupport.unpark(thread);
            }
        }
        watch();
        sleeping = true;
        try {
            boolean queued = false;
            for (Link link : links) {
                TcpConnection connection = link.connection;
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

    /// Asks connections for a sign of life that owe answers and are silent, and loses those that give none.
    private void watch() {
        long now = System.nanoTime();
        for (Link link : links) {
            TcpConnection connection = link.connection;
            if (connection.takeHeard() || connection.outstanding() == 0 || !connection.isOpen()) {
                link.silentSinceNs = 0;
                link.probed = false;
            } else if (link.silentSinceNs == 0) {
                link.silentSinceNs = now;
            } else if (now - link.silentSinceNs >= mostSilenceNs) {
                link.silentSinceNs = 0;
                lose(link, new IOException("nothing was heard for " + mostSilenceNs / 1_000_000 + " ms"));
            } else if (now - link.silentSinceNs >= mostSilenceNs / 2 && !link.probed) {
                link.probed = true;
                connection.send(probe(link.server), true);
            }
        }
    }

    /// A request of the transport's own, for which nobody waits.
    private static Request probe(int server) {
        byte[] payload = new Message.Ping().toPayload();
        int length = MessageCodec.frameBytes(payload);
        Call call = new Call();
        call.begin(null, 0, 0, null, new AtomicInteger());
        Request request = new Request(PROBE_BYTES);
        request.begin(call, server, 0, 0, length, false);
        MessageCodec.encode(FrameType.PING, payload, 0, request.frame(), 0, new Checksum());
        return request;
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
        for (Link link : links) {
            TcpConnection connection = link.connection;
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
    private void lose(Link link, Exception cause) {
        link.trouble = "server " + addressOf(link) + ": " + cause.getMessage();
        link.connection.close();
        for (Request request : link.connection.takeAll()) {
            handler.lost(request, link.trouble);
        }
        LockSupport.unpark(thread);
    }

    private ServerAddress addressOf(Link link) {
        return map.servers().get(link.server).address();
    }

    private void restore() {
        for (Link link : links) {
            if (closed || link.connection.isOpen() || System.nanoTime() - link.nextAttemptNs < 0) {
                continue;
            }
            ServerAddress address = addressOf(link);
            try {
                Opened opened = open(address, connectTimeoutMs);
                try {
                    if (opened.hello().incarnation() != link.incarnation) {
                        closeQuietly(opened.channel());
                        abandon(link);
                        continue;
                    }
                    new Handshake(address, connectTimeoutMs).attach(opened.channel(), attach(map, link.server));
                    reopen(link, opened.channel());
                } catch (IOException | RuntimeException e) {
                    closeQuietly(opened.channel());
                    throw e;
                }
            } catch (IOException | WeirException e) {
                link.backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(10, link.backoffMs * 2));
                link.nextAttemptNs = System.nanoTime() + link.backoffMs * 1_000_000L;
                link.trouble = e instanceof WeirException refusal ? refusal.getMessage() : unreachable(address, e);
            }
        }
    }

    private void reopen(Link link, SocketChannel channel) throws IOException {
        // A waiting caller takes the role again as soon as it has left it, so that there would be no getting in
        // between.
        reopening = true;
        selector.wakeup();
        while (!role.compareAndSet(false, true)) {
            LockSupport.parkNanos(LOOK_IN_NS);
        }
        try {
            link.connection.open(channel, selector);
            link.backoffMs = 0;
            link.trouble = "";
            work();
        } finally {
            reopening = false;
            leaveRole();
        }
    }

    /// The server was restarted: it has none of the tables this client knew, so everything fails.
    private void abandon(Link link) {
        link.trouble = "server " + addressOf(link) + " was restarted and has lost its tables";
        link.backoffMs = MAX_BACKOFF_MS;
        link.nextAttemptNs = System.nanoTime() + MAX_BACKOFF_MS * 1_000_000L;
        for (Request request : link.connection.takeAll()) {
            handler.failed(request, ErrorCode.SERVER_RESTARTED, link.trouble);
        }
    }

    @Override
    public String trouble() {
        return Arrays.stream(links)
                .map(link -> link.trouble)
                .filter(trouble -> !trouble.isEmpty())
                .distinct()
                .collect(Collectors.joining("; "));
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
        for (Link link : links) {
            TcpConnection connection = link.connection;
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
