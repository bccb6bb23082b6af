package io.weir.shard;

import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.RowLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// A data frame as a client sends it, told field by field, in the midst of a buffer at an odd address.
record DataFrame(
        int type,
        long requestId,
        long run,
        int worker,
        int generation,
        long number,
        long previousNumber,
        long clock,
        int shard,
        int tableId,
        int layout,
        int count,
        int rowLength,
        long offset,
        ByteBuffer payload) {
    static final long RUN = 7;
    private static final int AT = 13;

    static DataFrame pull(int tableId, int rowLength, long... keys) {
        return of(FrameType.PULL, tableId, DataLayout.LAYOUT_KEYS, keys.length, rowLength, 0, keys(keys));
    }

    static DataFrame push(int tableId, int rowLength, long[] keys, float... gradients) {
        return keyed(FrameType.PUSH, tableId, rowLength, keys, gradients);
    }

    static DataFrame pushPull(int tableId, int rowLength, long[] keys, float... gradients) {
        return keyed(FrameType.PUSH_PULL, tableId, rowLength, keys, gradients);
    }

    static DataFrame keyed(int type, int tableId, int rowLength, long[] keys, float... gradients) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES + gradients.length * Float.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        for (float gradient : gradients) {
            payload.putFloat(gradient);
        }
        return of(type, tableId, DataLayout.LAYOUT_KEYS, keys.length, rowLength, 0, payload);
    }

    static DataFrame pullStretch(int tableId, int blockLength, long offset, int count) {
        return of(FrameType.PULL, tableId, DataLayout.LAYOUT_STRETCH, count, blockLength, offset, buffer(0));
    }

    static DataFrame pushStretch(int tableId, int blockLength, long offset, float... gradients) {
        ByteBuffer payload = buffer(gradients.length * Float.BYTES);
        for (float gradient : gradients) {
            payload.putFloat(gradient);
        }
        return of(FrameType.PUSH, tableId, DataLayout.LAYOUT_STRETCH, gradients.length, blockLength, offset, payload);
    }

    static DataFrame scan(int tableId, int rowLength, int atMost, long cursor) {
        return of(FrameType.SCAN, tableId, DataLayout.LAYOUT_KEYS, atMost, rowLength, cursor, buffer(0));
    }

    /// One whole row.
    static DataFrame load(int tableId, int rowLength, long key, int pushCount, int reserved, float... values) {
        ByteBuffer payload = buffer(RowLayout.rowBytes(values.length));
        payload.putLong(key).putInt(pushCount).putInt(reserved);
        for (float value : values) {
            payload.putFloat(value);
        }
        return of(FrameType.LOAD, tableId, DataLayout.LAYOUT_KEYS, 1, rowLength, 0, payload);
    }

    private static DataFrame of(
            int type, int tableId, int layout, int count, int rowLength, long offset, ByteBuffer payload) {
        return new DataFrame(type, 1, RUN, 0, 1, 0, 0, 0, 0, tableId, layout, count, rowLength, offset, payload.flip());
    }

    private static ByteBuffer keys(long... keys) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        return payload;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    DataFrame from(int newWorker, int newGeneration) {
        return new DataFrame(
                type,
                requestId,
                run,
                newWorker,
                newGeneration,
                number,
                previousNumber,
                clock,
                shard,
                tableId,
                layout,
                count,
                rowLength,
                offset,
                payload);
    }

    DataFrame numbered(long newNumber, long newPreviousNumber) {
        return new DataFrame(
                type,
                requestId,
                run,
                worker,
                generation,
                newNumber,
                newPreviousNumber,
                clock,
                shard,
                tableId,
                layout,
                count,
                rowLength,
                offset,
                payload);
    }

    DataFrame atClock(long newClock) {
        return new DataFrame(
                type,
                requestId,
                run,
                worker,
                generation,
                number,
                previousNumber,
                newClock,
                shard,
                tableId,
                layout,
                count,
                rowLength,
                offset,
                payload);
    }

    DataFrame toShard(int newShard) {
        return new DataFrame(
                type,
                requestId,
                run,
                worker,
                generation,
                number,
                previousNumber,
                clock,
                newShard,
                tableId,
                layout,
                count,
                rowLength,
                offset,
                payload);
    }

    DataFrame asking(long newRequestId) {
        return new DataFrame(
                type,
                newRequestId,
                run,
                worker,
                generation,
                number,
                previousNumber,
                clock,
                shard,
                tableId,
                layout,
                count,
                rowLength,
                offset,
                payload);
    }

    /// Hands the frame to the shard and returns what it answers. What is no valid frame never gets there.
    Answer sendTo(Shard receiver) {
        return sendTo(receiver, false);
    }

    /// As [#sendTo], for a push that its worker has given up.
    Answer sendWithdrawnTo(Shard receiver) {
        return sendTo(receiver, true);
    }

    private Answer sendTo(Shard receiver, boolean withdrawn) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payload.remaining());
        ByteBuffer frame = ByteBuffer.allocateDirect(AT + length + 3).order(ByteOrder.LITTLE_ENDIAN);
        FrameLayout.putHeader(frame, AT, length, type, FrameLayout.FLAG_CHECKSUMS, requestId, DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, AT, run, worker, generation);
        DataLayout.putNumber(frame, AT, number, previousNumber);
        DataLayout.putClock(frame, AT, clock, 0);
        DataLayout.putTarget(frame, AT, shard, 0, 1, tableId);
        DataLayout.putContent(frame, AT, layout, count, rowLength, offset);
        if (withdrawn) {
            DataLayout.putWithdrawn(frame, AT);
        }
        frame.put(AT + DataLayout.PAYLOAD_OFFSET, payload, payload.position(), payload.remaining());
        new Checksum().seal(frame, AT);
        DataLayout.check(frame, AT);
        RecordingEffects effects = new RecordingEffects();
        receiver.accept(frame, MemorySegment.ofBuffer(frame), AT, effects);
        return effects.onlyAnswer();
    }
}
