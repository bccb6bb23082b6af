package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.wire.DataLayout;
import io.weir.wire.KeyListHash;
import io.weir.wire.Limits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SentKeyListsTest {
    private static final int PLAIN = DataLayout.LAYOUT_KEYS;
    private static final int KEPT = DataLayout.LAYOUT_KEPT_KEYS;
    private static final int HASH = DataLayout.LAYOUT_KEY_HASH;

    private final SentKeyLists lists = new SentKeyLists();
    private final KeyListHash hash = new KeyListHash();

    private static ByteBuffer list(long seed, int count) {
        ByteBuffer keys = ByteBuffer.allocate(count * Long.BYTES);
        new Random(seed).longs(count).forEach(keys::putLong);
        return keys;
    }

    private int send(long seed, int count) {
        return lists.layoutOf(list(seed, count), 0, count, hash);
    }

    @Test
    void aListGoesPlainThenToBeKeptThenAsItsHash() {
        assertThat(send(1, 100)).isEqualTo(PLAIN);
        assertThat(send(1, 100)).isEqualTo(KEPT);
        for (int i = 0; i < 5; i++) {
            assertThat(send(1, 100)).isEqualTo(HASH);
            KeyListHash expected = new KeyListHash();
            expected.set(list(1, 100), 0, 100);
            assertThat(hash).isEqualTo(expected);
        }
    }

    @Test
    void whereListsComeAgainNewOnesAreKeptAtOnce() {
        for (int list = 0; list < 50; list++) {
            assertThat(send(list, 20)).isEqualTo(list < 2 ? PLAIN : KEPT);
            assertThat(send(list, 20)).isEqualTo(list < 2 ? KEPT : HASH);
        }
    }

    @Test
    void listsThatNeverComeAgainAreNotKept() {
        for (int list = 0; list < 5000; list++) {
            assertThat(send(list, 20)).as("list=%s", list).isEqualTo(PLAIN);
        }
    }

    @Test
    void shortAndVeryLongListsArePlain() {
        for (int i = 0; i < 5; i++) {
            assertThat(send(1, SentKeyLists.MIN_KEYS - 1)).isEqualTo(PLAIN);
            assertThat(send(2, Limits.MAX_KEPT_KEY_BYTES / Long.BYTES + 1)).isEqualTo(PLAIN);
        }
        assertThat(send(3, SentKeyLists.MIN_KEYS)).isEqualTo(PLAIN);
        assertThat(send(3, SentKeyLists.MIN_KEYS)).isEqualTo(KEPT);
    }

    @Test
    void aForgottenListIsPlainAndLaterKeptAgain() {
        send(1, 100);
        send(1, 100);
        assertThat(send(1, 100)).isEqualTo(HASH);
        ByteBuffer frame = ByteBuffer.allocate(KeyListHash.BYTES);
        hash.write(frame, 0);
        lists.forgotten(frame, 0);
        List<Integer> layouts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            layouts.add(send(1, 100));
        }
        assertThat(layouts.subList(0, 7)).containsOnly(PLAIN);
        assertThat(layouts.subList(9, 12)).containsOnly(HASH);
        assertThat(layouts).containsOnlyOnce(KEPT);
    }

    /// Lists that take turns and are more than a shard keeps: some of them stay and are of use.
    @Test
    void whatTakesTurnsBeyondTheLimitIsKeptInPart() {
        int count = Limits.MAX_KEPT_KEY_BYTES / Long.BYTES / 100;
        int hashes = 0;
        for (int pass = 0; pass < 20; pass++) {
            for (int list = 0; list < 200; list++) {
                hashes += send(list, count) == HASH ? 1 : 0;
            }
        }
        assertThat(hashes).isGreaterThan(200);
    }

    /// What the shard keeps, as the specification has it, is never less than what the client takes it to keep.
    @Test
    void countsAlongWithTheShard() {
        LinkedHashMap<KeyListHash, Integer> shard = new LinkedHashMap<>();
        Random random = new Random(8);
        long bytes = 0;
        int hashes = 0;
        for (int i = 0; i < 3000; i++) {
            long seed = random.nextInt(40);
            int count = 1000 + 500 * (int) (seed % 13);
            int layout = send(seed, count);
            KeyListHash sent = new KeyListHash();
            sent.set(list(seed, count), 0, count);
            if (layout == HASH) {
                hashes++;
                assertThat(shard).as("i=%s, seed=8", i).containsKey(sent);
            } else if (layout == KEPT && !shard.containsKey(sent)) {
                while (bytes + count * 8L > Limits.MAX_KEPT_KEY_BYTES || shard.size() == Limits.MAX_KEPT_KEY_LISTS) {
                    KeyListHash oldest = shard.keySet().iterator().next();
                    bytes -= shard.remove(oldest);
                }
                shard.put(sent, count * 8);
                bytes += count * 8L;
            }
        }
        assertThat(hashes).isGreaterThan(300);
    }
}
