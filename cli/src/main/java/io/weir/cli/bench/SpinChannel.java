package io.weir.cli.bench;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/// A socket whose user polls for a short while before it blocks. Confined to the thread that uses it.
final class SpinChannel implements AutoCloseable {
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private long lastNs = System.nanoTime();

    SpinChannel(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        if (BareFrame.SEND_BUFFER_BYTES > 0) {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, BareFrame.SEND_BUFFER_BYTES);
        }
        channel.configureBlocking(false);
        this.selector = Selector.open();
        this.key = channel.register(selector, SelectionKey.OP_READ);
    }

    /// Reads what is there, at most to the limit of `buffer`, without waiting.
    ///
    /// @return bytes read, 0 if there are none now, -1 at the end
    int readNow(ByteBuffer buffer) throws IOException {
        return channel.read(buffer);
    }

    /// Writes what the socket takes, without waiting.
    int writeNow(ByteBuffer buffer) throws IOException {
        return channel.write(buffer);
    }

    /// Says that something moved, so that polling goes on.
    void moved() {
        lastNs = System.nanoTime();
    }

    /// Says that nothing moved: returns at once while polling is worth while, else when the socket is ready.
    void idle(boolean reads, boolean writes) throws IOException {
        if (System.nanoTime() - lastNs < BareFrame.SPIN_NS) {
            Thread.onSpinWait();
            return;
        }
        key.interestOps((reads ? SelectionKey.OP_READ : 0) | (writes ? SelectionKey.OP_WRITE : 0));
        selector.select();
        selector.selectedKeys().clear();
        lastNs = System.nanoTime();
    }

    /// Reads at least one byte.
    ///
    /// @return false at the end
    boolean read(ByteBuffer buffer) throws IOException {
        while (true) {
            int count = channel.read(buffer);
            if (count != 0) {
                moved();
                return count > 0;
            }
            idle(true, false);
        }
    }

    /// Writes all that remains.
    void write(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.write(buffer) > 0) {
                moved();
            } else {
                idle(false, true);
            }
        }
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }
}
