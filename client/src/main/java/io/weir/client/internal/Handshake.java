package io.weir.client.internal;

import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import io.weir.wire.ReplyLayout;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/// The first messages of a connection, with plain blocking reads and writes: who are you, and this is your place in my
/// map. Confined.
final class Handshake {
    private static final String SOFTWARE = "weir-java/0.1.0";

    /// What the socket may hold beyond the cache: more in flight than this is slower, not faster.
    private static final int SEND_BUFFER_BYTES = 256 << 10;

    private final ServerAddress address;
    private final int timeoutMs;
    private final Checksum checksum = new Checksum();

    Handshake(ServerAddress address, int timeoutMs) {
        this.address = address;
        this.timeoutMs = timeoutMs;
    }

    /// Connects. The channel blocks still.
    SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.socket().connect(new InetSocketAddress(address.host(), address.port()), timeoutMs);
            channel.socket().setSoTimeout(timeoutMs);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// Says hello.
    ///
    /// @throws WeirException if the server refuses, or is no Weir server
    ///
    /// @param features that are asked for
    Message.HelloReply hello(SocketChannel channel, long features) throws IOException {
        Message reply =
                exchange(channel, new Message.Hello(FrameLayout.VERSION, FrameLayout.VERSION, features, SOFTWARE));
        if (!(reply instanceof Message.HelloReply hello)) {
            throw notWeir("hello was answered with type " + reply.type());
        }
        if ((hello.features() & ~features) != 0) {
            throw notWeir("it grants features that nobody asked for: " + Long.toHexString(hello.features()));
        }
        return hello;
    }

    /// Tells the server its place.
    void attach(SocketChannel channel, Message.Attach attach) throws IOException {
        exchange(channel, attach);
    }

    private Message exchange(SocketChannel channel, Message message) throws IOException {
        byte[] payload = message.toPayload();
        ByteBuffer out = ByteBuffer.allocate(MessageCodec.frameBytes(payload)).order(ByteOrder.LITTLE_ENDIAN);
        MessageCodec.encode(message.type(), payload, 1, out, 0, checksum);
        while (out.hasRemaining()) {
            channel.write(out);
        }
        byte[] bytes = new byte[Limits.MAX_HELLO_BYTES];
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        read(channel, bytes, in, FrameLayout.HEADER_BYTES);
        int fieldBytes = Math.min(FrameLayout.fieldBytes(in, 0), FrameLayout.MAX_FIELD_BYTES);
        read(channel, bytes, in, FrameLayout.HEADER_BYTES + fieldBytes);
        try {
            FrameLayout.checkHeader(in, 0, in.position(), Limits.MAX_HELLO_BYTES, true, checksum);
        } catch (WeirException e) {
            throw notWeir(e.getMessage());
        }
        read(channel, bytes, in, FrameLayout.length(in, 0));
        if (!checksum.matchesPayload(in.clear(), 0)) {
            throw notWeir("its answer has a wrong checksum");
        }
        if (FrameLayout.type(in, 0) == FrameType.ERROR) {
            byte[] text = new byte[FrameLayout.payloadBytes(in, 0)];
            in.get(FrameLayout.payloadOffset(in, 0), text);
            throw new WeirException(
                    ErrorCode.ofNumber(ReplyLayout.code(in, 0)),
                    "server " + address + " refuses the connection: " + new String(text, StandardCharsets.UTF_8));
        }
        return MessageCodec.decode(in, 0);
    }

    private void read(SocketChannel channel, byte[] bytes, ByteBuffer in, int until) throws IOException {
        while (in.position() < until) {
            int read;
            try {
                read = channel.socket().getInputStream().read(bytes, in.position(), until - in.position());
            } catch (SocketTimeoutException e) {
                throw new IOException("server " + address + " did not answer within " + timeoutMs + " ms", e);
            }
            if (read < 0) {
                throw notWeir("it closed the connection");
            }
            in.position(in.position() + read);
        }
    }

    private WeirException notWeir(String why) {
        return new WeirException(
                ErrorCode.VERSION_MISMATCH,
                "what answers at " + address + " is no Weir server, or one of another version: " + why);
    }
}
