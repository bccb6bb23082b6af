package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import io.weir.server.ServerConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/// Training on the 8 x 8 digits of UCI's optical recognition data, every fifth row held out. They are found through
/// `WEIR_DATA`; [ClassTrainingTest] does the like on generated data.
class DigitsTest {
    private static final double SCALE = 1 / 16.0;

    @TempDir
    Path folder = Path.of("");

    private Path train = Path.of("");
    private Path test = Path.of("");

    @BeforeEach
    void split() throws IOException {
        String data = System.getenv("WEIR_DATA");
        assumeTrue(data != null, "WEIR_DATA is not set");
        Path digits = Path.of(data, "digits", "digits.libsvm.gz");
        assumeTrue(Files.exists(digits), "there is no digits/digits.libsvm.gz in " + data);
        StringBuilder kept = new StringBuilder();
        StringBuilder heldOut = new StringBuilder();
        int row = 0;
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(digits)), StandardCharsets.US_ASCII))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                (row++ % 5 == 0 ? heldOut : kept).append(line).append('\n');
            }
        }
        train = Files.writeString(folder.resolve("train.svm"), kept);
        test = Files.writeString(folder.resolve("test.svm"), heldOut);
    }

    @Test
    void softmaxReachesItsAccuracy(TestReporter reporter) {
        ClassEvaluation evaluation =
                trained(SoftmaxRegression.of("digits", 10, OptimizerSpec.parse("adagrad(rate=0.1)"), true), 40);
        reporter.publishEntry("digits, softmax", evaluation.toString());
        assertThat(evaluation.examples()).isEqualTo(360);
        assertThat(evaluation.accuracy()).isGreaterThanOrEqualTo(0.96);
    }

    /// `½‖w‖² + Σ loss`: C = 1, with a bias.
    @Test
    void softmaxReachesItsAccuracyAtTheOptimum(TestReporter reporter) {
        SoftmaxRegression model = SoftmaxRegression.of("digits", 10, OptimizerSpec.parse("sgd(rate=1)"), true);
        ClassEvaluation evaluation = trained(
                model,
                (weir, source) -> assertThat(Sandblaster.train(
                                        weir,
                                        new Sandblaster.Task(
                                                source,
                                                model,
                                                LbfgsConfig.l2(1),
                                                TrainingConfig.of("digits").withWorkers(2)),
                                        Sandblaster.Part.ALL,
                                        ProgressListener.NONE)
                                .converged())
                        .isTrue());
        reporter.publishEntry("digits, softmax by L-BFGS", evaluation.toString());
        assertThat(evaluation.examples()).isEqualTo(360);
        assertThat(evaluation.accuracy()).isGreaterThanOrEqualTo(0.96);
    }

    @Test
    void aPerceptronIsBetter(TestReporter reporter) {
        Perceptron model = new Perceptron(
                "digits", List.of(64, 64, 10), Activation.TANH, 0.2, OptimizerSpec.parse("adam(rate=0.003)"), 1);
        ClassEvaluation evaluation = trained(model, 60);
        reporter.publishEntry("digits, perceptron 64-64-10", evaluation.toString());
        assertThat(evaluation.accuracy()).isGreaterThanOrEqualTo(0.97);
    }

    private ClassEvaluation trained(Model model, int passes) {
        TrainingConfig config =
                TrainingConfig.of("digits").withBatch(32).withPasses(passes).withShuffle(true, 1);
        return trained(model, (weir, source) -> Trainer.train(weir, source, model, config, ProgressListener.NONE));
    }

    private ClassEvaluation trained(Model model, BiConsumer<Weir, ExampleSource> training) {
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults());
                Weir weir = server.connect();
                LibsvmSource source = LibsvmSource.ofClasses(train, false, 10, SCALE);
                LibsvmSource heldOut = LibsvmSource.ofClasses(test, false, 10, SCALE)) {
            training.accept(weir, source);
            List<Weights> weights = model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            return ClassEvaluation.of(heldOut, model, weights);
        }
    }
}
