package io.weir.benchmarks.network;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/// One connection that keeps a number of requests in flight from one thread, from and into arrays of its caller.
/// Confined to that thread.
final class RawClient implements AutoCloseable {
    private final Settings settings;
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final ByteBuffer in;
    private final ByteBuffer out;
    private final long[] sentNs = new long[64];
    private final float[] requestValues = new float[RawFrame.MAX_PAYLOAD_BYTES / Float.BYTES];
    private final float[] replyValues = new float[RawFrame.MAX_PAYLOAD_BYTES / Float.BYTES];

    RawClient(Settings settings, int port) throws IOException {
        this.settings = settings;
        this.channel = SocketChannel.open();
        if (settings.clientSendBufferBytes() > 0) {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, settings.clientSendBufferBytes());
        }
        if (settings.clientReceiveBufferBytes() > 0) {
            channel.setOption(StandardSocketOptions.SO_RCVBUF, settings.clientReceiveBufferBytes());
        }
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.configureBlocking(false);
        this.selector = Selector.open();
        this.key = channel.register(selector, SelectionKey.OP_READ);
        this.in = settings.readBuffer(settings.clientReadBytes()).limit(0);
        this.out = settings.writeBuffer(settings.clientWriteBytes()).limit(0);
    }

    /// Runs requests for `durationNs`, at most `inFlight` unanswered, and waits for the last reply.
    ///
    /// @param payloadBytes of a request, a multiple of 8
    /// @param replyBytes of a reply, a multiple of 8
    /// @param latenciesNs receives the latency of each request, as long as there is room
    /// @return requests answered
    int run(int payloadBytes, int replyBytes, int inFlight, long durationNs, long[] latenciesNs) throws IOException {
        int sent = 0;
        int received = 0;
        int payloadRemaining = 0;
        int replyRemaining = 0;
        long startNs = System.nanoTime();
        long lastNs = startNs;
        boolean stopped = false;
        while (true) {
            boolean progress = false;
            // Fill the write buffer with as many requests, or as much of one, as it takes.
            if (!out.hasRemaining() && (payloadRemaining > 0 || (!stopped && sent - received < inFlight))) {
                out.clear();
                while (true) {
                    if (payloadRemaining > 0) {
                        int count = Math.min(payloadRemaining, out.remaining() & -8);
                        if (count == 0) {
                            break;
                        }
                        out.asFloatBuffer().put(requestValues, (payloadBytes - payloadRemaining) / 4, count / 4);
                        out.position(out.position() + count);
                        payloadRemaining -= count;
                    } else if (stopped
                            || sent - received >= inFlight
                            || out.remaining() < RawFrame.HEADER_BYTES
                            || (payloadBytes > 4096 && out.position() > 0)) {
                        break;
                    } else {
                        sentNs[sent & 63] = System.nanoTime();
                        out.putInt(payloadBytes).putInt(replyBytes).putLong(sent);
                        payloadRemaining = payloadBytes;
                        sent++;
                    }
                }
                out.flip();
            }
            if (out.hasRemaining()) {
                progress = channel.write(out) > 0;
            }
            in.compact();
            int count = channel.read(in);
            in.flip();
            if (count < 0) {
                throw new IOException("the server closed the connection");
            }
            if (count > 0) {
                progress = true;
                while (true) {
                    if (replyRemaining > 0) {
                        int taken = Math.min(replyRemaining, in.remaining() & -8);
                        if (taken == 0) {
                            break;
                        }
                        in.asFloatBuffer().get(replyValues, (replyBytes - replyRemaining) / 4, taken / 4);
                        in.position(in.position() + taken);
                        replyRemaining -= taken;
                    } else {
                        if (in.remaining() < RawFrame.HEADER_BYTES) {
                            break;
                        }
                        int bytes = in.getInt();
                        in.getInt();
                        long id = in.getLong();
                        if (bytes != replyBytes || id != received) {
                            throw new IOException("unexpected reply: bytes=" + bytes + ", id=" + id);
                        }
                        replyRemaining = replyBytes;
                    }
                    if (replyRemaining == 0) {
                        long nowNs = System.nanoTime();
                        if (received < latenciesNs.length) {
                            latenciesNs[received] = nowNs - sentNs[received & 63];
                        }
                        received++;
                        stopped = nowNs - startNs >= durationNs;
                    }
                }
            }
            if (stopped && sent == received) {
                return received;
            }
            if (progress) {
                lastNs = System.nanoTime();
            } else if (System.nanoTime() - lastNs > settings.clientSpinNs()) {
                key.interestOps(
                        out.hasRemaining() ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
                selector.select();
                selector.selectedKeys().clear();
                lastNs = System.nanoTime();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }
}
