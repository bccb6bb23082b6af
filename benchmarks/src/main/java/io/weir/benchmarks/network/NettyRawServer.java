package io.weir.benchmarks.network;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SelectStrategy;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.util.IntSupplier;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Serves the raw pattern from one epoll loop of Netty, with pooled direct buffers and a select strategy that polls
/// for a short while after work.
final class NettyRawServer {
    private NettyRawServer() {}

    /// Polls while work was seen within the last `spinNs`. Confined to the event loop.
    private static final class SpinStrategy implements SelectStrategy {
        private final long spinNs;
        private long lastNs = System.nanoTime();

        SpinStrategy(long spinNs) {
            this.spinNs = spinNs;
        }

        void worked() {
            lastNs = System.nanoTime();
        }

        @Override
        public int calculateStrategy(IntSupplier selectSupplier, boolean hasTasks) throws Exception {
            int ready = selectSupplier.get();
            if (ready > 0 || hasTasks) {
                return ready;
            }
            return System.nanoTime() - lastNs < spinNs ? SelectStrategy.CONTINUE : SelectStrategy.SELECT;
        }
    }

    @SuppressWarnings("SystemOut")
    static void run(Settings settings) throws InterruptedException {
        SpinStrategy strategy = new SpinStrategy(settings.spinNs());
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory(4096, () -> strategy));
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 4096)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(settings.readBytes()).maxMessagesPerRead(4))
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(settings.pieceBytes() / 2, settings.pieceBytes()))
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        if (settings.kind().equals("nettyframe")) {
                            channel.pipeline()
                                    .addLast(new LengthFieldBasedFrameDecoder(
                                            ByteOrder.LITTLE_ENDIAN,
                                            RawFrame.HEADER_BYTES + RawFrame.MAX_PAYLOAD_BYTES,
                                            RawFrame.PAYLOAD_BYTES_OFFSET,
                                            Integer.BYTES,
                                            RawFrame.HEADER_BYTES - Integer.BYTES,
                                            0,
                                            true));
                        }
                        channel.pipeline().addLast(new Handler(settings, strategy));
                    }
                });
        if (settings.receiveBufferBytes() > 0) {
            bootstrap.option(ChannelOption.SO_RCVBUF, settings.receiveBufferBytes());
        }
        if (settings.sendBufferBytes() > 0) {
            bootstrap.childOption(ChannelOption.SO_SNDBUF, settings.sendBufferBytes());
        }
        Channel listener = bootstrap
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .sync()
                .channel();
        System.out.println("listening on port " + ((InetSocketAddress) listener.localAddress()).getPort());
        listener.closeFuture().sync();
    }

    /// Answers requests. Skips payloads as they arrive, so it needs no whole frames, but takes them too.
    private static final class Handler extends ChannelInboundHandlerAdapter {
        private static final ByteBuffer SOURCE = ByteBuffer.allocateDirect(RawFrame.SOURCE_BYTES);

        private final Settings settings;
        private final SpinStrategy strategy;
        private final ByteBuffer source = SOURCE.duplicate();
        private final ByteBuffer header =
                ByteBuffer.allocate(RawFrame.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        private final java.util.ArrayDeque<long[]> replies = new java.util.ArrayDeque<>();
        private int payloadRemaining;
        private int replyRemaining;
        private int sourceOffset;

        Handler(Settings settings, SpinStrategy strategy) {
            this.settings = settings;
            this.strategy = strategy;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf in = (ByteBuf) message;
            try {
                while (in.isReadable() || (payloadRemaining == 0 && !header.hasRemaining())) {
                    if (header.hasRemaining()) {
                        header.limit(header.position() + Math.min(header.remaining(), in.readableBytes()));
                        in.readBytes(header);
                        header.limit(RawFrame.HEADER_BYTES);
                        if (header.hasRemaining()) {
                            break;
                        }
                        payloadRemaining = header.getInt(RawFrame.PAYLOAD_BYTES_OFFSET);
                    }
                    int skipped = Math.min(payloadRemaining, in.readableBytes());
                    in.skipBytes(skipped);
                    payloadRemaining -= skipped;
                    if (payloadRemaining == 0) {
                        replies.add(new long[] {
                            header.getInt(RawFrame.REPLY_BYTES_OFFSET), header.getLong(RawFrame.ID_OFFSET)
                        });
                        header.clear();
                    }
                }
            } finally {
                in.release();
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            answer(context);
            strategy.worked();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            if (context.channel().isWritable()) {
                answer(context);
                strategy.worked();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            var _ = context.close();
        }

        private void answer(ChannelHandlerContext context) {
            Channel channel = context.channel();
            while ((replyRemaining > 0 || !replies.isEmpty()) && channel.isWritable()) {
                int expected = replyRemaining;
                for (long[] reply : replies) {
                    expected += (int) Math.min(reply[0] + RawFrame.HEADER_BYTES, settings.pieceBytes());
                    if (expected >= settings.pieceBytes()) {
                        break;
                    }
                }
                ByteBuf out =
                        context.alloc().directBuffer(Math.min(expected, settings.pieceBytes()), settings.pieceBytes());
                while (true) {
                    if (replyRemaining > 0) {
                        int count = Math.min(replyRemaining, out.maxWritableBytes());
                        if (count == 0) {
                            break;
                        }
                        if (sourceOffset + count > RawFrame.SOURCE_BYTES) {
                            sourceOffset = 0;
                        }
                        out.writeBytes(source.limit(sourceOffset + count).position(sourceOffset));
                        sourceOffset += count;
                        replyRemaining -= count;
                    } else if (replies.isEmpty() || out.maxWritableBytes() < RawFrame.HEADER_BYTES) {
                        break;
                    } else {
                        long[] reply = replies.remove();
                        replyRemaining = (int) reply[0];
                        out.writeIntLE(replyRemaining).writeIntLE(0).writeLongLE(reply[1]);
                    }
                }
                var _ = context.writeAndFlush(out, context.voidPromise());
            }
            channel.config().setAutoRead(replyRemaining == 0 && replies.isEmpty());
        }
    }
}
