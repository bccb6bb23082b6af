package io.weir.codecs;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CodecsTest {
    private static final int AT = 3;

    private static ByteBuffer payload(int length, int period) {
        byte[] once = new byte[period];
        new Random(period).nextBytes(once);
        ByteBuffer payload = ByteBuffer.allocateDirect(AT + length);
        for (int i = 0; i < length; i++) {
            payload.put(AT + i, once[i % period]);
        }
        return payload;
    }

    private static FrameCodec codec(String name) {
        FrameCodec codec = requireNonNull(FrameCodecs.create(FrameCodecs.featureOf(name)));
        assertThat(codec.getClass().getSimpleName()).isEqualToIgnoringCase(name + "Codec");
        return codec;
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "zstd", "lz4"})
    void bringsBackWhatItTook(String name) {
        try (FrameCodec codec = codec(name)) {
            for (int length : new int[] {1024, 5000, 300_000}) {
                for (int period : new int[] {1, 7, 400}) {
                    ByteBuffer plain = payload(length, period);
                    ByteBuffer out = ByteBuffer.allocateDirect(length + 20);
                    int bytes = codec.compress(plain, AT, length, out, 5, length - 1);
                    assertThat(bytes).isBetween(1, length - 1);
                    ByteBuffer back = ByteBuffer.allocateDirect(length + 10);
                    back.put(length + 1, (byte) 0x5a);
                    codec.decompress(out, 5, bytes, back, 1, length);
                    assertThat(back.slice(1, length)).isEqualTo(plain.slice(AT, length));
                    assertThat(back.get(length + 1)).isEqualTo((byte) 0x5a);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "zstd", "lz4"})
    void saysWhenTheRoomIsNotEnough(String name) {
        try (FrameCodec codec = codec(name)) {
            ByteBuffer noise = payload(10_000, 10_000);
            ByteBuffer out = ByteBuffer.allocateDirect(10_000);
            assertThat(codec.compress(noise, AT, 10_000, out, 0, 9_999)).isEqualTo(-1);
            int bytes = codec.compress(payload(10_000, 300), AT, 10_000, out, 0, 9_999);
            assertThat(codec.compress(payload(10_000, 300), AT, 10_000, out, 0, bytes - 1))
                    .isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "zstd", "lz4"})
    void refusesHostileStreamsAndWritesNothingBeside(String name) {
        try (FrameCodec codec = codec(name)) {
            Random random = new Random(9);
            int refused = 0;
            for (int i = 0; i < 5000; i++) {
                ByteBuffer out = ByteBuffer.allocateDirect(10_000);
                int bytes = codec.compress(payload(4000, 300), AT, 4000, out, 0, 3999);
                int plain = 4000;
                int kind = random.nextInt(4);
                if (kind == 0) {
                    plain += random.nextBoolean() ? random.nextInt(1, 30) : -random.nextInt(1, 30);
                } else if (kind == 1) {
                    bytes -= random.nextInt(1, 30);
                } else if (kind == 2) {
                    bytes += random.nextInt(1, 30);
                } else {
                    for (int change = random.nextInt(1, 4); change > 0; change--) {
                        out.put(random.nextInt(bytes), (byte) random.nextInt());
                    }
                }
                ByteBuffer target = ByteBuffer.allocateDirect(5000);
                for (int j = 0; j < target.capacity(); j++) {
                    target.put(j, (byte) 0x5a);
                }
                try {
                    codec.decompress(out, 0, bytes, target, 10, plain);
                } catch (WeirException e) {
                    refused++;
                    assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME);
                    assertThat(e)
                            .hasMessageStartingWith(
                                    "compressed bytes must become what the frame says: expected=" + plain);
                }
                for (int j = 0; j < target.capacity(); j++) {
                    if ((j < 10 || j >= 10 + plain) && target.get(j) != 0x5a) {
                        throw new AssertionError("written beside: i=" + i + ", kind=" + kind + ", j=" + j);
                    }
                }
            }
            assertThat(refused).isGreaterThan(2500);
        }
    }
}
