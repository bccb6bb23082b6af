package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Slowdown;
import io.weir.train.TrainingConfig.Transfer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Training whose gradients and parameters travel in fewer bits.
class TransferTest {
    private static final Downpour DOWNPOUR = Downpour.of(2, 2, 0.1f);

    private final DenseExamples examples = new DenseExamples(2000, 12, 4, 1);

    private static <T> T onServer(int shards, Function<Weir, T> work) {
        try (EmbeddedServer server = EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(64 << 20));
                Weir weir = server.connect()) {
            return work.apply(weir);
        }
    }

    private static Model model(String kind) {
        OptimizerSpec optimizer = OptimizerSpec.parse("sgd(rate=0.1)");
        return kind.equals("softmax")
                ? SoftmaxRegression.of("m", 4, optimizer, true)
                : new Perceptron("m", List.of(12, 20, 4), Activation.RELU, 0, optimizer, 3);
    }

    private String hash(Model model, TrainingConfig config, int shards) {
        return onServer(shards, weir -> {
            TrainingResult result = Trainer.train(weir, examples, model, config, ProgressListener.NONE);
            assertThat(result.examples()).isEqualTo(config.passes() * 2000L);
            return ModelHash.of(weir, model.tables()).toString();
        });
    }

    private double accuracy(Model model, TrainingConfig config) {
        return onServer(3, weir -> {
            Trainer.train(weir, examples, model, config, ProgressListener.NONE);
            List<Weights> weights = model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            return ClassEvaluation.of(examples, model, weights).accuracy();
        });
    }

    private static TrainingConfig config(Transfer transfer) {
        return TrainingConfig.of("m").withBatch(16).withPasses(4).withTransfer(transfer);
    }

    private static Transfer transfer(String pushes, String pulls) {
        return new Transfer(Compression.parse(pushes), Compression.parse(pulls));
    }

    @ParameterizedTest
    @ValueSource(strings = {"softmax", "mlp"})
    void withoutCompressionIsTheSameModelBitForBit(String kind) {
        String plain = hash(model(kind), TrainingConfig.of("m").withBatch(16).withPasses(4), 3);
        assertThat(hash(model(kind), config(transfer("none", "none")), 3)).isEqualTo(plain);
        assertThat(hash(model(kind), config(transfer("bf16", "none")), 3)).isNotEqualTo(plain);
        assertThat(hash(model(kind), config(transfer("none", "bf16")), 3)).isNotEqualTo(plain);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "softmax|bf16|bf16",
                "softmax|int8|fp16",
                "softmax|2bit(0.02)|none",
                "softmax|1bit|bf16",
                "softmax|topk(0.1)|none",
                "mlp|fp16|int8",
                "mlp|2bit(0.02)|bf16",
                "mlp|1bit|none",
                "mlp|randomk(0.1,7)|none"
            })
    void learnsToTellClassesApart(String kind, String pushes, String pulls) {
        TrainingConfig config = config(transfer(pushes, pulls));
        for (Algorithm algorithm : List.of(new Algorithm.Stepwise(), DOWNPOUR)) {
            for (int workers : new int[] {1, 3}) {
                assertThat(accuracy(
                                model(kind),
                                config.withAlgorithm(algorithm)
                                        .withWorkers(workers)
                                        .withPasses(6)))
                        .as("%s, %d workers", algorithm.text(), workers)
                        .isGreaterThan(0.95);
            }
        }
    }

    /// 2 bits make the same of each value whatever else is in its frame, so shards do not matter either.
    @ParameterizedTest
    @ValueSource(strings = {"softmax", "mlp"})
    void aSynchronousRunWithFeedbackRepeatsBitForBit(String kind) {
        TrainingConfig config = config(transfer("2bit(0.02)", "bf16"))
                .withMembership(Membership.of(Consistency.bsp()))
                .withWorkers(3)
                .withShuffle(true, 4);
        String hash = hash(model(kind), config, 3);
        assertThat(hash(model(kind), config.withSlowdown(new Slowdown(1, 4)), 8))
                .isEqualTo(hash);
        assertThat(hash(model(kind), config.withTransfer(Transfer.PLAIN), 3)).isNotEqualTo(hash);
    }

    /// Each pass pushes half of 1 for each key, once, in a portion of its own; 2 bits send nothing of it or 0.9. With
    /// the small rate the weights stay where their gradients are as at first, to a millionth.
    @ParameterizedTest
    @CsvSource({"asp,false", "ssp:2,false", "bsp,false", "asp,true"})
    void whatIsLeftOutComesWithALaterPortion(String consistency, boolean downpour) {
        float rate = 0x1p-20f;
        Model model = new LogisticRegression(
                TableSpec.embedding("m", 1, OptimizerSpec.parse("sgd(rate=" + rate + ")")), false, false);
        TrainingConfig config = config(transfer("2bit(0.9)", "none"))
                .withMembership(Membership.of(Consistency.parse(consistency)))
                .withAlgorithm(downpour ? Downpour.of(1, 1, rate) : new Algorithm.Stepwise());
        List<Double> sent = new ArrayList<>();
        onServer(3, weir -> {
            Trainer.train(weir, SynchronousTrainingTest.uniqueKeys(1500), model, config, ProgressListener.NONE);
            weir.scan("m", rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    sent.add(Math.abs(rows.values()[i] / (double) rate));
                }
            });
            return sent;
        });
        assertThat(sent).hasSize(1500).allSatisfy(sum -> assertThat(sum).isCloseTo(1.8, within(1e-5)));
    }

    @Test
    void aPortionTakesTheTablesOfItsOwnRunOnly() {
        TableSpec spec = TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd(rate=1)"));
        TableSpec dense = TableSpec.dense("d", 4, OptimizerSpec.parse("sgd(rate=1)"));
        onServer(1, weir -> {
            RunSpec two = RunSpec.of("r", 2).withPortionCount(2);
            try (Run run = weir.join(new RunOptions(two, 0, false));
                    Run other = weir.join(new RunOptions(two, 1, false))) {
                Table mine = run.table(spec).compressed(Compression.twoBit(1));
                Table theirs = other.table(spec);
                var portion = run.nextPortion().orElseThrow();
                portion.table(mine).push(new long[] {1}, new float[] {0.75f});
                portion.tick(true);
                assertThat(weir.table("t").pull(new long[] {1})).containsExactly(0f);
                var next = run.nextPortion().orElseThrow();
                assertThatThrownBy(() -> next.table(theirs))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("a portion takes tables of its own run: table=t, run=r, worker=0");
                assertThatThrownBy(() -> next.denseTable(other.denseTable(dense)))
                        .hasMessage("a portion takes tables of its own run: table=d, run=r, worker=0");
                next.table(mine).push(new long[] {1}, new float[] {0.75f});
                assertThat(weir.table("t").pull(new long[] {1})).containsExactly(-1f);
                next.tick(true);
                return true;
            }
        });
    }

    @Test
    void refusesPullsThatLeaveSomethingOut() {
        assertThatThrownBy(() -> transfer("none", "2bit(1)"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("rows can be pulled as none, bf16, fp16 or int8: compression=2bit(1)");
    }
}
