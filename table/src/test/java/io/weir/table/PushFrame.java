package io.weir.table;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A request's bytes as a store meets them: some header, keys, gradients, at odd offsets.
final class PushFrame {
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final MemorySegment bytes;
    final long keysOffset = 3;
    final int count;
    final long gradientsOffset;
    final int rowLength;

    PushFrame(long[] keys, float[] gradients, int rowLength) {
        this.count = keys.length;
        this.rowLength = rowLength;
        this.gradientsOffset = keysOffset + 8L * count + 2;
        this.bytes = Arena.ofAuto().allocate(gradientsOffset + 4L * gradients.length + 1);
        for (int i = 0; i < keys.length; i++) {
            bytes.set(LONG, keysOffset + 8L * i, keys[i]);
        }
        for (int i = 0; i < gradients.length; i++) {
            bytes.set(FLOAT, gradientsOffset + 4L * i, gradients[i]);
        }
    }

    static PushFrame ofKeys(long... keys) {
        return new PushFrame(keys, new float[0], 1);
    }

    CheckResult check(TableStore store) {
        return store.check(bytes, keysOffset, count, gradientsOffset);
    }

    CheckResult push(TableStore store) {
        CheckResult result = check(store);
        if (result == CheckResult.OK) {
            store.apply(bytes, keysOffset, count, gradientsOffset);
        }
        return result;
    }

    static float[] pull(TableStore store, long... keys) {
        PushFrame frame = ofKeys(keys);
        int length = keys.length * store.spec().rowLength();
        MemorySegment destination = Arena.ofAuto().allocate(4L * length + 6);
        store.pull(frame.bytes, frame.keysOffset, keys.length, destination, 5);
        float[] rows = new float[length];
        for (int i = 0; i < length; i++) {
            rows[i] = destination.get(FLOAT, 5 + 4L * i);
        }
        return rows;
    }

    static byte[] scan(TableStore store) {
        int count = (int) store.rowCount();
        MemorySegment destination = Arena.ofAuto().allocate(Math.max(1, count * store.storedRowBytes()));
        if (store.scan(0, count, destination, 0) != count) {
            throw new AssertionError("a scan gives every row: rowCount=" + count);
        }
        return destination.asSlice(0, count * store.storedRowBytes()).toArray(ValueLayout.JAVA_BYTE);
    }
}
