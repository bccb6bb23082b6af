package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// Grows a control message's payload field by field, little-endian. Confined.
final class FieldWriter {
    private byte[] bytes = new byte[256];
    private ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);

    void putByte(int value) {
        room(Byte.BYTES).put((byte) value);
    }

    void putInt(int value) {
        room(Integer.BYTES).putInt(value);
    }

    void putLong(long value) {
        room(Long.BYTES).putLong(value);
    }

    void putFloat(float value) {
        room(Float.BYTES).putFloat(value);
    }

    void putBoolean(boolean value) {
        putByte(value ? 1 : 0);
    }

    /// Length in bytes as an int, then UTF-8.
    void putString(String value) {
        byte[] text = value.getBytes(StandardCharsets.UTF_8);
        if (text.length > Limits.MAX_STRING_BYTES) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "string must be at most " + Limits.MAX_STRING_BYTES + " bytes: bytes=" + text.length);
        }
        putInt(text.length);
        room(text.length).put(text);
    }

    /// Their number, then each as an int.
    void putInts(List<Integer> values) {
        putInt(values.size());
        for (int value : values) {
            putInt(value);
        }
    }

    void putDoubles(List<Double> values) {
        putInt(values.size());
        for (double value : values) {
            putLong(Double.doubleToRawLongBits(value));
        }
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes, buffer.position());
    }

    private ByteBuffer room(int more) {
        if (buffer.remaining() < more) {
            int position = buffer.position();
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, position + more));
            buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).position(position);
        }
        return buffer;
    }
}
