package io.weir.wire;

import static java.util.Objects.requireNonNull;

import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One frame of every type with telling values, a way to read any frame as a peer would, and one to write again
/// what was read.
final class Frames {
    /// Request id of every example.
    static final long REQUEST_ID = 0x0102030405060708L;

    private static final long RUN = 0x1112131415161718L;

    private Frames() {}

    /// Every example by name, sealed unless its name ends with `-unsealed`.
    static Map<String, ByteBuffer> examples() {
        Map<String, ByteBuffer> frames = new LinkedHashMap<>();
        messages().forEach((name, message) -> frames.put(name, frame(message, true)));
        frames.put("ping-unsealed", frame(new Message.Ping(), false));
        frames.put("create-table-unsealed", frame(requireNonNull(messages().get("create-table-adagrad")), false));

        long[] keys = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 42};
        float[] floats = new float[keys.length * 2];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (i - 3) * 0.25f;
        }
        frames.put("pull-keys", data(FrameType.PULL, 0, 0, DataLayout.LAYOUT_KEYS, 2, 0, keys, new float[0], true));
        frames.put("pull-stretch", stretch(FrameType.PULL, 0, 0, 1_000_000, 300, new float[0], true));
        frames.put("push-keys", data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_KEYS, 2, 0, keys, floats, true));
        frames.put("push-keys-unsealed", data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_KEYS, 2, 0, keys, floats, false));
        frames.put(
                "push-empty",
                data(FrameType.PUSH, 10, 9, DataLayout.LAYOUT_KEYS, 2, 0, new long[0], new float[0], true));
        frames.put(
                "push-withdrawn",
                withdrawn(data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_KEYS, 2, 0, keys, floats, true)));
        ByteBuffer grouped = data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_KEYS, 2, 0, keys, floats, false);
        DataLayout.putClock(grouped, 0, 21, Limits.MAX_CLOCK_GROUP);
        grouped.put(FrameLayout.FLAGS_OFFSET, (byte) FrameLayout.FLAG_CHECKSUMS);
        frames.put("push-group", finish(grouped, true));
        frames.put("tick", tick(0, true));
        frames.put("tick-unsealed", tick(0, false));
        frames.put("tick-withdrawn", tick(DataLayout.FLAG_WITHDRAWN, true));
        frames.put("tick-idle", tick(DataLayout.FLAG_IDLE, true));
        frames.put("tick-active", tick(DataLayout.FLAG_ACTIVE, true));
        frames.put("push-stretch", stretch(FrameType.PUSH, 11, 10, 16_380, floats.length, floats, true));
        frames.put(
                "push-pull-keys", data(FrameType.PUSH_PULL, 12, 11, DataLayout.LAYOUT_KEYS, 2, 0, keys, floats, true));
        frames.put("push-pull-stretch", stretch(FrameType.PUSH_PULL, 13, 12, 0, floats.length, floats, true));
        frames.put("load", load(true));
        frames.put(
                "scan",
                data(FrameType.SCAN, 0, 0, DataLayout.LAYOUT_KEYS, 2, 4096, new long[0], new float[0], true, 100));
        frames.put("transform-axpy", vector(VectorOperation.AXPY, 16, 15, 3, -0.1));
        frames.put("transform-fill", vector(VectorOperation.FILL, 17, 16, 0, 1.5));
        frames.put("reduce-dot", vector(VectorOperation.DOT, 0, 0, 3, 0));

        long[] list = new long[16];
        for (int i = 0; i < list.length; i++) {
            list[i] = 1000L * i - 1;
        }
        ByteBuffer kept = data(FrameType.PULL, 0, 0, DataLayout.LAYOUT_KEPT_KEYS, 2, 0, list, new float[0], true);
        frames.put("pull-kept-keys", kept);
        byte[] hash = bytes(hashOf(kept));
        frames.put("pull-key-hash", data(FrameType.PULL, 0, 0, DataLayout.LAYOUT_KEY_HASH, 2, 0, 16, hash, true));
        ByteBuffer hashed = buffer(KeyListHash.BYTES + 16 * 2 * Float.BYTES);
        hashed.put(0, hash).putFloat(KeyListHash.BYTES, 0.5f);
        frames.put(
                "push-key-hash", data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_KEY_HASH, 2, 0, 16, bytes(hashed), true));
        frames.put("push-bf16", encoded(FrameType.PUSH, Compression.bf16(), keys, floats, ValueType.FLOAT32));
        frames.put("push-fp16", encoded(FrameType.PUSH, Compression.fp16(), keys, floats, ValueType.FLOAT32));
        frames.put("push-int8", encoded(FrameType.PUSH, Compression.int8(), keys, floats, ValueType.FLOAT32));
        frames.put("push-2bit", encoded(FrameType.PUSH, Compression.twoBit(0.5f), keys, floats, ValueType.FLOAT32));
        frames.put("push-1bit", encoded(FrameType.PUSH, Compression.oneBit(), keys, floats, ValueType.FLOAT32));
        frames.put(
                "push-1bit-compat",
                encoded(FrameType.PUSH, Compression.oneBitCompat(0), keys, floats, ValueType.FLOAT32));
        frames.put("push-topk", encoded(FrameType.PUSH, Compression.topK(0.4), keys, floats, ValueType.FLOAT32));
        frames.put("push-stretch-2bit", encodedStretch(Compression.twoBit(0.5f), 300));
        frames.put("push-stretch-1bit", encodedStretch(Compression.oneBit(), 300));
        frames.put("push-stretch-int8", encodedStretch(Compression.int8(), 300));
        frames.put(
                "push-pull-2bit-fp16",
                encoded(FrameType.PUSH_PULL, Compression.twoBit(0.5f), keys, floats, ValueType.FLOAT16));
        ByteBuffer pull = data(FrameType.PULL, 0, 0, DataLayout.LAYOUT_KEYS, 2, 0, keys, new float[0], false);
        DataLayout.putTypes(pull, 0, ValueType.FLOAT32, ValueType.INT8);
        frames.put("pull-keys-int8", sealedAgain(pull));
        frames.put("encoded-rows", encodedRows(Compression.fp16(), 12, keys.length, 2, 64, floats));
        frames.put("encoded-rows-int8", encodedRows(Compression.int8(), 0, keys.length, 2, 64, floats));

        frames.put("rows", reply(FrameType.ROWS, 12, keys.length, 2, floatBytes(floats), true));
        frames.put("rows-unsealed", reply(FrameType.ROWS, 12, keys.length, 2, floatBytes(floats), false));
        frames.put("rows-stretch", reply(FrameType.ROWS, 0, floats.length, 1, floatBytes(floats), true));
        frames.put("ack", reply(FrameType.ACK, 9, 3, 0, new byte[0], true));
        frames.put("ack-unsealed", reply(FrameType.ACK, 9, 3, 0, new byte[0], false));
        frames.put("scan-reply", reply(FrameType.SCAN_REPLY, 4100, 2, 4, rowBytes(), true));
        frames.put("scan-reply-last", reply(FrameType.SCAN_REPLY, -1, 0, 4, new byte[0], true));
        frames.put("partials", reply(FrameType.PARTIALS, 61, 2, 0, doubleBytes(0.1, -1e300), true));
        frames.put(
                "error-ordered",
                error(
                        ErrorCode.NON_FINITE,
                        ReplyLayout.ERROR_ORDERED,
                        0,
                        "gradient must be finite: key=42, table=ads"));
        frames.put(
                "error-late",
                error(
                        ErrorCode.LATE,
                        ReplyLayout.ERROR_ORDERED,
                        0,
                        "the step was closed without this worker: worker=2, step=20, closed=21"));
        frames.put(
                "error-keys-forgotten",
                error(ErrorCode.KEYS_FORGOTTEN, 0, 0, "keys must be sent that are not kept here: shard=3, count=16"));
        frames.put("error-busy", error(ErrorCode.BUSY, 0, 250, "shard has too much queued: shard=3"));
        frames.put("error-malformed", error(ErrorCode.MALFORMED_FRAME, 0, 0, "größe ≠ 4"));
        return frames;
    }

    /// The control messages among the examples.
    static Map<String, Message> messages() {
        Map<String, Message> messages = new LinkedHashMap<>();
        messages.put("hello", new Message.Hello(1, 3, 0, "weir-java/0.1"));
        messages.put(
                "hello-reply",
                new Message.HelloReply(1, 0, -2, 8, 0x2122232425262728L, Limits.MAX_FRAME_BYTES, "weir/0.1"));
        messages.put("attach", new Message.Attach(1, 0x2122232425262728L, 8, 24));
        messages.put("ping", new Message.Ping());
        messages.put("ok", new Message.Ok());
        messages.put("server-status", new Message.ServerStatus());
        messages.put(
                "server-status-reply", new Message.ServerStatusReply(123_456_789_012L, 1L << 40, 3, 17, 5, 6, 7, 8));
        TableSpec sgd =
                new TableSpec("t", new TableShape.Embedding(1), new OptimizerSpec.Sgd(0.5f), new InitialRow.Zero(), 0);
        TableSpec adagrad = new TableSpec(
                "ads/user.v1",
                new TableShape.Embedding(16),
                new OptimizerSpec.AdaGrad(0.1f, 1e-8f),
                new InitialRow.Uniform(-0.25f, 0.25f),
                -7);
        TableSpec momentum = new TableSpec(
                "net",
                new TableShape.Dense(1_000_000, 16_384),
                new OptimizerSpec.Momentum(0.05f, 0.9f),
                new InitialRow.Constant(0.125f),
                0);
        TableSpec adam = new TableSpec(
                "words",
                new TableShape.Embedding(4096),
                new OptimizerSpec.Adam(0.001f, 0.9f, 0.999f, 1e-8f),
                new InitialRow.Normal(0f, 0.02f),
                Long.MIN_VALUE);
        TableSpec ftrl = new TableSpec(
                "clicks",
                new TableShape.Embedding(1),
                new OptimizerSpec.Ftrl(0.1f, 1f, 0.5f, 0.25f),
                new InitialRow.Zero(),
                1);
        messages.put("create-table-adagrad", new Message.CreateTable(0, RUN, adagrad));
        messages.put("create-table-momentum", new Message.CreateTable(5, 0, momentum));
        messages.put("create-table-adam", new Message.CreateTable(6, RUN, adam));
        TableSpec placed = new TableSpec(
                "w", new TableShape.Dense(123, 128, "lbfgs/a9a"), new OptimizerSpec.Sgd(1f), new InitialRow.Zero(), 0);
        messages.put("create-table-placed", new Message.CreateTable(8, RUN, placed));
        messages.put("create-table-ftrl", new Message.CreateTable(7, 0, ftrl));
        for (String name : OptimizerSpec.names()) {
            TableSpec plain = TableSpec.embedding(name, 4, OptimizerSpec.parse(name));
            messages.putIfAbsent("create-table-" + name, new Message.CreateTable(8, RUN, plain));
        }
        for (String schedule : List.of("step(every=1000)", "cosine(pushes=10000,least=0.1)", "inverse_root(after=5)")) {
            OptimizerSpec tuned = OptimizerSpec.parse(
                    "nesterov(scale=0.5,clip=1,clip_norm=2,decay=0.01,warmup=100,schedule=" + schedule + ")");
            messages.put(
                    "create-table-tuned-" + schedule.substring(0, schedule.indexOf('(')),
                    new Message.CreateTable(9, 0, TableSpec.embedding("tuned", 1, tuned)));
        }
        messages.put("tables-one", new Message.Tables(List.of(new Message.Table(1, 0, 0, 0, sgd))));
        messages.put(
                "tables-all",
                new Message.Tables(List.of(
                        new Message.Table(1, 0, 10, 4096, sgd),
                        new Message.Table(4, RUN, 5_000_000_000L, 1L << 39, adagrad))));
        messages.put("list-tables-all", new Message.ListTables(""));
        messages.put("list-tables-one", new Message.ListTables("ads/user.v1"));
        messages.put("profile", new Message.Profile(Message.Profile.Action.DUMP));
        messages.put("profile-reply", new Message.ProfileReply("/tmp/weir-profile-1.jfr"));
        messages.put("drop-table", new Message.DropTable("ads/user.v1"));
        messages.put("drop-table-reply", new Message.DropTableReply(true));
        messages.put("drop-table-reply-none", new Message.DropTableReply(false));
        putRuns(messages);
        return messages;
    }

    private static void putRuns(Map<String, Message> messages) {
        RunSpec bsp = RunSpec.of("nightly", 4)
                .withConsistency(Consistency.bsp())
                .withBackupWorkers(1)
                .withMean(true)
                .withPortionCount(300);
        RunSpec ssp = RunSpec.of("hourly", 3)
                .withConsistency(Consistency.ssp(4))
                .withPortionCount(12)
                .withSilence(Duration.ofMillis(2500));
        WorkerId worker = new WorkerId(RUN, 2, 3);
        List<RunMessage.Step> closed =
                List.of(new RunMessage.Step(0, 20, List.of(0, 2, 3)), new RunMessage.Step(7, 1L << 33, List.of()));
        messages.put("join-run", new RunMessage.JoinRun(11, bsp, 2, -2, true));
        messages.put("join-run-ssp", new RunMessage.JoinRun(11, ssp, -1, 0x3132333435363738L, false));
        messages.put("join-run-asp", new RunMessage.JoinRun(0, RunSpec.of("n", 1), 0, 1, false));
        messages.put("join-run-reply", new RunMessage.JoinRunReply(2, 3, true, 1, 5, 0, closed));
        messages.put("join-run-reply-first", new RunMessage.JoinRunReply(0, 1, false, 0, 0, 7, List.of()));
        messages.put("open-run", new RunMessage.OpenRun(bsp, 1, closed));
        messages.put("open-worker", new RunMessage.OpenWorker(worker, -1, -1, false));
        messages.put("open-worker-fresh", new RunMessage.OpenWorker(worker, 21, 42, true));
        messages.put(
                "open-worker-portion",
                new RunMessage.OpenWorker(new WorkerId(RUN, WorkerId.PORTIONS + 17, 2), -1, -1, false));
        messages.put(
                "open-worker-reply",
                new RunMessage.OpenWorkerReply(List.of(
                        new RunMessage.Entry(8, 20, 41, 39, true), new RunMessage.Entry(9, 21, 42, 42, false))));
        messages.put("close-worker", new RunMessage.CloseWorker(worker, true));
        messages.put("heartbeat", new RunMessage.Heartbeat(11, worker, 6));
        messages.put("members", new RunMessage.Members(6, List.of()));
        List<RunMessage.Gone> gone = List.of(new RunMessage.Gone(1, 3), new RunMessage.Gone(4, 0));
        messages.put("members-changed", new RunMessage.Members(7, gone));
        messages.put("update-members", new RunMessage.UpdateMembers(RUN, 7, gone));
        messages.put("complete-step", new RunMessage.CompleteStep(11, worker, 7, 20, -1, false));
        messages.put("complete-step-portion", new RunMessage.CompleteStep(11, worker, 0, 20, 17, true));
        messages.put("step-closed", new RunMessage.StepClosed(7, 20, true, 21, List.of(0, 2, 3)));
        messages.put("close-step", new RunMessage.CloseStep(RUN, 7, 20, List.of(0, 2, 3)));
        messages.put("barrier", new RunMessage.Barrier(11, worker, 5));
        messages.put("next-portion", new RunMessage.NextPortion(11, worker, 16));
        messages.put("portion", new RunMessage.Portion(17, 2, 40, 20));
        RunSpec passes = RunSpec.of("batch", 3).withPasses(64, 2);
        messages.put("join-run-passes", new RunMessage.JoinRun(3, passes, 0, 5, false));
        messages.put("next-portion-pass", new RunMessage.NextPortion(11, worker, 16, 4, true, List.of(0.1, -1e300)));
        messages.put("portion-pass", new RunMessage.Portion(17, 2, 3, 0, List.of(1.0, 0x1p-20)));
        messages.put("begin-pass", new RunMessage.BeginPass(11, worker, 3, List.of(1.0, 0x1p-20)));
        messages.put("begin-pass-last", new RunMessage.BeginPass(11, worker, -1, List.of()));
        messages.put("pass-done", new RunMessage.PassDone(3, List.of(List.of(0.1, -1e300), List.of())));
        messages.put("portion-none", new RunMessage.Portion(-1, 0, 0, 0));
        messages.put("list-runs", new RunMessage.ListRuns());
        messages.put(
                "runs",
                new RunMessage.Runs(List.of(new RunMessage.Name("hourly"), new RunMessage.Name("ads/nightly"))));
        messages.put("run-status", new RunMessage.RunStatus("nightly"));
        messages.put(
                "run-status-reply",
                new RunMessage.RunStatusReply(
                        true,
                        bsp,
                        false,
                        21,
                        2,
                        16,
                        List.of(
                                new RunMessage.Member(3, 1, 42, 21, 0, -1),
                                new RunMessage.Member(1, 3, 40, 20, 350, 17),
                                new RunMessage.Member(4, 2, 12, 6, 10_000, -1),
                                new RunMessage.Member(0, 0, 0, 0, 0, -1)),
                        List.of(
                                new RunMessage.Wait(1, 2, 20, List.of(3)),
                                new RunMessage.Wait(0, 4, 0, List.of(1, 3)))));
        messages.put(
                "run-status-reply-elsewhere",
                new RunMessage.RunStatusReply(
                        false, ssp, false, 0, 0, 0, List.of(), List.of(new RunMessage.Wait(2, 1, 9, List.of(0, 1)))));
    }

    /// The frame of a message, from position 0.
    static ByteBuffer frame(Message message, boolean sealed) {
        byte[] payload = message.toPayload();
        ByteBuffer frame = buffer(MessageCodec.frameBytes(payload));
        MessageCodec.encode(message.type(), payload, REQUEST_ID, frame, 0, sealed ? new Checksum() : null);
        return frame;
    }

    /// The end of a minibatch in clock group 7.
    static ByteBuffer tick(int kind, boolean sealed) {
        ByteBuffer frame = data(FrameType.TICK, 15, 14, DataLayout.LAYOUT_KEYS, 1, 0, 0, new byte[0], sealed);
        DataLayout.putTarget(frame, 0, 8, 0, 1, 0);
        DataLayout.putClock(frame, 0, 22, 7);
        DataLayout.putFlags(frame, 0, kind);
        return finish(frame, sealed);
    }

    /// An operation on the stretch of two blocks, the last one cut, from block 61 on.
    static ByteBuffer vector(VectorOperation operation, long number, long previousNumber, int other, double scalar) {
        return data(
                operation.isChanging() ? FrameType.TRANSFORM : FrameType.REDUCE,
                number,
                previousNumber,
                DataLayout.LAYOUT_STRETCH,
                16_384,
                61 * 16_384L,
                16_400,
                vectorPayload(operation, other, scalar),
                true);
    }

    static byte[] vectorPayload(VectorOperation operation, int other, double scalar) {
        ByteBuffer payload = buffer(VectorLayout.PAYLOAD_BYTES);
        payload.putInt(operation.number()).putInt(other).putDouble(scalar);
        return bytes(payload);
    }

    private static byte[] doubleBytes(double... values) {
        ByteBuffer bytes = buffer(values.length * Double.BYTES);
        for (double value : values) {
            bytes.putDouble(value);
        }
        return bytes(bytes);
    }

    private static ByteBuffer withdrawn(ByteBuffer frame) {
        DataLayout.putWithdrawn(frame, 0);
        new Checksum().sealHeader(frame, 0);
        return frame;
    }

    static ByteBuffer data(
            int type,
            long number,
            long previousNumber,
            int layout,
            int rowLength,
            long offset,
            long[] keys,
            float[] floats,
            boolean sealed) {
        return data(type, number, previousNumber, layout, rowLength, offset, keys, floats, sealed, keys.length);
    }

    static ByteBuffer stretch(
            int type, long number, long previousNumber, long offset, int count, float[] floats, boolean sealed) {
        return data(
                type,
                number,
                previousNumber,
                DataLayout.LAYOUT_STRETCH,
                16_384,
                offset,
                new long[0],
                floats,
                sealed,
                count);
    }

    private static ByteBuffer data(
            int type,
            long number,
            long previousNumber,
            int layout,
            int rowLength,
            long offset,
            long[] keys,
            float[] floats,
            boolean sealed,
            int count) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES + floats.length * Float.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        payload.put(floatBytes(floats));
        return data(type, number, previousNumber, layout, rowLength, offset, count, bytes(payload), sealed);
    }

    static ByteBuffer data(
            int type,
            long number,
            long previousNumber,
            int layout,
            int rowLength,
            long offset,
            int count,
            byte[] payload,
            boolean sealed) {
        ByteBuffer frame = buffer(FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payload.length));
        FrameLayout.putHeader(
                frame,
                0,
                frame.capacity(),
                type,
                sealed ? FrameLayout.FLAG_CHECKSUMS : 0,
                REQUEST_ID,
                DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, 0, RUN, 2, 3);
        DataLayout.putNumber(frame, 0, number, previousNumber);
        DataLayout.putClock(frame, 0, 21, 0);
        DataLayout.putTarget(frame, 0, 8, 0, 1, 4);
        DataLayout.putContent(frame, 0, layout, count, rowLength, offset);
        frame.put(DataLayout.PAYLOAD_OFFSET, payload);
        return finish(frame, sealed);
    }

    /// Hash of the keys of a frame.
    static ByteBuffer hashOf(ByteBuffer frame) {
        KeyListHash hash = new KeyListHash();
        hash.set(frame, DataLayout.PAYLOAD_OFFSET, DataLayout.count(frame, 0));
        ByteBuffer bytes = buffer(KeyListHash.BYTES);
        hash.write(bytes, 0);
        return bytes;
    }

    /// A push of rows of 2 floats in fewer bits.
    static ByteBuffer encoded(int type, Compression compression, long[] keys, float[] floats, int replyType) {
        ValueEncoder encoder = new ValueEncoder(compression);
        ByteBuffer payload = buffer(keys.length * Long.BYTES + 100);
        for (long key : keys) {
            payload.putLong(key);
        }
        int valuesAt = payload.position();
        int bytes = encoder.encode(floats.clone(), floats.length, 64, payload, valuesAt);
        return encoded(encoder, type, DataLayout.LAYOUT_KEYS, keys.length, 2, 0, valuesAt + bytes, payload, replyType);
    }

    /// A push of a stretch in fewer bits.
    static ByteBuffer encodedStretch(Compression compression, int count) {
        ValueEncoder encoder = new ValueEncoder(compression);
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = (i % 11 - 5) * 0.25f;
        }
        ByteBuffer payload = buffer(4 * count + 100);
        int bytes = encoder.encode(floats, count, ValueType.STRETCH_SPAN, payload, 0);
        return encoded(
                encoder,
                FrameType.PUSH,
                DataLayout.LAYOUT_STRETCH,
                count,
                16_384,
                16_380,
                bytes,
                payload,
                ValueType.FLOAT32);
    }

    private static ByteBuffer encoded(
            ValueEncoder encoder,
            int type,
            int layout,
            int count,
            int rowLength,
            long offset,
            int payloadBytes,
            ByteBuffer payload,
            int replyType) {
        byte[] bytes = new byte[payloadBytes];
        payload.get(0, bytes);
        ByteBuffer frame = data(type, 9, 7, layout, rowLength, offset, count, bytes, false);
        DataLayout.putTypes(frame, 0, encoder.type(), replyType);
        return sealedAgain(frame);
    }

    private static ByteBuffer sealedAgain(ByteBuffer frame) {
        frame.put(FrameLayout.FLAGS_OFFSET, (byte) FrameLayout.FLAG_CHECKSUMS);
        return finish(frame, true);
    }

    static ByteBuffer encodedRows(
            Compression compression, long number, int count, int rowLength, int spanLength, float[] floats) {
        ValueEncoder encoder = new ValueEncoder(compression);
        int payloadBytes = (int) encoder.maxBytes(floats.length, spanLength);
        ByteBuffer frame = buffer(FrameLayout.frameBytes(ReplyLayout.ENCODED_FIELD_BYTES, payloadBytes));
        FrameLayout.putHeader(
                frame,
                0,
                frame.capacity(),
                FrameType.ENCODED_ROWS,
                FrameLayout.FLAG_CHECKSUMS,
                REQUEST_ID,
                ReplyLayout.ENCODED_FIELD_BYTES);
        ReplyLayout.putEncodedRows(frame, 0, number, count, rowLength, encoder.type(), spanLength);
        encoder.encode(floats.clone(), floats.length, spanLength, frame, ReplyLayout.ENCODED_PAYLOAD_OFFSET);
        return finish(frame, true);
    }

    /// A load of two rows of 2 weights and 2 slot floats.
    static ByteBuffer load(boolean sealed) {
        return data(FrameType.LOAD, 14, 13, DataLayout.LAYOUT_KEYS, 2, 0, 2, rowBytes(), sealed);
    }

    static ByteBuffer reply(int type, long number, int count, int rowLength, byte[] payload, boolean sealed) {
        ByteBuffer frame = buffer(FrameLayout.frameBytes(ReplyLayout.FIELD_BYTES, payload.length));
        FrameLayout.putHeader(
                frame,
                0,
                frame.capacity(),
                type,
                sealed ? FrameLayout.FLAG_CHECKSUMS : 0,
                REQUEST_ID,
                ReplyLayout.FIELD_BYTES);
        ReplyLayout.putRows(frame, 0, number, count, rowLength);
        frame.put(ReplyLayout.PAYLOAD_OFFSET, payload);
        return finish(frame, sealed);
    }

    static ByteBuffer error(ErrorCode code, int flags, int retryAfterMs, String message) {
        byte[] payload = message.getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = buffer(FrameLayout.frameBytes(ReplyLayout.FIELD_BYTES, payload.length));
        FrameLayout.putHeader(
                frame,
                0,
                frame.capacity(),
                FrameType.ERROR,
                FrameLayout.FLAG_CHECKSUMS,
                REQUEST_ID,
                ReplyLayout.FIELD_BYTES);
        ReplyLayout.putError(frame, 0, code.number(), flags, retryAfterMs);
        frame.put(ReplyLayout.PAYLOAD_OFFSET, payload);
        return finish(frame, true);
    }

    /// Reads a frame as a peer would: header, checksums, then the fields of its type.
    ///
    /// @return false if more bytes are needed
    static boolean receive(ByteBuffer frame, int available, boolean checksums, Checksum checksum) {
        int payload = FrameLayout.checkHeader(frame, 0, available, Limits.MAX_FRAME_BYTES, checksums, checksum);
        if (payload == 0 || available < FrameLayout.length(frame, 0)) {
            return false;
        }
        if (checksums && !checksum.matchesPayload(frame, 0)) {
            throw new WeirException(ErrorCode.CORRUPT, "payload checksum does not match");
        }
        int type = FrameLayout.type(frame, 0);
        if (FrameType.isData(type)) {
            DataLayout.check(frame, 0);
        } else if (isDataReply(type)) {
            ReplyLayout.check(frame, 0);
        } else {
            MessageCodec.decode(frame, 0);
        }
        return true;
    }

    static boolean isDataReply(int type) {
        return type == FrameType.ROWS
                || type == FrameType.ENCODED_ROWS
                || type == FrameType.ACK
                || type == FrameType.SCAN_REPLY
                || type == FrameType.PARTIALS
                || type == FrameType.ERROR;
    }

    /// Reads every field of a frame and writes a new one from what was read.
    static ByteBuffer rewrite(ByteBuffer frame) {
        boolean sealed = FrameLayout.flags(frame, 0) == FrameLayout.FLAG_CHECKSUMS;
        Checksum checksum = sealed ? new Checksum() : null;
        int type = FrameLayout.type(frame, 0);
        long requestId = FrameLayout.requestId(frame, 0);
        if (!FrameType.isData(type) && !isDataReply(type)) {
            Message message = MessageCodec.decode(frame, 0);
            byte[] payload = message.toPayload();
            ByteBuffer copy = buffer(MessageCodec.frameBytes(payload));
            MessageCodec.encode(message.type(), payload, requestId, copy, 0, checksum);
            return copy;
        }
        byte[] payload = new byte[FrameLayout.payloadBytes(frame, 0)];
        frame.get(FrameLayout.payloadOffset(frame, 0), payload);
        int fieldBytes = FrameLayout.fieldBytes(frame, 0);
        ByteBuffer copy = buffer(FrameLayout.frameBytes(fieldBytes, payload.length));
        FrameLayout.putHeader(copy, 0, copy.capacity(), type, FrameLayout.flags(frame, 0), requestId, fieldBytes);
        if (FrameType.isData(type)) {
            DataLayout.putWorker(
                    copy, 0, DataLayout.run(frame, 0), DataLayout.worker(frame, 0), DataLayout.generation(frame, 0));
            DataLayout.putNumber(copy, 0, DataLayout.number(frame, 0), DataLayout.previousNumber(frame, 0));
            DataLayout.putClock(copy, 0, DataLayout.clock(frame, 0), DataLayout.clockGroup(frame, 0));
            DataLayout.putTarget(
                    copy,
                    0,
                    DataLayout.shard(frame, 0),
                    DataLayout.shardEpoch(frame, 0),
                    DataLayout.mapVersion(frame, 0),
                    DataLayout.tableId(frame, 0));
            DataLayout.putContent(
                    copy,
                    0,
                    DataLayout.layout(frame, 0),
                    DataLayout.count(frame, 0),
                    DataLayout.rowLength(frame, 0),
                    DataLayout.offset(frame, 0));
            DataLayout.putFlags(copy, 0, DataLayout.flags(frame, 0));
            DataLayout.putTypes(copy, 0, DataLayout.valueType(frame, 0), DataLayout.replyType(frame, 0));
        } else if (type == FrameType.ERROR) {
            ReplyLayout.putError(
                    copy,
                    0,
                    ReplyLayout.code(frame, 0),
                    ReplyLayout.errorFlags(frame, 0),
                    ReplyLayout.retryAfterMs(frame, 0));
        } else if (type == FrameType.ENCODED_ROWS) {
            ReplyLayout.putEncodedRows(
                    copy,
                    0,
                    ReplyLayout.number(frame, 0),
                    ReplyLayout.count(frame, 0),
                    ReplyLayout.rowLength(frame, 0),
                    ReplyLayout.valueType(frame, 0),
                    ReplyLayout.spanLength(frame, 0));
        } else {
            ReplyLayout.putRows(
                    copy,
                    0,
                    ReplyLayout.number(frame, 0),
                    ReplyLayout.count(frame, 0),
                    ReplyLayout.rowLength(frame, 0));
        }
        if (FrameType.isVector(type)) {
            VectorLayout.put(
                    copy,
                    0,
                    VectorLayout.operation(frame, 0),
                    VectorLayout.other(frame, 0),
                    VectorLayout.scalar(frame, 0));
        } else {
            copy.put(FrameLayout.payloadOffset(copy, 0), payload);
        }
        return finish(copy, checksum != null);
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// All bytes of a buffer.
    static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.get(0, bytes);
        return bytes;
    }

    /// A copy that can be changed.
    static ByteBuffer copy(ByteBuffer frame) {
        return ByteBuffer.wrap(bytes(frame)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// The error of a frame that must be refused.
    static @Nullable WeirException refusal(ByteBuffer frame, boolean checksums) {
        try {
            receive(frame, frame.capacity(), checksums, new Checksum());
            return null;
        } catch (WeirException e) {
            return e;
        }
    }

    private static byte[] rowBytes() {
        ByteBuffer rows = buffer(2 * RowLayout.rowBytes(4));
        for (int i = 0; i < 2; i++) {
            int row = i * RowLayout.rowBytes(4);
            rows.putLong(row + RowLayout.KEY_OFFSET, i == 0 ? -1 : 42);
            rows.putInt(row + RowLayout.PUSH_COUNT_OFFSET, 5 + i);
            for (int j = 0; j < 4; j++) {
                rows.putFloat(row + RowLayout.VALUES_OFFSET + j * Float.BYTES, i + j * 0.5f);
            }
        }
        return bytes(rows);
    }

    static byte[] floatBytes(float[] floats) {
        ByteBuffer bytes = buffer(floats.length * Float.BYTES);
        for (float value : floats) {
            bytes.putFloat(value);
        }
        return bytes(bytes);
    }

    private static ByteBuffer finish(ByteBuffer frame, boolean sealed) {
        if (sealed) {
            new Checksum().seal(frame, 0);
        }
        return frame;
    }
}
