package io.weir.client.internal;

import io.weir.client.RowBatch;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.RowLayout;
import java.nio.ByteBuffer;

/// Takes the rows of a scan into a batch. Filled by the thread that brings the answer, then read by the one that
/// waited for it.
final class ScanSink implements Call.RowSink {
    private final RowBatch batch;
    private volatile long cursor = -1;

    ScanSink(RowBatch batch) {
        this.batch = batch;
    }

    /// Where the scan goes on, -1 at the end.
    long cursor() {
        return cursor;
    }

    @Override
    public void begin(long nextCursor, int count, int valueLength) {
        if (valueLength != batch.valueLength() || count > batch.capacity()) {
            throw new WeirException(
                    ErrorCode.CORRUPT,
                    "scan must deliver what was asked for: count=" + count + ", valueLength=" + valueLength);
        }
        batch.setCount(0);
        cursor = nextCursor;
    }

    @Override
    public void accept(ByteBuffer payload, int at, int count, int valueLength) {
        int row = batch.count();
        for (int i = 0; i < count; i++, row++) {
            batch.keys()[row] = payload.getLong(at + RowLayout.KEY_OFFSET);
            batch.pushCounts()[row] = payload.getInt(at + RowLayout.PUSH_COUNT_OFFSET);
            at += RowLayout.VALUES_OFFSET;
            for (int j = 0; j < valueLength; j++) {
                batch.values()[row * valueLength + j] = payload.getFloat(at);
                at += Float.BYTES;
            }
        }
        batch.setCount(row);
    }
}
