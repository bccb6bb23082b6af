package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void agreesWithComparingAllPairs() {
        for (int round = 0; round < 200; round++) {
            Random random = new Random(round);
            int count = 2 + random.nextInt(60);
            int levels = 1 + random.nextInt(10);
            Evaluation.Scores scores = new Evaluation.Scores();
            double[] margins = new double[count];
            boolean[] labels = new boolean[count];
            double loss = 0;
            int right = 0;
            for (int i = 0; i < count; i++) {
                margins[i] = (random.nextInt(levels) - levels / 2) * 0.5;
                labels[i] = i == 0 || (i > 1 && random.nextBoolean());
                scores.add(random.nextBoolean() && margins[i] == 0 ? -0.0 : margins[i], labels[i]);
                double p = 1 / (1 + Math.exp(-margins[i]));
                loss -= Math.log(labels[i] ? p : 1 - p);
                right += (p > 0.5) == labels[i] ? 1 : 0;
            }
            double pairs = 0;
            double won = 0;
            for (int i = 0; i < count; i++) {
                for (int j = 0; j < count; j++) {
                    if (labels[i] && !labels[j]) {
                        pairs++;
                        won += margins[i] > margins[j] ? 1 : margins[i] == margins[j] ? 0.5 : 0;
                    }
                }
            }
            Evaluation evaluation = scores.evaluation();
            assertThat(evaluation.auc()).as("seed %d", round).isCloseTo(won / pairs, within(1e-12));
            assertThat(evaluation.logloss()).as("seed %d", round).isCloseTo(loss / count, within(1e-12));
            assertThat(evaluation.accuracy()).as("seed %d", round).isEqualTo((double) right / count);
            assertThat(evaluation.examples()).isEqualTo(count);
        }
    }

    @Test
    void hasNoAreaUnderTheCurveForOneKindOfLabel() {
        Evaluation.Scores scores = new Evaluation.Scores();
        scores.add(1, true);
        assertThat(scores.evaluation().auc()).isNaN();
    }

    @Test
    void staysFiniteForMarginsBeyondAllProbability() {
        Evaluation.Scores scores = new Evaluation.Scores();
        scores.add(1e30, false);
        scores.add(-1e30, false);
        assertThat(scores.evaluation().logloss()).isCloseTo(5e29, within(1e15));
    }

    @Test
    void readsWeightsOfAbsentRowsAsTheInitialRow() throws IOException {
        Path file = Files.writeString(folder.resolve("one.txt"), "1 4:1 9:2\n");
        try (ReferenceWeir weir = new ReferenceWeir()) {
            weir.create(TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd"))
                    .withInitialRow(new InitialRow.Constant(0.5f), 0));
            double expected = Math.log1p(Math.exp(-1.5));
            assertThat(Evaluation.of(LibsvmSource.of(file), Weights.of(weir.table("t")), false)
                            .logloss())
                    .isCloseTo(expected, within(1e-12));
            assertThat(Evaluation.of(
                                    LibsvmSource.of(file),
                                    SavedTable.of(weir, "t").weights(),
                                    false)
                            .logloss())
                    .isCloseTo(expected, within(1e-12));
            assertThat(Evaluation.of(LibsvmSource.of(file), Weights.of(weir.table("t")), true)
                            .logloss())
                    .isCloseTo(Math.log1p(Math.exp(-2)), within(1e-12));
        }
    }

    @Test
    void refusesExamplesWithoutLabelsAndTablesOfWiderRows() throws IOException {
        Path file = Files.writeString(folder.resolve("bare.txt"), "1 4:1\n9:2\n");
        assertThatThrownBy(() -> Evaluation.of(LibsvmSource.withOptionalLabels(file), (_, _, _) -> {}, false))
                .isInstanceOf(InputException.class)
                .hasMessage(file + ": expected a label, found an example without one: example=2");
        try (ReferenceWeir weir = new ReferenceWeir()) {
            weir.create(TableSpec.embedding("wide", 4, OptimizerSpec.parse("sgd")));
            assertThatThrownBy(() -> Weights.of(weir.table("wide")))
                    .hasMessage("a linear model needs rows of one weight: dim=4, table=wide");
        }
    }
}
