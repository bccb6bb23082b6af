package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MessageCodecTest {
    private static final TableSpec SPEC = TableSpec.embedding("ads", 8, new OptimizerSpec.Sgd(0.5f));

    @Test
    void readsEveryMessageBackToAnEqualOne() {
        for (Map.Entry<String, Message> example : Frames.messages().entrySet()) {
            Message message = example.getValue();
            assertThat(decode(message.type(), message.toPayload())).isEqualTo(message);
        }
    }

    @Test
    void rejectsEveryMessageCutShortAnywhere() {
        for (Map.Entry<String, Message> example : Frames.messages().entrySet()) {
            byte[] payload = example.getValue().toPayload();
            for (int cut = 0; cut < payload.length; cut++) {
                byte[] part = Arrays.copyOf(payload, cut);
                assertThatThrownBy(() -> decode(example.getValue().type(), part))
                        .as("%s cut at %s", example.getKey(), cut)
                        .isInstanceOfSatisfying(
                                WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME));
            }
        }
    }

    @Test
    void rejectsBytesLeftOver() {
        for (Map.Entry<String, Message> example : Frames.messages().entrySet()) {
            byte[] payload = example.getValue().toPayload();
            byte[] more = Arrays.copyOf(payload, payload.length + 3);
            assertThatThrownBy(() -> decode(example.getValue().type(), more))
                    .as(example.getKey())
                    .isInstanceOf(WeirException.class)
                    .hasMessage("message has bytes left over: left=3");
        }
    }

    @Test
    void rejectsTypesThatAreNoMessage() {
        for (int type : new int[] {0, 1, 5, FrameType.ERROR, FrameType.PULL, FrameType.TICK, 49, 65_535}) {
            refuses(type, new byte[0], ErrorCode.MALFORMED_FRAME, "frame type must be known: type=" + type);
        }
    }

    @Test
    void rejectsFieldsAndPayloadsBeyondTheLimit() {
        ByteBuffer frame = Frames.buffer(FrameLayout.frameBytes(8, 0));
        FrameLayout.putHeader(frame, 0, frame.capacity(), FrameType.PING, 0, 1, 8);
        assertThatThrownBy(() -> MessageCodec.decode(frame, 0))
                .hasMessage("control message must have no fields and at most 4194304 bytes: type=6, bytes=0");
        refuses(
                FrameType.LIST_TABLES,
                new byte[Limits.MAX_CONTROL_BYTES + 1],
                ErrorCode.MALFORMED_FRAME,
                "control message must have no fields and at most 4194304 bytes: type=22, bytes=4194305");
        byte[] tooLong = new byte[Limits.MAX_CONTROL_BYTES + 1];
        assertThatThrownBy(() -> MessageCodec.encode(FrameType.TABLES, tooLong, 1, Frames.buffer(5 << 20), 0, null))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
                .hasMessage("control message must be at most 4194304 bytes: type=21, bytes=4194305");
    }

    @Test
    void holdsTheStatusOfTheGreatestRun() {
        List<Integer> named = Collections.nCopies(8, 65_535);
        Message status = new RunMessage.RunStatusReply(
                true,
                RunSpec.of("r", RunSpec.MAX_WORKERS),
                false,
                1,
                2,
                3,
                Collections.nCopies(RunSpec.MAX_WORKERS, new RunMessage.Member(1, 2, 3, 4, 5, 6)),
                Collections.nCopies(32_768, new RunMessage.Wait(1, 2, 3, named)));
        assertThat(decode(status.type(), status.toPayload())).isEqualTo(status);
        Message entries =
                new RunMessage.OpenWorkerReply(Collections.nCopies(4096, new RunMessage.Entry(1, 2, 3, 4, true)));
        assertThat(decode(entries.type(), entries.toPayload())).isEqualTo(entries);
        Message gone = new RunMessage.Members(1, Collections.nCopies(RunSpec.MAX_WORKERS, new RunMessage.Gone(1, 2)));
        assertThat(decode(gone.type(), gone.toPayload())).isEqualTo(gone);
        Message step = new RunMessage.CloseStep(1, 2, 3, Collections.nCopies(RunSpec.MAX_WORKERS, 65_535));
        assertThat(decode(step.type(), step.toPayload())).isEqualTo(step);
    }

    @Test
    void holdsTheSmallestTable() {
        TableSpec spec = TableSpec.embedding("t", 1, new OptimizerSpec.Add());
        Message tables = new Message.Tables(List.of(new Message.Table(1, 0, 0, 0, spec)));
        assertThat(decode(tables.type(), tables.toPayload())).isEqualTo(tables);
    }

    @Test
    void rejectsCountsThatTheMessageDoesNotHoldWithoutMakingRoomForThem() {
        String[] lists = {"tables", "entries"};
        int[] types = {FrameType.TABLES, FrameType.OPEN_WORKER_REPLY};
        for (int i = 0; i < lists.length; i++) {
            for (int count : new int[] {-1, Integer.MIN_VALUE, 5, 89_478_486, Integer.MAX_VALUE}) {
                ByteBuffer payload = Frames.buffer(100);
                payload.putInt(count);
                ByteBuffer frame = frame(types[i], Frames.bytes(payload));
                String list = lists[i];
                long before = Allocations.ofThisThread();
                assertThatThrownBy(() -> MessageCodec.decode(frame, 0))
                        .isInstanceOf(WeirException.class)
                        .hasMessage(list + " must fit the message: count=" + count + ", left=96");
                assertThat(Allocations.ofThisThread() - before).isLessThan(1 << 20);
            }
        }
    }

    @Test
    void rejectsListsOfRunsThatTheMessageDoesNotHold() {
        Map<Integer, String> lists = Map.of(
                FrameType.JOIN_RUN_REPLY, "closed",
                FrameType.NEXT_PORTION, "results",
                FrameType.PORTION, "arguments",
                FrameType.BEGIN_PASS, "arguments",
                FrameType.RUNS, "names",
                FrameType.MEMBERS, "gone",
                FrameType.UPDATE_MEMBERS, "gone",
                FrameType.STEP_CLOSED, "contributors",
                FrameType.CLOSE_STEP, "contributors");
        Map<Integer, Integer> places = Map.of(
                FrameType.JOIN_RUN_REPLY, 29,
                FrameType.NEXT_PORTION, 29,
                FrameType.PORTION, 24,
                FrameType.BEGIN_PASS, 28,
                FrameType.RUNS, 0,
                FrameType.MEMBERS, 8,
                FrameType.UPDATE_MEMBERS, 16,
                FrameType.STEP_CLOSED, 21,
                FrameType.CLOSE_STEP, 20);
        lists.forEach((type, list) -> {
            for (int count : new int[] {-1, Integer.MIN_VALUE, 25, 1 << 29, Integer.MAX_VALUE}) {
                int place = places.get(type);
                ByteBuffer payload = Frames.buffer(place + 4 + 96);
                payload.putInt(place, count);
                ByteBuffer frame = frame(type, Frames.bytes(payload));
                long before = Allocations.ofThisThread();
                assertThatThrownBy(() -> MessageCodec.decode(frame, 0))
                        .isInstanceOf(WeirException.class)
                        .hasMessage(list + " must fit the message: count=" + count + ", left=96");
                assertThat(Allocations.ofThisThread() - before).isLessThan(1 << 20);
            }
        });
    }

    @Test
    void rejectsIndexesThatNameNobody() {
        refusesIndexes(new RunMessage.UpdateMembers(1, 2, List.of(new RunMessage.Gone(-1, 0))), "worker", 65_535, -1);
        refusesIndexes(
                new RunMessage.UpdateMembers(1, 2, List.of(new RunMessage.Gone(65_536, 0))), "worker", 65_535, 65_536);
        refusesIndexes(new RunMessage.CloseStep(1, 2, 3, List.of(0, 65_536)), "contributors", 65_535, 65_536);
        refusesIndexes(new RunMessage.CloseStep(1, 65_536, 3, List.of()), "group", 65_535, 65_536);
        refusesIndexes(new RunMessage.CompleteStep(0, new WorkerId(1, 0, 1), -1, 3, -1, false), "group", 65_535, -1);
        refusesIndexes(new RunMessage.OpenWorker(new WorkerId(1, -1, 1), 0, 0, true), "worker", Integer.MAX_VALUE, -1);
        refusesIndexes(new RunMessage.Barrier(0, new WorkerId(1, 0, -7), 0), "generation", Integer.MAX_VALUE, -7);
    }

    private static void refusesIndexes(Message message, String field, int most, int value) {
        refuses(
                message.type(),
                message.toPayload(),
                ErrorCode.MALFORMED_FRAME,
                field + " must be from 0 to " + most + ": " + field + "=" + value);
    }

    @Test
    void rejectsRunsThatCannotBe() {
        Message join = new RunMessage.JoinRun(0, RunSpec.of("r", 1), 0, 0, false);
        // shard, length and text of the name, workers and backup workers stand before the consistency
        int consistency = 4 + 4 + 1 + 4 + 4;
        for (int tag : new int[] {0, 4, -1}) {
            byte[] payload = join.toPayload();
            payload[consistency] = (byte) tag;
            refuses(
                    FrameType.JOIN_RUN,
                    payload,
                    ErrorCode.MALFORMED_FRAME,
                    "consistency must be 1, 2 or 3, with a staleness only for 2: consistency=" + tag + ", staleness=0");
        }
        byte[] stale = join.toPayload();
        stale[consistency + 1] = 9;
        refuses(
                FrameType.JOIN_RUN,
                stale,
                ErrorCode.MALFORMED_FRAME,
                "consistency must be 1, 2 or 3, with a staleness only for 2: consistency=3, staleness=9");
        byte[] nobody = join.toPayload();
        nobody[4 + 4 + 1] = 0;
        refuses(
                FrameType.JOIN_RUN,
                nobody,
                ErrorCode.INVALID_ARGUMENT,
                "run specification must be valid: worker count must be from 1 to 65536: value=0, run=r");
        byte[] backup = join.toPayload();
        backup[4 + 4 + 1 + 4] = 2;
        refuses(
                FrameType.JOIN_RUN,
                backup,
                ErrorCode.INVALID_ARGUMENT,
                "run specification must be valid: backup workers belong to bsp, where others wait for the slowest:"
                        + " run=r, backupWorkers=2, consistency=asp");
    }

    @Test
    void rejectsStringsThatTheMessageDoesNotHold() {
        for (int length : new int[] {-1, Integer.MIN_VALUE, 4, Integer.MAX_VALUE}) {
            ByteBuffer payload = Frames.buffer(7);
            payload.putInt(length);
            refuses(
                    FrameType.DROP_TABLE,
                    Frames.bytes(payload),
                    ErrorCode.MALFORMED_FRAME,
                    "name must fit the message: bytes=" + length + ", left=3");
        }
        ByteBuffer payload = Frames.buffer(5000);
        payload.putInt(4097);
        refuses(
                FrameType.DROP_TABLE,
                Frames.bytes(payload),
                ErrorCode.MALFORMED_FRAME,
                "name must fit the message: bytes=4097, left=4996");
    }

    @Test
    void rejectsStringsBeyondTheLimitBeforeTheyAreSent() {
        assertThat(new Message.DropTable("ä".repeat(2048)).toPayload()).hasSize(4100);
        assertThatThrownBy(() -> new Message.DropTable("ä".repeat(2048) + "x").toPayload())
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
                .hasMessage("string must be at most 4096 bytes: bytes=4097");
    }

    @Test
    void rejectsStringsThatAreNotUtf8() {
        int[][] texts = {
            {0xff}, {0xc0, 0x80}, {0xe4}, {0xed, 0xa0, 0x80}, {0xf4, 0x90, 0x80, 0x80}, {0x61, 0x80}, {0xf0, 0x9f, 0x98}
        };
        for (int[] text : texts) {
            ByteBuffer payload = Frames.buffer(4 + text.length);
            payload.putInt(text.length);
            for (int b : text) {
                payload.put((byte) b);
            }
            refuses(FrameType.DROP_TABLE, Frames.bytes(payload), ErrorCode.MALFORMED_FRAME, "name must be UTF-8");
        }
        Message message = new Message.DropTable("größe 😀 \0");
        assertThat(decode(message.type(), message.toPayload())).isEqualTo(message);
    }

    @Test
    void rejectsBooleansThatAreNeither() {
        for (int value : new int[] {2, -1, 127}) {
            refuses(
                    FrameType.DROP_TABLE_REPLY,
                    new byte[] {(byte) value},
                    ErrorCode.MALFORMED_FRAME,
                    "dropped must be 0 or 1: dropped=" + value);
        }
    }

    @Test
    void rejectsUnknownChoices() {
        // tableId, creatorRun, length and text of the name stand before the shape
        int shape = 4 + 8 + 4 + 3;
        int optimizer = shape + 1 + 4;
        int schedule = optimizer + 1 + 4 + 4 * 4 + 4;
        int initialRow = schedule + 1;
        for (int tag : new int[] {0, 100, -1}) {
            refusesCreate(shape, tag, "shape must be known: shape=" + tag);
            refusesCreate(optimizer, tag, "optimizer must be known: optimizer=" + tag);
            refusesCreate(schedule, tag, "schedule must be known: schedule=" + tag);
            refusesCreate(initialRow, tag, "initial row must be known: initialRow=" + tag);
        }
    }

    @Test
    void answersATableThatCannotBeWithInvalidArgument() {
        byte[] payload = new Message.CreateTable(0, 0, SPEC).toPayload();
        int shape = 4 + 8 + 4 + 3;
        byte[] noDim = payload.clone();
        noDim[shape + 1] = 0;
        refuses(
                FrameType.CREATE_TABLE,
                noDim,
                ErrorCode.INVALID_ARGUMENT,
                "table specification must be valid: dim must be from 1 to 4096: dim=0");
        byte[] nan = payload.clone();
        System.arraycopy(Frames.floatBytes(new float[] {Float.NaN}), 0, nan, shape + 6, 4);
        refuses(
                FrameType.CREATE_TABLE,
                nan,
                ErrorCode.INVALID_ARGUMENT,
                "table specification must be valid: sgd rate must be above 0 and finite: rate=NaN");
        byte[] badName = new String(payload, StandardCharsets.ISO_8859_1)
                .replace("ads", ".ds")
                .getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> decode(FrameType.CREATE_TABLE, badName))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining("name='.ds'");
    }

    @Test
    void keepsTheBitsOfEveryFloat() {
        TableSpec spec = SPEC.withInitialRow(new InitialRow.Uniform(-0f, Float.MIN_VALUE), Long.MAX_VALUE);
        Message message = new Message.CreateTable(Integer.MAX_VALUE, Long.MIN_VALUE, spec);
        assertThat(decode(message.type(), message.toPayload())).isEqualTo(message);
    }

    private static void refusesCreate(int at, int tag, String message) {
        byte[] payload = new Message.CreateTable(0, 0, SPEC).toPayload();
        payload[at] = (byte) tag;
        refuses(FrameType.CREATE_TABLE, payload, ErrorCode.MALFORMED_FRAME, message);
    }

    private static void refuses(int type, byte[] payload, ErrorCode code, String message) {
        assertThatThrownBy(() -> decode(type, payload))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessage(message);
    }

    private static Message decode(int type, byte[] payload) {
        return MessageCodec.decode(frame(type, payload), 0);
    }

    private static ByteBuffer frame(int type, byte[] payload) {
        ByteBuffer frame = Frames.buffer(FrameLayout.frameBytes(0, payload.length));
        FrameLayout.putHeader(frame, 0, frame.capacity(), type, 0, 1, 0);
        return frame.put(FrameLayout.HEADER_BYTES, payload);
    }
}
