package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Header in front of every frame, little-endian, and the checksum behind it.
///
/// ```
///   0        4      6     7     8                16           18         20          24
///   +--------+------+-----+-----+-----------------+------------+----------+-----------+--------+---------+-----+
///   | length | type | ver | flg |    requestId    | fieldBytes | reserved | headerCrc | fields | payload | crc |
///   +--------+------+-----+-----+-----------------+------------+----------+-----------+--------+---------+-----+
/// ```
///
/// `length` counts the whole frame, from its own first byte to the last of `crc`. `headerCrc` is the CRC32C of the
/// bytes before it and of the fields, so that ids and counts can be trusted before the payload is complete; `crc` is
/// that of the payload as it is here. Without [#FLAG_CHECKSUMS] `headerCrc` is 0 and nobody looks at `crc`. All methods
/// take buffers in little-endian order and absolute positions.
public final class FrameLayout {
    /// The version this code speaks, and the oldest it understands.
    public static final int VERSION = 1;

    /// Both checksums are there.
    public static final int FLAG_CHECKSUMS = 1;

    /// The payload is compressed, see [CompressedFrame].
    public static final int FLAG_COMPRESSED = 2;

    public static final int LENGTH_OFFSET = 0;
    public static final int TYPE_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    public static final int VERSION_OFFSET = TYPE_OFFSET + Short.BYTES;
    public static final int FLAGS_OFFSET = VERSION_OFFSET + Byte.BYTES;
    public static final int REQUEST_ID_OFFSET = FLAGS_OFFSET + Byte.BYTES;
    public static final int FIELD_BYTES_OFFSET = REQUEST_ID_OFFSET + Long.BYTES;
    public static final int RESERVED_OFFSET = FIELD_BYTES_OFFSET + Short.BYTES;
    public static final int HEADER_CRC_OFFSET = RESERVED_OFFSET + Short.BYTES;
    public static final int FIELDS_OFFSET = HEADER_CRC_OFFSET + Integer.BYTES;

    /// Bytes of the header without fields.
    public static final int HEADER_BYTES = FIELDS_OFFSET;

    /// Bytes of the checksum behind the payload.
    public static final int TRAILER_BYTES = Integer.BYTES;

    /// Most bytes of fields that any type of this version has.
    public static final int MAX_FIELD_BYTES = 128;

    private FrameLayout() {}

    public static int length(ByteBuffer frame, int at) {
        return frame.getInt(at + LENGTH_OFFSET);
    }

    public static int type(ByteBuffer frame, int at) {
        return Short.toUnsignedInt(frame.getShort(at + TYPE_OFFSET));
    }

    public static int version(ByteBuffer frame, int at) {
        return Byte.toUnsignedInt(frame.get(at + VERSION_OFFSET));
    }

    public static int flags(ByteBuffer frame, int at) {
        return Byte.toUnsignedInt(frame.get(at + FLAGS_OFFSET));
    }

    public static long requestId(ByteBuffer frame, int at) {
        return frame.getLong(at + REQUEST_ID_OFFSET);
    }

    public static int fieldBytes(ByteBuffer frame, int at) {
        return Short.toUnsignedInt(frame.getShort(at + FIELD_BYTES_OFFSET));
    }

    /// Where the payload begins, counted from the start of the frame.
    public static int payloadOffset(ByteBuffer frame, int at) {
        return HEADER_BYTES + fieldBytes(frame, at);
    }

    /// Bytes of the payload.
    public static int payloadBytes(ByteBuffer frame, int at) {
        return length(frame, at) - payloadOffset(frame, at) - TRAILER_BYTES;
    }

    /// Bytes of a whole frame with so many bytes of fields and payload.
    ///
    /// @throws WeirException `LIMIT_EXCEEDED` if it would be longer than any frame may be
    public static int frameBytes(int fieldBytes, long payloadBytes) {
        long length = HEADER_BYTES + (long) fieldBytes + payloadBytes + TRAILER_BYTES;
        if (payloadBytes < 0 || payloadBytes > Limits.MAX_FRAME_BYTES || length > Limits.MAX_FRAME_BYTES) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "frame must be at most " + Limits.MAX_FRAME_BYTES + " bytes: fieldBytes=" + fieldBytes
                            + ", payloadBytes=" + payloadBytes);
        }
        return (int) length;
    }

    /// Writes the header of a frame but for its checksum; see [Checksum#sealHeader].
    public static void putHeader(
            ByteBuffer frame, int at, int length, int type, int flags, long requestId, int fieldBytes) {
        frame.putInt(at + LENGTH_OFFSET, length);
        frame.putShort(at + TYPE_OFFSET, (short) type);
        frame.put(at + VERSION_OFFSET, (byte) VERSION);
        frame.put(at + FLAGS_OFFSET, (byte) flags);
        frame.putLong(at + REQUEST_ID_OFFSET, requestId);
        frame.putShort(at + FIELD_BYTES_OFFSET, (short) fieldBytes);
        frame.putShort(at + RESERVED_OFFSET, (short) 0);
        frame.putInt(at + HEADER_CRC_OFFSET, 0);
    }

    /// Looks at the frame that begins at `at`, of which `available` bytes have arrived, and checks all that can be
    /// checked without its payload: version, lengths, reserved bytes, the header's checksum.
    ///
    /// @param checksums whether the frame must have checksums
    /// @return bytes from `at` to the payload, or 0 if more bytes are needed
    /// @throws WeirException `MALFORMED_FRAME`, `VERSION_MISMATCH` or `CORRUPT`: the stream cannot be read on
    public static int checkHeader(
            ByteBuffer frame, int at, int available, int maxFrameBytes, boolean checksums, Checksum checksum) {
        return checkHeader(frame, at, available, maxFrameBytes, checksums, false, checksum);
    }

    /// As [#checkHeader(ByteBuffer, int, int, int, boolean, Checksum)], on a connection that may have agreed on a
    /// codec.
    ///
    /// @param compressible whether the frame may be compressed
    public static int checkHeader(
            ByteBuffer frame,
            int at,
            int available,
            int maxFrameBytes,
            boolean checksums,
            boolean compressible,
            Checksum checksum) {
        if (available < HEADER_BYTES) {
            return 0;
        }
        int length = length(frame, at);
        int fieldBytes = fieldBytes(frame, at);
        if (version(frame, at) != VERSION) {
            throw new WeirException(
                    ErrorCode.VERSION_MISMATCH,
                    "protocol version must be " + VERSION + ": version=" + version(frame, at));
        }
        if (length < HEADER_BYTES + fieldBytes + TRAILER_BYTES || length > maxFrameBytes) {
            throw malformed("frame length must be from " + (HEADER_BYTES + fieldBytes + TRAILER_BYTES) + " to "
                    + maxFrameBytes + ": length=" + Integer.toUnsignedString(length));
        }
        if (fieldBytes > MAX_FIELD_BYTES || frame.getShort(at + RESERVED_OFFSET) != 0) {
            throw malformed("fields must be at most " + MAX_FIELD_BYTES + " bytes and reserved bytes 0: fieldBytes="
                    + fieldBytes + ", reserved=" + frame.getShort(at + RESERVED_OFFSET));
        }
        int flags = flags(frame, at);
        if (flags != (checksums ? FLAG_CHECKSUMS : 0)
                && !(compressible && flags == (FLAG_CHECKSUMS | FLAG_COMPRESSED))) {
            throw malformed("frame flags must be " + (checksums ? FLAG_CHECKSUMS : 0) + ": flags=" + flags);
        }
        if (!checksums && frame.getInt(at + HEADER_CRC_OFFSET) != 0) {
            throw malformed("header checksum must be 0 when there is none: headerCrc="
                    + Integer.toHexString(frame.getInt(at + HEADER_CRC_OFFSET)));
        }
        if (available < HEADER_BYTES + fieldBytes) {
            return 0;
        }
        if (checksums && frame.getInt(at + HEADER_CRC_OFFSET) != checksum.ofHeader(frame, at)) {
            throw new WeirException(
                    ErrorCode.CORRUPT,
                    "header checksum does not match: type=" + type(frame, at) + ", length=" + length);
        }
        return HEADER_BYTES + fieldBytes;
    }

    private static WeirException malformed(String message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, message);
    }
}
