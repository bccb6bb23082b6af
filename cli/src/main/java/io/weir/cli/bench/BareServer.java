package io.weir.cli.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// The server side of the references, in a process of its own: moves bytes, gathers rows and applies gradients as fast
/// as we know how, and checks nothing.
///
/// Arguments: `embedding RECORDS DIM` or `dense LENGTH`. Prints `listening on port N`; ends when its standard input
/// does.
public final class BareServer {
    private BareServer() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] arguments) throws IOException {
        BareTable table = arguments[0].equals("dense")
                ? BareTable.dense(Integer.parseInt(arguments[1]))
                : BareTable.embedding(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
        Thread.ofPlatform().daemon().name("end of input").start(BareServer::endWithInput);
        try (ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            System.out.println("listening on port " + listener.socket().getLocalPort());
            while (true) {
                SocketChannel channel = listener.accept();
                Thread.ofPlatform().daemon().name("connection").start(() -> serve(channel, table));
            }
        }
    }

    private static void endWithInput() {
        try {
            while (System.in.read() >= 0) {}
        } catch (IOException e) {
            // as good as an end
        }
        Runtime.getRuntime().halt(0);
    }

    private static void serve(SocketChannel channel, BareTable table) {
        try (SpinChannel spinning = new SpinChannel(channel)) {
            new Connection(spinning, table).serve();
        } catch (EOFException e) {
            // the client is done
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Answers one client, request by request, in pieces.
    private static final class Connection {
        private final SpinChannel channel;
        private final BareTable table;
        private final ByteBuffer in;
        private final ByteBuffer out;
        private final MemorySegment inSegment;
        private final MemorySegment outSegment;
        private final long[] stretch = new long[1];
        private long[] rowOffsets = new long[0];

        Connection(SpinChannel channel, BareTable table) {
            this.channel = channel;
            this.table = table;
            int rowBytes = Math.min(table.length(), 4096) * Float.BYTES;
            this.in = BareFrame.buffer(BareFrame.PIECE_BYTES + rowBytes).limit(0);
            this.out = BareFrame.buffer(Math.max(BareFrame.PIECE_BYTES, rowBytes));
            this.inSegment = MemorySegment.ofBuffer(in.duplicate().clear());
            this.outSegment = MemorySegment.ofBuffer(out.duplicate().clear());
        }

        void serve() throws IOException {
            while (true) {
                need(BareFrame.HEADER_BYTES);
                int header = in.position();
                int kind = in.getInt(header + BareFrame.KIND_OFFSET);
                int ordinalCount = in.getInt(header + BareFrame.ORDINAL_COUNT_OFFSET);
                int floatCount = in.getInt(header + BareFrame.FLOAT_COUNT_OFFSET);
                int replyFloatCount = in.getInt(header + BareFrame.REPLY_FLOAT_COUNT_OFFSET);
                in.position(header + BareFrame.HEADER_BYTES);
                switch (kind) {
                    case BareFrame.MOVE -> {
                        drop((long) ordinalCount * Long.BYTES + (long) floatCount * Float.BYTES);
                        replyAnything(replyFloatCount);
                    }
                    case BareFrame.PULL -> {
                        readRowOffsets(ordinalCount);
                        replyRows(ordinalCount);
                    }
                    case BareFrame.PUSH -> {
                        readRowOffsets(ordinalCount);
                        applyRows(ordinalCount);
                        replyAnything(replyFloatCount);
                    }
                    case BareFrame.DENSE -> {
                        need(Long.BYTES);
                        long position = in.getLong();
                        applyStretch(position, floatCount);
                        replyStretch(position, replyFloatCount);
                    }
                    default -> throw new IOException("unknown kind of request: kind=" + kind);
                }
            }
        }

        /// Reads until so many bytes are there; sends what waits before it waits itself.
        private void need(int bytes) throws IOException {
            if (in.remaining() < bytes) {
                flush();
                in.compact();
                while (in.position() < bytes) {
                    if (!channel.read(in)) {
                        throw new EOFException();
                    }
                }
                in.flip();
            }
        }

        private void flush() throws IOException {
            channel.write(out.flip());
            out.clear();
        }

        private void drop(long bytes) throws IOException {
            long remaining = bytes;
            while (remaining > 0) {
                need(1);
                int count = (int) Math.min(remaining, in.remaining());
                in.position(in.position() + count);
                remaining -= count;
            }
        }

        private void replyAnything(int floatCount) throws IOException {
            long remaining = (long) floatCount * Float.BYTES;
            while (remaining > 0) {
                int count = (int) Math.min(remaining, out.remaining());
                out.position(out.position() + count);
                remaining -= count;
                if (!out.hasRemaining()) {
                    flush();
                }
            }
        }

        private void readRowOffsets(int count) throws IOException {
            if (rowOffsets.length < count) {
                rowOffsets = new long[count];
            }
            for (int done = 0; done < count; ) {
                need(Long.BYTES);
                int part = Math.min(count - done, in.remaining() / Long.BYTES);
                in.asLongBuffer().get(rowOffsets, done, part);
                in.position(in.position() + part * Long.BYTES);
                table.toRowOffsets(rowOffsets, done, done + part);
                done += part;
            }
        }

        private void replyRows(int count) throws IOException {
            int rowBytes = table.length() * Float.BYTES;
            for (int done = 0; done < count; ) {
                int part = Math.min(count - done, out.remaining() / rowBytes);
                if (part == 0) {
                    flush();
                    continue;
                }
                table.gather(rowOffsets, done, part, outSegment, out.position());
                out.position(out.position() + part * rowBytes);
                done += part;
            }
        }

        private void applyRows(int count) throws IOException {
            int rowBytes = table.length() * Float.BYTES;
            for (int done = 0; done < count; ) {
                need(rowBytes);
                int part = Math.min(count - done, in.remaining() / rowBytes);
                table.update(rowOffsets, done, part, inSegment, in.position());
                in.position(in.position() + part * rowBytes);
                done += part;
            }
        }

        private void applyStretch(long position, int count) throws IOException {
            for (int done = 0; done < count; ) {
                need(Float.BYTES);
                int part = Math.min(count - done, in.remaining() / Float.BYTES);
                table.updateStretch(stretch, position + done, part, inSegment, in.position());
                in.position(in.position() + part * Float.BYTES);
                done += part;
            }
        }

        private void replyStretch(long position, int count) throws IOException {
            for (int done = 0; done < count; ) {
                int part = Math.min(count - done, out.remaining() / Float.BYTES);
                if (part == 0) {
                    flush();
                    continue;
                }
                table.copyStretch(position + done, part, outSegment, out.position());
                out.position(out.position() + part * Float.BYTES);
                done += part;
            }
        }
    }
}
