package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Whole frames to compressed ones and back. The header and the fields of a compressed frame are those of the
/// plain one but for `length` and [FrameLayout#FLAG_COMPRESSED]; its payload is how long that of the plain one
/// is, an int, and what the connection's codec made of it. Its checksum is that of the bytes as they travel, so
/// that a decompressor only sees what was sent. Stateless.
public final class CompressedFrame {
    /// Payloads below are not compressed.
    public static final int MIN_PAYLOAD_BYTES = 1024;

    private CompressedFrame() {}

    /// Writes a frame compressed, if that makes it smaller and it may be inflated again.
    ///
    /// @param out has room for the plain frame from `outAt` on
    /// @return bytes written, or 0 if the frame had better go as it is
    public static int compress(
            FrameCodec codec, ByteBuffer frame, int at, ByteBuffer out, int outAt, Checksum checksum) {
        int payload = FrameLayout.payloadOffset(frame, at);
        int plainBytes = FrameLayout.payloadBytes(frame, at);
        if (plainBytes < MIN_PAYLOAD_BYTES) {
            return 0;
        }
        int room = plainBytes - Integer.BYTES - 1;
        int bytes = codec.compress(frame, at + payload, plainBytes, out, outAt + payload + Integer.BYTES, room);
        if (bytes <= 0 || plainBytes > (long) bytes * Limits.MAX_INFLATION) {
            return 0;
        }
        int length = payload + Integer.BYTES + bytes + FrameLayout.TRAILER_BYTES;
        out.put(outAt, frame, at, payload);
        out.putInt(outAt + FrameLayout.LENGTH_OFFSET, length);
        out.put(outAt + FrameLayout.FLAGS_OFFSET, (byte) (FrameLayout.FLAG_CHECKSUMS | FrameLayout.FLAG_COMPRESSED));
        out.putInt(outAt + payload, plainBytes);
        checksum.seal(out, outAt);
        return length;
    }

    /// Whether a frame, its header checked, is compressed.
    public static boolean is(ByteBuffer frame, int at) {
        return (FrameLayout.flags(frame, at) & FrameLayout.FLAG_COMPRESSED) != 0;
    }

    /// Length of the plain frame, which fits the limits.
    ///
    /// @param frame whole, its checksums checked
    /// @throws WeirException `MALFORMED_FRAME` if it says a length that no frame can have
    public static int plainLength(ByteBuffer frame, int at, int maxFrameBytes) {
        int payload = FrameLayout.payloadOffset(frame, at);
        int bytes = FrameLayout.payloadBytes(frame, at) - Integer.BYTES;
        int plainBytes = bytes < 1 ? -1 : frame.getInt(at + payload);
        long length = (long) payload + plainBytes + FrameLayout.TRAILER_BYTES;
        if (plainBytes <= bytes || length > maxFrameBytes || plainBytes > (long) bytes * Limits.MAX_INFLATION) {
            throw new WeirException(
                    ErrorCode.MALFORMED_FRAME,
                    "a compressed frame must become a longer one that fits the limits: plainBytes=" + plainBytes
                            + ", compressedBytes=" + bytes + ", maxFrameBytes=" + maxFrameBytes
                            + ", mostTimes=" + Limits.MAX_INFLATION);
        }
        return (int) length;
    }

    /// Writes the plain frame, [#plainLength] bytes, with both checksums.
    ///
    /// @throws WeirException `MALFORMED_FRAME` if the payload does not become as long as it says
    public static void decompress(
            FrameCodec codec, ByteBuffer frame, int at, ByteBuffer out, int outAt, Checksum checksum) {
        int payload = FrameLayout.payloadOffset(frame, at);
        int bytes = FrameLayout.payloadBytes(frame, at) - Integer.BYTES;
        int plainBytes = frame.getInt(at + payload);
        codec.decompress(frame, at + payload + Integer.BYTES, bytes, out, outAt + payload, plainBytes);
        out.put(outAt, frame, at, payload);
        out.putInt(outAt + FrameLayout.LENGTH_OFFSET, payload + plainBytes + FrameLayout.TRAILER_BYTES);
        out.put(outAt + FrameLayout.FLAGS_OFFSET, (byte) FrameLayout.FLAG_CHECKSUMS);
        checksum.seal(out, outAt);
    }
}
