package io.weir.client.internal;

import io.weir.client.ClientConfig;
import io.weir.model.ServerAddress;
import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.FrameCodecs;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// One of a client's connections to a server through all its sockets: how it is opened, watched, and opened again. What
/// is on its way is the connection's; when to do what is the transport's. Attempts to open belong to the transport's
/// own thread, watching to whoever has the role.
final class TcpLink {
    private static final int MIN_CONNECT_MS = 1_000;
    private static final int MAX_CONNECT_MS = 5_000;
    private static final int MIN_BACKOFF_MS = 10;
    private static final int MAX_BACKOFF_MS = 1_000;
    private static final long LEAST_SILENCE_NS = 1_000_000_000L;
    private static final long MOST_SILENCE_NS = 10_000_000_000L;
    private static final int PROBE_BYTES = 1024;

    /// A socket whose server has said hello.
    record Greeted(ServerAddress address, SocketChannel channel, Message.HelloReply hello) {
        /// Tells the server its place.
        void attach(Message.Attach place, ClientConfig config) throws IOException {
            new Handshake(address, connectTimeoutMs(config)).attach(channel, place);
        }

        void close() {
            closeQuietly(channel);
        }
    }

    private final TcpConnection connection;
    private final ServerAddress address;
    private final int server;
    private final Message.Attach place;
    private final long incarnation;
    private final ClientConfig config;
    private final long mostSilenceNs;
    private volatile String trouble = "";
    private long nextAttemptNs = System.nanoTime();
    private int backoffMs;
    private boolean restarted;

    // Confined to the role: since when answers are due and nothing is heard; 0 if that is not so.
    private long silentSinceNs;
    private boolean probed;

    /// @param server index of the server in the map
    /// @param greeted attached to `place`
    TcpLink(int server, Greeted greeted, Message.Attach place, ReplyHandler handler, ClientConfig config) {
        this.connection = new TcpConnection(greeted.address().toString(), handler);
        this.address = greeted.address();
        this.server = server;
        this.place = place;
        this.incarnation = greeted.hello().incarnation();
        this.config = config;
        this.mostSilenceNs = Math.max(
                LEAST_SILENCE_NS, Math.min(MOST_SILENCE_NS, config.deadline().toNanos() / 3));
    }

    /// How long connecting may take, at least a second whatever the deadline of calls.
    static int connectTimeoutMs(ClientConfig config) {
        return (int) Math.min(
                MAX_CONNECT_MS, Math.max(MIN_CONNECT_MS, config.deadline().toMillis()));
    }

    /// Connects to a server and says hello.
    ///
    /// @throws WeirException if the server refuses, or is no Weir server
    static Greeted greet(ServerAddress address, ClientConfig config) throws IOException {
        Handshake handshake = new Handshake(address, connectTimeoutMs(config));
        SocketChannel channel = handshake.connect();
        try {
            return new Greeted(address, channel, handshake.hello(channel, FrameCodecs.featureOf(config.frameCodec())));
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    /// Why a server cannot be reached, and what to do.
    static String unreachable(ServerAddress address, IOException e) {
        String why = e instanceof ConnectException ? "nothing listens there" : String.valueOf(e.getMessage());
        return "server " + address + " cannot be reached: " + why + "; is it running? start one with: weir server"
                + " --port " + address.port();
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(TcpLink.class.getName()).log(System.Logger.Level.DEBUG, "closing a socket failed", e);
        }
    }

    TcpConnection connection() {
        return connection;
    }

    /// What keeps the server from being reached just now, or an empty text.
    String trouble() {
        return trouble;
    }

    /// Closes the socket, which is to be opened again.
    void close(Exception cause) {
        trouble = "server " + address + ": " + cause.getMessage();
        connection.close();
    }

    /// Whether it is time to try to open the link again.
    boolean isDue() {
        return !connection.isOpen() && System.nanoTime() - nextAttemptNs >= 0;
    }

    /// Tries to get a socket in place of the one that was lost, attached to the same place.
    ///
    /// @return null if that failed: the trouble says why, and a later attempt may succeed
    @Nullable
    Greeted tryGreet() {
        restarted = false;
        try {
            Greeted greeted = greet(address, config);
            try {
                if (greeted.hello().incarnation() == incarnation) {
                    greeted.attach(place, config);
                    return greeted;
                }
                greeted.close();
                restarted = true;
                failed("server " + address + " was restarted and has lost its tables", MAX_BACKOFF_MS);
            } catch (IOException | RuntimeException e) {
                greeted.close();
                throw e;
            }
        } catch (WeirException e) {
            failed(e.getMessage(), 2 * backoffMs);
        } catch (IOException e) {
            failed(unreachable(address, e), 2 * backoffMs);
        }
        return null;
    }

    /// Whether the last attempt met another life of the server, which has none of the tables this client knew.
    boolean isRestarted() {
        return restarted;
    }

    /// Goes on over a new socket. With the role.
    void reopen(Greeted greeted, Selector selector) {
        try {
            connection.open(greeted.channel(), selector, greeted.hello().features());
            backoffMs = 0;
            trouble = "";
        } catch (IOException e) {
            greeted.close();
            failed(unreachable(address, e), 2 * backoffMs);
        }
    }

    private void failed(String why, int delayMs) {
        backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(MIN_BACKOFF_MS, delayMs));
        nextAttemptNs = System.nanoTime() + backoffMs * 1_000_000L;
        trouble = why;
    }

    // ---- with the role ----

    /// Looks whether the server owes answers and is silent. After half of the time that it has, it is asked for a sign
    /// of life.
    ///
    /// @return whether the connection is to be given up
    boolean isSilentTooLong() {
        long now = System.nanoTime();
        if (connection.takeHeard() || connection.outstanding() == 0 || !connection.isOpen()) {
            silentSinceNs = 0;
            probed = false;
            return false;
        }
        if (silentSinceNs == 0) {
            silentSinceNs = now;
        } else if (now - silentSinceNs >= mostSilenceNs) {
            silentSinceNs = 0;
            return true;
        } else if (now - silentSinceNs >= mostSilenceNs / 2 && !probed) {
            probed = true;
            connection.send(probe(), true);
        }
        return false;
    }

    /// What a silence was that lasted too long.
    IOException silence() {
        return new IOException("nothing was heard for " + mostSilenceNs / 1_000_000 + " ms");
    }

    /// A request of the link's own, for which nobody waits.
    private Request probe() {
        byte[] payload = new Message.Ping().toPayload();
        Call call = new Call();
        call.begin(null, 0, 0, null, new AtomicInteger());
        Request request = new Request(PROBE_BYTES);
        request.begin(call, server, 0, 0, MessageCodec.frameBytes(payload), false);
        MessageCodec.encode(FrameType.PING, payload, 0, request.frame(), 0, new Checksum());
        return request;
    }
}
