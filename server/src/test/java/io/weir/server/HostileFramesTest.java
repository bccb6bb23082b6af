package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.model.WorkerId;
import io.weir.wire.Checksum;
import io.weir.wire.CompressedFrame;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import io.weir.wire.VectorLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Bytes that no client of ours sends. Each time the sender is told why, its connection ends if nothing behind could
/// be trusted, and a [Witness] sees nothing of it.
class HostileFramesTest {
    private static final int DIM = 2;
    private static final long MIB = 1 << 20;

    private WeirServer server;
    private Witness witness;

    @BeforeEach
    void start() throws IOException {
        server = TestServers.start(DIM);
        witness = new Witness(server);
        witness.look();
    }

    @AfterEach
    void stop() throws IOException {
        witness.look();
        witness.close();
        TestServers.stop(server);
    }

    /// How far a client gets before it turns hostile.
    private enum Stage {
        CONNECTED,
        GREETED,
        ATTACHED
    }

    record Case(String name, Stage stage, ErrorCode code, ByteBuffer frame) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static ByteBuffer hello() {
        return control(new Message.Hello(1, 1, 0, "raw"));
    }

    private static ByteBuffer control(Message message) {
        return control(message.type(), message.toPayload());
    }

    private static ByteBuffer control(int type, byte[] payload) {
        int length = FrameLayout.frameBytes(0, payload.length);
        ByteBuffer frame = RawClient.buffer(length);
        FrameLayout.putHeader(frame, 0, length, type, FrameLayout.FLAG_CHECKSUMS, 5, 0);
        frame.put(FrameLayout.HEADER_BYTES, payload);
        return RawClient.seal(frame);
    }

    private static ByteBuffer flagged(ByteBuffer frame, int flags) {
        frame.put(FrameLayout.FLAGS_OFFSET, (byte) flags);
        return RawClient.seal(frame);
    }

    private static ByteBuffer withInt(ByteBuffer frame, int at, int value) {
        return frame.putInt(at, value);
    }

    private static ByteBuffer withShort(ByteBuffer frame, int at, int value) {
        return frame.putShort(at, (short) value);
    }

    private static ByteBuffer withByte(ByteBuffer frame, int at, int value) {
        return frame.put(at, (byte) value);
    }

    private static ByteBuffer flipped(ByteBuffer frame, int at) {
        return frame.put(at, (byte) (frame.get(at) ^ 4));
    }

    private static ByteBuffer pull() {
        return RawClient.pull(0, DIM, RawClient.keyOf(0, 1));
    }

    static Stream<Case> unreadable() {
        List<Case> cases = new ArrayList<>();
        for (Stage stage : Stage.values()) {
            ErrorCode malformed = ErrorCode.MALFORMED_FRAME;
            for (int length : new int[] {-1, 0, 27, Integer.MIN_VALUE, Integer.MAX_VALUE, Limits.MAX_FRAME_BYTES + 1}) {
                cases.add(new Case("length " + length, stage, malformed, withInt(hello(), 0, length)));
            }
            cases.add(new Case(
                    "version 2",
                    stage,
                    ErrorCode.VERSION_MISMATCH,
                    RawClient.seal(withByte(hello(), FrameLayout.VERSION_OFFSET, 2))));
            cases.add(new Case(
                    "fields longer than any",
                    stage,
                    malformed,
                    withShort(hello(), FrameLayout.FIELD_BYTES_OFFSET, 0xffff)));
            cases.add(new Case(
                    "reserved bytes",
                    stage,
                    malformed,
                    RawClient.seal(withShort(hello(), FrameLayout.RESERVED_OFFSET, 1))));
            cases.add(new Case(
                    "no checksums", stage, malformed, RawClient.seal(withByte(hello(), FrameLayout.FLAGS_OFFSET, 0))));
            cases.add(new Case("header checksum", stage, ErrorCode.CORRUPT, flipped(hello(), 9)));
            cases.add(new Case(
                    "payload checksum", stage, ErrorCode.CORRUPT, flipped(hello(), FrameLayout.HEADER_BYTES + 1)));
            for (int type : new int[] {0, 1, 5, 9999, 0xffff, FrameType.TICK}) {
                cases.add(new Case("type " + type, stage, malformed, control(type, new byte[0])));
            }
            for (int type : new int[] {FrameType.OK, FrameType.ERROR, FrameType.ROWS, FrameType.ACK}) {
                cases.add(new Case("reply of type " + type, stage, malformed, control(type, new byte[0])));
            }
            cases.add(new Case("ping with a payload", stage, malformed, control(FrameType.PING, new byte[1])));
            cases.add(new Case("hello cut short", stage, malformed, control(FrameType.HELLO, new byte[15])));
            cases.add(
                    new Case("table list with no name", stage, malformed, control(FrameType.LIST_TABLES, new byte[0])));
            cases.add(new Case(
                    "string longer than its message", stage, malformed, control(FrameType.LIST_TABLES, new byte[] {
                        -1, -1, -1, 127
                    })));
            cases.add(
                    new Case("string of negative length", stage, malformed, control(FrameType.LIST_TABLES, new byte[] {
                        -1, -1, -1, -1
                    })));
            cases.add(new Case("string that is no UTF-8", stage, malformed, control(FrameType.LIST_TABLES, new byte[] {
                1, 0, 0, 0, -1
            })));
            cases.add(new Case(
                    "hello of another version",
                    stage,
                    ErrorCode.VERSION_MISMATCH,
                    control(new Message.Hello(2, 9, 0, "later"))));
            if (stage != Stage.ATTACHED) {
                cases.add(new Case("pull too early", stage, malformed, pull()));
                cases.add(new Case("ping too early", stage, malformed, control(new Message.Ping())));
                cases.add(new Case("table too early", stage, malformed, control(new Message.DropTable("witness"))));
            }
            cases.add(new Case("compressed without a codec", stage, malformed, flagged(pull(), 3)));
            cases.add(new Case("compressed without a checksum", stage, malformed, flagged(pull(), 2)));
            cases.add(new Case(
                    "pull with too many keys",
                    stage,
                    malformed,
                    RawClient.seal(withInt(pull(), DataLayout.COUNT_OFFSET, Integer.MAX_VALUE))));
            cases.add(new Case(
                    "pull with a negative count",
                    stage,
                    malformed,
                    RawClient.seal(withInt(pull(), DataLayout.COUNT_OFFSET, -1))));
            cases.add(new Case(
                    "rows of no length",
                    stage,
                    malformed,
                    RawClient.seal(withInt(pull(), DataLayout.ROW_LENGTH_OFFSET, 0))));
            cases.add(new Case(
                    "rows of the greatest length",
                    stage,
                    malformed,
                    RawClient.seal(withInt(pull(), DataLayout.ROW_LENGTH_OFFSET, Integer.MAX_VALUE))));
        }
        cases.add(new Case(
                "hello longer than a hello may be",
                Stage.CONNECTED,
                ErrorCode.MALFORMED_FRAME,
                control(FrameType.HELLO, new byte[Limits.MAX_HELLO_BYTES])));
        return cases.stream();
    }

    private RawClient at(Stage stage) throws IOException {
        return switch (stage) {
            case CONNECTED -> new RawClient(server);
            case GREETED -> RawClient.greeted(server);
            case ATTACHED -> RawClient.attached(server);
        };
    }

    @ParameterizedTest
    @MethodSource("unreadable")
    void saysWhyAndEndsTheConnection(Case hostile) throws IOException {
        try (RawClient client = at(hostile.stage())) {
            client.write(hostile.frame());
            RawClient.Reply reply = client.expect();
            assertThat(reply.code()).as(reply.text()).isEqualTo(hostile.code());
            assertThat(reply.text()).isNotEmpty();
            assertThat(client.read()).isNull();
        }
    }

    @Test
    void refusesWhatItCanReadAndGoesOn() throws IOException {
        long key = RawClient.keyOf(0, 1);
        try (RawClient client = RawClient.attached(server)) {
            assertRefused(client, withInt(pull(), DataLayout.TABLE_ID_OFFSET, 0), ErrorCode.UNKNOWN_TABLE);
            assertRefused(
                    client, withInt(pull(), DataLayout.TABLE_ID_OFFSET, Integer.MAX_VALUE), ErrorCode.UNKNOWN_TABLE);
            assertRefused(client, withInt(pull(), DataLayout.SHARD_OFFSET, RawClient.SHARDS), ErrorCode.WRONG_SHARD);
            assertRefused(client, withInt(pull(), DataLayout.SHARD_OFFSET, Integer.MAX_VALUE), ErrorCode.WRONG_SHARD);
            assertRefused(client, withInt(pull(), DataLayout.MAP_VERSION_OFFSET, 7), ErrorCode.MAP_MISMATCH);
            assertRefused(client, withInt(pull(), DataLayout.SHARD_OFFSET, 1), ErrorCode.WRONG_SHARD);
            assertRefused(
                    client,
                    withInt(RawClient.pull(0, DIM), DataLayout.ROW_LENGTH_OFFSET, 1 << 20),
                    ErrorCode.INVALID_ARGUMENT);
            assertRefused(
                    client,
                    RawClient.push(0, Long.MAX_VALUE, Long.MAX_VALUE - 1, DIM, new long[] {key}, 1, 2),
                    ErrorCode.GAP);
            assertRefused(
                    client,
                    withInt(
                            RawClient.push(0, 1, 0, DIM, new long[] {key}, 1, 2),
                            DataLayout.WORKER_OFFSET,
                            Integer.MAX_VALUE),
                    ErrorCode.UNKNOWN_WORKER);
            assertThat(client.ask(new Message.Ping())).isEqualTo(new Message.Ok());
            assertThat(client.exchange(pull()).rows()).containsExactly(0, 0);
        }
    }

    private static void assertRefused(RawClient client, ByteBuffer frame, ErrorCode code) throws IOException {
        RawClient.Reply reply = client.exchange(RawClient.seal(frame));
        assertThat(reply.code()).as(reply.text()).isEqualTo(code);
        assertThat(reply.requestId()).isEqualTo(6);
    }

    @Test
    void answersEveryValueOfEveryField() throws IOException {
        long key = RawClient.keyOf(0, 1);
        List<ByteBuffer> frames = new ArrayList<>();
        for (int type :
                new int[] {FrameType.PULL, FrameType.PUSH, FrameType.PUSH_PULL, FrameType.LOAD, FrameType.SCAN}) {
            for (int at = DataLayout.RUN_OFFSET; at < DataLayout.PAYLOAD_OFFSET; at += Integer.BYTES) {
                for (int value : new int[] {-1, 0, 1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 24, 1 << 30}) {
                    ByteBuffer payload = RawClient.buffer(16 + 8);
                    payload.putLong(0, key);
                    ByteBuffer frame = RawClient.data(type, 0, 1, 0, 1, DIM, payload);
                    frames.add(RawClient.seal(withInt(frame, at, value)));
                }
            }
        }
        RawClient client = RawClient.attached(server);
        try {
            for (ByteBuffer frame : frames) {
                client.write(frame);
                RawClient.Reply reply = client.expect();
                if (reply.type() == FrameType.ERROR && reply.code() == ErrorCode.MALFORMED_FRAME) {
                    assertThat(client.read()).isNull();
                    client.close();
                    client = RawClient.attached(server);
                }
            }
            assertThat(client.ask(new Message.Ping())).isEqualTo(new Message.Ok());
        } finally {
            client.close();
        }
    }

    // ---- compressed frames ----

    private RawClient deflating() throws IOException {
        RawClient client = new RawClient(server);
        Message.HelloReply reply = (Message.HelloReply) client.ask(new Message.Hello(1, 1, -1, "raw"));
        assertThat(reply.features()).isEqualTo(FrameCodecs.features());
        assertThat(client.ask(RawClient.ATTACH)).isEqualTo(new Message.Ok());
        return client;
    }

    /// A push of zeros to so many keys, with the payload's length and the compressed bytes as they come.
    private static ByteBuffer compressedPush(int keyCount) {
        long[] keys = new long[keyCount];
        Arrays.fill(keys, RawClient.keyOf(0, 1));
        ByteBuffer frame = RawClient.push(0, 1, 0, DIM, keys, new float[keyCount * DIM]);
        ByteBuffer out = RawClient.buffer(frame.capacity());
        FrameCodec codec = Objects.requireNonNull(FrameCodecs.create(FrameCodecs.DEFLATE_FEATURE));
        int length = CompressedFrame.compress(codec, frame, 0, out, 0, new Checksum());
        codec.close();
        assertThat(length).isPositive();
        ByteBuffer whole = RawClient.buffer(length);
        whole.put(0, out, 0, length);
        return whole;
    }

    @Test
    void takesACompressedFrameForWhatItWas() throws IOException {
        try (RawClient client = deflating()) {
            for (int i = 0; i < 3; i++) {
                assertThat(client.exchange(compressedPush(500)).type()).isEqualTo(FrameType.ACK);
            }
        }
    }

    @Test
    void refusesCompressedFramesThatBecomeSomethingElse() throws IOException {
        List<ByteBuffer> frames = new ArrayList<>();
        int plain = 500 * (Long.BYTES + DIM * Float.BYTES);
        for (int bytes : new int[] {
            0, -1, 100, plain - 1, plain + 1, Limits.MAX_FRAME_BYTES, Integer.MAX_VALUE, Integer.MIN_VALUE
        }) {
            frames.add(RawClient.seal(withInt(compressedPush(500), DataLayout.PAYLOAD_OFFSET, bytes)));
        }
        Random random = new Random(7);
        for (int i = 0; i < 40; i++) {
            ByteBuffer frame = compressedPush(500);
            frame.put(DataLayout.PAYLOAD_OFFSET + 4 + random.nextInt(8), (byte) random.nextInt());
            frames.add(RawClient.seal(frame));
        }
        // What it becomes is no frame either.
        ByteBuffer nonsense = compressedPush(500);
        frames.add(RawClient.seal(withInt(nonsense, DataLayout.COUNT_OFFSET, 501)));
        int ended = 0;
        for (ByteBuffer frame : frames) {
            try (RawClient client = deflating()) {
                client.write(frame);
                RawClient.Reply reply = client.expect();
                if (reply.type() != FrameType.ACK) {
                    assertThat(reply.code()).isEqualTo(ErrorCode.MALFORMED_FRAME);
                    ended++;
                }
            }
        }
        assertThat(ended).isGreaterThanOrEqualTo(20);
    }

    /// A few bytes that would become more than a frame may be, many times.
    @Test
    void bombsCostNothing() throws IOException {
        long direct = TestServers.directBytes();
        ByteBuffer bomb = compressedPush(1_000_000);
        assertThat(bomb.capacity()).isLessThan(100_000);
        for (int i = 0; i < 50; i++) {
            try (RawClient client = deflating()) {
                client.write(RawClient.seal(withInt(bomb, DataLayout.PAYLOAD_OFFSET, Limits.MAX_FRAME_BYTES)));
                RawClient.Reply reply = client.expect();
                assertThat(reply.code()).isEqualTo(ErrorCode.MALFORMED_FRAME);
                assertThat(client.read()).isNull();
            }
        }
        assertThat(TestServers.directBytes() - direct).as("direct memory").isLessThan(64 * MIB);
    }

    @Test
    void survivesTenThousandRandomFrames() throws Exception {
        long seed = 20261122;
        Random random = new Random(seed);
        try (RawClient client = RawClient.attached(server)) {
            TableSpec dense = TableSpec.dense("dense", 1000, OptimizerSpec.parse("sgd(rate=1)"))
                    .withPlacement("p");
            assertThat(client.ask(new Message.CreateTable(0, 0, dense))).isInstanceOf(Message.Tables.class);
        }
        long direct = TestServers.directBytes();
        for (int connection = 0; connection < 1000; connection++) {
            try (RawClient client = connection % 10 == 0 ? new RawClient(server) : RawClient.attached(server)) {
                for (int i = 0; i < 10; i++) {
                    if (!client.offer(hostileBytes(random))) {
                        break;
                    }
                }
                client.endOutput();
                RawClient.Reply reply;
                while ((reply = client.read()) != null) {
                    assertThat(reply.frame().capacity())
                            .as("seed=%d, connection=%d", seed, connection)
                            .isPositive();
                }
            } catch (java.net.SocketException e) {
                // A server that has hung up may reset what comes behind; it lives on, as the witness shows.
                assertThat(e).hasMessageContaining("");
            }
            if (connection % 50 == 0) {
                witness.look();
            }
        }
        assertThat(TestServers.directBytes() - direct).as("direct memory").isLessThan(64 * MIB);
    }

    /// A push whose types, layout and length are any.
    private static ByteBuffer encodedPush(Random random, long key) {
        ByteBuffer payload = RawClient.buffer(random.nextInt(8, 60));
        for (int i = 8; i < payload.capacity(); i++) {
            payload.put(i, (byte) (random.nextBoolean() ? 0 : random.nextInt()));
        }
        payload.putLong(0, key);
        int type = random.nextBoolean() ? FrameType.PUSH : FrameType.PUSH_PULL;
        ByteBuffer frame = RawClient.data(type, 0, 1, 0, 1, DIM, payload);
        frame.put(DataLayout.VALUE_TYPE_OFFSET, (byte) random.nextInt(random.nextBoolean() ? 9 : 0x50));
        frame.put(DataLayout.LAYOUT_OFFSET, (byte) (random.nextInt(3) == 0 ? random.nextInt(6) : 1));
        return frame;
    }

    private static byte[] hostileBytes(Random random) {
        if (random.nextInt(8) == 0) {
            byte[] noise = new byte[random.nextInt(300)];
            random.nextBytes(noise);
            return noise;
        }
        long key = RawClient.keyOf(0, random.nextInt(50));
        ByteBuffer frame =
                switch (random.nextInt(20)) {
                    case 0 -> hello();
                    case 1 -> control(RawClient.ATTACH);
                    case 2 -> control(hostileRunMessage(random));
                    case 3 -> control(hostileRunMessage(random));
                    case 6 -> control(hostileRunMessage(random));
                    case 7 -> control(hostileRunMessage(random));
                    case 8 -> control(hostileRunMessage(random));
                    case 9 -> hostileTick(random);
                    case 10 -> hostileTick(random);
                    case 11 -> hostileTick(random);
                    case 16 -> hostileVector(random);
                    case 17 -> hostileVector(random);
                    case 4 -> RawClient.push(0, 1 + random.nextInt(4), random.nextInt(2), DIM, new long[] {key}, 1, 2);
                    case 5 -> control(new Message.ListTables("t"));
                    case 12 -> encodedPush(random, key);
                    case 13 -> encodedPush(random, key);
                    case 14 -> encodedPush(random, key);
                    default -> RawClient.pull(0, DIM, key);
                };
        boolean sealed = random.nextInt(8) != 0;
        for (int flips = random.nextInt(4); flips > 0; flips--) {
            // Not the length, if it is to be believed: the server would wait for the rest, and so would the test.
            int at = random.nextInt(frame.capacity());
            if (sealed && at < Integer.BYTES) {
                continue;
            }
            frame.put(at, (byte) random.nextInt(256));
        }
        if (sealed && FrameLayout.fieldBytes(frame, 0) + FrameLayout.HEADER_BYTES + 4 <= frame.capacity()) {
            RawClient.seal(frame);
        }
        return RawClient.bytes(frame);
    }

    /// A message about one of a few runs that may be there, with numbers that may fit.
    private static Message hostileRunMessage(Random random) {
        Consistency[] consistencies = {Consistency.bsp(), Consistency.ssp(1), Consistency.asp()};
        int kind = random.nextInt(3);
        RunSpec spec =
                RunSpec.of("run" + kind, 2).withConsistency(consistencies[kind]).withPortionCount(3);
        int[] indexes = {0, 1, 2, 3, 65_535, 65_536, WorkerId.PORTIONS, WorkerId.PORTIONS + 7, Integer.MAX_VALUE};
        WorkerId worker = new WorkerId(spec.id(), indexes[random.nextInt(indexes.length)], 1 + random.nextInt(4));
        int shard = random.nextInt(3);
        int group = random.nextInt(8) == 0 ? 65_535 : 0;
        long number = random.nextInt(6) == 0 ? random.nextLong() : random.nextInt(4);
        List<Integer> some = random.nextBoolean() ? List.of(0, 1) : List.of(1, 65_535);
        return switch (random.nextInt(12)) {
            case 0 ->
                new RunMessage.JoinRun(shard, spec, random.nextInt(4) - 1, random.nextInt(3), random.nextBoolean());
            case 1 ->
                new RunMessage.OpenRun(
                        spec, random.nextInt(2), List.of(new RunMessage.Step(group, Math.abs(number), some)));
            case 2, 3 -> new RunMessage.OpenWorker(worker, number, number, random.nextBoolean());
            case 4 -> new RunMessage.CloseWorker(worker, random.nextBoolean());
            case 5 -> new RunMessage.Heartbeat(shard, worker, number);
            case 6 ->
                new RunMessage.UpdateMembers(
                        spec.id(), number, List.of(new RunMessage.Gone(some.get(0), random.nextInt(3))));
            case 7 -> new RunMessage.CompleteStep(shard, worker, group, number, random.nextInt(4) - 1, true);
            case 8 -> new RunMessage.CloseStep(spec.id(), group, number, some);
            case 9 -> new RunMessage.Barrier(shard, worker, number);
            case 10 -> new RunMessage.NextPortion(shard, worker, random.nextInt(4) - 1);
            default -> new RunMessage.RunStatus(spec.name());
        };
    }

    /// A vector operation on a table that may be there, may be dense, and may lie here.
    private static ByteBuffer hostileVector(Random random) {
        VectorOperation[] operations = VectorOperation.values();
        VectorOperation operation = operations[random.nextInt(operations.length)];
        boolean changes = operation.isChanging();
        ByteBuffer frame = RawClient.data(
                changes ? FrameType.TRANSFORM : FrameType.REDUCE,
                random.nextInt(2),
                changes ? 1 + random.nextInt(4) : 0,
                0,
                0,
                1,
                RawClient.buffer(VectorLayout.PAYLOAD_BYTES));
        DataLayout.putTarget(frame, 0, random.nextInt(2), 0, RawClient.ATTACH.mapVersion(), random.nextInt(4));
        int[] counts = {0, 1, 1000, 1008, Integer.MAX_VALUE, DataLayout.MAX_REPLY_FLOATS};
        long[] offsets = {0, 0, 0, 1, 1000, TableShape.Dense.MAX_LENGTH - 1};
        DataLayout.putContent(
                frame,
                0,
                DataLayout.LAYOUT_STRETCH,
                counts[random.nextInt(counts.length)],
                random.nextBoolean() ? 1008 : DIM,
                offsets[random.nextInt(offsets.length)]);
        double[] scalars = {0, 1, -1, Double.NaN, 1e300, Double.NEGATIVE_INFINITY};
        VectorLayout.put(
                frame,
                0,
                operation,
                operation.isBinary() ? random.nextInt(4) : 0,
                scalars[random.nextInt(scalars.length)]);
        return RawClient.seal(frame);
    }

    private static ByteBuffer hostileTick(Random random) {
        ByteBuffer tick =
                RawClient.data(FrameType.TICK, random.nextInt(2), 1 + random.nextInt(3), 0, 0, 1, RawClient.buffer(0));
        DataLayout.putWorker(tick, 0, RunSpec.of("run" + random.nextInt(3), 1).id(), random.nextInt(3), 1);
        DataLayout.putTarget(tick, 0, random.nextInt(2), 0, RawClient.ATTACH.mapVersion(), 0);
        DataLayout.putClock(tick, 0, random.nextInt(4) == 0 ? Long.MAX_VALUE : random.nextInt(3), 0);
        DataLayout.putFlags(tick, 0, new int[] {0, 0, 1, 2, 4}[random.nextInt(5)]);
        return RawClient.seal(tick);
    }

    private static Message join(int shard, String name, int worker, int workers) {
        return new RunMessage.JoinRun(shard, RunSpec.of(name, workers), worker, 1, false);
    }

    @Test
    void refusesHostileControlMessages() throws IOException {
        try (RawClient client = RawClient.attached(server)) {
            for (int count : new int[] {Integer.MAX_VALUE, 65_537, 0, -1, Integer.MIN_VALUE}) {
                byte[] payload = join(0, "r", 0, 1).toPayload();
                ByteBuffer.wrap(payload).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(9, count);
                RawClient.Reply reply = client.exchange(control(FrameType.JOIN_RUN, payload));
                assertThat(reply.code()).as(reply.text()).isEqualTo(ErrorCode.INVALID_ARGUMENT);
            }
            for (int worker : new int[] {3, 65_536, Integer.MAX_VALUE}) {
                assertControl(client, join(0, "r", worker, 2), ErrorCode.RUN_MISMATCH);
                // A run that nobody has joined is none.
                assertControl(client, new RunMessage.RunStatus("r"), ErrorCode.UNKNOWN_RUN);
            }
            for (int shard : new int[] {-1, RawClient.SHARDS, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                WorkerId nobody = new WorkerId(1, 0, 1);
                assertControl(client, join(shard, "r", 0, 2), ErrorCode.WRONG_SHARD);
                assertControl(client, new RunMessage.Heartbeat(shard, nobody, 0), ErrorCode.WRONG_SHARD);
                assertControl(client, new RunMessage.Barrier(shard, nobody, 0), ErrorCode.WRONG_SHARD);
                assertControl(client, new RunMessage.NextPortion(shard, nobody, -1), ErrorCode.WRONG_SHARD);
                assertControl(
                        client, new RunMessage.CompleteStep(shard, nobody, 0, 0, -1, false), ErrorCode.WRONG_SHARD);
            }
            WorkerId nobody = new WorkerId(1, 0, 1);
            assertControl(client, new RunMessage.Heartbeat(0, nobody, 0), ErrorCode.UNKNOWN_RUN);
            assertControl(client, new RunMessage.Barrier(0, nobody, 0), ErrorCode.UNKNOWN_RUN);
            assertControl(client, new RunMessage.NextPortion(0, nobody, -1), ErrorCode.UNKNOWN_RUN);
            assertControl(client, new RunMessage.CompleteStep(0, nobody, 0, 0, -1, false), ErrorCode.UNKNOWN_RUN);
            assertControl(client, new RunMessage.CloseStep(1, 0, 0, List.of()), ErrorCode.UNKNOWN_RUN);
            assertThat(client.ask(new RunMessage.UpdateMembers(1, 5, List.of())))
                    .isEqualTo(new Message.Ok());
            for (int id : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, (1 << 20) + 1}) {
                assertControl(client, new Message.CreateTable(id, 0, dense("x", 1 << 20)), ErrorCode.LIMIT_EXCEEDED);
            }
            for (Message.Attach attach : new Message.Attach[] {
                new Message.Attach(1, 0, 0, RawClient.SHARDS),
                new Message.Attach(1, 4242, -1, RawClient.SHARDS),
                new Message.Attach(1, 4242, Integer.MAX_VALUE, RawClient.SHARDS),
                new Message.Attach(1, 4242, 0, 0),
                new Message.Attach(1, 4242, 0, -1),
                new Message.Attach(1, 4242, 0, Integer.MAX_VALUE),
                new Message.Attach(1, 4242, 0, 1),
                new Message.Attach(1, 4242, Integer.MIN_VALUE, Integer.MIN_VALUE)
            }) {
                assertControl(client, attach, ErrorCode.INVALID_ARGUMENT);
            }
            assertControl(client, new Message.Attach(1, 4243, 0, RawClient.SHARDS), ErrorCode.MAP_MISMATCH);
            assertControl(client, new Message.Attach(2, 4242, 0, RawClient.SHARDS), ErrorCode.MAP_MISMATCH);
            assertControl(client, new RunMessage.RunStatus("x".repeat(4096)), ErrorCode.UNKNOWN_RUN);
            assertThat(client.ask(RawClient.open(Long.MIN_VALUE, 0, Integer.MAX_VALUE)))
                    .isInstanceOf(RunMessage.OpenWorkerReply.class);
            assertThat(client.ask(RawClient.open(77, Integer.MAX_VALUE, 1)))
                    .as("outside runs an index is only a name")
                    .isInstanceOf(RunMessage.OpenWorkerReply.class);
            assertThat(client.ask(new RunMessage.CloseWorker(new WorkerId(-1, Integer.MAX_VALUE, 0), true)))
                    .isEqualTo(new Message.Ok());
            assertThat(client.ask(
                            new RunMessage.CloseWorker(new WorkerId(Long.MIN_VALUE, 0, Integer.MAX_VALUE), false)))
                    .isEqualTo(new Message.Ok());
            assertThat(client.exchange(pull()).rows()).containsExactly(0, 0);
        }
    }

    @Test
    void refusesWorkersAndStepsThatNoRunHas() throws IOException {
        RunSpec spec =
                RunSpec.of("hostile", 2).withConsistency(Consistency.bsp()).withPortionCount(3);
        try (RawClient client = RawClient.attached(server)) {
            client.ask(new RunMessage.OpenRun(spec, 0, List.of()));
            for (int worker :
                    new int[] {RunSpec.MAX_WORKERS, WorkerId.PORTIONS - 1, WorkerId.PORTIONS + 3, Integer.MAX_VALUE}) {
                assertControl(client, RawClient.open(spec.id(), worker, 1), ErrorCode.INVALID_ARGUMENT);
                assertThat(client.ask(new RunMessage.CloseWorker(new WorkerId(spec.id(), worker, 1), true)))
                        .isEqualTo(new Message.Ok());
            }
            client.ask(RawClient.open(spec.id(), RunSpec.MAX_WORKERS - 1, 1));
            client.ask(RawClient.open(spec.id(), WorkerId.PORTIONS + 2, 1));
            for (long step : new long[] {1, Long.MAX_VALUE}) {
                assertControl(
                        client, new RunMessage.CloseStep(spec.id(), 0, step, List.of()), ErrorCode.INVALID_ARGUMENT);
            }
            assertThat(client.ask(new RunMessage.CloseStep(spec.id(), 0, -1, List.of(65_535))))
                    .as("long closed")
                    .isEqualTo(new Message.Ok());
            assertThat(client.ask(new RunMessage.CloseStep(spec.id(), 65_535, 0, List.of(65_535))))
                    .isEqualTo(new Message.Ok());
            ByteBuffer far = RawClient.push(0, 1, 0, DIM, new long[] {RawClient.keyOf(0, 0)}, 1, 2);
            DataLayout.putWorker(far, 0, spec.id(), RunSpec.MAX_WORKERS - 1, 1);
            DataLayout.putClock(far, 0, Long.MAX_VALUE, 0);
            RawClient.Reply reply = client.exchange(RawClient.seal(far));
            assertThat(reply.code()).as(reply.text()).isEqualTo(ErrorCode.INVALID_ARGUMENT);
            assertThat(reply.isOrdered()).isTrue();
        }
        witness.look();
    }

    @Test
    void takesATensorBeyondItsMemoryButNoMoreOfItThanFits() throws IOException {
        try (RawClient client = RawClient.attached(server)) {
            client.ask(RawClient.open(RawClient.RUN, 1, 1));
            assertThat(client.ask(new Message.CreateTable(1 << 11, 0, dense("huge", 1L << 40))))
                    .isInstanceOf(Message.Tables.class);
            int blockLength = 1 << 14;
            int shard = (1 << 11) % RawClient.SHARDS;
            RawClient.Reply reply = null;
            long number = 0;
            do {
                number++;
                ByteBuffer payload = RawClient.buffer(blockLength * Float.BYTES);
                ByteBuffer frame =
                        RawClient.data(FrameType.PUSH, shard, number, number - 1, blockLength, blockLength, payload);
                DataLayout.putWorker(frame, 0, RawClient.RUN, 1, 1);
                frame.putInt(DataLayout.TABLE_ID_OFFSET, 1 << 11);
                DataLayout.putContent(
                        frame, 0, DataLayout.LAYOUT_STRETCH, blockLength, blockLength, (number - 1) * blockLength);
                reply = client.exchange(RawClient.seal(frame));
            } while (reply.type() == FrameType.ACK);
            assertThat(reply.code()).as(reply.text()).isEqualTo(ErrorCode.MEMORY_EXCEEDED);
            assertThat(reply.isOrdered()).isFalse();
            assertThat(number).isBetween(100L, 1100L);
            witness.look();
            client.ask(new Message.DropTable("huge"));
        }
    }

    private static io.weir.model.TableSpec dense(String name, long length) {
        return io.weir.model.TableSpec.dense(name, length, io.weir.model.OptimizerSpec.parse("sgd(rate=1)"));
    }

    private static void assertControl(RawClient client, Message message, ErrorCode code) throws IOException {
        client.send(message);
        RawClient.Reply reply = client.expect();
        assertThat(reply.code()).as(reply.text()).isEqualTo(code);
    }

    @Test
    void allocatesNoFasterThanBytesArrive() throws IOException {
        long direct = TestServers.directBytes();
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                RawClient client = RawClient.attached(server);
                clients.add(client);
                ByteBuffer frame = RawClient.pull(0, DIM, new long[200]);
                frame.putInt(FrameLayout.LENGTH_OFFSET, Limits.MAX_FRAME_BYTES);
                new io.weir.wire.Checksum().sealHeader(frame, 0);
                client.write(frame);
            }
            witness.look();
            assertThat(TestServers.directBytes() - direct).as("direct memory").isLessThan(60 * MIB);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }
}
