package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MxnetPlacementTest {
    private static long[] lengths(long length, int servers) {
        long[] ends = MxnetPlacement.partEnds(length, servers);
        long[] lengths = new long[servers];
        for (int i = 0; i < servers; i++) {
            lengths[i] = ends[i] - (i == 0 ? 0 : ends[i - 1]);
        }
        return lengths;
    }

    @Test
    void splitsABigArrayByRounding() {
        assertThat(lengths(1_000_000, 2)).containsExactly(500_000, 500_000);
        assertThat(lengths(1_000_000, 3)).containsExactly(333_333, 333_334, 333_333);
        assertThat(lengths(1_000_000, 7))
                .containsExactly(142_857, 142_857, 142_857, 142_858, 142_857, 142_857, 142_857);
        assertThat(lengths(1_440_000, 3)).containsExactly(480_000, 480_000, 480_000);
        assertThat(lengths(1_440_000, 7))
                .containsExactly(205_714, 205_715, 205_714, 205_714, 205_714, 205_715, 205_714);
    }

    @Test
    void coversEveryElementOnce() {
        long seed = 20_261_122;
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 500; i++) {
            long length = MxnetPlacement.BIG_LENGTH + random.nextLong(1L << 40);
            int servers = 1 + random.nextInt(64);
            long[] ends = MxnetPlacement.partEnds(length, servers);
            assertThat(ends).as("seed %s, round %s", seed, i).isSorted();
            assertThat(ends[servers - 1]).isEqualTo(length);
            int server = random.nextInt(servers);
            assertThat(MxnetPlacement.serverOf(1, length, ends[server] - 1, servers))
                    .isEqualTo(server);
        }
    }

    @Test
    void keepsASmallOneWhole() {
        assertThat(MxnetPlacement.serverOf(3, 2)).isEqualTo(1);
        assertThat(MxnetPlacement.serverOf(99, 5)).isEqualTo(99 * 9973 % 5);
        assertThat(MxnetPlacement.serverOf(Long.MAX_VALUE, 3)).isBetween(0, 2);
        assertThat(MxnetPlacement.serverOf(3, 999_999, 999_998, 2)).isEqualTo(1);
        assertThatThrownBy(() -> MxnetPlacement.partEnds(999_999, 2))
                .hasMessage("a value is split from 1000000 elements on: length=999999");
        assertThatThrownBy(() -> MxnetPlacement.serverOf(3, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
