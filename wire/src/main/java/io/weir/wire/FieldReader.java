package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Reads a control message's payload field by field. Every length is compared with the bytes that are left before
/// anything is allocated. Confined.
final class FieldReader {
    private final ByteBuffer buffer;

    FieldReader(ByteBuffer frame, int at, int length) {
        buffer = frame.duplicate()
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(at + length)
                .position(at);
    }

    int getByte(String field) {
        return need(Byte.BYTES, field).get();
    }

    int getInt(String field) {
        return need(Integer.BYTES, field).getInt();
    }

    /// An int from 0 to `most`: what is used as an index must not reach further than what it may name.
    int getIndex(String field, int most) {
        int value = getInt(field);
        if (value < 0 || value > most) {
            throw malformed(field + " must be from 0 to " + most + ": " + field + "=" + value);
        }
        return value;
    }

    long getLong(String field) {
        return need(Long.BYTES, field).getLong();
    }

    float getFloat(String field) {
        return need(Float.BYTES, field).getFloat();
    }

    boolean getBoolean(String field) {
        int value = getByte(field);
        if (value != 0 && value != 1) {
            throw malformed(field + " must be 0 or 1: " + field + "=" + value);
        }
        return value == 1;
    }

    String getString(String field) {
        int length = getInt(field);
        if (length < 0 || length > Limits.MAX_STRING_BYTES || length > buffer.remaining()) {
            throw malformed(field + " must fit the message: bytes=" + length + ", left=" + buffer.remaining());
        }
        ByteBuffer slice = buffer.slice(buffer.position(), length);
        buffer.position(buffer.position() + length);
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(slice);
            return text.toString();
        } catch (CharacterCodingException e) {
            throw malformed(field + " must be UTF-8");
        }
    }

    /// A number of elements of at least `elementBytes` each, checked against the bytes that are left.
    int getCount(String field, int elementBytes) {
        int count = getInt(field);
        if (count < 0 || (long) count * elementBytes > buffer.remaining()) {
            throw malformed(field + " must fit the message: count=" + count + ", left=" + buffer.remaining());
        }
        return count;
    }

    /// A list of indexes from 0 to `most`, with its length in front.
    List<Integer> getIndexes(String field, int most) {
        int count = getCount(field, Integer.BYTES);
        List<Integer> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(getIndex(field, most));
        }
        return values;
    }

    /// A list of finite float64, with its length in front.
    List<Double> getDoubles(String field, int most) {
        int count = getCount(field, Double.BYTES);
        if (count > most) {
            throw malformed(field + " must be at most " + most + ": count=" + count);
        }
        if (count == 0) {
            return List.of();
        }
        List<Double> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            double value = Double.longBitsToDouble(getLong(field));
            if (!Double.isFinite(value)) {
                throw malformed(field + " must be finite: value=" + value);
            }
            values.add(value);
        }
        return values;
    }

    void finish() {
        if (buffer.hasRemaining()) {
            throw malformed("message has bytes left over: left=" + buffer.remaining());
        }
    }

    static WeirException malformed(String message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, message);
    }

    private ByteBuffer need(int bytes, String field) {
        if (buffer.remaining() < bytes) {
            throw malformed("message ends before " + field + ": left=" + buffer.remaining());
        }
        return buffer;
    }
}
