package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KeyIndexerTest {
    @Test
    void numbersKeysInOrderOfFirstAppearance() {
        KeyIndexer indexer = new KeyIndexer();
        indexer.index(new long[] {7, -1, 7, 0, Long.MIN_VALUE, -1, 99}, 6);
        assertThat(indexer.uniqueCount()).isEqualTo(4);
        assertThat(indexer.uniqueKeys()).startsWith(7, -1, 0, Long.MIN_VALUE);
        assertThat(indexer.indices()).startsWith(0, 1, 0, 2, 3, 1);
    }

    @Test
    void agreesWithAMapBatchAfterBatch() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        KeyIndexer indexer = new KeyIndexer();
        for (int round = 0; round < 300; round++) {
            long[] keys = new long[1 + random.nextInt(1 << random.nextInt(15))];
            long range = 1L << random.nextInt(63);
            long stride = 1L << random.nextInt(50);
            for (int i = 0; i < keys.length; i++) {
                keys[i] = (random.nextLong() & (range - 1)) * stride;
            }
            indexer.index(keys, keys.length);
            Map<Long, Integer> expected = new LinkedHashMap<>();
            for (int i = 0; i < keys.length; i++) {
                Integer index = expected.putIfAbsent(keys[i], expected.size());
                assertThat(indexer.indices()[i])
                        .as("seed %d, round %d, feature %d", seed, round, i)
                        .isEqualTo(index == null ? expected.size() - 1 : index);
            }
            assertThat(indexer.uniqueCount())
                    .as("seed %d, round %d", seed, round)
                    .isEqualTo(expected.size());
            assertThat(indexer.uniqueKeys().length).isGreaterThan(expected.size());
            int at = 0;
            for (long key : expected.keySet()) {
                assertThat(indexer.uniqueKeys()[at++]).isEqualTo(key);
            }
        }
    }

    @Test
    void refusesTheBiasKey() {
        KeyIndexer indexer = new KeyIndexer();
        indexer.index(new long[] {1, -1}, 2);
        assertThatThrownBy(() -> indexer.requireNoBiasKey("a.txt"))
                .isInstanceOf(InputException.class)
                .hasMessage("a.txt: the index 18446744073709551615 is the bias and cannot be a feature");
    }
}
