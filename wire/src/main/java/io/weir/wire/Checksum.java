package io.weir.wire;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// CRC32C (Castagnoli, as in RFC 3720 appendix B.4) over parts of buffers, without allocation. Confined: one for each
/// thread, and the buffer's position and limit are borrowed while it runs.
public final class Checksum {
    private final CRC32C crc = new CRC32C();

    /// Starts a checksum that is fed piece by piece.
    public void reset() {
        crc.reset();
    }

    /// Adds `length` bytes from `at`.
    public void update(ByteBuffer buffer, int at, int length) {
        int position = buffer.position();
        int limit = buffer.limit();
        buffer.limit(at + length).position(at);
        crc.update(buffer);
        buffer.limit(limit).position(position);
    }

    /// The checksum of what was added since [#reset].
    public int value() {
        return (int) crc.getValue();
    }

    /// Checksum of `length` bytes from `at`.
    public int of(ByteBuffer buffer, int at, int length) {
        crc.reset();
        update(buffer, at, length);
        return value();
    }

    /// Checksum of the header and the fields of the frame at `at`.
    public int ofHeader(ByteBuffer frame, int at) {
        crc.reset();
        update(frame, at, FrameLayout.HEADER_CRC_OFFSET);
        update(frame, at + FrameLayout.FIELDS_OFFSET, FrameLayout.fieldBytes(frame, at));
        return value();
    }

    /// Writes the header's checksum into the frame.
    public void sealHeader(ByteBuffer frame, int at) {
        frame.putInt(at + FrameLayout.HEADER_CRC_OFFSET, ofHeader(frame, at));
    }

    /// Writes both checksums into a frame that is otherwise complete.
    public void seal(ByteBuffer frame, int at) {
        sealHeader(frame, at);
        int payload = at + FrameLayout.payloadOffset(frame, at);
        int bytes = FrameLayout.payloadBytes(frame, at);
        frame.putInt(payload + bytes, of(frame, payload, bytes));
    }

    /// Whether the payload of a complete frame has the checksum that stands behind it.
    public boolean matchesPayload(ByteBuffer frame, int at) {
        int payload = at + FrameLayout.payloadOffset(frame, at);
        int bytes = FrameLayout.payloadBytes(frame, at);
        return frame.getInt(payload + bytes) == of(frame, payload, bytes);
    }
}
