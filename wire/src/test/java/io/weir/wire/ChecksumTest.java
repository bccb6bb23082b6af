package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChecksumTest {
    @Test
    void isTheCrc32cOfRfc3720() {
        byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
        assertThat(new Checksum().of(ByteBuffer.wrap(digits), 0, 9)).isEqualTo(0xe3069283);
        assertThat(new Checksum().of(ByteBuffer.allocate(32), 0, 32)).isEqualTo(0x8a9136aa);
    }

    @Test
    void isTheSamePieceByPieceAndOverDirectMemory() {
        ByteBuffer heap = Frames.buffer(1000);
        for (int i = 0; i < 1000; i++) {
            heap.put(i, (byte) (i * 31));
        }
        ByteBuffer direct = ByteBuffer.allocateDirect(1000).order(ByteOrder.LITTLE_ENDIAN);
        direct.put(0, heap, 0, 1000);
        Checksum checksum = new Checksum();
        int whole = checksum.of(heap, 0, 1000);
        checksum.reset();
        checksum.update(direct, 0, 333);
        checksum.update(direct, 333, 667);
        assertThat(checksum.value()).isEqualTo(whole);
    }

    @Test
    void leavesPositionAndLimitAsTheyWere() {
        ByteBuffer buffer = Frames.buffer(100).limit(60).position(50);
        new Checksum().of(buffer, 0, 40);
        new Checksum().of(buffer, 70, 30);
        assertThat(buffer.position()).isEqualTo(50);
        assertThat(buffer.limit()).isEqualTo(60);
    }

    @Test
    void findsEveryFlippedBitOfEveryExample() {
        Checksum checksum = new Checksum();
        for (Map.Entry<String, ByteBuffer> example : Frames.examples().entrySet()) {
            ByteBuffer frame = example.getValue();
            if (example.getKey().endsWith("-unsealed")) {
                continue;
            }
            int payload = FrameLayout.payloadOffset(frame, 0);
            for (int bit = 0; bit < frame.capacity() * 8; bit++) {
                ByteBuffer flipped = Frames.copy(frame);
                flipped.put(bit / 8, (byte) (flipped.get(bit / 8) ^ (1 << (bit % 8))));
                if (bit / 8 < payload) {
                    assertThat(flipped.getInt(FrameLayout.HEADER_CRC_OFFSET))
                            .as("%s, bit %s", example.getKey(), bit)
                            .isNotEqualTo(headerChecksum(flipped, checksum));
                } else {
                    assertThat(checksum.matchesPayload(flipped, 0))
                            .as("%s, bit %s", example.getKey(), bit)
                            .isFalse();
                }
            }
        }
    }

    /// That of the flipped frame, or of none if its field length points beyond it.
    private static int headerChecksum(ByteBuffer frame, Checksum checksum) {
        boolean inside = FrameLayout.payloadOffset(frame, 0) <= frame.capacity();
        return inside ? checksum.ofHeader(frame, 0) : ~frame.getInt(FrameLayout.HEADER_CRC_OFFSET);
    }
}
