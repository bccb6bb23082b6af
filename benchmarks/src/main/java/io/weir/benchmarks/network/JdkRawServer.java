package io.weir.benchmarks.network;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Serves the raw pattern from one selector loop over the JDK's channels. Confined to the thread that runs it.
///
/// All connections share one read buffer and one write buffer; a connection owns a buffer only while it holds part of
/// a frame or of a reply that its socket does not take. After work the loop polls the channels that were just busy for
/// a short while before it blocks.
final class JdkRawServer {
    private static final int MAX_HOT = 8;

    private final Settings settings;
    private final Selector selector;
    private final ServerSocketChannel listener;
    private final ByteBuffer readBuffer;
    private final ByteBuffer source = ByteBuffer.allocateDirect(RawFrame.SOURCE_BYTES);
    private final ArrayDeque<ByteBuffer> frameBuffers = new ArrayDeque<>();
    private final ArrayDeque<ByteBuffer> pieceBuffers = new ArrayDeque<>();
    private final List<Connection> hot = new ArrayList<>();
    private ByteBuffer writeBuffer;
    private int sourceOffset;

    JdkRawServer(Settings settings) throws IOException {
        this.settings = settings;
        this.readBuffer = settings.readBuffer(settings.readBytes());
        this.writeBuffer = pieceBuffer();
        this.selector = Selector.open();
        this.listener = ServerSocketChannel.open();
        if (settings.receiveBufferBytes() > 0) {
            listener.setOption(StandardSocketOptions.SO_RCVBUF, settings.receiveBufferBytes());
        }
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
    }

    private static final class Connection {
        final SocketChannel channel;
        final SelectionKey key;
        /// Part of a frame, or frames behind a reply that is held up; ready for reading from it.
        @Nullable
        ByteBuffer frame;
        /// Part of a reply that the socket did not take.
        @Nullable
        ByteBuffer unsent;

        int replyRemaining;

        Connection(SocketChannel channel, SelectionKey key) {
            this.channel = channel;
            this.key = key;
        }
    }

    @SuppressWarnings("SystemOut")
    void run() throws IOException {
        System.out.println("listening on port " + listener.socket().getLocalPort());
        while (true) {
            spin();
            selector.select(this::onSelected);
        }
    }

    private void spin() throws IOException {
        if (hot.isEmpty()) {
            return;
        }
        long lastNs = System.nanoTime();
        int rounds = 0;
        while (System.nanoTime() - lastNs < settings.spinNs()) {
            boolean progress = false;
            for (int i = 0; i < hot.size(); i++) {
                progress |= serve(hot.get(i));
            }
            if (++rounds % 32 == 0) {
                progress |= selector.selectNow(this::onSelected) > 0;
            }
            if (progress) {
                lastNs = System.nanoTime();
            } else {
                Thread.onSpinWait();
            }
        }
        hot.clear();
    }

    private void onSelected(SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                accept();
            } else if (key.attachment() instanceof Connection connection) {
                if (serve(connection) && hot.size() < MAX_HOT && !hot.contains(connection)) {
                    hot.add(connection);
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void accept() throws IOException {
        SocketChannel channel = listener.accept();
        if (channel == null) {
            return;
        }
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        if (settings.sendBufferBytes() > 0) {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, settings.sendBufferBytes());
        }
        SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
        key.attach(new Connection(channel, key));
    }

    private void close(Connection connection) throws IOException {
        hot.remove(connection);
        if (connection.frame != null) {
            frameBuffers.push(connection.frame);
        }
        if (connection.unsent != null) {
            pieceBuffers.push(connection.unsent);
        }
        connection.key.cancel();
        connection.channel.close();
    }

    /// Sends what is held up, reads once, answers what is whole.
    ///
    /// @return whether anything moved
    private boolean serve(Connection connection) throws IOException {
        try {
            return serveOpen(connection);
        } catch (IOException e) {
            close(connection);
            return false;
        }
    }

    private boolean serveOpen(Connection connection) throws IOException {
        ByteBuffer unsent = connection.unsent;
        if (unsent != null) {
            if (connection.channel.write(unsent) == 0) {
                return false;
            }
            if (unsent.hasRemaining()) {
                return true;
            }
            pieceBuffers.push(unsent);
            connection.unsent = null;
            connection.key.interestOps(SelectionKey.OP_READ);
            ByteBuffer held = connection.frame;
            if (!answer(connection, held == null ? readBuffer.clear().limit(0) : held)) {
                return true;
            }
            if (held != null && !held.hasRemaining()) {
                frameBuffers.push(held);
                connection.frame = null;
            }
        }
        ByteBuffer frame = connection.frame;
        if (frame == null) {
            ByteBuffer buffer = readBuffer.clear();
            int count = connection.channel.read(buffer);
            if (count <= 0) {
                if (count < 0) {
                    close(connection);
                }
                return false;
            }
            answer(connection, buffer.flip());
            if (buffer.hasRemaining()) {
                ByteBuffer held = frameBuffers.isEmpty()
                        ? settings.readBuffer(RawFrame.MAX_PAYLOAD_BYTES + settings.readBytes())
                        : frameBuffers.pop();
                connection.frame = held.clear().put(buffer).flip();
            }
            return true;
        }
        int from = frame.position();
        int to = frame.limit();
        if (to > RawFrame.MAX_PAYLOAD_BYTES) {
            frame.compact().flip();
            from = 0;
            to = frame.limit();
        }
        frame.limit(Math.min(frame.capacity(), to + settings.readBytes())).position(to);
        int count = connection.channel.read(frame);
        frame.limit(frame.position()).position(from);
        if (count <= 0) {
            if (count < 0) {
                close(connection);
            }
            return false;
        }
        answer(connection, frame);
        if (!frame.hasRemaining()) {
            frameBuffers.push(frame);
            connection.frame = null;
        }
        return true;
    }

    /// @return false if the socket took no more; the rest then lies in `unsent` and `replyRemaining`
    private boolean answer(Connection connection, ByteBuffer in) throws IOException {
        writeBuffer.clear();
        while (true) {
            while (connection.replyRemaining > 0) {
                if (!writeBuffer.hasRemaining() && !flush(connection)) {
                    return false;
                }
                int count = Math.min(connection.replyRemaining, writeBuffer.remaining());
                if (sourceOffset + count > RawFrame.SOURCE_BYTES) {
                    sourceOffset = 0;
                }
                writeBuffer.put(writeBuffer.position(), source, sourceOffset, count);
                writeBuffer.position(writeBuffer.position() + count);
                sourceOffset += count;
                connection.replyRemaining -= count;
            }
            int payloadBytes = in.remaining() < RawFrame.HEADER_BYTES ? 0 : in.getInt(in.position());
            if (in.remaining() < RawFrame.HEADER_BYTES + payloadBytes) {
                return flush(connection);
            }
            if (writeBuffer.remaining() < RawFrame.HEADER_BYTES && !flush(connection)) {
                return false;
            }
            int header = in.position();
            int replyBytes = in.getInt(header + RawFrame.REPLY_BYTES_OFFSET);
            writeBuffer.putInt(replyBytes).putInt(0).putLong(in.getLong(header + RawFrame.ID_OFFSET));
            connection.replyRemaining = replyBytes;
            in.position(header + RawFrame.HEADER_BYTES + payloadBytes);
        }
    }

    private boolean flush(Connection connection) throws IOException {
        ByteBuffer out = writeBuffer.flip();
        connection.channel.write(out);
        if (out.hasRemaining()) {
            connection.unsent = out;
            connection.key.interestOps(SelectionKey.OP_WRITE);
            writeBuffer = pieceBuffers.isEmpty() ? pieceBuffer() : pieceBuffers.pop();
            writeBuffer.clear();
            return false;
        }
        out.clear();
        return true;
    }

    private ByteBuffer pieceBuffer() {
        return settings.writeBuffer(Math.max(settings.pieceBytes(), RawFrame.HEADER_BYTES));
    }
}
