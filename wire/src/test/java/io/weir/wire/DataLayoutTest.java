package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.Compression;
import io.weir.model.ErrorCode;
import io.weir.model.TableShape;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class DataLayoutTest {
    private static final int KEYS = DataLayout.LAYOUT_KEYS;
    private static final int STRETCH = DataLayout.LAYOUT_STRETCH;
    private static final List<Compression> ENCODED = List.of(
            Compression.bf16(),
            Compression.fp16(),
            Compression.int8(),
            Compression.twoBit(1),
            Compression.oneBit(),
            Compression.oneBitCompat(0),
            Compression.topK(0.5));

    @Test
    void refusesVectorOperationsThatMakeNoSense() {
        ByteBuffer axpy = Frames.vector(VectorOperation.AXPY, 16, 15, 3, -0.1);
        assertThatCode(() -> DataLayout.check(axpy, 0)).doesNotThrowAnyException();
        for (int unknown : new int[] {0, 11, 32, -1, Integer.MAX_VALUE}) {
            refuses(
                    changed(axpy, frame -> frame.putInt(VectorLayout.OPERATION_OFFSET, unknown)),
                    "vector operation must be known: operation=" + unknown);
        }
        refuses(
                changed(axpy, frame -> frame.putInt(VectorLayout.OPERATION_OFFSET, VectorOperation.DOT.number())),
                "vector operation must fit the frame: operation=DOT, type=62");
        refuses(
                Frames.data(
                        FrameType.REDUCE,
                        0,
                        0,
                        STRETCH,
                        16,
                        0,
                        16,
                        Frames.vectorPayload(VectorOperation.FILL, 0, 1),
                        true),
                "vector operation must fit the frame: operation=FILL, type=64");
        for (int none : new int[] {0, -1, Integer.MIN_VALUE}) {
            refuses(
                    changed(axpy, frame -> frame.putInt(VectorLayout.OTHER_OFFSET, none)),
                    "other table must be named where one takes part, and only there: other=" + none
                            + ", operation=AXPY");
        }
        refuses(
                Frames.vector(VectorOperation.FILL, 16, 15, 3, 1),
                "other table must be named where one takes part, and only there: other=3, operation=FILL");
        refuses(
                Frames.vector(VectorOperation.FILL, 0, 0, 0, 1),
                "number must be above the previous one: number=0, previousNumber=0, type=62");
        refuses(
                Frames.vector(VectorOperation.DOT, 2, 1, 3, 0),
                "number must be 0 where nothing changes: number=2, previousNumber=1, type=64");
        refuses(
                Frames.data(
                        FrameType.TRANSFORM,
                        2,
                        1,
                        KEYS,
                        16,
                        0,
                        16,
                        Frames.vectorPayload(VectorOperation.FILL, 0, 1),
                        true),
                "layout does not fit: layout=1, type=62");
        refuses(
                Frames.data(FrameType.TRANSFORM, 2, 1, STRETCH, 16, 0, 16, new byte[15], true),
                "payload must fit the count: expected=16, actual=15, type=62, count=16, rowLength=16");
        refuses(
                Frames.data(
                        FrameType.REDUCE,
                        0,
                        0,
                        STRETCH,
                        16,
                        0,
                        DataLayout.MAX_REPLY_FLOATS + 1,
                        Frames.vectorPayload(VectorOperation.NORM1, 0, 0),
                        true),
                "reply must fit a frame: floats=16777206, limit=16777205");
    }

    private static ByteBuffer changed(ByteBuffer frame, Consumer<ByteBuffer> change) {
        ByteBuffer copy = Frames.copy(frame);
        change.accept(copy);
        new Checksum().seal(copy, 0);
        return copy;
    }

    @Test
    void fieldsLieWhereThePictureSays() {
        ByteBuffer frame = Frames.load(false);
        assertThat(frame.getLong(24)).isEqualTo(DataLayout.run(frame, 0));
        assertThat(frame.getInt(24 + 8)).isEqualTo(2).isEqualTo(DataLayout.worker(frame, 0));
        assertThat(frame.getInt(24 + 12)).isEqualTo(3).isEqualTo(DataLayout.generation(frame, 0));
        assertThat(frame.getLong(24 + 16)).isEqualTo(14).isEqualTo(DataLayout.number(frame, 0));
        assertThat(frame.getLong(24 + 24)).isEqualTo(13).isEqualTo(DataLayout.previousNumber(frame, 0));
        assertThat(frame.getLong(24 + 32)).isEqualTo(21).isEqualTo(DataLayout.clock(frame, 0));
        assertThat(frame.getInt(24 + 44)).isEqualTo(8).isEqualTo(DataLayout.shard(frame, 0));
        assertThat(frame.getInt(24 + 52)).isEqualTo(1).isEqualTo(DataLayout.mapVersion(frame, 0));
        assertThat(frame.getInt(24 + 56)).isEqualTo(4).isEqualTo(DataLayout.tableId(frame, 0));
        assertThat(frame.get(24 + 60)).isEqualTo((byte) 1);
        assertThat(frame.get(24 + 61)).isEqualTo((byte) KEYS);
        assertThat(frame.getInt(24 + 64)).isEqualTo(2).isEqualTo(DataLayout.count(frame, 0));
        assertThat(frame.getInt(24 + 68)).isEqualTo(2).isEqualTo(DataLayout.rowLength(frame, 0));
        assertThat(DataLayout.OFFSET_OFFSET).isEqualTo(24 + 72);
    }

    @Test
    void rejectsFieldsOfAnotherLengthBeforeItReadsThem() {
        ByteBuffer frame = Frames.buffer(FrameLayout.HEADER_BYTES + FrameLayout.TRAILER_BYTES);
        FrameLayout.putHeader(frame, 0, frame.capacity(), FrameType.PULL, 0, 1, 0);
        assertThatThrownBy(() -> DataLayout.check(frame, 0))
                .isInstanceOf(WeirException.class)
                .hasMessage("fields of type 50 must be 80 bytes: fieldBytes=0");
    }

    @Test
    void rejectsNegativeIds() {
        String rule = "worker, generation, shard, map version and table id must be 0 or more: ";
        refuses(
                f -> f.putInt(DataLayout.WORKER_OFFSET, -1),
                rule + "worker=-1, generation=3, shard=8, mapVersion=1, tableId=4");
        refuses(
                f -> f.putInt(DataLayout.GENERATION_OFFSET, -1),
                rule + "worker=2, generation=-1, shard=8, mapVersion=1, tableId=4");
        refuses(
                f -> f.putInt(DataLayout.SHARD_OFFSET, Integer.MIN_VALUE),
                rule + "worker=2, generation=3, shard=-2147483648, mapVersion=1, tableId=4");
        refuses(
                f -> f.putInt(DataLayout.MAP_VERSION_OFFSET, -1),
                rule + "worker=2, generation=3, shard=8, mapVersion=-1, tableId=4");
        refuses(
                f -> f.putInt(DataLayout.TABLE_ID_OFFSET, -1),
                rule + "worker=2, generation=3, shard=8, mapVersion=1, tableId=-1");
        accepts(f -> f.putInt(DataLayout.WORKER_OFFSET, Integer.MAX_VALUE).putInt(DataLayout.TABLE_ID_OFFSET, 0));
        accepts(f -> f.putLong(DataLayout.RUN_OFFSET, -1));
    }

    @Test
    void rejectsAClockBelowZero() {
        refuses(f -> f.putLong(DataLayout.CLOCK_OFFSET, -1), "clock must be 0 or more: clock=-1");
        accepts(f -> f.putLong(DataLayout.CLOCK_OFFSET, Long.MAX_VALUE));
    }

    @Test
    void rejectsIdentityThatVersion1DoesNotKnow() {
        refuses(
                f -> f.putInt(DataLayout.SHARD_EPOCH_OFFSET, -1),
                "clock group must be from 0 to 65535, shard epoch must be 0 in version 1: clockGroup=0, shardEpoch=-1");
    }

    @Test
    void rejectsClockGroupsOutOfRange() {
        for (int group : new int[] {-1, Integer.MIN_VALUE, Limits.MAX_CLOCK_GROUP + 1, Integer.MAX_VALUE}) {
            refuses(
                    f -> f.putInt(DataLayout.CLOCK_GROUP_OFFSET, group),
                    "clock group must be from 0 to 65535, shard epoch must be 0 in version 1: clockGroup=" + group
                            + ", shardEpoch=0");
        }
        accepts(f -> f.putInt(DataLayout.CLOCK_GROUP_OFFSET, Limits.MAX_CLOCK_GROUP));
    }

    @Test
    void rejectsATickWithContent() {
        String rule = "a tick has no content: ";
        refusesTick(f -> f.putInt(DataLayout.TABLE_ID_OFFSET, 4), rule + "layout=1, count=0, rowLength=1, tableId=4");
        refusesTick(f -> f.putInt(DataLayout.COUNT_OFFSET, 1), rule + "layout=1, count=1, rowLength=1, tableId=0");
        refusesTick(f -> f.putInt(DataLayout.ROW_LENGTH_OFFSET, 2), rule + "layout=1, count=0, rowLength=2, tableId=0");
        refusesTick(
                f -> f.put(DataLayout.LAYOUT_OFFSET, (byte) STRETCH),
                rule + "layout=2, count=0, rowLength=1, tableId=0");
        refuses(
                Frames.data(FrameType.TICK, 1, 0, KEYS, 1, 0, 0, new byte[8], true),
                rule + "layout=1, count=0, rowLength=1, tableId=4");
        ByteBuffer bytes = Frames.data(FrameType.TICK, 1, 0, KEYS, 1, 0, 0, new byte[8], true);
        DataLayout.putTarget(bytes, 0, 8, 0, 1, 0);
        refuses(bytes, "payload must fit the count: expected=0, actual=8, type=60, count=0, rowLength=1");
    }

    @Test
    void takesTicksOfEveryKindButOnlyOneAtATime() {
        for (int kind : new int[] {0, DataLayout.FLAG_WITHDRAWN, DataLayout.FLAG_IDLE, DataLayout.FLAG_ACTIVE}) {
            ByteBuffer tick = Frames.tick(kind, true);
            DataLayout.check(tick, 0);
            assertThat(DataLayout.flags(tick, 0)).isEqualTo(kind);
        }
        for (int kind : new int[] {3, 5, 6, 7, 8, 0x8000}) {
            refuses(
                    Frames.tick(kind, true),
                    "flags must be 0, or 1 for a push that is withdrawn, or 2 or 4 for a tick: flags=" + kind
                            + ", type=60");
        }
        refusesTick(
                f -> DataLayout.putNumber(f, 0, 0, 0),
                "number must be above the previous one: number=0, previousNumber=0, type=60");
    }

    private static void refusesTick(Consumer<ByteBuffer> change, String message) {
        ByteBuffer frame = Frames.tick(0, true);
        change.accept(frame);
        refuses(frame, message);
    }

    @Test
    void rejectsNumbersThatDoNotCountUp() {
        long max = Long.MAX_VALUE;
        for (long[] numbers : new long[][] {{0, 0}, {-1, -2}, {7, 7}, {6, 7}, {1, -1}, {Long.MIN_VALUE, max}}) {
            refuses(
                    f -> DataLayout.putNumber(f, 0, numbers[0], numbers[1]),
                    "number must be above the previous one: number=" + numbers[0] + ", previousNumber=" + numbers[1]
                            + ", type=52");
        }
        accepts(f -> DataLayout.putNumber(f, 0, 1, 0));
        accepts(f -> DataLayout.putNumber(f, 0, max, max - 1));
    }

    @Test
    void rejectsANumberWhereNothingChanges() {
        for (int type : new int[] {FrameType.PULL, FrameType.SCAN}) {
            for (long[] numbers : new long[][] {{1, 0}, {0, 1}, {-1, 0}, {2, 1}}) {
                refuses(
                        Frames.data(type, numbers[0], numbers[1], KEYS, 2, 0, 0, new byte[0], true),
                        "number must be 0 where nothing changes: number=" + numbers[0] + ", previousNumber="
                                + numbers[1] + ", type=" + type);
            }
        }
    }

    @Test
    void rejectsAnotherValueType() {
        String rule = "value type must be 1, or up to 8 for a push: valueType=";
        for (int valueType : new int[] {0, 9, 15, -1}) {
            refuses(f -> f.put(DataLayout.VALUE_TYPE_OFFSET, (byte) valueType), rule + (valueType & 15) + ", type=52");
        }
        for (int type : new int[] {FrameType.PULL, FrameType.SCAN, FrameType.LOAD, FrameType.TICK}) {
            int number = FrameType.isNumbered(type) ? 1 : 0;
            ByteBuffer frame = Frames.data(type, number, 0, KEYS, 1, 0, 0, new byte[0], true);
            frame.put(DataLayout.VALUE_TYPE_OFFSET, (byte) ValueType.BFLOAT16);
            refuses(frame, rule + "2, type=" + type);
        }
    }

    @Test
    void rejectsAnAnswerInATypeThatIsNotForRows() {
        String rule = "value type of the answer must be 0, or from 2 to 4 for a pull: replyType=";
        for (int reply = 0; reply < 16; reply++) {
            ByteBuffer pull = Frames.data(FrameType.PULL, 0, 0, KEYS, 2, 0, 1, new byte[8], true);
            pull.put(DataLayout.VALUE_TYPE_OFFSET, (byte) (reply << 4 | 1));
            if (reply == 0 || (reply >= 2 && reply <= 4)) {
                DataLayout.check(pull, 0);
                assertThat(DataLayout.replyType(pull, 0)).isEqualTo(Math.max(1, reply));
                assertThat(DataLayout.valueType(pull, 0)).isEqualTo(ValueType.FLOAT32);
            } else {
                refuses(pull, rule + reply + ", type=50");
            }
        }
        refuses(f -> f.put(DataLayout.VALUE_TYPE_OFFSET, (byte) 0x21), rule + "2, type=52");
    }

    @Test
    void rejectsValuesThatDoNotFitTheirType() {
        long[] keys = {1, 2, 3, 4, 5};
        for (Compression compression : ENCODED) {
            ByteBuffer whole = Frames.encoded(FrameType.PUSH, compression, keys, new float[10], ValueType.FLOAT32);
            DataLayout.check(whole, 0);
            int length = FrameLayout.length(whole, 0);
            for (int change : new int[] {-4, -1, 1, 4}) {
                FrameLayout.putHeader(whole, 0, length + change, FrameType.PUSH, 1, 1, DataLayout.FIELD_BYTES);
                int actual = length + change - DataLayout.PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES;
                refuses(
                        whole,
                        "payload must fit the count: expected=" + (actual - change) + ", actual=" + actual
                                + ", type=52, count=5, rowLength=2");
            }
        }
    }

    @Test
    void rejectsMoreValuesThanThereCanBe() {
        ByteBuffer sparse = Frames.encoded(
                FrameType.PUSH, Compression.topK(1), new long[] {1}, new float[] {1, 2}, ValueType.FLOAT32);
        int keptAt = DataLayout.PAYLOAD_OFFSET + Long.BYTES;
        for (int kept : new int[] {-1, 3, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            sparse.putInt(keptAt, kept);
            refuses(sparse, "values that are there must be some of all: kept=" + kept + ", floats=2");
        }
        sparse.putInt(keptAt, 1);
        refuses(sparse, "payload must fit the count: expected=20, actual=28, type=52, count=1, rowLength=2");
    }

    @Test
    void rejectsAFewBytesThatWouldBecomeManyFloats() {
        int count = DataLayout.MAX_PLAIN_BYTES / Float.BYTES;
        ByteBuffer sparse = Frames.data(FrameType.PUSH, 9, 7, STRETCH, 16, 0, count + 1, new byte[4], true);
        DataLayout.putTypes(sparse, 0, ValueType.SPARSE, ValueType.FLOAT32);
        refuses(
                sparse,
                "keys and floats must fit a frame when they are plain too: plainBytes=" + 4 * (count + 1L) + ", limit="
                        + DataLayout.MAX_PLAIN_BYTES + ", type=52, count=" + (count + 1) + ", rowLength=16");
        sparse.putInt(DataLayout.COUNT_OFFSET, count);
        DataLayout.check(sparse, 0);
        ByteBuffer keyed = Frames.data(FrameType.PUSH, 9, 7, KEYS, 1 << 20, 0, Integer.MAX_VALUE, new byte[4], true);
        DataLayout.putTypes(keyed, 0, ValueType.ONE_BIT, ValueType.FLOAT32);
        assertThatThrownBy(() -> DataLayout.check(keyed, 0))
                .hasMessageStartingWith("keys and floats must fit a frame when they are plain too: plainBytes=");
    }

    @Test
    void takesTheHashOfKeysInsteadOfThem() {
        accepts(f -> f.put(DataLayout.LAYOUT_OFFSET, (byte) DataLayout.LAYOUT_KEPT_KEYS));
        for (int type : new int[] {FrameType.LOAD, FrameType.SCAN, FrameType.TICK}) {
            for (int layout : new int[] {DataLayout.LAYOUT_KEY_HASH, DataLayout.LAYOUT_KEPT_KEYS}) {
                int number = FrameType.isNumbered(type) ? 1 : 0;
                refuses(
                        Frames.data(type, number, 0, layout, 2, 0, 0, new byte[0], true),
                        "layout does not fit: layout=" + layout + ", type=" + type);
            }
        }
        int hash = DataLayout.LAYOUT_KEY_HASH;
        DataLayout.check(Frames.data(FrameType.PULL, 0, 0, hash, 2, 0, 3, new byte[16], true), 0);
        DataLayout.check(Frames.data(FrameType.PUSH, 9, 7, hash, 2, 0, 3, new byte[40], true), 0);
        refuses(
                Frames.data(FrameType.PULL, 0, 0, hash, 2, 0, 3, new byte[24], true),
                "payload must fit the count: expected=16, actual=24, type=50, count=3, rowLength=2");
        refuses(
                Frames.data(FrameType.PUSH, 9, 7, hash, 2, 0, 3, new byte[24], true),
                "payload must fit the count: expected=40, actual=24, type=52, count=3, rowLength=2");
    }

    @Test
    void rejectsAHashOfMoreKeysThanFitAFrame() {
        int most = DataLayout.MAX_PLAIN_BYTES / Long.BYTES;
        int hash = DataLayout.LAYOUT_KEY_HASH;
        DataLayout.check(Frames.data(FrameType.PULL, 0, 0, hash, 1, 0, most, new byte[16], true), 0);
        refuses(
                Frames.data(FrameType.PULL, 0, 0, hash, 1, 0, most + 1, new byte[16], true),
                "keys and floats must fit a frame when they are plain too: plainBytes=" + 8 * (most + 1L) + ", limit="
                        + DataLayout.MAX_PLAIN_BYTES + ", type=50, count=" + (most + 1) + ", rowLength=1");
        assertThatThrownBy(() -> DataLayout.check(
                        Frames.data(FrameType.PUSH, 9, 7, hash, 1, 0, Integer.MAX_VALUE, new byte[16], true), 0))
                .hasMessageStartingWith("keys and floats must fit a frame when they are plain too: plainBytes=");
    }

    @Test
    void rejectsLayoutsThatDoNotFit() {
        for (int layout : new int[] {0, 5, -1}) {
            refuses(
                    f -> f.put(DataLayout.LAYOUT_OFFSET, (byte) layout),
                    "layout does not fit: layout=" + layout + ", type=52");
        }
        refuses(
                Frames.data(FrameType.LOAD, 1, 0, STRETCH, 2, 0, 0, new byte[0], true),
                "layout does not fit: layout=2, type=56");
        refuses(
                Frames.data(FrameType.SCAN, 0, 0, STRETCH, 2, 0, 0, new byte[0], true),
                "layout does not fit: layout=2, type=58");
    }

    @Test
    void rejectsFlagsThatItDoesNotKnow() {
        String rule = "flags must be 0, or 1 for a push that is withdrawn, or 2 or 4 for a tick: ";
        refuses(f -> f.putShort(DataLayout.FLAGS_OFFSET, (short) -1), rule + "flags=65535, type=52");
        refuses(f -> f.putShort(DataLayout.FLAGS_OFFSET, (short) 2), rule + "flags=2, type=52");
        refuses(f -> f.putShort(DataLayout.FLAGS_OFFSET, (short) 4), rule + "flags=4, type=52");
        ByteBuffer pull = Frames.data(FrameType.PULL, 0, 0, KEYS, 2, 0, 0, new byte[0], true);
        DataLayout.putWithdrawn(pull, 0);
        refuses(pull, rule + "flags=1, type=50");
    }

    @Test
    void takesAPushThatIsWithdrawn() {
        ByteBuffer push = Frames.data(FrameType.PUSH, 2, 1, KEYS, 2, 0, 0, new byte[0], true);
        assertThat(DataLayout.isWithdrawn(push, 0)).isFalse();
        DataLayout.putWithdrawn(push, 0);
        DataLayout.check(push, 0);
        assertThat(DataLayout.isWithdrawn(push, 0)).isTrue();
    }

    @Test
    void rejectsCountsAndRowLengthsOutOfRange() {
        String rule = "count must be 0 or more and row length from 1 to 1048576: ";
        for (int count : new int[] {-1, Integer.MIN_VALUE}) {
            refuses(f -> f.putInt(DataLayout.COUNT_OFFSET, count), rule + "count=" + count + ", rowLength=2");
        }
        for (int rowLength : new int[] {0, -1, Integer.MIN_VALUE, 1_048_577, Integer.MAX_VALUE}) {
            refuses(f -> f.putInt(DataLayout.ROW_LENGTH_OFFSET, rowLength), rule + "count=3, rowLength=" + rowLength);
        }
    }

    @Test
    void rejectsCountsThatThePayloadDoesNotHold() {
        for (int count : new int[] {0, 2, 4, 1 << 29, 1 << 30, Integer.MAX_VALUE}) {
            refuses(
                    f -> f.putInt(DataLayout.COUNT_OFFSET, count),
                    "payload must fit the count: expected=" + 16L * count + ", actual=48, type=52, count=" + count
                            + ", rowLength=2");
        }
        int rowLength = TableShape.Dense.MAX_BLOCK_LENGTH;
        refuses(
                f -> f.putInt(DataLayout.COUNT_OFFSET, Integer.MAX_VALUE)
                        .putInt(DataLayout.ROW_LENGTH_OFFSET, rowLength),
                "payload must fit the count: expected=" + Integer.MAX_VALUE * (8 + 4L * rowLength)
                        + ", actual=48, type=52, count=2147483647, rowLength=1048576");
        refuses(
                Frames.data(FrameType.PUSH, 1, 0, STRETCH, 16, 0, 3, new byte[16], true),
                "payload must fit the count: expected=12, actual=16, type=52, count=3, rowLength=16");
        refuses(
                Frames.data(FrameType.PULL, 0, 0, KEYS, 16, 0, 3, new byte[16], true),
                "payload must fit the count: expected=24, actual=16, type=50, count=3, rowLength=16");
        refuses(
                Frames.data(FrameType.PULL, 0, 0, STRETCH, 16, 0, 3, new byte[12], true),
                "payload must fit the count: expected=0, actual=12, type=50, count=3, rowLength=16");
        refuses(
                Frames.data(FrameType.SCAN, 0, 0, KEYS, 16, 0, 3, new byte[1], true),
                "payload must fit the count: expected=0, actual=1, type=58, count=3, rowLength=16");
        refuses(
                Frames.data(FrameType.LOAD, 1, 0, KEYS, 2, 0, 3, new byte[71], true),
                "payload must fit the count: least=72, actual=71, type=56, count=3, rowLength=2");
        assertThatCode(() -> DataLayout.check(Frames.data(FrameType.LOAD, 1, 0, KEYS, 2, 0, 3, new byte[72], true), 0))
                .doesNotThrowAnyException();
    }

    @Test
    void rejectsOffsetsOutOfRange() {
        long most = TableShape.Dense.MAX_LENGTH;
        for (long offset : new long[] {-1, Long.MIN_VALUE, most - 2, Long.MAX_VALUE}) {
            refuses(
                    Frames.data(FrameType.PULL, 0, 0, STRETCH, 16, offset, 3, new byte[0], true),
                    "stretch must be within 281474976710656 floats: offset=" + offset + ", count=3");
        }
        assertThatCode(() -> DataLayout.check(
                        Frames.data(FrameType.PULL, 0, 0, STRETCH, 16, most - 3, 3, new byte[0], true), 0))
                .doesNotThrowAnyException();
        for (long offset : new long[] {-1, 1, Long.MAX_VALUE}) {
            refuses(
                    f -> f.putLong(DataLayout.OFFSET_OFFSET, offset),
                    "offset must be 0, or the cursor of a scan: offset=" + offset + ", type=52");
        }
        refuses(
                Frames.data(FrameType.SCAN, 0, 0, KEYS, 16, -1, 3, new byte[0], true),
                "offset must be 0, or the cursor of a scan: offset=-1, type=58");
        assertThatCode(() -> DataLayout.check(
                        Frames.data(FrameType.SCAN, 0, 0, KEYS, 16, Long.MAX_VALUE, 3, new byte[0], true), 0))
                .doesNotThrowAnyException();
    }

    @Test
    void rejectsPullsWhoseReplyFitsNoFrame() {
        int most = DataLayout.MAX_REPLY_FLOATS;
        assertThat(FrameLayout.frameBytes(ReplyLayout.FIELD_BYTES, 4L * most)).isEqualTo(Limits.MAX_FRAME_BYTES);
        assertThatCode(() ->
                        DataLayout.check(Frames.data(FrameType.PULL, 0, 0, STRETCH, 16, 0, most, new byte[0], true), 0))
                .doesNotThrowAnyException();
        for (int count : new int[] {most + 1, 1 << 30, Integer.MAX_VALUE}) {
            refuses(
                    Frames.data(FrameType.PULL, 0, 0, STRETCH, 16, 0, count, new byte[0], true),
                    "reply must fit a frame: floats=" + count + ", limit=" + most);
        }
        refuses(
                Frames.data(FrameType.PULL, 0, 0, KEYS, 1 << 20, 0, 1000, new byte[8000], true),
                "reply must fit a frame: floats=1048576000, limit=" + most);
        refuses(
                Frames.data(FrameType.PUSH_PULL, 1, 0, KEYS, 1 << 20, 0, Integer.MAX_VALUE, new byte[0], true),
                "reply must fit a frame: floats=2251799812636672, limit=" + most);
    }

    @Test
    void payloadBytesDoNotOverflow() {
        int most = TableShape.Dense.MAX_BLOCK_LENGTH;
        assertThat(DataLayout.payloadBytes(FrameType.PUSH, KEYS, Integer.MAX_VALUE, most, 0))
                .isEqualTo(Math.multiplyExact(Integer.MAX_VALUE, 8L + 4L * most));
        assertThat(DataLayout.payloadBytes(FrameType.LOAD, KEYS, Integer.MAX_VALUE, most, 3 * most))
                .isEqualTo(Math.multiplyExact(Integer.MAX_VALUE, 16L + 12L * most));
        assertThat(DataLayout.payloadBytes(FrameType.PUSH_PULL, STRETCH, Integer.MAX_VALUE, most, 0))
                .isEqualTo(4L * Integer.MAX_VALUE);
    }

    /// A push of 3 rows of 2 floats.
    private static ByteBuffer push() {
        return Frames.data(FrameType.PUSH, 9, 7, KEYS, 2, 0, 3, new byte[48], true);
    }

    private static void refuses(Consumer<ByteBuffer> change, String message) {
        ByteBuffer frame = push();
        change.accept(frame);
        refuses(frame, message);
    }

    private static void refuses(ByteBuffer frame, String message) {
        assertThatThrownBy(() -> DataLayout.check(frame, 0))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME))
                .hasMessage(message);
    }

    private static void accepts(Consumer<ByteBuffer> change) {
        ByteBuffer frame = push();
        change.accept(frame);
        assertThatCode(() -> DataLayout.check(frame, 0)).doesNotThrowAnyException();
    }
}
