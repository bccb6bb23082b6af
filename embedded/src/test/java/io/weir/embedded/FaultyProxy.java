package io.weir.embedded;

import io.weir.model.ServerAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// A TCP proxy that does to its connections what networks do: cuts them after a random number of bytes, in the middle
/// of whatever is there; holds all bytes back and later lets them through; refuses to connect; flips bits. What it does
/// where follows from the seed, when depends on the threads. Thread-safe.
final class FaultyProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final Random random;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final AtomicLong cuts = new AtomicLong();
    private final AtomicLong flips = new AtomicLong();
    private final Object gate = new Object();
    private volatile ServerAddress target;
    private volatile int meanBytesToCut;
    private volatile int meanBytesToFlip;
    private volatile boolean held;
    private volatile long lastStalled = -1;
    private final AtomicLong opened = new AtomicLong();
    private final AtomicLong bytesToServer = new AtomicLong();
    private final AtomicLong bytesToClient = new AtomicLong();
    private volatile boolean refusing;
    private volatile boolean closed;

    FaultyProxy(long seed, ServerAddress target) {
        this.target = target;
        this.random = new Random(seed);
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start(this::accept);
    }

    ServerAddress address() {
        return new ServerAddress("127.0.0.1", listener.getLocalPort());
    }

    /// Cuts each connection after about so many bytes in one direction; 0 for never.
    void cutAfter(int meanBytes) {
        meanBytesToCut = meanBytes;
    }

    /// Flips a bit in about so many bytes; 0 for never. The first bytes of a connection stay as they are.
    void flipAfter(int meanBytes) {
        meanBytesToFlip = meanBytes;
    }

    /// Takes bytes and keeps them.
    void hold() {
        held = true;
    }

    /// Takes the bytes of the connections that are open now, keeps them for ever, and tells neither end. New
    /// connections live.
    void stall() {
        lastStalled = opened.get();
    }

    /// Cuts all connections and accepts none that lives.
    void refuse() {
        refusing = true;
        cutAll();
    }

    /// Lets everything through from now on, also what was held back.
    void heal() {
        meanBytesToCut = 0;
        meanBytesToFlip = 0;
        refusing = false;
        held = false;
        synchronized (gate) {
            gate.notifyAll();
        }
    }

    /// Sends new connections elsewhere.
    void redirect(ServerAddress elsewhere) {
        target = elsewhere;
    }

    void cutAll() {
        sockets.forEach(FaultyProxy::closeQuietly);
    }

    long cuts() {
        return cuts.get();
    }

    /// Bytes that went from clients to the server so far.
    long bytesToServer() {
        return bytesToServer.get();
    }

    /// Bytes that went from the server to clients so far.
    long bytesToClient() {
        return bytesToClient.get();
    }

    long flips() {
        return flips.get();
    }

    private void start(Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().unstarted(() -> {
            try {
                work.run();
            } finally {
                threads.remove(Thread.currentThread());
            }
        });
        threads.add(thread);
        thread.start();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket client = listener.accept();
                sockets.add(client);
                if (refusing) {
                    closeQuietly(client);
                    continue;
                }
                Socket server = new Socket();
                sockets.add(server);
                try {
                    server.connect(new InetSocketAddress(target.host(), target.port()));
                } catch (IOException e) {
                    closeQuietly(client);
                    continue;
                }
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                start(() -> pump(client, server, bytesToServer));
                start(() -> pump(server, client, bytesToClient));
            } catch (IOException e) {
                if (!closed) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private int next(int mean) {
        synchronized (random) {
            return mean == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(2 * mean);
        }
    }

    /// Bytes of a connection that get through unharmed: the handshake, so that there is something to break.
    private static final int HANDSHAKE_BYTES = 300;

    private void pump(Socket from, Socket to, AtomicLong counter) {
        byte[] buffer = new byte[4096];
        long ordinal = opened.incrementAndGet();
        long passed = 0;
        int toCut = Integer.MAX_VALUE;
        int toFlip = Integer.MAX_VALUE;
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            int read;
            while ((read = in.read(buffer)) > 0) {
                awaitRelease();
                if (ordinal <= lastStalled) {
                    continue;
                }
                toCut = toCut == Integer.MAX_VALUE ? next(meanBytesToCut) : toCut;
                toFlip = toFlip == Integer.MAX_VALUE ? next(meanBytesToFlip) : toFlip;
                if (meanBytesToCut > 0 && toCut < read) {
                    out.write(buffer, 0, toCut);
                    cuts.incrementAndGet();
                    return;
                }
                toCut -= meanBytesToCut > 0 ? read : 0;
                if (meanBytesToFlip > 0 && passed > HANDSHAKE_BYTES) {
                    if (toFlip < read) {
                        buffer[toFlip] ^= (byte) (1 << (next(4) - 1 & 7));
                        flips.incrementAndGet();
                        toFlip = next(meanBytesToFlip);
                    } else {
                        toFlip -= read;
                    }
                }
                passed += read;
                counter.addAndGet(read);
                out.write(buffer, 0, read);
            }
        } catch (IOException e) {
            // The other direction cut the connection, or an end went away.
            cuts.addAndGet(0);
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private void awaitRelease() {
        synchronized (gate) {
            while (held && !closed) {
                try {
                    gate.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        closed = true;
        heal();
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        cutAll();
        for (Thread thread : List.copyOf(new ArrayList<>(threads))) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
