package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeldOutTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=0.1)");

    private final CtrGenerator clicks = new CtrGenerator(3000, 300, 6, 17);
    private final ClusterGenerator clusters = new ClusterGenerator(12, 4, 1);

    private static Model model(String kind) {
        return switch (kind) {
            case "lr" -> new LogisticRegression(TableSpec.embedding("t", 1, SGD), true, true);
            case "sparse" -> SoftmaxRegression.of("t", 2, SGD, true);
            case "softmax" -> SoftmaxRegression.of("t", 4, SGD, true);
            default -> new Perceptron("t", List.of(12, 9, 4), Activation.TANH, 0.2, SGD, 3);
        };
    }

    private ExampleSource source(String kind, int from, int to) {
        return kind.equals("lr") || kind.equals("sparse") ? clicks.source(from, to) : clusters.source(from, to);
    }

    /// The first look is at the model as it begins, the second one is judged when training has gone on.
    @ParameterizedTest
    @ValueSource(strings = {"lr", "sparse", "softmax", "mlp"})
    void judgesEachLookAsAnEvaluationAtItsTime(String kind) {
        Model model = model(kind);
        ExampleSource test = source(kind, 3000, 5500);
        HeldOut heldOut = new HeldOut(test, 5000, model);
        assertThat(heldOut.exampleCount()).isEqualTo(2500);
        try (EmbeddedServer server = EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(3).withMemoryCapBytes(64 << 20));
                Weir weir = server.connect()) {
            model.tables().forEach(weir::create);
            List<Weights> weights = model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            HeldOut.Look begin = heldOut.look(weights);
            HeldOut.Judgement beginning = evaluation(test, model, weights);
            TrainingConfig config = TrainingConfig.of("t").withBatch(16);
            TrainingResult result = Trainer.train(weir, source(kind, 0, 3000), model, config, ProgressListener.NONE);
            assertThat(result.examples()).isEqualTo(3000);
            HeldOut.Judgement end = heldOut.judge(heldOut.look(weights));
            HeldOut.Judgement expected = evaluation(test, model, weights);
            assertThat(end.accuracy()).isEqualTo(expected.accuracy());
            assertThat(end.logloss())
                    .isCloseTo(expected.logloss(), within(1e-9))
                    .isLessThan(beginning.logloss());
            HeldOut.Judgement before = heldOut.judge(begin);
            assertThat(before.accuracy()).isEqualTo(beginning.accuracy());
            assertThat(before.logloss()).isCloseTo(beginning.logloss(), within(1e-9));
        }
    }

    private static HeldOut.Judgement evaluation(ExampleSource test, Model model, List<Weights> weights) {
        if (model instanceof LogisticRegression lr) {
            Evaluation evaluation = Evaluation.of(test, weights.getFirst(), lr.bias());
            return new HeldOut.Judgement(evaluation.logloss(), evaluation.accuracy());
        }
        ClassEvaluation evaluation = ClassEvaluation.of(test, model, weights);
        return new HeldOut.Judgement(evaluation.logloss(), evaluation.accuracy());
    }

    @Test
    void takesAsManyExamplesAsItIsTold() {
        assertThat(new HeldOut(clicks.source(), 1500, model("lr")).exampleCount())
                .isEqualTo(1500);
        assertThat(new HeldOut(clicks.source(), 7, model("lr")).exampleCount()).isEqualTo(7);
    }

    @Test
    void clustersAreTheSameWhateverPartIsRead() {
        ExampleBatch all = new ExampleBatch();
        ExampleBatch part = new ExampleBatch();
        try (ExampleReader whole = clusters.source(0, 100).open(ExampleSource.Share.ALL);
                ExampleReader second = clusters.source(50, 100).open(ExampleSource.Share.ALL)) {
            assertThat(whole.next(all, 200)).isTrue();
            assertThat(second.next(part, 200)).isTrue();
            assertThat(part.exampleCount()).isEqualTo(50);
            for (int i = 0; i < 50; i++) {
                assertThat(part.labels()[i]).isEqualTo(all.labels()[50 + i]).isBetween(0, 3);
                for (int j = 0; j < 12; j++) {
                    assertThat(part.values()[i * 12 + j]).isEqualTo(all.values()[(50 + i) * 12 + j]);
                }
            }
        }
        assertThatThrownBy(() -> new ClusterGenerator(3, 1, 1))
                .hasMessage("clusters need 1 or more values and 2 or more classes: width=3, classes=1");
        assertThatThrownBy(() -> clusters.source(5, 5))
                .hasMessage("rows must be at least one, from 0 on: from=5, to=5");
    }
}
