package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.TrainingConfig.Membership;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Replicas of perceptrons that are cut over several workers.
class SlicedTrainingTest {
    /// Sums over the units of a layer are taken in another order: each is off by some units in the last place of its
    /// terms, which are below 1, and some 20 steps at a rate of 0.1 add up.
    private static final double BOUND = 2e-6;

    private static final OptimizerSpec SGD = new OptimizerSpec.Sgd(0.1f);

    private final DenseExamples examples = new DenseExamples(410, 7, 5, 1);

    private static Perceptron model(Activation activation, double dropout) {
        return new Perceptron("m", List.of(7, 70, 13, 5), activation, dropout, SGD, 3);
    }

    private static TrainingConfig config(Consistency consistency, int replicas, int slices) {
        return TrainingConfig.of("m")
                .withMembership(Membership.of(consistency))
                .withWorkers(replicas * slices, slices)
                .withBatch(20);
    }

    private record Trained(TrainingResult result, List<float[]> weights, String hash, List<Integer> pushes) {}

    private Trained train(Perceptron model, TrainingConfig config) {
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                Weir weir = server.connect()) {
            TrainingResult result = Trainer.train(weir, examples, model, config, ProgressListener.NONE);
            return trained(weir, model, result);
        }
    }

    private static Trained trained(Weir weir, Perceptron model, TrainingResult result) {
        List<float[]> weights = new ArrayList<>();
        List<Integer> pushes = new ArrayList<>();
        for (TableSpec table : model.tables()) {
            float[] values = new float[(int) weir.denseTable(table.name()).length()];
            weir.denseTable(table.name()).pull(values);
            weights.add(values);
            weir.scan(table.name(), rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    pushes.add(rows.pushCounts()[i]);
                }
            });
        }
        return new Trained(result, weights, ModelHash.of(weir, model.tables()).toString(), pushes);
    }

    private static void assertClose(Trained actual, Trained expected) {
        assertThat(actual.result.examples()).isEqualTo(expected.result.examples());
        assertThat(actual.result.batches()).isEqualTo(expected.result.batches());
        for (int pass = 0; pass < expected.result.passLogloss().size(); pass++) {
            assertThat(actual.result.passLogloss().get(pass))
                    .isCloseTo(expected.result.passLogloss().get(pass), within(BOUND));
        }
        for (int table = 0; table < expected.weights.size(); table++) {
            assertThat(actual.weights.get(table)).containsExactly(expected.weights.get(table), within((float) BOUND));
        }
        assertThat(actual.pushes).isEqualTo(expected.pushes);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void learnsWhatOneWorkerLearns(Activation activation) {
        for (double dropout : new double[] {0, 0.3}) {
            Perceptron model = model(activation, dropout);
            Trained whole = train(model, config(Consistency.bsp(), 1, 1));
            for (int slices = 1; slices <= 4; slices++) {
                assertClose(train(model, config(Consistency.bsp(), 1, slices)), whole);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"2,2", "3,2", "2,3"})
    void learnsWhatAsManyWholeReplicasLearnInSynchronousSteps(int replicas, int slices) {
        Perceptron model = model(Activation.TANH, 0.2);
        Trained whole = train(model, config(Consistency.bsp(), replicas, 1));
        TrainingConfig config = config(Consistency.bsp(), replicas, slices);
        Trained sliced = train(model, config);
        assertClose(sliced, whole);
        assertThat(train(model, config).hash).isEqualTo(sliced.hash);
    }

    @ParameterizedTest
    @CsvSource({"asp,1,3", "asp,3,2", "ssp:2,2,2", "ssp:0,3,2"})
    void appliesEachGradientOnceToEachPiece(String consistency, int replicas, int slices) {
        TrainingConfig config =
                config(Consistency.parse(consistency), replicas, slices).withPasses(6);
        Trained trained = train(model(Activation.RELU, 0), config);
        assertThat(trained.result.examples()).isEqualTo(6 * 410);
        assertThat(trained.pushes).containsOnly((int) trained.result.batches());
        assertThat(trained.result.passLogloss().get(5))
                .isLessThan(trained.result.passLogloss().get(0) / 2);
    }

    @Test
    void leavesNoTablesButThoseOfTheModel() {
        Perceptron model = model(Activation.RELU, 0);
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults());
                Weir weir = server.connect()) {
            Trainer.train(weir, examples, model, config(Consistency.asp(), 2, 2), ProgressListener.NONE);
            assertThat(weir.tables().stream().map(table -> table.spec().name()))
                    .containsExactlyInAnyOrderElementsOf(
                            model.tables().stream().map(TableSpec::name).toList());
        }
    }
}
