package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Keeps what a shard answers, and sees to it that rows are announced, delivered and ended in this order.
final class RecordingEffects implements Effects {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int ROOM_OFFSET = 5;

    private final List<Outcome> answers = new ArrayList<>();
    private final MemorySegment segment =
            MemorySegment.ofBuffer(ByteBuffer.allocateDirect(ROOM_OFFSET + MAX_ROOM_BYTES));
    private final List<Float> values = new ArrayList<>();
    private final List<Long> keys = new ArrayList<>();
    private boolean open;
    private boolean scanning;
    private boolean summing;
    private final List<Double> sums = new ArrayList<>();
    private int roomBytes;
    private long requestId;
    private long number;
    private int count;
    private int length;
    private int encodedType;
    private int encodedSpan;

    @Override
    public void beginRows(long id, long pushNumber, int rowCount, int rowLength) {
        begin(id, pushNumber, rowCount, rowLength, false);
    }

    @Override
    public void beginEncodedRows(long id, long pushNumber, int rowCount, int rowLength, int valueType, int spanLength) {
        begin(id, pushNumber, rowCount, rowLength, false);
        encodedType = valueType;
        encodedSpan = spanLength;
    }

    @Override
    public void beginScan(long id, long cursor, int rowCount, int valueLength) {
        begin(id, cursor, rowCount, valueLength, true);
    }

    @Override
    public void beginPartials(long id, long firstBlock, int blockCount) {
        begin(id, firstBlock, blockCount, 2, false);
        summing = true;
    }

    private void begin(long id, long pushNumber, int rowCount, int rowLength, boolean scan) {
        assertThat(open).isFalse();
        open = true;
        scanning = scan;
        encodedType = ValueType.FLOAT32;
        summing = false;
        requestId = id;
        number = pushNumber;
        count = rowCount;
        length = rowLength;
    }

    @Override
    public MemorySegment room(int size) {
        assertThat(open).isTrue();
        assertThat(size).isBetween(1, MAX_ROOM_BYTES);
        roomBytes = size;
        return segment;
    }

    @Override
    public long roomOffset() {
        return ROOM_OFFSET;
    }

    @Override
    public void filled(int size) {
        assertThat(size).isEqualTo(roomBytes);
        if (encodedType != ValueType.FLOAT32) {
            float[] decoded = new float[ValueType.floats(encodedType, size, encodedSpan)];
            ByteBuffer bytes = segment.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            ValueEncoder.decodeRows(encodedType, bytes, ROOM_OFFSET, decoded, decoded.length, encodedSpan);
            for (float value : decoded) {
                values.add(value);
            }
            return;
        }
        int at = ROOM_OFFSET;
        while (at < ROOM_OFFSET + size) {
            if (summing) {
                sums.add(segment.get(DOUBLE, at));
                at += Double.BYTES;
            } else if (scanning) {
                keys.add(segment.get(LONG, at));
                at += RowLayout.rowBytes(length);
            } else {
                values.add(segment.get(FLOAT, at));
                at += Float.BYTES;
            }
        }
    }

    @Override
    public void endRows() {
        assertThat(open).isTrue();
        open = false;
        if (summing) {
            assertThat(sums).hasSize(count);
            answers.add(new Outcome.Sums(requestId, number, List.copyOf(sums)));
        } else if (scanning) {
            assertThat(keys).hasSize(count);
            answers.add(new Outcome.Scan(requestId, number, count, length, List.copyOf(keys)));
        } else {
            assertThat(values).hasSize(count * length);
            answers.add(new Outcome.Rows(requestId, number, length, List.copyOf(values)));
        }
    }

    @Override
    public void acknowledge(long id, int shard, long pushNumber) {
        assertThat(open).isFalse();
        answers.add(new Outcome.Acknowledged(id, shard, pushNumber));
    }

    @Override
    public void refuse(long id, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
        assertThat(open).isFalse();
        answers.add(new Outcome.Refused(id, code, ordered, message));
    }

    @Override
    public Parked park(ByteBuffer frame, int at) {
        assertThat(open).isFalse();
        ParkedFrame parked = new ParkedFrame(frame, at);
        answers.add(new Outcome.Waits(parked));
        return parked;
    }

    boolean isEmpty() {
        return answers.isEmpty();
    }

    Outcome onlyAnswer() {
        assertThat(open).isFalse();
        assertThat(answers).hasSize(1);
        return answers.getFirst();
    }
}
