package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Slowdown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Training of models of several classes, on real servers in this process.
class ClassTrainingTest {
    private static final OptimizerSpec ADAM = OptimizerSpec.parse("adam(rate=0.005)");

    private final DenseExamples examples = new DenseExamples(4000, 12, 4, 1);

    @TempDir
    Path folder = Path.of("");

    private static Model model(String kind, double dropout) {
        return kind.equals("softmax")
                ? SoftmaxRegression.of("m", 4, OptimizerSpec.parse("adagrad(rate=0.2)"), true)
                : new Perceptron("m", List.of(12, 20, 4), Activation.parse(kind), dropout, ADAM, 3);
    }

    private record Trained(TrainingResult result, ClassEvaluation test, String hash) {}

    private Trained train(Model model, ExampleSource source, TrainingConfig config, int shards) {
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(shards));
                Weir weir = server.connect()) {
            TrainingResult result = Trainer.train(weir, source, model, config, ProgressListener.NONE);
            List<Weights> weights = model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            return new Trained(
                    result,
                    ClassEvaluation.of(source, model, weights),
                    ModelHash.of(weir, model.tables()).toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"softmax", "relu", "tanh", "sigmoid"})
    void learnsToTellClassesApart(String kind) {
        TrainingConfig config =
                TrainingConfig.of("m").withBatch(32).withPasses(5).withShuffle(true, 1);
        Trained trained = train(model(kind, 0), examples, config, 4);
        assertThat(trained.result.examples()).isEqualTo(5 * 4000);
        assertThat(trained.result.features()).isEqualTo(5 * 4000 * 12);
        // The mean of 4 classes is no better than 1.386; the centres are some 4.9 apart, at a deviation of 1.
        assertThat(trained.result.passLogloss().get(4)).isLessThan(0.1);
        assertThat(trained.test.accuracy()).isGreaterThan(0.97);
        assertThat(trained.test.logloss()).isLessThan(0.1);
        assertThat(trained.test.examples()).isEqualTo(4000);
    }

    /// With one worker, and in synchronous runs with any number of them and with dropout, however late one is.
    @ParameterizedTest
    @ValueSource(strings = {"softmax", "relu"})
    void repeatsBitForBit(String kind) {
        Model model = model(kind, 0.3);
        for (int workers : new int[] {1, 3}) {
            TrainingConfig config = TrainingConfig.of("m")
                    .withMembership(Membership.of(Consistency.bsp()))
                    .withWorkers(workers)
                    .withBatch(50)
                    .withPasses(2)
                    .withShuffle(true, 4);
            String hash = train(model, examples, config, 3).hash;
            assertThat(train(model, examples, config, 8).hash).isEqualTo(hash);
            assertThat(train(model, examples, config.withSlowdown(new Slowdown(workers - 1, 4)), 3).hash)
                    .isEqualTo(hash);
            assertThat(train(model, examples, config.withShuffle(true, 5), 3).hash)
                    .isNotEqualTo(hash);
        }
    }

    @Test
    void theSeedOfAPerceptronDrawsItsWeightsAndItsDropout() {
        TrainingConfig config = TrainingConfig.of("m").withBatch(50);
        Perceptron model = (Perceptron) model("relu", 0.3);
        Perceptron other = new Perceptron("m", model.layers(), model.activation(), 0.3, ADAM, 4);
        assertThat(model.tables().getFirst().initialRow())
                .isEqualTo(other.tables().getFirst().initialRow());
        assertThat(train(model, examples, config, 2).hash)
                .isNotEqualTo(train(other, examples, config, 2).hash)
                .isNotEqualTo(train(model("relu", 0), examples, config, 2).hash);
    }

    @Test
    void tablesOfAPerceptronAreItsTensors() {
        Perceptron model = new Perceptron("net/a", List.of(784, 128, 10), Activation.RELU, 0, ADAM, 1);
        assertThat(model.tables().stream().map(TableSpec::name))
                .containsExactly(
                        "net/a/layer1.weight", "net/a/layer1.bias", "net/a/layer2.weight", "net/a/layer2.bias");
        assertThat(model.tables().get(0).initialRow().text()).startsWith("normal(0.0,0.0505");
        assertThat(model.tables().get(2).initialRow().text()).startsWith("uniform(-0.208");
        assertThat(model.tables().get(1).initialRow().isZero()).isTrue();
        assertThat(model.tables().get(0).seed())
                .isNotEqualTo(model.tables().get(2).seed());
    }

    @Test
    void sparseAndDenseExamplesMakeTheSameModelToRounding() throws IOException {
        StringBuilder fromZero = new StringBuilder();
        StringBuilder fromOne = new StringBuilder();
        ExampleBatch batch = new ExampleBatch();
        try (ExampleReader reader = examples.open(ExampleSource.Share.ALL)) {
            while (reader.next(batch, 100)) {
                for (int i = 0; i < batch.exampleCount(); i++) {
                    fromZero.append(batch.labels()[i]);
                    fromOne.append(batch.labels()[i]);
                    for (int j = 0; j < 12; j++) {
                        fromZero.append(' ').append(j).append(':').append(4 * batch.values()[12 * i + j]);
                        fromOne.append(' ').append(j + 1).append(':').append(4 * batch.values()[12 * i + j]);
                    }
                    fromZero.append('\n');
                    fromOne.append('\n');
                }
            }
        }
        Path zero = Files.writeString(folder.resolve("zero.svm"), fromZero);
        Path one = Files.writeString(folder.resolve("one.svm"), fromOne);
        TrainingConfig config = TrainingConfig.of("m").withBatch(32).withPasses(2);
        for (String kind : new String[] {"softmax", "tanh"}) {
            double expected = train(model(kind, 0), examples, config, 2).test.logloss();
            for (Path file : List.of(zero, one)) {
                try (LibsvmSource source = LibsvmSource.ofClasses(file, false, 4, 0.25)) {
                    Trained trained = train(model(kind, 0), source, config, 2);
                    assertThat(trained.test.accuracy()).isGreaterThan(0.97);
                    if (kind.equals("softmax") || file.equals(zero)) {
                        assertThat(trained.test.logloss()).isCloseTo(expected, within(0.02));
                    }
                }
            }
        }
    }

    @Test
    void refusesExamplesThatDoNotFit() throws IOException {
        TrainingConfig config = TrainingConfig.of("m");
        Path file = folder.resolve("data.svm");
        Files.writeString(file, "0 1:1\n3 2:1\n4 3:1\n");
        assertThatThrownBy(() -> train(model("softmax", 0), LibsvmSource.ofClasses(file, false, 4, 1), config, 1))
                .hasMessage(file + ":3: labels must be whole numbers from 0 to 3, found '4' (column 1)");
        assertThatThrownBy(() -> train(model("softmax", 0), LibsvmSource.ofClasses(file, false, 5, 1), config, 1))
                .hasMessage(file + ": labels must be from 0 to 3: label=4");
        Files.writeString(file, "0 1:1\n3 13:1\n");
        assertThatThrownBy(() -> train(model("relu", 0), LibsvmSource.ofClasses(file, false, 4, 1), config, 1))
                .hasMessage(file + ": indices must be from 0 to 11, or from 1 to 12, as the first layer is: index=13");
        Files.writeString(file, "0 0:1\n3 12:1\n");
        assertThatThrownBy(() -> train(model("relu", 0), LibsvmSource.ofClasses(file, false, 4, 1), config, 1))
                .hasMessage(file + ": indices must be from 0 to 11, or from 1 to 12, as the first layer is: index=12");
        Files.writeString(file, "0.5 0:1\n");
        assertThatThrownBy(() -> train(model("relu", 0), LibsvmSource.ofClasses(file, false, 4, 1), config, 1))
                .hasMessage(file + ":1: labels must be whole numbers from 0 to 3, found '0.5' (column 1)");
        assertThatThrownBy(() -> train(model("relu", 0), new DenseExamples(100, 13, 4, 1), config, 1))
                .hasMessage("examples: examples must have as many values as the first layer: width=13, layer=12");
        Files.writeString(file, "0:1 1:2\n");
        assertThatThrownBy(() -> train(model("relu", 0), LibsvmSource.ofClasses(file, true, 4, 1), config, 1))
                .hasMessage(file + ": expected labels, found an example without one");
    }

    @Test
    void refusesModelsThatCannotBe() {
        assertThatThrownBy(() -> SoftmaxRegression.of("t", 1, ADAM, true))
                .hasMessage(
                        "softmax regression needs rows of one weight for each of 2 or more classes: dim=1, table=t");
        assertThatThrownBy(() -> new Perceptron("t", List.of(5), Activation.RELU, 0, ADAM, 1))
                .hasMessage("a perceptron needs from 2 to 64 numbers of units: layers=5");
        assertThatThrownBy(() -> new Perceptron("t", List.of(5, 0, 2), Activation.RELU, 0, ADAM, 1))
                .hasMessage("units of a layer must be from 1 to 1048576: layers=5,0,2");
        assertThatThrownBy(() -> new Perceptron("t", List.of(5, 1), Activation.RELU, 0, ADAM, 1))
                .hasMessage("classes must be from 2 to 1048576: layers=5,1");
        assertThatThrownBy(() -> new Perceptron("t", List.of(1 << 20, 1 << 20), Activation.RELU, 0, ADAM, 1))
                .hasMessage("a layer must have at most 1073741823 weights: layers=1048576,1048576");
        assertThatThrownBy(() -> new Perceptron("t", List.of(5, 2), Activation.RELU, 1, ADAM, 1))
                .hasMessage("dropout must be from 0 to less than 1: dropout=1.0");
    }
}
