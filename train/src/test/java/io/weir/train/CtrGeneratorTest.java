package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.train.ExampleSource.Share;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CtrGeneratorTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void writesTheSameRowsInEveryWay() throws IOException {
        CtrGenerator generator = new CtrGenerator(5000, 1003, 7, 42);
        List<String> rows = LibsvmSourceTest.read(generator.source(), Share.ALL);
        assertThat(rows).hasSize(5000);
        for (String name : List.of("a.txt", "a.gz", "a.zst")) {
            Path file = folder.resolve(name);
            for (int threads : new int[] {1, 3}) {
                generator.write(file, threads);
                assertThat(LibsvmSourceTest.read(LibsvmSource.of(file), Share.ALL))
                        .isEqualTo(rows);
            }
        }
        assertThat(Files.size(folder.resolve("a.gz"))).isLessThan(Files.size(folder.resolve("a.txt")) / 2);
        assertThat(LibsvmSourceTest.read(new CtrGenerator(5000, 1003, 7, 42).source(), Share.ALL))
                .isEqualTo(rows);
        assertThat(LibsvmSourceTest.read(new CtrGenerator(5000, 1003, 7, 43).source(), Share.ALL))
                .isNotEqualTo(rows);
        assertThat(LibsvmSourceTest.read(generator.source(1000, 2000), Share.ALL))
                .isEqualTo(rows.subList(1000, 2000));
        List<String> shared = LibsvmSourceTest.read(generator.source(), new Share(0, 2));
        shared.addAll(LibsvmSourceTest.read(generator.source(), new Share(1, 2)));
        assertThat(shared).isEqualTo(rows);
    }

    @Test
    void takesOneAscendingIndexFromEachField() {
        for (long features : new long[] {5, 6, 9, 64, 1003}) {
            CtrGenerator generator = new CtrGenerator(1, features, 5, 1);
            long[] indices = new long[5];
            boolean[] seen = new boolean[(int) features + 1];
            for (long row = 0; row < 200_000; row++) {
                generator.indices(row, indices);
                long first = 1;
                for (int field = 0; field < 5; field++) {
                    long ids = features / 5 + (field < features % 5 ? 1 : 0);
                    if (indices[field] < first || indices[field] >= first + ids) {
                        throw new AssertionError("row " + row + ", field " + field + ": " + indices[field]);
                    }
                    first += ids;
                    seen[(int) indices[field]] = true;
                }
            }
            for (int index = 1; index <= features; index++) {
                assertThat(seen[index]).as("index %d of %d", index, features).isTrue();
            }
        }
    }

    @Test
    void drawsRanksByZipfsLaw() {
        int count = 50;
        ZipfRanks ranks = new ZipfRanks(count, 1.1);
        double all = 0;
        for (int rank = 0; rank < count; rank++) {
            all += Math.pow(rank + 1, -1.1);
        }
        int draws = 2_000_000;
        int[] drawn = new int[count];
        for (int i = 0; i < draws; i++) {
            drawn[ranks.rank(Mixer.of(5, i))]++;
        }
        for (int rank = 0; rank < count; rank++) {
            double expected = draws * Math.pow(rank + 1, -1.1) / all;
            assertThat((double) drawn[rank]).isCloseTo(expected, within(5 * Math.sqrt(expected)));
        }
    }

    @Test
    void hasTheClickRateAndTheBestScoresThatItsProbabilitiesPromise() {
        CtrGenerator generator = new CtrGenerator(100_000, 50_000, 39, 7);
        Evaluation best = generator.best(0, 100_000);
        assertThat((double) best.positives() / best.examples()).isCloseTo(CtrGenerator.CLICK_RATE, within(0.01));
        double entropy = 0;
        long[] indices = new long[39];
        for (long row = 0; row < 100_000; row++) {
            generator.indices(row, indices);
            double margin = generator.bias();
            for (long index : indices) {
                margin += generator.weight(index);
            }
            double p = 1 / (1 + Math.exp(-margin));
            entropy -= p * Math.log(p) + (1 - p) * Math.log(1 - p);
        }
        // The labels are drawn from these probabilities, so their logloss is the entropy but for chance.
        assertThat(best.logloss()).isCloseTo(entropy / 100_000, within(0.005));
        assertThat(best.auc()).isBetween(0.75, 0.9);
    }

    @Test
    void scoresNoBetterWithAnyOtherBias() {
        CtrGenerator generator = new CtrGenerator(50_000, 5000, 10, 3);
        double best = generator.best(0, 50_000).logloss();
        for (float off : new float[] {-0.3f, 0.3f}) {
            Weights planted = (keys, count, weights) -> {
                for (int i = 0; i < count; i++) {
                    weights[i] = keys[i] == Model.BIAS_KEY
                            ? (float) generator.bias() + off
                            : (float) generator.weight(keys[i]);
                }
            };
            assertThat(Evaluation.of(generator.source(), planted, true).logloss())
                    .isGreaterThan(best + 0.001);
        }
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> new CtrGenerator(0, 10, 2, 1)).hasMessage("rows must be at least 1: rows=0");
        assertThatThrownBy(() -> new CtrGenerator(1, 10, 0, 1))
                .hasMessage("nonzeros must be from 1 to 65536: nonzeros=0");
        assertThatThrownBy(() -> new CtrGenerator(1, 10, 11, 1))
                .hasMessage("features must be at least nonzeros: features=10, nonzeros=11");
        assertThatThrownBy(() -> new CtrGenerator(1, 1L << 40, 2, 1))
                .hasMessage("features / nonzeros must be below 67108864: features=1099511627776, nonzeros=2");
        CtrGenerator generator = new CtrGenerator(1, 10, 2, 1);
        assertThatThrownBy(() -> generator.write(folder.resolve("no/where"), 1))
                .isInstanceOf(InputException.class)
                .hasMessage("the folder of a data file must exist: file=" + folder.resolve("no/where"));
    }
}
