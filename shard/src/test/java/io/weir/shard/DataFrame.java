package io.weir.shard;

import io.weir.model.VectorOperation;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.KeyListHash;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import io.weir.wire.VectorLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/// A data frame as a client sends it, told field by field, in the midst of a buffer at an odd address.
final class DataFrame implements Cloneable {
    static final long RUN = 7;
    private static final int AT = 13;

    private final int type;
    private final int tableId;
    private int layout;
    private int count;
    private final int rowLength;
    private final long offset;
    private ByteBuffer payload;
    private long requestId = 1;
    private int worker;
    private int generation = 1;
    private long number;
    private long previousNumber;
    private long clock;
    private int shard;
    private int flags;
    private int valueType = ValueType.FLOAT32;
    private int replyType = ValueType.FLOAT32;
    private int clockGroup;
    private long run = RUN;

    private DataFrame(int type, int tableId, int layout, int count, int rowLength, long offset, ByteBuffer payload) {
        this.type = type;
        this.tableId = tableId;
        this.layout = layout;
        this.count = count;
        this.rowLength = rowLength;
        this.offset = offset;
        this.payload = payload.flip();
    }

    static DataFrame pull(int tableId, int rowLength, long... keys) {
        return new DataFrame(FrameType.PULL, tableId, DataLayout.LAYOUT_KEYS, keys.length, rowLength, 0, keys(keys));
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
        return new DataFrame(type, tableId, DataLayout.LAYOUT_KEYS, keys.length, rowLength, 0, payload);
    }

    /// A push of rows in fewer bits; `values` holds afterwards what the encoder left.
    static DataFrame encoded(int tableId, int rowLength, long[] keys, ValueEncoder encoder, float[] values) {
        return encoded(FrameType.PUSH, tableId, rowLength, keys, encoder, values);
    }

    static DataFrame encoded(int type, int tableId, int rowLength, long[] keys, ValueEncoder encoder, float[] values) {
        int run = ValueType.spanLength(false, rowLength);
        int keyBytes = keys.length * Long.BYTES;
        ByteBuffer payload = buffer(keyBytes + (int) encoder.maxBytes(values.length, run));
        for (long key : keys) {
            payload.putLong(key);
        }
        payload.position(keyBytes + encoder.encode(values, values.length, run, payload, keyBytes));
        DataFrame frame = new DataFrame(type, tableId, DataLayout.LAYOUT_KEYS, keys.length, rowLength, 0, payload);
        frame.valueType = encoder.type();
        return frame;
    }

    /// A push of a stretch in fewer bits; `values` holds afterwards what the encoder left.
    static DataFrame encodedStretch(int tableId, int blockLength, long offset, ValueEncoder encoder, float[] values) {
        ByteBuffer payload = buffer((int) encoder.maxBytes(values.length, ValueType.STRETCH_SPAN));
        payload.position(encoder.encode(values, values.length, ValueType.STRETCH_SPAN, payload, 0));
        DataFrame frame = new DataFrame(
                FrameType.PUSH, tableId, DataLayout.LAYOUT_STRETCH, values.length, blockLength, offset, payload);
        frame.valueType = encoder.type();
        return frame;
    }

    static DataFrame pullStretch(int tableId, int blockLength, long offset, int count) {
        return new DataFrame(FrameType.PULL, tableId, DataLayout.LAYOUT_STRETCH, count, blockLength, offset, buffer(0));
    }

    static DataFrame pushStretch(int tableId, int blockLength, long offset, float... gradients) {
        ByteBuffer payload = buffer(gradients.length * Float.BYTES);
        for (float gradient : gradients) {
            payload.putFloat(gradient);
        }
        return new DataFrame(
                FrameType.PUSH, tableId, DataLayout.LAYOUT_STRETCH, gradients.length, blockLength, offset, payload);
    }

    /// A vector operation on `count` floats from `offset` on.
    static DataFrame vector(
            VectorOperation operation, int tableId, int blockLength, long offset, int count, int other, double scalar) {
        ByteBuffer payload = buffer(VectorLayout.PAYLOAD_BYTES);
        payload.putInt(operation.number()).putInt(other).putDouble(scalar);
        return new DataFrame(
                operation.isChanging() ? FrameType.TRANSFORM : FrameType.REDUCE,
                tableId,
                DataLayout.LAYOUT_STRETCH,
                count,
                blockLength,
                offset,
                payload);
    }

    /// The end of a minibatch.
    static DataFrame tick(long toClock) {
        return new DataFrame(FrameType.TICK, 0, DataLayout.LAYOUT_KEYS, 0, 1, 0, buffer(0)).atClock(toClock);
    }

    static DataFrame scan(int tableId, int rowLength, int atMost, long cursor) {
        return new DataFrame(FrameType.SCAN, tableId, DataLayout.LAYOUT_KEYS, atMost, rowLength, cursor, buffer(0));
    }

    /// One whole row.
    static DataFrame load(int tableId, int rowLength, long key, int pushCount, int reserved, float... values) {
        ByteBuffer payload = buffer(RowLayout.rowBytes(values.length));
        payload.putLong(key).putInt(pushCount).putInt(reserved);
        for (float value : values) {
            payload.putFloat(value);
        }
        return new DataFrame(FrameType.LOAD, tableId, DataLayout.LAYOUT_KEYS, 1, rowLength, 0, payload);
    }

    private static ByteBuffer keys(long... keys) {
        ByteBuffer payload = buffer(keys.length * Long.BYTES);
        for (long key : keys) {
            payload.putLong(key);
        }
        return payload;
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// This frame, but for what `change` does to it.
    private DataFrame with(Consumer<DataFrame> change) {
        try {
            DataFrame copy = (DataFrame) clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    DataFrame from(int worker, int generation) {
        return with(frame -> {
            frame.worker = worker;
            frame.generation = generation;
        });
    }

    DataFrame numbered(long number, long previousNumber) {
        return with(frame -> {
            frame.number = number;
            frame.previousNumber = previousNumber;
        });
    }

    DataFrame atClock(long clock) {
        return with(frame -> frame.clock = clock);
    }

    DataFrame toShard(int shard) {
        return with(frame -> frame.shard = shard);
    }

    DataFrame asking(long requestId) {
        return with(frame -> frame.requestId = requestId);
    }

    /// Given up by its worker.
    DataFrame withdrawn() {
        return with(frame -> frame.flags = DataLayout.FLAG_WITHDRAWN);
    }

    /// Asking for rows of this type.
    DataFrame replying(int type) {
        return with(frame -> frame.replyType = type);
    }

    /// The same keys, and the shard is asked to keep their list.
    DataFrame keepingKeys() {
        return with(frame -> frame.layout = DataLayout.LAYOUT_KEPT_KEYS);
    }

    /// The same with the hash of its keys instead of them.
    DataFrame hashingKeys() {
        ByteBuffer bytes = buffer(payload.capacity());
        bytes.put(0, payload, 0, payload.limit());
        KeyListHash hash = new KeyListHash();
        hash.set(bytes, 0, count);
        int keyBytes = count * Long.BYTES;
        ByteBuffer hashed = buffer(KeyListHash.BYTES + payload.limit() - keyBytes);
        hash.write(hashed, 0);
        hashed.put(KeyListHash.BYTES, payload, keyBytes, payload.limit() - keyBytes);
        return with(frame -> {
            frame.payload = hashed;
            frame.layout = DataLayout.LAYOUT_KEY_HASH;
        });
    }

    /// Saying that it has so many keys.
    DataFrame counting(int keys) {
        return with(frame -> frame.count = keys);
    }

    /// With other bytes of payload.
    DataFrame changed(Consumer<ByteBuffer> change) {
        return with(frame -> change.accept(frame.payload));
    }

    /// Of this kind.
    DataFrame flagged(int kind) {
        return with(frame -> frame.flags = kind);
    }

    DataFrame inGroup(int group) {
        return with(frame -> frame.clockGroup = group);
    }

    DataFrame ofRun(long id) {
        return with(frame -> frame.run = id);
    }

    /// Hands the frame to the shard and returns what it answers. What is no valid frame never gets there.
    Outcome sendTo(Shard receiver) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payload.remaining());
        ByteBuffer frame = ByteBuffer.allocateDirect(AT + length + 3).order(ByteOrder.LITTLE_ENDIAN);
        FrameLayout.putHeader(frame, AT, length, type, FrameLayout.FLAG_CHECKSUMS, requestId, DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, AT, run, worker, generation);
        DataLayout.putNumber(frame, AT, number, previousNumber);
        DataLayout.putClock(frame, AT, clock, clockGroup);
        DataLayout.putTarget(frame, AT, shard, 0, 1, tableId);
        DataLayout.putContent(frame, AT, layout, count, rowLength, offset);
        DataLayout.putTypes(frame, AT, valueType, replyType);
        DataLayout.putFlags(frame, AT, flags);
        frame.put(AT + DataLayout.PAYLOAD_OFFSET, payload, payload.position(), payload.remaining());
        new Checksum().seal(frame, AT);
        DataLayout.check(frame, AT);
        RecordingEffects effects = new RecordingEffects();
        receiver.accept(frame, MemorySegment.ofBuffer(frame), AT, effects);
        return effects.onlyAnswer();
    }
}
