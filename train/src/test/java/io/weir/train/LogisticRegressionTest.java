package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.RunStatus;
import io.weir.client.Table;
import io.weir.model.OptimizerSpec;
import io.weir.model.WeirException;
import io.weir.train.ExampleSource.Share;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogisticRegressionTest {
    private static final OptimizerSpec FTRL = OptimizerSpec.parse("ftrl(alpha=0.1,beta=1,l1=0,l2=0)");
    private static final OptimizerSpec ADAGRAD = OptimizerSpec.parse("adagrad(rate=0.1)");

    private final ReferenceWeir weir = new ReferenceWeir();
    private final CtrGenerator generator = new CtrGenerator(8000, 3000, 12, 42);

    @TempDir
    Path folder = Path.of("");

    @Test
    void agreesWithAPlainDoubleImplementationOfFtrl() {
        TrainingResult result = train(LrConfig.of("t", FTRL).with(training -> training.withBatch(1)));
        PlainModel plain = new PlainModel(1, false);
        plain.trainFtrl(generator.source(), 0.1, 1);
        assertThat(result.progressiveLogloss()).isCloseTo(plain.logloss, within(1e-6));
        assertSameWeights(plain);
    }

    @Test
    void agreesWithAPlainDoubleImplementationOfAdaGrad() {
        TrainingResult result = train(LrConfig.of("t", ADAGRAD).with(training -> training.withBatch(1)));
        PlainModel plain = new PlainModel(1, false);
        plain.trainAdaGrad(generator.source(), 0.1, 1);
        assertThat(result.progressiveLogloss()).isCloseTo(plain.logloss, within(1e-6));
        assertSameWeights(plain);
    }

    @Test
    void sumsTheGradientsOfABatch() {
        TrainingResult result = train(LrConfig.of("t", ADAGRAD).with(training -> training.withBatch(32)));
        PlainModel plain = new PlainModel(32, false);
        plain.trainAdaGrad(generator.source(), 0.1, 1);
        // Of 16 portions of 500 examples.
        assertThat(result.batches()).isEqualTo(16 * 16);
        assertThat(result.progressiveLogloss()).isCloseTo(plain.logloss, within(1e-6));
        assertSameWeights(plain);
    }

    @Test
    void averagesTheGradientsOfABatchIfAsked() {
        OptimizerSpec sgd = OptimizerSpec.parse("sgd(rate=0.5)");
        train(LrConfig.of("t", sgd).with(training -> training.withBatch(50)).withMean(true));
        PlainModel plain = new PlainModel(50, false);
        plain.trainSgd(generator.source(), 0.5 / 50);
        assertSameWeights(plain);
    }

    @Test
    void learnsABiasUnderTheGreatestKey() {
        train(LrConfig.of("t", ADAGRAD).with(training -> training.withBatch(16)).withBias(true));
        PlainModel plain = new PlainModel(16, true);
        plain.trainAdaGrad(generator.source(), 0.1, 1);
        assertThat(plain.weights).containsKey(-1L);
        assertSameWeights(plain);
    }

    @Test
    void goesOverTheExamplesInSeveralPasses() {
        TrainingResult result = train(
                LrConfig.of("t", ADAGRAD).with(training -> training.withBatch(8).withPasses(3)));
        PlainModel plain = new PlainModel(8, false);
        plain.trainAdaGrad(generator.source(), 0.1, 3);
        assertThat(result.examples()).isEqualTo(24_000);
        assertThat(result.features()).isEqualTo(24_000 * 12);
        assertThat(result.passLogloss()).hasSize(3);
        assertThat(result.passLogloss().get(2)).isCloseTo(plain.logloss, within(1e-6));
        assertThat(result.passLogloss().get(2)).isLessThan(result.progressiveLogloss());
        assertSameWeights(plain);
    }

    @Test
    void addsTheEffectsOfARepeatedIndex() throws IOException {
        Path file = Files.writeString(folder.resolve("repeated.txt"), "1 5:1 5:2 6:1\n");
        LogisticRegression.train(
                weir,
                LibsvmSource.of(file),
                LrConfig.of("t", OptimizerSpec.parse("sgd(rate=1)")).with(training -> training.withBatch(1)),
                ProgressListener.NONE);
        assertThat(weir.table("t").pull(new long[] {5, 6})).containsExactly(1.5f, 0.5f);
    }

    @Test
    void givesTheSameModelForTheSameSeedOfShuffling() {
        LrConfig config = LrConfig.of("t", ADAGRAD).with(training -> training.withBatch(8));
        List<String> hashes = new ArrayList<>();
        for (long seed : new long[] {1, 1, 2}) {
            weir.drop("t");
            train(config.with(training -> training.withShuffle(true, seed).withRun("run" + hashes.size(), false)));
            hashes.add(ModelHash.of(weir, "t").toString());
        }
        assertThat(hashes.get(1)).isEqualTo(hashes.get(0));
        assertThat(hashes.get(2)).isNotEqualTo(hashes.get(0));
    }

    @Test
    void comesNearTheBestThatIsPossibleWithFourWorkers() {
        CtrGenerator easy = new CtrGenerator(40_000, 400, 8, 5);
        TrainingResult result = LogisticRegression.train(
                weir,
                easy.source(),
                LrConfig.of("t", ADAGRAD)
                        .with(training -> training.withBatch(64).withWorkers(4))
                        .withBias(true)
                        .with(training -> training.withShuffle(true, 1).withPasses(3)),
                ProgressListener.NONE);
        Evaluation best = easy.best(50_000, 70_000);
        Evaluation test = Evaluation.of(easy.source(50_000, 70_000), Weights.of(weir.table("t")), true);
        assertThat(result.examples()).isEqualTo(120_000);
        assertThat(result.workers()).isEqualTo(4);
        assertThat(test.examples()).isEqualTo(20_000);
        assertThat(test.logloss()).isBetween(best.logloss() - 0.001, best.logloss() + 0.01);
        assertThat(test.auc()).isBetween(best.auc() - 0.01, best.auc() + 0.001);
    }

    @Test
    void sharesTheExamplesBetweenProcesses() {
        LrConfig config = LrConfig.of("t", ADAGRAD)
                .with(training -> training.withWorkers(2).withBatch(100));
        CompletableFuture<TrainingResult> other = CompletableFuture.supplyAsync(
                () -> train(config.with(training -> training.withShare(new Share(1, 2)))));
        TrainingResult result = train(config.with(training -> training.withShare(new Share(0, 2))));
        assertThat(result.examples() + other.join().examples()).isEqualTo(8000);
        assertThat(weir.runStatus("t").workers()).hasSize(4);
        assertThat(weir.runStatus("t").isFinished()).isTrue();
    }

    @Test
    void finishesItsRun() {
        train(LrConfig.of("t", ADAGRAD).with(training -> training.withWorkers(3)));
        assertThat(weir.runStatus("t").isFinished()).isTrue();
        assertThatThrownBy(() -> train(LrConfig.of("t", ADAGRAD).with(training -> training.withWorkers(3))))
                .isInstanceOf(WeirException.class)
                .hasMessage("run is finished: run=t");
        train(LrConfig.of("t", ADAGRAD).with(training -> training.withWorkers(3).withRun("t", true)));
    }

    @Test
    void reportsTheFirstFailureAndStopsAllWorkers() {
        for (boolean shuffle : new boolean[] {false, true}) {
            weir.failingPush = weir.pushes + 20;
            String run = "failing-" + shuffle;
            LrConfig config = LrConfig.of("t", ADAGRAD)
                    .with(training -> training.withBatch(10).withWorkers(3).withRun(run, false));
            assertThatThrownBy(() -> train(config.with(training -> training.withShuffle(shuffle, 1))))
                    .isInstanceOf(WeirException.class)
                    .hasMessage("server is gone: push=" + weir.failingPush);
            // Each of the other two was at most within one batch.
            assertThat(weir.pushes).isLessThanOrEqualTo(weir.failingPush + 2);
            assertThat(weir.runStatus(run).workers())
                    .allMatch(w -> w.state() == RunStatus.State.LEFT || w.state() == RunStatus.State.MISSING);
        }
    }

    @Test
    void reportsABrokenLineFromAnyWorker() throws IOException {
        Path file = folder.resolve("broken.txt");
        generator.write(file, 1);
        List<String> lines = Files.readAllLines(file);
        lines.set(6000, "1 1:1 nonsense");
        Files.write(file, lines);
        assertThatThrownBy(() -> LogisticRegression.train(
                        weir,
                        LibsvmSource.of(file),
                        LrConfig.of("t", ADAGRAD).with(training -> training.withWorkers(2)),
                        ProgressListener.NONE))
                .isInstanceOf(InputException.class)
                .hasMessage(file + ":6001: expected index:value, found 'nonsense' (column 7)");
    }

    @Test
    void refusesABiasBesideAFeatureOfItsKey() throws IOException {
        Path file = Files.writeString(folder.resolve("bias.txt"), "1 18446744073709551615:1\n");
        LrConfig config = LrConfig.of("t", ADAGRAD);
        assertThatThrownBy(() -> LogisticRegression.train(
                        weir, LibsvmSource.of(file), config.withBias(true), ProgressListener.NONE))
                .isInstanceOf(InputException.class)
                .hasMessage(file + ": the index 18446744073709551615 is the bias and cannot be a feature");
        LogisticRegression.train(
                weir,
                LibsvmSource.of(file),
                config.with(training -> training.withRun("again", false)),
                ProgressListener.NONE);
        assertThat(weir.table("t").pull(new long[] {-1})[0]).isPositive();
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        LrConfig config = LrConfig.of("t", ADAGRAD);
        assertThatThrownBy(() -> config.with(training -> training.withBatch(0)))
                .hasMessage("batch must be from 1 to 1048576: batch=0");
        assertThatThrownBy(() -> config.with(training -> training.withPasses(0)))
                .hasMessage("passes must be from 1 to 1048576: passes=0");
        assertThatThrownBy(() -> config.with(training -> training.withWorkers(0)))
                .hasMessage("workers must be from 1 to 1024: workers=0");
        assertThatThrownBy(() -> new Share(2, 2))
                .hasMessage("share index must be from 0 to count - 1: index=2, count=2");
    }

    @Test
    void tellsItsListenerHowFarItHasCome() {
        List<ProgressListener.Snapshot> snapshots = new ArrayList<>();
        TrainingResult result = LogisticRegression.train(
                weir,
                generator.source(),
                LrConfig.of("t", ADAGRAD)
                        .with(training ->
                                training.withBatch(2).withPasses(2).withProgressInterval(Duration.ofMillis(1))),
                snapshots::add);
        ProgressListener.Snapshot last = snapshots.get(snapshots.size() - 1);
        assertThat(last.examples()).isEqualTo(16_000);
        assertThat(last.pass()).isEqualTo(1);
        assertThat(last.passes()).isEqualTo(2);
        assertThat(last.passFraction()).isEqualTo(1);
        assertThat(last.progressiveLogloss()).isEqualTo(result.passLogloss().get(1));
        assertThat(result.pull().count()).isEqualTo(8000);
        assertThat(result.push().count()).isEqualTo(8000);
        assertThat(result.push().p50Micros())
                .isPositive()
                .isLessThanOrEqualTo(result.push().maxMicros());
        assertThat(result.examplesPerSecond()).isPositive();
    }

    private TrainingResult train(LrConfig config) {
        return LogisticRegression.train(weir, generator.source(), config, ProgressListener.NONE);
    }

    private void assertSameWeights(PlainModel plain) {
        Table table = weir.table("t");
        assertThat(weir.describe("t").orElseThrow().rowCount()).isEqualTo(plain.weights.size());
        plain.weights.forEach((key, weight) -> assertThat((double) table.pull(new long[] {key})[0])
                .as("key %d", key)
                .isCloseTo(weight, within(2e-5)));
    }

    /// Logistic regression as it stands in a textbook: maps of doubles, one example after the other.
    private static final class PlainModel {
        final Map<Long, Double> weights = new HashMap<>();
        private final Map<Long, Double> first = new HashMap<>();
        private final Map<Long, Double> second = new HashMap<>();
        private final int batch;
        private final boolean bias;
        double logloss;

        PlainModel(int batch, boolean bias) {
            this.batch = batch;
            this.bias = bias;
        }

        void trainFtrl(ExampleSource source, double alpha, double beta) {
            train(source, 1, (key, g) -> {
                double w = weights.getOrDefault(key, 0.0);
                double n = second.getOrDefault(key, 0.0);
                double sigma = (Math.sqrt(n + g * g) - Math.sqrt(n)) / alpha;
                first.merge(key, g - sigma * w, Double::sum);
                second.merge(key, g * g, Double::sum);
                weights.put(
                        key,
                        -first.getOrDefault(key, 0.0) / ((beta + Math.sqrt(second.getOrDefault(key, 0.0))) / alpha));
            });
        }

        void trainAdaGrad(ExampleSource source, double rate, int passes) {
            train(source, passes, (key, g) -> {
                first.merge(key, g * g, Double::sum);
                weights.merge(key, -rate * g / (Math.sqrt(first.getOrDefault(key, 0.0)) + 1e-8), Double::sum);
            });
        }

        void trainSgd(ExampleSource source, double rate) {
            train(source, 1, (key, g) -> weights.merge(key, -rate * g, Double::sum));
        }

        private interface Update {
            void apply(long key, double gradient);
        }

        private void train(ExampleSource source, int passes, Update update) {
            for (int i = 0; i < passes; i++) {
                double loss = 0;
                long count = 0;
                ExampleBatch examples = new ExampleBatch();
                int portions = PortionPlan.perPass(source.byteCount(), 1, batch, passes);
                for (int portion = 0; portion < portions; portion++) {
                    try (ExampleReader reader = source.open(new Share(portion, portions))) {
                        while (reader.next(examples, batch)) {
                            Map<Long, Double> gradients = new HashMap<>();
                            for (int e = 0; e < examples.exampleCount(); e++) {
                                loss += addGradient(examples, e, gradients);
                                count++;
                            }
                            gradients.forEach(update::apply);
                        }
                    }
                }
                logloss = loss / count;
            }
        }

        private double addGradient(ExampleBatch examples, int index, Map<Long, Double> gradients) {
            double margin = bias ? weights.getOrDefault(-1L, 0.0) : 0;
            for (int j = examples.rowStarts()[index]; j < examples.rowStarts()[index + 1]; j++) {
                margin += weights.getOrDefault(examples.keys()[j], 0.0) * examples.values()[j];
            }
            double p = 1 / (1 + Math.exp(-margin));
            double y = examples.labels()[index];
            for (int j = examples.rowStarts()[index]; j < examples.rowStarts()[index + 1]; j++) {
                gradients.merge(examples.keys()[j], (p - y) * examples.values()[j], Double::sum);
            }
            if (bias) {
                gradients.merge(-1L, p - y, Double::sum);
            }
            return -Math.log(y == 1 ? p : 1 - p);
        }
    }

    @Test
    void needsAnOptimizerThatTakesGradients() {
        assertThatThrownBy(() -> train(LrConfig.of("t", OptimizerSpec.parse("assign"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("training pushes gradients, so its tables need an optimizer that takes them:"
                        + " optimizer=assign, table=t");
    }
}
