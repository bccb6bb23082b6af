package io.weir.wire;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CompressedFrameTest {
    private final Checksum checksum = new Checksum();
    private final FrameCodec deflate = requireNonNull(FrameCodecs.create(FrameCodecs.DEFLATE_FEATURE));

    @AfterEach
    void close() {
        deflate.close();
    }

    /// A push whose payload repeats itself every so many bytes.
    private static ByteBuffer push(int payloadBytes, int period, boolean direct) {
        ByteBuffer frame = direct
                ? ByteBuffer.allocateDirect(DataLayout.PAYLOAD_OFFSET + payloadBytes + 4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                : Frames.buffer(DataLayout.PAYLOAD_OFFSET + payloadBytes + 4);
        byte[] payload = new byte[payloadBytes];
        byte[] once = new byte[Math.min(period, payloadBytes)];
        new Random(period).nextBytes(once);
        for (int i = 0; i < payloadBytes; i++) {
            payload[i] = once[i % once.length];
        }
        ByteBuffer sample =
                Frames.data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_STRETCH, 16, 0, payloadBytes / 4, payload, true);
        frame.put(0, sample, 0, sample.capacity());
        return frame;
    }

    @Test
    void comesBackByteForByte() {
        for (boolean direct : new boolean[] {false, true}) {
            for (int bytes : new int[] {1024, 1028, 5000, 100_000, 300_000}) {
                for (int period : new int[] {1, 7, 400}) {
                    ByteBuffer frame = push(bytes / 4 * 4, period, direct);
                    ByteBuffer out = Frames.buffer(frame.capacity() + 3);
                    int length = CompressedFrame.compress(deflate, frame, 0, out, 3, checksum);
                    assertThat(length).isBetween(1, frame.capacity() - 1);
                    assertThat(FrameLayout.checkHeader(out, 3, length, Limits.MAX_FRAME_BYTES, true, true, checksum))
                            .isEqualTo(DataLayout.PAYLOAD_OFFSET);
                    assertThat(CompressedFrame.is(out, 3)).isTrue();
                    assertThat(checksum.matchesPayload(out, 3)).isTrue();
                    assertThat(CompressedFrame.plainLength(out, 3, Limits.MAX_FRAME_BYTES))
                            .isEqualTo(frame.capacity());
                    ByteBuffer plain = Frames.buffer(frame.capacity() + 5);
                    plain.put(frame.capacity() + 5 - 1, (byte) 0x5a);
                    CompressedFrame.decompress(deflate, out, 3, plain, 4, checksum);
                    assertThat(plain.get(frame.capacity() + 4)).isEqualTo((byte) 0x5a);
                    byte[] expected = new byte[frame.capacity()];
                    frame.get(0, expected);
                    assertThat(Arrays.copyOfRange(plain.array(), 4, frame.capacity() + 4))
                            .isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void leavesAloneWhatIsShortOrDoesNotGetShorter() {
        ByteBuffer out = Frames.buffer(1 << 20);
        assertThat(CompressedFrame.compress(deflate, push(1020, 1, false), 0, out, 0, checksum))
                .isZero();
        assertThat(CompressedFrame.compress(deflate, push(100_000, 100_000, false), 0, out, 0, checksum))
                .isZero();
    }

    @Test
    void isRefusedWhereNobodyAgreedOnACodec() {
        ByteBuffer out = Frames.buffer(10_000);
        int length = CompressedFrame.compress(deflate, push(8000, 1, false), 0, out, 0, checksum);
        assertThatThrownBy(() -> FrameLayout.checkHeader(out, 0, length, Limits.MAX_FRAME_BYTES, true, checksum))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME))
                .hasMessage("frame flags must be 1: flags=3");
        out.put(FrameLayout.FLAGS_OFFSET, (byte) FrameLayout.FLAG_COMPRESSED);
        assertThatThrownBy(() -> FrameLayout.checkHeader(out, 0, length, Limits.MAX_FRAME_BYTES, true, true, checksum))
                .hasMessage("frame flags must be 1: flags=2");
    }

    @Test
    void refusesLengthsThatNoFrameCanHave() {
        ByteBuffer out = Frames.buffer(10_000);
        int length = CompressedFrame.compress(deflate, push(8000, 400, false), 0, out, 0, checksum);
        int compressedBytes = length - DataLayout.PAYLOAD_OFFSET - 4 - 4;
        for (int plainBytes : new int[] {
            0,
            -1,
            Integer.MIN_VALUE,
            compressedBytes,
            compressedBytes * Limits.MAX_INFLATION + 1,
            Limits.MAX_FRAME_BYTES,
            Integer.MAX_VALUE
        }) {
            out.putInt(DataLayout.PAYLOAD_OFFSET, plainBytes);
            assertThatThrownBy(() -> CompressedFrame.plainLength(out, 0, Limits.MAX_FRAME_BYTES))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME))
                    .hasMessageStartingWith(
                            "a compressed frame must become a longer one that fits the limits: plainBytes=" + plainBytes
                                    + ", compressedBytes=" + compressedBytes);
        }
        ByteBuffer empty = Frames.data(FrameType.PUSH, 9, 7, DataLayout.LAYOUT_STRETCH, 16, 0, 0, new byte[3], true);
        assertThatThrownBy(() -> CompressedFrame.plainLength(empty, 0, Limits.MAX_FRAME_BYTES))
                .hasMessageStartingWith("a compressed frame must become a longer one");
    }

    /// Wrong lengths, cut, lengthened and changed streams: an error or bytes of the length that was said, and never a
    /// byte behind them.
    @Test
    void hostileStreamsAreRefusedOrBecomeAsLongAsTheySay() {
        for (FrameCodec codec : new FrameCodec[] {deflate}) {
            Random random = new Random(5);
            int refused = 0;
            for (int i = 0; i < 5000; i++) {
                ByteBuffer out = Frames.buffer(10_000);
                int length = CompressedFrame.compress(codec, push(4000, 300, false), 0, out, 0, checksum);
                int at = DataLayout.PAYLOAD_OFFSET + Integer.BYTES;
                int bytes = length - at - FrameLayout.TRAILER_BYTES;
                int plain = 4000;
                int kind = random.nextInt(4);
                if (kind == 0) {
                    plain += random.nextInt(-30, 30);
                } else if (kind == 1) {
                    bytes -= random.nextInt(1, 30);
                } else if (kind == 2) {
                    bytes += random.nextInt(1, 30);
                } else {
                    for (int change = random.nextInt(1, 4); change > 0; change--) {
                        out.put(at + random.nextInt(bytes), (byte) random.nextInt());
                    }
                }
                byte[] target = new byte[5000];
                Arrays.fill(target, (byte) 0x5a);
                try {
                    codec.decompress(out, at, bytes, ByteBuffer.wrap(target), 10, plain);
                } catch (WeirException e) {
                    refused++;
                    assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME);
                }
                for (int j = 0; j < target.length; j++) {
                    if ((j < 10 || j >= 10 + plain) && target[j] != 0x5a) {
                        throw new AssertionError("written beside: i=" + i + ", kind=" + kind + ", j=" + j);
                    }
                }
            }
            assertThat(refused).isGreaterThan(2500);
        }
    }

    @Test
    void codecsAreKnownByNameAndFeature() {
        assertThat(FrameCodecs.featureOf("none")).isZero();
        assertThat(FrameCodecs.featureOf("deflate")).isEqualTo(1);
        assertThat(FrameCodecs.features() & 1).isEqualTo(1);
        assertThat(FrameCodecs.create(0)).isNull();
        assertThat(FrameCodecs.create(1L << 60)).isNull();
        assertThat(FrameCodecs.DEFLATE_FEATURE).isEqualTo(1);
        assertThat(deflate).isInstanceOf(DeflateCodec.class);
        assertThatThrownBy(() -> FrameCodecs.featureOf("rar"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("frame codec must be one of none, deflate")
                .hasMessageEndingWith(": frameCodec=rar");
    }
}
