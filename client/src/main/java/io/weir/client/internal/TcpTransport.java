package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
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

    private final ReplyHandler handler;
    private final long spinNs;
    private final long closeTimeoutMs;
    private final ShardMap map;
    private final TcpLink[] links;
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

    private TcpTransport(ShardMap map, List<List<TcpLink.Greeted>> greeted, ReplyHandler handler, ClientConfig config)
            throws IOException {
        this.map = map;
        this.handler = handler;
        this.spinNs = config.spin().toNanos();
        this.closeTimeoutMs = TcpLink.connectTimeoutMs(config);
        this.selector = Selector.open();
        this.firstLinks = new int[greeted.size()];
        this.linkOfShard = new int[map.shardCount()];
        List<TcpLink> made = new ArrayList<>();
        for (int server = 0; server < firstLinks.length; server++) {
            firstLinks[server] = made.size();
            for (TcpLink.Greeted one : greeted.get(server)) {
                TcpLink link = new TcpLink(server, one, place(map, server), handler, config);
                link.connection().open(one.channel(), selector, one.hello().features());
                made.add(link);
            }
        }
        this.links = made.toArray(TcpLink[]::new);
        for (int shard = 0; shard < linkOfShard.length; shard++) {
            int server = map.serverOf(shard);
            int linkCount = greeted.get(server).size();
            linkOfShard[shard] = firstLinks[server] + (shard - map.firstShardOf(server)) % linkCount;
        }
        this.thread = new Thread(this, "weir-client");
        thread.setDaemon(true);
    }

    /// Connects to all servers and finds the map that follows from them. A server with fewer shards than `config` has
    /// connections for it gets one for each shard.
    ///
    /// @throws WeirException `UNAVAILABLE` naming the server that is not there, or what a server refused
    public static TcpTransport connect(List<ServerAddress> addresses, ReplyHandler handler, ClientConfig config) {
        List<List<TcpLink.Greeted>> greeted = new ArrayList<>();
        ServerAddress current = addresses.get(0);
        try {
            List<ShardMap.Server> servers = new ArrayList<>();
            for (ServerAddress address : addresses.stream().sorted().toList()) {
                current = address;
                List<TcpLink.Greeted> toServer = new ArrayList<>();
                greeted.add(toServer);
                Message.HelloReply first = greetOnce(address, toServer, config);
                servers.add(new ShardMap.Server(address, first.shardCount()));
                int linkCount = Math.min(config.connectionsPerServer(), first.shardCount());
                while (toServer.size() < linkCount) {
                    requireSame(first, greetOnce(address, toServer, config), address);
                }
            }
            ShardMap map = new ShardMap(1, servers);
            for (int server = 0; server < greeted.size(); server++) {
                for (TcpLink.Greeted one : greeted.get(server)) {
                    current = one.address();
                    one.attach(place(map, server), config);
                }
            }
            TcpTransport transport = new TcpTransport(map, greeted, handler, config);
            transport.thread.start();
            return transport;
        } catch (IOException | RuntimeException e) {
            greeted.forEach(toServer -> toServer.forEach(TcpLink.Greeted::close));
            if (e instanceof IOException unreached) {
                throw new WeirException(ErrorCode.UNAVAILABLE, TcpLink.unreachable(current, unreached), e);
            }
            throw (RuntimeException) e;
        }
    }

    private static Message.HelloReply greetOnce(
            ServerAddress address, List<TcpLink.Greeted> toServer, ClientConfig config) throws IOException {
        TcpLink.Greeted greeted = TcpLink.greet(address, config);
        toServer.add(greeted);
        return greeted.hello();
    }

    private static void requireSame(Message.HelloReply first, Message.HelloReply further, ServerAddress address) {
        if (further.incarnation() != first.incarnation()) {
            throw new WeirException(
                    ErrorCode.UNAVAILABLE,
                    "all connections must reach one server, which must not be restarted meanwhile: server=" + address);
        }
    }

    /// A server's place in the map.
    private static Message.Attach place(ShardMap map, int server) {
        return new Message.Attach(map.version(), map.hash(), map.firstShardOf(server), map.shardCount());
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
        connectionOf(request).send(request, true);
    }

    private TcpConnection connectionOf(Request request) {
        int link = FrameType.isData(request.type()) ? linkOfShard[request.shard()] : firstLinks[request.server()];
        return links[link].connection();
    }

    @Override
    public void push() {
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
                for (TcpLink link : links) {
                    TcpConnection connection = link.connection();
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
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
            for (TcpLink link : links) {
                TcpConnection connection = link.connection();
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

    /// Loses connections that owe answers and give no sign of life.
    private void watch() {
        for (TcpLink link : links) {
            if (link.isSilentTooLong()) {
                lose(link, link.silence());
            }
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
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
    private void lose(TcpLink link, Exception cause) {
        link.close(cause);
        for (Request request : link.connection().takeAll()) {
            handler.lost(request, link.trouble());
        }
        LockSupport.unpark(thread);
    }

    private void restore() {
        for (TcpLink link : links) {
            if (closed || !link.isDue()) {
                continue;
            }
            TcpLink.Greeted greeted = link.tryGreet();
            if (greeted != null) {
                reopen(link, greeted);
            } else if (link.isRestarted()) {
                for (Request request : link.connection().takeAll()) {
                    handler.failed(request, ErrorCode.SERVER_RESTARTED, link.trouble());
                }
            }
        }
    }

    private void reopen(TcpLink link, TcpLink.Greeted greeted) {
        // A waiting caller takes the role again as soon as it has left it, so that there would be no getting in
        // between.
        reopening = true;
        selector.wakeup();
        while (!role.compareAndSet(false, true)) {
            LockSupport.parkNanos(LOOK_IN_NS);
        }
        try {
            link.reopen(greeted, selector);
            work();
        } finally {
            reopening = false;
            leaveRole();
        }
    }

    @Override
    public String trouble() {
        return Arrays.stream(links)
                .map(TcpLink::trouble)
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
                thread.join(closeTimeoutMs);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        while (!takeRole()) {
            LockSupport.parkNanos(LOOK_IN_NS);
        }
        for (TcpLink link : links) {
            TcpConnection connection = link.connection();
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
