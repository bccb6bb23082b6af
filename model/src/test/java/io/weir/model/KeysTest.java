package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// The golden values stand in `docs/protocol.md` too: they may never change.
class KeysTest {
    @Test
    void mixHasItsGoldenValues() {
        assertThat(Keys.mix(0)).isZero();
        assertThat(Keys.mix(1)).isEqualTo(0x5692161d100b05e5L);
        assertThat(Keys.mix(2)).isEqualTo(0xdbd238973a2b148aL);
        assertThat(Keys.mix(-1)).isEqualTo(0xb4d055fcf2cbbd7bL);
        assertThat(Keys.mix(42)).isEqualTo(0xa759ea27d4727622L);
        assertThat(Keys.mix(1L << 32)).isEqualTo(0xd820b7e910b0f93fL);
        assertThat(Keys.mix(0x0123456789abcdefL)).isEqualTo(0xb2c058e4ebb5112cL);
        assertThat(Keys.mix(Long.MIN_VALUE)).isEqualTo(0x25c26ea579cea98aL);
        assertThat(Keys.mix(Long.MAX_VALUE)).isEqualTo(0x5a682afe7965debdL);
    }

    @Test
    void shardOfHasItsGoldenValues() {
        long[] keys = {0, 1, 2, -1, 42, 1L << 32, 0x0123456789abcdefL, Long.MIN_VALUE, Long.MAX_VALUE};
        int[][] shards = {
            {0, 0, 0, 0, 0},
            {0, 1, 2, 8, 1385},
            {0, 2, 6, 20, 3517},
            {0, 2, 5, 16, 2893},
            {0, 1, 5, 15, 2677},
            {0, 2, 6, 20, 3458},
            {0, 2, 5, 16, 2860},
            {0, 0, 1, 3, 604},
            {0, 1, 2, 8, 1446}
        };
        int[] counts = {1, 3, 8, 24, 4096};
        for (int i = 0; i < keys.length; i++) {
            for (int j = 0; j < counts.length; j++) {
                assertThat(Keys.shardOf(keys[i], counts[j]))
                        .as("key %s of %s shards", keys[i], counts[j])
                        .isEqualTo(shards[i][j]);
            }
        }
    }

    @Test
    void ofStringHasItsGoldenValues() {
        assertThat(Keys.ofString("")).isEqualTo(0xf52a15e9a9b5e89bL);
        assertThat(Keys.ofString("a")).isEqualTo(0x02c0bdbf481420f8L);
        assertThat(Keys.ofString("weir")).isEqualTo(0xfb3884be95259539L);
        assertThat(Keys.ofString("user:42")).isEqualTo(0xd68cb863fc5e0c34L);
        assertThat(Keys.ofString("gr\u00f6\u00dfe")).isEqualTo(0xbe9079c1b7e5afe8L);
        assertThat(Keys.ofString("\ud83d\ude00")).isEqualTo(0xbdbddaf83dff6570L);
        assertThat(Keys.ofString("\ud800")).isEqualTo(Keys.ofString("?")).isEqualTo(0x0074f02637b1d34fL);
    }

    @Test
    void mixCanBeUndone() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 100_000; i++) {
            long key = random.nextLong() >> random.nextInt(64);
            assertThat(unmix(Keys.mix(key))).as("seed=7, round=%s", i).isEqualTo(key);
        }
    }

    @Test
    void spreadsRegularKeysEvenlyOverShards() {
        int keys = 1 << 20;
        long[] strides = {1, 2, 8, 1000, 1L << 20, 1L << 32, 1L << 44, -1, 0x9e3779b97f4a7c15L};
        for (long stride : strides) {
            for (int shardCount : new int[] {2, 3, 7, 8, 24, 64, 100}) {
                int[] counts = new int[shardCount];
                for (long i = 0; i < keys; i++) {
                    counts[Keys.shardOf(i * stride, shardCount)]++;
                }
                double expected = (double) keys / shardCount;
                for (int count : counts) {
                    assertThat((double) count)
                            .as("stride %s, %s shards", stride, shardCount)
                            .isBetween(expected - 5 * Math.sqrt(expected), expected + 5 * Math.sqrt(expected));
                }
            }
        }
    }

    @Test
    void staysWithinTheShardsForEveryMix() {
        for (int shardCount : new int[] {1, 3, ShardMap.MAX_SHARDS, Integer.MAX_VALUE}) {
            assertThat(Keys.shardOfMix(0, shardCount)).isZero();
            assertThat(Keys.shardOfMix(-1, shardCount)).isEqualTo(shardCount - 1);
            assertThat(Keys.shardOfMix(0xffffffffL, shardCount)).isZero();
        }
    }

    private static long unmix(long mix) {
        long x = mix ^ (mix >>> 31) ^ (mix >>> 62);
        x *= inverse(0x94d049bb133111ebL);
        x = x ^ (x >>> 27) ^ (x >>> 54);
        x *= inverse(0xbf58476d1ce4e5b9L);
        return x ^ (x >>> 30) ^ (x >>> 60);
    }

    /// Inverse of an odd number modulo 2^64, by Newton's iteration.
    private static long inverse(long odd) {
        long x = odd;
        for (int i = 0; i < 6; i++) {
            x *= 2 - odd * x;
        }
        return x;
    }
}
