package io.weir.client.internal;

import io.weir.model.Compression;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// Writes the gradients of one table view in fewer bits, and keeps what the compression leaves out. Guarded by the lock
/// of the session's streams.
///
/// A frame is encoded once, when its push is made; what is sent again is the same bytes. Of each value, what was kept
/// is added first, and what is left is kept. Where a key is repeated in a frame the first gradient gets what was kept,
/// and what is left of all of them is kept together.
final class PushEncoder {
    private final ValueEncoder encoder;
    private final int rowLength;
    private final boolean dense;
    private final @Nullable Residuals residuals;
    private float[] staged = new float[0];

    PushEncoder(TableSpec spec, Compression compression) {
        this.encoder = new ValueEncoder(compression);
        this.rowLength = spec.rowLength();
        this.dense = spec.shape() instanceof TableShape.Dense;
        long rowBytes = (long) rowLength * Float.BYTES;
        int maxRows = dense ? Integer.MAX_VALUE : (int) Math.max(1, Residuals.MAX_BYTES / rowBytes);
        this.residuals = compression.hasFeedback() ? new Residuals(rowLength, maxRows) : null;
    }

    /// Number of its [ValueType].
    int type() {
        return encoder.type();
    }

    private int spanLength() {
        return ValueType.spanLength(dense, rowLength);
    }

    /// Most bytes that so many floats take.
    long maxBytes(int floats) {
        return encoder.maxBytes(floats, spanLength());
    }

    /// Writes the gradients of the keys from sorted index `start` to `end`.
    ///
    /// @return bytes written
    int putRows(
            Grouping grouping,
            long[] keys,
            int keysFrom,
            float[] gradients,
            int gradientsFrom,
            int start,
            int end,
            ByteBuffer frame,
            int at) {
        int length = rowLength;
        int floats = (end - start) * length;
        float[] values = stagedFor(floats);
        Residuals kept = residuals;
        for (int i = start; i < end; i++) {
            int position = grouping.position(i);
            int to = (i - start) * length;
            System.arraycopy(gradients, gradientsFrom + position * length, values, to, length);
            if (kept != null) {
                kept.take(keys[keysFrom + position], 0, length, values, to);
            }
        }
        int bytes = encoder.encode(values, floats, spanLength(), frame, at);
        if (kept != null) {
            for (int i = start; i < end; i++) {
                kept.keep(keys[keysFrom + grouping.position(i)], 0, length, values, (i - start) * length);
            }
        }
        return bytes;
    }

    /// Writes the gradients of a stretch.
    ///
    /// @param offset its first float in the tensor
    /// @return bytes written
    int putStretch(long offset, float[] gradients, int gradientsFrom, int floats, ByteBuffer frame, int at) {
        float[] values = stagedFor(floats);
        System.arraycopy(gradients, gradientsFrom, values, 0, floats);
        Residuals kept = residuals;
        if (kept == null) {
            return encoder.encode(values, floats, spanLength(), frame, at);
        }
        for (int done = 0; done < floats; done += partOf(offset, done, floats)) {
            int start = (int) ((offset + done) % rowLength);
            kept.take((offset + done) / rowLength, start, partOf(offset, done, floats), values, done);
        }
        int bytes = encoder.encode(values, floats, spanLength(), frame, at);
        for (int done = 0; done < floats; done += partOf(offset, done, floats)) {
            int start = (int) ((offset + done) % rowLength);
            kept.keep((offset + done) / rowLength, start, partOf(offset, done, floats), values, done);
        }
        return bytes;
    }

    /// Floats of a stretch from `done` on that lie in one block.
    private int partOf(long offset, int done, int floats) {
        return (int) Math.min(floats - done, rowLength - (offset + done) % rowLength);
    }

    private float[] stagedFor(int floats) {
        if (staged.length < floats) {
            staged = new float[floats + (floats >> 3)];
        }
        return staged;
    }
}
