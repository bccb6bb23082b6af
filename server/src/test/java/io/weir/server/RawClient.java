package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import io.weir.wire.ReplyLayout;
import io.weir.wire.RunMessage;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// A client that is nothing but a socket: sends any bytes, reads whole replies. Confined.
final class RawClient implements AutoCloseable {
    static final int SHARDS = 2;
    static final Message.Attach ATTACH = new Message.Attach(1, 4242, 0, SHARDS);
    static final long RUN = 99;
    private static final int TIMEOUT_MS = 20_000;

    private final Checksum checksum = new Checksum();
    private final Socket socket;
    private final DataInputStream in;

    /// A whole frame from the server.
    record Reply(ByteBuffer frame) {
        int type() {
            return FrameLayout.type(frame, 0);
        }

        long requestId() {
            return FrameLayout.requestId(frame, 0);
        }

        ErrorCode code() {
            assertThat(type()).isEqualTo(FrameType.ERROR);
            return ErrorCode.ofNumber(ReplyLayout.code(frame, 0));
        }

        boolean isOrdered() {
            return ReplyLayout.errorFlags(frame, 0) == ReplyLayout.ERROR_ORDERED;
        }

        String text() {
            byte[] text = new byte[FrameLayout.payloadBytes(frame, 0)];
            frame.get(FrameLayout.payloadOffset(frame, 0), text);
            return new String(text, StandardCharsets.UTF_8);
        }

        float[] rows() {
            assertThat(type()).as(() -> text()).isEqualTo(FrameType.ROWS);
            float[] rows = new float[FrameLayout.payloadBytes(frame, 0) / Float.BYTES];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = frame.getFloat(ReplyLayout.PAYLOAD_OFFSET + i * Float.BYTES);
            }
            return rows;
        }
    }

    RawClient(WeirServer server) throws IOException {
        socket = new Socket(server.address().getAddress(), server.address().getPort());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MS);
        in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
    }

    static RawClient greeted(WeirServer server) throws IOException {
        RawClient client = new RawClient(server);
        assertThat(client.ask(new Message.Hello(1, 1, 0, "raw"))).isInstanceOf(Message.HelloReply.class);
        return client;
    }

    static RawClient attached(WeirServer server) throws IOException {
        RawClient client = greeted(server);
        assertThat(client.ask(ATTACH)).isEqualTo(new Message.Ok());
        return client;
    }

    /// The table `t` of this length of row, which has the id 1.
    static void createTable(RawClient client, int dim) throws IOException {
        TableSpec spec = TableSpec.embedding("t", dim, OptimizerSpec.parse("sgd(rate=1)"));
        assertThat(client.ask(new Message.CreateTable(1, 0, spec))).isInstanceOf(Message.Tables.class);
        assertThat(client.ask(open(RUN, 0, 1))).isInstanceOf(RunMessage.OpenWorkerReply.class);
    }

    static Message open(long run, int worker, int generation) {
        return new RunMessage.OpenWorker(new WorkerId(run, worker, generation), -1, -1, true);
    }

    void write(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    void write(ByteBuffer frame) throws IOException {
        write(bytes(frame));
    }

    /// Writes, unless the server has hung up.
    boolean offer(byte[] bytes) throws IOException {
        try {
            write(bytes);
            return true;
        } catch (SocketException e) {
            return false;
        }
    }

    static byte[] bytes(ByteBuffer frame) {
        byte[] bytes = new byte[frame.capacity()];
        frame.get(0, bytes);
        return bytes;
    }

    void endOutput() throws IOException {
        socket.shutdownOutput();
    }

    /// Breaks the connection off, whatever is still on its way.
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    void send(Message message) throws IOException {
        write(control(message));
    }

    ByteBuffer control(Message message) {
        byte[] payload = message.toPayload();
        ByteBuffer frame = buffer(MessageCodec.frameBytes(payload));
        MessageCodec.encode(message.type(), payload, 5, frame, 0, checksum);
        return frame;
    }

    /// Sends a request and returns its answer, which must not be an error.
    Message ask(Message message) throws IOException {
        send(message);
        Reply reply = expect();
        assertThat(reply.type()).as(() -> reply.text()).isNotEqualTo(FrameType.ERROR);
        return MessageCodec.decode(reply.frame(), 0);
    }

    Reply exchange(ByteBuffer frame) throws IOException {
        write(frame);
        return expect();
    }

    Reply expect() throws IOException {
        Reply reply = read();
        assertThat(reply).as("a reply, not the end").isNotNull();
        return java.util.Objects.requireNonNull(reply);
    }

    /// The next reply, its checksums verified, or null if the server closed the connection.
    @Nullable
    Reply read() throws IOException {
        byte[] lengthBytes = new byte[Integer.BYTES];
        try {
            in.readFully(lengthBytes);
        } catch (EOFException | SocketException e) {
            return null;
        }
        int length = ByteBuffer.wrap(lengthBytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
        ByteBuffer frame = buffer(length);
        frame.putInt(0, length);
        byte[] rest = new byte[length - Integer.BYTES];
        in.readFully(rest);
        frame.put(Integer.BYTES, rest);
        int header = FrameLayout.checkHeader(frame, 0, length, io.weir.wire.Limits.MAX_FRAME_BYTES, true, checksum);
        assertThat(header).isPositive();
        assertThat(checksum.matchesPayload(frame, 0)).isTrue();
        return new Reply(frame);
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static ByteBuffer pull(int shard, int dim, long... keys) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        return data(FrameType.PULL, shard, 0, 0, keys.length, dim, payload);
    }

    static ByteBuffer push(int shard, long number, long previousNumber, int dim, long[] keys, float... gradients) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES + gradients.length * Float.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        for (float gradient : gradients) {
            payload.putFloat(gradient);
        }
        return data(FrameType.PUSH, shard, number, previousNumber, keys.length, dim, payload);
    }

    static ByteBuffer data(
            int type, int shard, long number, long previousNumber, int count, int dim, ByteBuffer payload) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payload.capacity());
        ByteBuffer frame = buffer(length);
        FrameLayout.putHeader(frame, 0, length, type, FrameLayout.FLAG_CHECKSUMS, 6, DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, 0, RUN, 0, 1);
        DataLayout.putNumber(frame, 0, number, previousNumber);
        DataLayout.putClock(frame, 0, 0, 0);
        DataLayout.putTarget(frame, 0, shard, 0, ATTACH.mapVersion(), 1);
        DataLayout.putContent(frame, 0, DataLayout.LAYOUT_KEYS, count, dim, 0);
        frame.put(DataLayout.PAYLOAD_OFFSET, payload, 0, payload.capacity());
        return seal(frame);
    }

    static ByteBuffer seal(ByteBuffer frame) {
        new Checksum().seal(frame, 0);
        return frame;
    }

    /// A key that the shard holds.
    static long keyOf(int shard, long from) {
        long key = from;
        while (io.weir.model.Keys.shardOf(key, SHARDS) != shard) {
            key++;
        }
        return key;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
