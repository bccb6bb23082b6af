package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weir.model.OptimizerSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Training on UCI Adult as LIBSVM binarises it, against results of exact reference implementations. The data are
/// found through `WEIR_DATA`; [LogisticRegressionTest] does the like on generated data.
class A9aTest {
    private Path folder = Path.of("");

    @BeforeEach
    void findData() {
        String data = System.getenv("WEIR_DATA");
        assumeTrue(data != null, "WEIR_DATA is not set");
        folder = Path.of(data, "a9a");
        assumeTrue(Files.exists(folder.resolve("a9a.gz")), "there is no a9a/a9a.gz in " + data);
    }

    @Test
    void reachesTheExactResultOfFtrl() {
        Outcome outcome = train(LrConfig.of("a9a", OptimizerSpec.parse("ftrl(alpha=0.1,beta=1,l1=0,l2=0)"))
                .with(training -> training.withBatch(1)));
        assertThat(outcome.result.examples()).isEqualTo(32_561);
        assertThat(outcome.result.features()).isEqualTo(451_592);
        assertThat(outcome.result.progressiveLogloss()).isCloseTo(0.334455, within(2e-6));
        assertThat(outcome.test.examples()).isEqualTo(16_281);
        assertThat(outcome.test.logloss()).isCloseTo(0.324207, within(2e-6));
        assertThat(outcome.test.auc()).isCloseTo(0.902272, within(2e-6));
        assertThat(outcome.test.accuracy()).isCloseTo(0.851053, within(2e-6));
    }

    @Test
    void reachesTheExactResultOfAdaGrad() {
        Outcome outcome = train(
                LrConfig.of("a9a", OptimizerSpec.parse("adagrad(rate=0.1)")).with(training -> training.withBatch(1)));
        assertThat(outcome.result.progressiveLogloss()).isCloseTo(0.332596, within(2e-6));
        assertThat(outcome.test.logloss()).isCloseTo(0.324288, within(2e-6));
        assertThat(outcome.test.auc()).isCloseTo(0.902110, within(2e-6));
        assertThat(outcome.test.accuracy()).isCloseTo(0.850439, within(2e-6));
    }

    /// What asynchronous workers learn depends on how the machine runs them: one that was held up just before the end
    /// pushes a gradient of old weights last. The middle one of several trainings says how good they are.
    @Test
    void comesNearTheOptimumWithFourWorkers() {
        List<Double> loglosses = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            Outcome outcome = train(LrConfig.of("a9a", OptimizerSpec.parse("adagrad(rate=0.1)"))
                    .with(training ->
                            training.withBatch(256).withWorkers(4).withPasses(4).withShuffle(true, 1)));
            assertThat(outcome.result.examples()).isEqualTo(4 * 32_561);
            assertThat(outcome.test.auc()).isGreaterThan(0.901);
            loglosses.add(outcome.test.logloss());
        }
        Collections.sort(loglosses);
        assertThat(loglosses.get(2)).as("median of %s", loglosses).isLessThan(0.326);
    }

    private record Outcome(TrainingResult result, Evaluation test) {}

    private Outcome train(LrConfig config) {
        try (ReferenceWeir weir = new ReferenceWeir()) {
            TrainingResult result = LogisticRegression.train(
                    weir, LibsvmSource.of(folder.resolve("a9a.gz")), config, ProgressListener.NONE);
            Evaluation test = Evaluation.of(
                    LibsvmSource.of(folder.resolve("a9a.t.gz")), Weights.of(weir.table("a9a")), config.bias());
            return new Outcome(result, test);
        }
    }
}
