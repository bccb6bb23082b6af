package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ZipfBatchesTest {
    @Test
    void drawsDistinctKeys() {
        for (int batchLength : new int[] {1, 10, 250, 251, 999, 1000}) {
            ZipfBatches batches = ZipfBatches.draw(1000, batchLength, 1.05, 20, 7);
            for (int i = 0; i < batches.count(); i++) {
                Set<Long> seen = new HashSet<>();
                for (int j = 0; j < batchLength; j++) {
                    long ordinal = batches.ordinals(i)[j];
                    assertThat(ordinal).isBetween(0L, 999L);
                    assertThat(batches.keys(i)[j]).isEqualTo(ZipfBatches.keyOf(ordinal));
                    assertThat(seen.add(ordinal))
                            .as("batchLength=%d, batch=%d, position=%d", batchLength, i, j)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void drawsTheSameFromTheSameSeedOnly() {
        ZipfBatches one = ZipfBatches.draw(1000, 50, 1.05, 10, 3);
        ZipfBatches same = ZipfBatches.draw(1000, 50, 1.05, 10, 3);
        ZipfBatches other = ZipfBatches.draw(1000, 50, 1.05, 10, 4);
        for (int i = 0; i < one.count(); i++) {
            assertThat(one.keys(i)).isEqualTo(same.keys(i)).isNotEqualTo(other.keys(i));
        }
        assertThat(one.keys(0)).isNotEqualTo(one.keys(1));
    }

    @Test
    void drawsByTheZipfLaw() {
        int count = 400_000;
        double exponent = 1.05;
        ZipfBatches batches = ZipfBatches.draw(100, 1, exponent, count, 11);
        double[] frequencies = new double[100];
        for (int i = 0; i < count; i++) {
            frequencies[(int) batches.ordinals(i)[0]] += 1.0 / count;
        }
        Arrays.sort(frequencies);
        double sum = 0;
        for (int rank = 1; rank <= 100; rank++) {
            sum += Math.pow(rank, -exponent);
        }
        for (int rank = 1; rank <= 100; rank++) {
            double expected = Math.pow(rank, -exponent) / sum;
            double deviation = Math.sqrt(expected * (1 - expected) / count);
            // Sorting moves frequencies of neighbouring ranks, so a little more than five deviations are allowed.
            assertThat(frequencies[100 - rank]).as("rank=%d", rank).isCloseTo(expected, within(6 * deviation));
        }
    }

    @Test
    void drawsWithoutReplacementByTheSameLawInBothWays() {
        // Batches of 2 out of 8 are drawn by skipping, batches of 2 out of 3 by arrival times.
        for (int keyCount : new int[] {8, 3}) {
            int count = 200_000;
            ZipfBatches batches = ZipfBatches.draw(keyCount, 2, 1, count, 5);
            double[] frequencies = new double[keyCount];
            for (int i = 0; i < count; i++) {
                for (long ordinal : batches.ordinals(i)) {
                    frequencies[(int) ordinal] += 1.0 / count;
                }
            }
            Arrays.sort(frequencies);
            double sum = 0;
            for (int rank = 1; rank <= keyCount; rank++) {
                sum += 1.0 / rank;
            }
            for (int rank = 1; rank <= keyCount; rank++) {
                double first = 1.0 / rank / sum;
                double included = first;
                for (int other = 1; other <= keyCount; other++) {
                    if (other != rank) {
                        double otherFirst = 1.0 / other / sum;
                        included += otherFirst * first / (1 - otherFirst);
                    }
                }
                assertThat(frequencies[keyCount - rank])
                        .as("keyCount=%d, rank=%d", keyCount, rank)
                        .isCloseTo(included, within(0.006));
            }
        }
    }

    @Test
    void preloadsEveryOrdinalOnce() {
        int[] order = ZipfBatches.draw(1000, 1, 1.05, 1, 1).preloadOrder(9);
        assertThat(Arrays.stream(order).distinct().count()).isEqualTo(1000);
        assertThat(order).isNotEqualTo(Arrays.stream(order).sorted().toArray());
    }

    @Test
    void refusesWhatCannotBeDrawn() {
        assertThatThrownBy(() -> ZipfBatches.draw(10, 11, 1, 1, 1))
                .hasMessage("batch must hold 1 to all keys: batch=11, keys=10");
        assertThatThrownBy(() -> ZipfBatches.draw(10, 1, Double.NaN, 1, 1))
                .hasMessage("zipf exponent must be 0 to 20: zipf=NaN");
    }
}
