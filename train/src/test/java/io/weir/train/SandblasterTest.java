package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.Sandblaster.Part;
import io.weir.train.Sandblaster.Task;
import io.weir.train.TrainingConfig.Slowdown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sandblaster on generated data, and on a9a, agaricus and the digits, found through `WEIR_DATA`, against optima that
/// other programs found.
class SandblasterTest {
    private static final LogisticRegression LR = new LogisticRegression(
            TableSpec.embedding("lr", 1, OptimizerSpec.parse("adagrad(rate=0.1)")), false, false);
    private static final long SEED = 43;

    @TempDir
    Path folder = Path.of("");

    /// A server in this process, a connection to it, and data to train on.
    private record Site(EmbeddedServer server, Weir weir, LibsvmSource source) implements AutoCloseable {
        static Site open(Path data, int shards) {
            EmbeddedServer server = EmbeddedServer.open(
                    ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(256L << 20));
            return new Site(server, server.connect(), LibsvmSource.of(data));
        }

        Task task(Model model, LbfgsConfig config, TrainingConfig training) {
            return new Task(source, model, config, training);
        }

        LbfgsResult train(Model model, LbfgsConfig config, TrainingConfig training) {
            return Sandblaster.train(weir, task(model, config, training), Part.ALL, ProgressListener.NONE);
        }

        @Override
        public void close() {
            source.close();
            weir.close();
            server.close();
        }
    }

    /// What a training left.
    private record Left(LbfgsResult result, SavedModel model) {}

    private static Left train(
            Path data, Model model, LbfgsConfig config, int shards, UnaryOperator<TrainingConfig> change) {
        try (Site site = Site.open(data, shards)) {
            LbfgsResult result = site.train(model, config, change.apply(TrainingConfig.of("run")));
            assertThat(site.weir.tables()).as("only the model's table stays").hasSize(1);
            return new Left(result, SavedModel.of(site.weir, model));
        }
    }

    private static Left train(Path data, Model model, LbfgsConfig config, int shards, int workers) {
        return train(data, model, config, shards, training -> training.withWorkers(workers));
    }

    private Path generated(int examples) throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < examples; i++) {
            StringBuilder features = new StringBuilder();
            double margin = 0;
            for (int key = 1; key <= 60; key++) {
                if (random.nextInt(4) == 0) {
                    float value = (float) (random.nextDouble() * 3 - 1);
                    margin += value * Math.sin(key);
                    features.append(' ').append(key).append(':').append(value);
                }
            }
            text.append(random.nextDouble() < 1 / (1 + Math.exp(-margin)) ? "+1" : "-1")
                    .append(features)
                    .append('\n');
        }
        return Files.writeString(folder.resolve("data.svm"), text);
    }

    @Test
    void endsWhereTheGradientIsNothing() throws IOException {
        Path data = generated(3000);
        Left left = train(data, LR, LbfgsConfig.l2(0.7).withTolerance(1e-7), 2, 2);
        assertThat(left.result.converged()).isTrue();
        assertThat(left.result.examples()).isEqualTo(3000);
        // The gradient, computed here.
        Weights weights = left.model.weights().getFirst();
        Learner learner = LR.learner("data");
        ExampleBatch batch = new ExampleBatch();
        double[] gradient = new double[61];
        double objective = 0;
        try (ExampleReader reader = LibsvmSource.of(data).open(ExampleSource.Share.ALL)) {
            while (reader.next(batch, 100)) {
                learner.select(batch);
                Parameters parameters = learner.parameters().getFirst();
                weights.read(parameters.keys(), parameters.keyCount(), parameters.weights());
                objective += 0.7 * learner.lossAndGradients(0.7, 0);
                for (int i = 0; i < parameters.keyCount(); i++) {
                    gradient[(int) parameters.keys()[i]] += parameters.gradients()[i];
                }
            }
        }
        float[] w = new float[61];
        long[] keys = new long[61];
        for (int i = 0; i < 61; i++) {
            keys[i] = i;
        }
        weights.read(keys, 61, w);
        for (int i = 0; i < 61; i++) {
            objective += 0.5 * w[i] * w[i];
            assertThat(gradient[i] + w[i]).as("of key %s", i).isCloseTo(0, within(2e-3));
        }
        assertThat(left.result.objective()).isCloseTo(objective, within(1e-5 * objective));
    }

    @Test
    void hasTheSameBitsForAnyNumberOfWorkersAndShards() throws IOException {
        Path data = generated(3000);
        LbfgsConfig config = LbfgsConfig.l2(1).withMaxPasses(15);
        Left one = train(data, LR, config, 1, 1);
        assertThat(one.result.portions()).isGreaterThan(10);
        Left four = train(data, LR, config, 3, 4);
        assertThat(four.result.objective()).isEqualTo(one.result.objective());
        assertThat(four.result.gradientNorm()).isEqualTo(one.result.gradientNorm());
        assertThat(four.result.passLoss()).isEqualTo(one.result.passLoss());
        assertThat(four.model.hash()).hasToString(one.model.hash().toString());
    }

    @Test
    void doesNotWaitForAStragglerNearTheEndOfAPass() throws IOException {
        Path data = generated(600);
        LbfgsConfig config = LbfgsConfig.l2(1).withMaxPasses(6);
        Left even = train(data, LR, config, 1, 2);
        Left uneven =
                train(data, LR, config, 1, training -> training.withWorkers(2).withSlowdown(new Slowdown(2, 300)));
        assertThat(uneven.result.passLoss()).isEqualTo(even.result.passLoss());
        assertThat(uneven.model.hash()).hasToString(even.model.hash().toString());
    }

    @Test
    void learnsABias() throws IOException {
        Path data = Files.writeString(folder.resolve("bias.svm"), "+1 1:1\n+1 2:1\n+1\n-1 1:0.5\n".repeat(20));
        LogisticRegression model = new LogisticRegression(LR.table(), false, true);
        Left left = train(data, model, LbfgsConfig.l2(1), 1, 1);
        float[] bias = new float[1];
        left.model.weights().getFirst().read(new long[] {Model.BIAS_KEY}, 1, bias);
        assertThat(bias[0]).isGreaterThan(0.5f);
        assertThat(left.result.converged()).isTrue();
    }

    @Test
    void goesOnFromTheRowsOfTheModel() throws IOException {
        Path data = generated(1000);
        try (Site site = Site.open(data, 2)) {
            LbfgsConfig config = LbfgsConfig.l2(1);
            LbfgsResult first = site.train(LR, config, TrainingConfig.of("first"));
            LbfgsResult second = site.train(LR, config.withMaxPasses(2), TrainingConfig.of("second"));
            assertThat(second.dataPasses()).isEqualTo(2);
            assertThat(second.objective()).isEqualTo(first.objective());
            LbfgsResult again = site.train(
                    LR, config.withMaxPasses(2), TrainingConfig.of("first").withRun("first", true));
            assertThat(again.objective()).isEqualTo(first.objective());
        }
    }

    @Test
    void refusesWhatItCannotTrain() throws IOException {
        Path data = generated(100);
        Perceptron perceptron =
                new Perceptron("p", List.of(4, 3, 2), Activation.RELU, 0, OptimizerSpec.parse("sgd(rate=1)"), 1);
        assertThatThrownBy(() -> train(data, perceptron, LbfgsConfig.l2(1), 1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("linear models");
        Path great = Files.writeString(folder.resolve("great.svm"), "+1 134217728:1\n");
        assertThatThrownBy(() -> train(great, LR, LbfgsConfig.l2(1), 1, 2))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("index=134217728");
        Path broken = Files.writeString(folder.resolve("broken.svm"), "+1 1:1\n+1 1:x\n");
        assertThatThrownBy(() -> train(broken, LR, LbfgsConfig.l2(1), 1, 2)).isInstanceOf(InputException.class);
    }

    @Test
    void showsTheWeightsOfEachPassWhileItTrains() throws IOException {
        Path data = generated(500);
        List<Double> losses = new ArrayList<>();
        List<Double> passLosses = new ArrayList<>();
        try (Site site = Site.open(data, 3)) {
            HeldOut heldOut = new HeldOut(site.source, 500, LR);
            ProgressListener listener = new ProgressListener() {
                @Override
                public void progress(Snapshot snapshot) {}

                @Override
                public void evaluated(Snapshot snapshot, Weights weights) {
                    losses.add(heldOut.judge(heldOut.look(List.of(weights))).logloss());
                    passLosses.add(snapshot.progressiveLogloss());
                }
            };
            LbfgsResult result = Sandblaster.train(
                    site.weir,
                    site.task(LR, LbfgsConfig.l2(1).withMaxPasses(9), TrainingConfig.of("run")),
                    Part.ALL,
                    listener);
            assertThat(passLosses).isEqualTo(result.passLoss()).hasSize(8);
        }
        assertThat(losses.getFirst()).isCloseTo(Math.log(2), within(1e-9));
        for (int i = 0; i < losses.size(); i++) {
            assertThat(losses.get(i)).isCloseTo(passLosses.get(i), within(1e-9));
        }
    }

    @Test
    void stopsWhenTheListenerThrows() throws IOException {
        Path data = generated(2000);
        try (Site site = Site.open(data, 1)) {
            assertThatThrownBy(() -> Sandblaster.train(
                            site.weir,
                            site.task(
                                    LR,
                                    LbfgsConfig.l2(1).withMaxPasses(100_000).withTolerance(0),
                                    TrainingConfig.of("run").withProgressInterval(Duration.ofMillis(1))),
                            Part.ALL,
                            snapshot -> {
                                throw new IllegalArgumentException("enough");
                            }))
                    .hasMessage("enough");
        }
    }

    // ---- data that are not ours to ship ----

    private static Path data(String name) {
        String data = System.getenv("WEIR_DATA");
        assumeTrue(data != null, "WEIR_DATA is not set");
        Path file = Path.of(data, name);
        assumeTrue(Files.exists(file), "there is no " + name + " in " + data);
        return file;
    }

    /// liblinear 2.3.0, `-s 0 -c 1 -e 1e-9`, and Newton's method in double: 10529.5625846380.
    @Test
    void reachesTheOptimumOfA9a() {
        Path a9a = data("a9a/a9a.gz");
        Left one = train(a9a, LR, LbfgsConfig.l2(1), 1, 1);
        assertThat(one.result.objective()).isCloseTo(10529.5625846, within(10529.56 * 1e-7));
        assertThat(one.result.dataPasses()).isLessThanOrEqualTo(100);
        Left four = train(a9a, LR, LbfgsConfig.l2(1), 4, 4);
        assertThat(four.result.objective()).isEqualTo(one.result.objective());
        assertThat(four.model.hash()).hasToString(one.model.hash().toString());
    }

    /// liblinear 2.3.0, `-s 6 -c 1 -e 1e-6`: 10558.723373.
    @Test
    void comesNearTheSparseOptimumOfA9a() {
        Left left = train(data("a9a/a9a.gz"), LR, LbfgsConfig.l1(1), 2, 2);
        assertThat(left.result.objective()).isCloseTo(10558.723373, within(10558.72 * 1e-4));
        assertThat(left.result.dataPasses()).isLessThanOrEqualTo(100);
        assertThat(left.model.rowCount()).isLessThan(123);
    }

    /// Newton's method in double: 98.5136447576.
    @Test
    void reachesTheOptimumOfAgaricus() {
        Left left = train(data("agaricus/agaricus.txt.train.gz"), LR, LbfgsConfig.l2(1), 2, 4);
        assertThat(left.result.objective()).isCloseTo(98.5136447576, within(98.5 * 1e-7));
    }
}
