package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FrameLayoutTest {
    private final Checksum checksum = new Checksum();

    @Test
    void layoutIsTheOneOfTheSpecification() {
        assertThat(FrameLayout.TYPE_OFFSET).isEqualTo(4);
        assertThat(FrameLayout.VERSION_OFFSET).isEqualTo(6);
        assertThat(FrameLayout.FLAGS_OFFSET).isEqualTo(7);
        assertThat(FrameLayout.REQUEST_ID_OFFSET).isEqualTo(8);
        assertThat(FrameLayout.FIELD_BYTES_OFFSET).isEqualTo(16);
        assertThat(FrameLayout.RESERVED_OFFSET).isEqualTo(18);
        assertThat(FrameLayout.HEADER_CRC_OFFSET).isEqualTo(20);
        assertThat(FrameLayout.HEADER_BYTES).isEqualTo(24);
        assertThat(DataLayout.FIELD_BYTES).isEqualTo(80);
        assertThat(DataLayout.PAYLOAD_OFFSET % Long.BYTES).isZero();
        assertThat(ReplyLayout.FIELD_BYTES).isEqualTo(16);
        assertThat(ReplyLayout.PAYLOAD_OFFSET % Long.BYTES).isZero();
        assertThat(DataLayout.FIELD_BYTES).isLessThanOrEqualTo(FrameLayout.MAX_FIELD_BYTES);
    }

    @Test
    void acceptsEveryExampleAndSaysWhereThePayloadBegins() {
        for (Map.Entry<String, ByteBuffer> example : Frames.examples().entrySet()) {
            ByteBuffer frame = example.getValue();
            boolean sealed = !example.getKey().endsWith("-unsealed");
            assertThat(check(frame, frame.capacity(), Limits.MAX_FRAME_BYTES, sealed))
                    .as(example.getKey())
                    .isEqualTo(FrameLayout.payloadOffset(frame, 0));
        }
    }

    @Test
    void waitsForMoreBytesAtEveryCutBeforeThePayload() {
        for (Map.Entry<String, ByteBuffer> example : Frames.examples().entrySet()) {
            ByteBuffer frame = example.getValue();
            boolean sealed = !example.getKey().endsWith("-unsealed");
            int payload = FrameLayout.payloadOffset(frame, 0);
            for (int cut = 0; cut < frame.capacity(); cut++) {
                ByteBuffer part = Frames.buffer(cut);
                part.put(0, frame, 0, cut);
                assertThat(check(part, cut, Limits.MAX_FRAME_BYTES, sealed))
                        .as("%s cut at %s", example.getKey(), cut)
                        .isEqualTo(cut < payload ? 0 : payload);
            }
        }
    }

    @Test
    void readsFramesAnywhereInABuffer() {
        ByteBuffer frame = Frames.load(true);
        ByteBuffer stream = Frames.buffer(frame.capacity() + 13);
        stream.put(13, frame, 0, frame.capacity());
        assertThat(FrameLayout.checkHeader(stream, 13, frame.capacity(), Limits.MAX_FRAME_BYTES, true, checksum))
                .isEqualTo(DataLayout.PAYLOAD_OFFSET);
        assertThat(checksum.matchesPayload(stream, 13)).isTrue();
        assertThat(DataLayout.tableId(stream, 13)).isEqualTo(4);
    }

    @Test
    void rejectsLengthsThatNoFrameHas() {
        ByteBuffer frame = Frames.load(true);
        int least = DataLayout.PAYLOAD_OFFSET + FrameLayout.TRAILER_BYTES;
        for (int length : new int[] {Integer.MIN_VALUE, -1, 0, 1, 24, 27, least - 1, 1001, Integer.MAX_VALUE}) {
            frame.putInt(FrameLayout.LENGTH_OFFSET, length);
            checksum.sealHeader(frame, 0);
            assertThatThrownBy(() -> check(frame, frame.capacity(), 1000, true))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME))
                    .hasMessage("frame length must be from " + least + " to 1000: length="
                            + Integer.toUnsignedString(length));
        }
        for (int length : new int[] {least, 1000}) {
            frame.putInt(FrameLayout.LENGTH_OFFSET, length);
            checksum.sealHeader(frame, 0);
            assertThat(check(frame, frame.capacity(), 1000, true)).isEqualTo(DataLayout.PAYLOAD_OFFSET);
        }
    }

    @Test
    void rejectsMoreFieldsThanAnyTypeHas() {
        ByteBuffer frame = Frames.buffer(65_536 + 100);
        FrameLayout.putHeader(frame, 0, frame.capacity(), FrameType.PULL, FrameLayout.FLAG_CHECKSUMS, 1, 0);
        for (int bytes : new int[] {129, 32_768, 65_535}) {
            frame.putShort(FrameLayout.FIELD_BYTES_OFFSET, (short) bytes);
            checksum.sealHeader(frame, 0);
            assertThatThrownBy(() -> check(frame, frame.capacity(), Limits.MAX_FRAME_BYTES, true))
                    .hasMessage("fields must be at most 128 bytes and reserved bytes 0: fieldBytes=" + bytes
                            + ", reserved=0");
        }
        frame.putShort(FrameLayout.FIELD_BYTES_OFFSET, (short) 128);
        checksum.sealHeader(frame, 0);
        assertThat(check(frame, frame.capacity(), Limits.MAX_FRAME_BYTES, true)).isEqualTo(24 + 128);
    }

    @Test
    void rejectsReservedBytes() {
        ByteBuffer frame = Frames.load(true);
        frame.putShort(FrameLayout.RESERVED_OFFSET, (short) 256);
        checksum.seal(frame, 0);
        assertThatThrownBy(() -> check(frame, frame.capacity(), 1000, true))
                .hasMessage("fields must be at most 128 bytes and reserved bytes 0: fieldBytes=80, reserved=256");
    }

    @Test
    void rejectsAnotherVersionBeforeAllElse() {
        for (int version : new int[] {0, 2, 255}) {
            ByteBuffer frame = Frames.load(true);
            frame.put(FrameLayout.VERSION_OFFSET, (byte) version);
            frame.putInt(FrameLayout.LENGTH_OFFSET, -1);
            assertThatThrownBy(() -> check(frame, frame.capacity(), 1000, true))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.VERSION_MISMATCH))
                    .hasMessage("protocol version must be 1: version=" + version);
        }
    }

    @Test
    void rejectsFlagsOfAnotherKindOfConnection() {
        assertThatThrownBy(() -> check(Frames.load(false), 24, 1000, true))
                .hasMessage("frame flags must be 1: flags=0");
        assertThatThrownBy(() -> check(Frames.load(true), 24, 1000, false))
                .hasMessage("frame flags must be 0: flags=1");
        ByteBuffer frame = Frames.load(true);
        frame.put(FrameLayout.FLAGS_OFFSET, (byte) 0x81);
        assertThatThrownBy(() -> check(frame, 24, 1000, true)).hasMessage("frame flags must be 1: flags=129");
    }

    @Test
    void rejectsAHeaderChecksumThatDoesNotMatch() {
        ByteBuffer frame = Frames.load(true);
        DataLayout.putNumber(frame, 0, 15, 13);
        assertThatThrownBy(() -> check(frame, frame.capacity(), 1000, true))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CORRUPT))
                .hasMessage("header checksum does not match: type=56, length=" + frame.capacity());
    }

    @Test
    void rejectsAHeaderChecksumWhereThereIsNone() {
        ByteBuffer frame = Frames.load(false);
        frame.putInt(FrameLayout.HEADER_CRC_OFFSET, 0xabc);
        assertThatThrownBy(() -> check(frame, 24, 1000, false))
                .hasMessage("header checksum must be 0 when there is none: headerCrc=abc");
    }

    @Test
    void frameBytesEndAtTheLimit() {
        int most = Limits.MAX_FRAME_BYTES - FrameLayout.HEADER_BYTES - FrameLayout.TRAILER_BYTES - 80;
        assertThat(FrameLayout.frameBytes(80, most)).isEqualTo(Limits.MAX_FRAME_BYTES);
        for (long bytes : new long[] {-1, Long.MIN_VALUE, most + 1, 1L << 32, Long.MAX_VALUE - 20, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> FrameLayout.frameBytes(80, bytes))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
                    .hasMessage("frame must be at most 67108864 bytes: fieldBytes=80, payloadBytes=" + bytes);
        }
    }

    private int check(ByteBuffer frame, int available, int maxFrameBytes, boolean checksums) {
        return FrameLayout.checkHeader(frame, 0, available, maxFrameBytes, checksums, checksum);
    }
}
