package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyListHashTest {
    private static KeyListHash hash(int at, long... keys) {
        ByteBuffer bytes = Frames.buffer(at + keys.length * Long.BYTES);
        bytes.position(at);
        for (long key : keys) {
            bytes.putLong(key);
        }
        KeyListHash hash = new KeyListHash();
        hash.set(bytes, at, keys.length);
        return hash;
    }

    /// Lists that differ by one key, its place, their order or their length.
    @Test
    void listsThatLookAlikeDiffer() {
        Set<KeyListHash> hashes = new HashSet<>();
        int lists = 0;
        for (int length = 0; length < 20; length++) {
            hashes.add(hash(0, new long[length]));
            lists++;
            for (int i = 0; i < length; i++) {
                for (int bit = 0; bit < 64; bit++) {
                    long[] keys = new long[length];
                    keys[i] = 1L << bit;
                    hashes.add(hash(0, keys));
                    lists++;
                }
            }
        }
        for (int i = 0; i < 12; i++) {
            for (int j = 0; j < 12; j++) {
                if (i != j) {
                    long[] keys = new long[12];
                    keys[i] = 5;
                    keys[j] = 6;
                    hashes.add(hash(0, keys));
                    lists++;
                }
            }
        }
        assertThat(hashes).hasSize(lists);
    }

    /// About half of all bits change with any bit of a key.
    @Test
    void everyBitOfEveryKeyReachesAllOthers() {
        Random random = new Random(4);
        for (int length : new int[] {1, 2, 3, 4, 5, 9}) {
            for (int i = 0; i < length; i++) {
                for (int bit = 0; bit < 64; bit++) {
                    int changed = 0;
                    for (int round = 0; round < 20; round++) {
                        long[] keys = random.longs(length).toArray();
                        ByteBuffer before = bytes(hash(0, keys));
                        keys[i] ^= 1L << bit;
                        ByteBuffer after = bytes(hash(0, keys));
                        changed += Long.bitCount(before.getLong(0) ^ after.getLong(0))
                                + Long.bitCount(before.getLong(8) ^ after.getLong(8));
                    }
                    assertThat(changed / 20.0)
                            .as("length=%s, i=%s, bit=%s", length, i, bit)
                            .isBetween(52.0, 76.0);
                }
            }
        }
    }

    private static ByteBuffer bytes(KeyListHash hash) {
        ByteBuffer bytes = Frames.buffer(KeyListHash.BYTES);
        hash.write(bytes, 0);
        return bytes;
    }

    @Test
    void isTheSameWhereverTheKeysLieAndIsReadAsItIsWritten() {
        KeyListHash hash = hash(0, 1, -1, 7, 9, 11);
        assertThat(hash(3, 1, -1, 7, 9, 11)).isEqualTo(hash).hasSameHashCodeAs(hash);
        ByteBuffer bytes = Frames.buffer(20);
        hash.write(bytes, 1);
        KeyListHash read = new KeyListHash();
        read.read(bytes, 1);
        assertThat(read).isEqualTo(hash).hasToString(hash.toString());
        KeyListHash copy = hash.copy();
        hash.set(bytes, 0, 2);
        assertThat(copy).isEqualTo(read).isNotEqualTo(hash);
    }
}
