package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.ExampleSource.Share;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Slowdown;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DownpourTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=0.3)");

    private final CtrGenerator clicks = new CtrGenerator(1500, 300, 6, 17);
    private final DenseExamples dense = new DenseExamples(1500, 12, 4, 1);

    @TempDir
    Path folder = Path.of("");

    private static Model model(String kind) {
        return switch (kind) {
            case "lr" -> new LogisticRegression(TableSpec.embedding("t", 1, SGD), true, true);
            case "sparse softmax", "softmax" -> SoftmaxRegression.of("t", kind.equals("softmax") ? 4 : 2, SGD, true);
            default -> new Perceptron("t", List.of(12, 9, 4), Activation.TANH, 0.2, SGD, 3);
        };
    }

    private ExampleSource source(String kind) {
        return kind.equals("lr") || kind.equals("sparse softmax") ? clicks.source() : dense;
    }

    private static TrainingConfig config(Algorithm algorithm) {
        return TrainingConfig.of("t").withBatch(16).withPasses(2).withAlgorithm(algorithm);
    }

    private static String trained(Weir weir, ExampleSource source, Model model, TrainingConfig config) {
        TrainingResult result = Trainer.train(weir, source, model, config, ProgressListener.NONE);
        assertThat(result.examples()).isEqualTo(2 * 1500);
        return ModelHash.of(weir, model.tables()).toString();
    }

    private static <T> T onServer(int shards, Function<Weir, T> work) {
        try (EmbeddedServer server = EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(64 << 20));
                Weir weir = server.connect()) {
            return work.apply(weir);
        }
    }

    private static <T> T overTcp(int shards, Function<Weir, T> work) {
        try (WeirServer server = WeirServer.start(ServerConfig.defaults()
                        .withPort(0)
                        .withShardCount(shards)
                        .withMemoryCapBytes(64 << 20));
                Weir weir = Weir.connect("127.0.0.1:" + server.address().getPort())) {
            return work.apply(weir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- one worker ----

    @ParameterizedTest
    @ValueSource(strings = {"lr", "sparse softmax", "softmax", "mlp"})
    void oneWorkerThatFetchesAndPushesEachBatchIsSerialSgdBitForBit(String kind) {
        Model model = model(kind);
        String expected = onServer(3, weir -> trained(weir, source(kind), model, config(new Algorithm.Stepwise())));
        TrainingConfig config = config(Downpour.of(1, 1, 0.3f));
        String here = onServer(3, weir -> trained(weir, source(kind), model, config));
        assertThat(here).isEqualTo(expected);
        String there = overTcp(3, weir -> trained(weir, source(kind), model, config));
        assertThat(there).isEqualTo(expected);
        TrainingConfig other = config(Downpour.of(1, 1, 0.2f));
        String differing = onServer(3, weir -> trained(weir, source(kind), model, other));
        assertThat(differing).isNotEqualTo(expected);
    }

    /// With a rate and gradients that are powers of two nothing is rounded, so whatever is fetched when, the worker's
    /// own copy is what the servers have, less what it has not pushed.
    @ParameterizedTest
    @CsvSource({"1,1", "1,4", "4,1", "3,5", "5,3", "7,7"})
    void aWorkerAloneAlwaysKnowsItsOwnSteps(int batchesPerFetch, int batchesPerPush) {
        Model model = counting("sgd(rate=0.5)");
        TrainingConfig config = config(Downpour.of(batchesPerFetch, batchesPerPush, 0.5f))
                .withPasses(1)
                .withBatch(15);
        PortionPlan plan = PortionPlan.of(new Counted().byteCount(), config);
        double expected = 0;
        ExampleBatch batch = new ExampleBatch();
        int done = 0;
        for (int portion = 0; portion < plan.perPass(); portion++) {
            try (ExampleReader reader = plan.open(new Counted(), portion)) {
                for (; reader.next(batch, 15); done++) {
                    expected += batch.exampleCount() * (COUNTED - 0.5 * done);
                }
            }
        }
        double logloss = expected / 1500;
        assertThat(onServer(2, weir -> Trainer.train(weir, new Counted(), model, config, ProgressListener.NONE))
                        .progressiveLogloss())
                .isEqualTo(logloss);
        assertThat(overTcp(2, weir -> Trainer.train(weir, new Counted(), model, config, ProgressListener.NONE))
                        .progressiveLogloss())
                .isEqualTo(logloss);
    }

    // ---- what the servers receive ----

    private static final int COUNTED = 1 << 16;

    /// A logistic regression so sure of the wrong label that the gradient of a batch is 1, to the bit, and the loss of
    /// an example is the weight of its one key.
    private static Model counting(String optimizer) {
        TableSpec table = TableSpec.embedding("t", 1, OptimizerSpec.parse(optimizer))
                .withInitialRow(new InitialRow.Constant(COUNTED), 0);
        return new LogisticRegression(table, true, false);
    }

    /// 1500 examples of one key and the label 0, which note who reads them, batch by batch.
    private static final class Counted implements ExampleSource {
        final Queue<String> threads = new ConcurrentLinkedQueue<>();

        @Override
        public String name() {
            return "counted";
        }

        @Override
        public long byteCount() {
            return 256 * 1500;
        }

        @Override
        public ExampleReader open(Share share) {
            return new ExampleReader() {
                private long left = share.to(1500) - share.from(1500);

                @Override
                public boolean next(ExampleBatch batch, int maxExamples) {
                    batch.clear();
                    for (; batch.exampleCount() < maxExamples && left > 0; left--) {
                        batch.addFeature(7, 1f);
                        batch.endExample(0);
                    }
                    if (batch.exampleCount() > 0) {
                        threads.add(Thread.currentThread().getName());
                    }
                    return batch.exampleCount() > 0;
                }

                @Override
                public void close() {}
            };
        }
    }

    private static int batches(PortionPlan plan, int portion, int batchSize) {
        int batches = 0;
        ExampleBatch batch = new ExampleBatch();
        try (ExampleReader reader = plan.open(new Counted(), portion)) {
            while (reader.next(batch, batchSize)) {
                batches++;
            }
        }
        return batches;
    }

    private record Received(float weight, int pushes) {}

    private static Received received(Weir weir) {
        List<Received> rows = new ArrayList<>();
        weir.scan("t", batch -> rows.add(new Received(batch.values()[0], batch.pushCounts()[0])));
        assertThat(rows).hasSize(1);
        return rows.getFirst();
    }

    @ParameterizedTest
    @CsvSource({"1,1", "1,4", "5,3", "3,5", "7,100"})
    void theServersReceiveTheSumOfSoManyGradients(int batchesPerFetch, int batchesPerPush) {
        for (int workers : new int[] {1, 4}) {
            TrainingConfig config =
                    config(Downpour.of(batchesPerFetch, batchesPerPush, 0)).withWorkers(workers);
            Received received = overTcp(2, weir -> {
                String _ = trained(weir, new Counted(), counting("sgd(rate=1)"), config);
                return received(weir);
            });
            PortionPlan plan = PortionPlan.of(new Counted().byteCount(), config);
            int batches = 0;
            int pushes = 0;
            for (int portion = 0; portion < plan.perPass(); portion++) {
                int ofPortion = batches(plan, portion, 16);
                batches += ofPortion;
                pushes += Math.ceilDiv(ofPortion, batchesPerPush);
            }
            assertThat(received).isEqualTo(new Received(COUNTED - 2 * batches, 2 * pushes));
        }
    }

    /// From 1, with the rate 0.1 and gradients 2 and 1: `1 − 0.1 · 2 / √4 = 0.9`, then `0.9 − 0.1 · 1 / √5`. A second
    /// key makes the model sure of the wrong label.
    @Test
    void adagradOnTheServersDividesByTheRootOfTheSumOfSquares() throws IOException {
        Path file = Files.writeString(folder.resolve("two.svm"), "0 7:2 8:1000000\n0 7:1 8:1000000\n");
        TableSpec table = TableSpec.embedding("t", 1, OptimizerSpec.parse("adagrad(rate=0.1,epsilon=0)"))
                .withInitialRow(new InitialRow.Constant(1), 0);
        Model model = new LogisticRegression(table, true, false);
        TrainingConfig config = config(Downpour.of(1, 1, 0)).withBatch(1).withPasses(1);
        float weight = onServer(2, weir -> {
            try (LibsvmSource source = LibsvmSource.of(file)) {
                TrainingResult result = Trainer.train(weir, source, model, config, ProgressListener.NONE);
                assertThat(result.batches()).isEqualTo(2);
            }
            return weir.table("t").pull(new long[] {7})[0];
        });
        assertThat(weight).isCloseTo(0.8552786f, within(1e-7f));
        assertThat(weight).isCloseTo((float) (0.9 - 0.1 / Math.sqrt(5)), within(1e-7f));
    }

    // ---- several workers ----

    @ParameterizedTest
    @CsvSource({"1,1,1,7", "3,2,5,7", "4,5,3,500", "4,5,5,64", "8,1,4,3"})
    void everyExampleCountsOnceInEachPass(int workers, int batchesPerFetch, int batchesPerPush, int batch) {
        Model model = new LogisticRegression(TableSpec.embedding("t", 1, SGD), false, false);
        TrainingConfig config = config(Downpour.of(batchesPerFetch, batchesPerPush, 0.1f))
                .withWorkers(workers)
                .withBatch(batch)
                .withSlowdown(new Slowdown(workers - 1, 3));
        List<Integer> counts = onServer(3, weir -> {
            String _ = trained(weir, SynchronousTrainingTest.uniqueKeys(1500), model, config);
            List<Integer> pushCounts = new ArrayList<>();
            weir.scan("t", rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    pushCounts.add(rows.pushCounts()[i]);
                }
            });
            return pushCounts;
        });
        assertThat(counts).hasSize(1500).containsOnly(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lr", "softmax", "mlp"})
    void severalWorkersLearn(String kind) {
        Model model = model(kind);
        TrainingConfig config =
                config(Downpour.of(3, 4, 0.3f)).withWorkers(4).withPasses(12).withShuffle(true, 1);
        List<Double> logloss = onServer(
                3,
                weir -> Trainer.train(weir, source(kind), model, config, ProgressListener.NONE)
                        .passLogloss());
        assertThat(logloss.getLast()).isLessThan(kind.equals("lr") ? 0.5 : 0.2).isLessThan(logloss.getFirst());
    }

    // ---- the warm start ----

    @Test
    void theOthersBeginWhenWorkerZeroHasTrainedOnItsWarmStart() {
        Counted source = new Counted();
        TrainingConfig config =
                config(Downpour.of(2, 2, 0).withWarmStart(30)).withWorkers(3).withBatch(2);
        String _ = onServer(2, weir -> trained(weir, source, counting("sgd(rate=1)"), config));
        List<String> threads = List.copyOf(source.threads);
        assertThat(threads.subList(0, 30)).containsOnly("weir-train-0");
        assertThat(threads).hasSizeGreaterThanOrEqualTo(2 * 750);
    }

    @Test
    void aWarmStartMayTakeTheWholeTraining() {
        Counted source = new Counted();
        TrainingConfig config =
                config(Downpour.of(2, 2, 0).withWarmStart(Long.MAX_VALUE)).withWorkers(3);
        String _ = onServer(2, weir -> trained(weir, source, counting("sgd(rate=1)"), config));
        assertThat(source.threads).containsOnly("weir-train-0");
    }

    @Test
    void nobodyWaitsLongForAFirstWorkerThatDoesNotCome() {
        Counted source = new Counted();
        Membership membership = new Membership(Consistency.asp(), 0, Duration.ofMillis(200), true);
        TrainingConfig config = config(Downpour.of(2, 2, 0).withWarmStart(1000))
                .withMembership(membership)
                .withShare(new Share(1, 2));
        String _ = onServer(2, weir -> trained(weir, source, counting("sgd(rate=1)"), config));
        assertThat(source.threads).containsOnly("weir-train-1");
    }

    // ---- settings ----

    @Test
    void refusesSettingsThatCannotBe() {
        assertThatThrownBy(() -> Downpour.of(0, 1, 0.1f))
                .hasMessage("batches per fetch must be from 1 to 1024: batchesPerFetch=0");
        assertThatThrownBy(() -> Downpour.of(1, 1025, 0.1f))
                .hasMessage("batches per push must be from 1 to 1024: batchesPerPush=1025");
        assertThatThrownBy(() -> Downpour.of(1, 1, Float.NaN))
                .hasMessage("local rate must be at least 0 and finite: localRate=NaN");
        assertThatThrownBy(() -> Downpour.of(1, 1, 1).withWarmStart(-1))
                .hasMessage("batches of the warm start must be at least 0: warmStartBatches=-1");
        assertThatThrownBy(() -> new Downpour(1, 1, 1, 0, 0))
                .hasMessage("pushes ahead must be from 1 to 64: pushesAhead=0");
        TrainingConfig config = TrainingConfig.of("t").withMembership(Membership.of(Consistency.bsp()));
        assertThatThrownBy(() -> config.withAlgorithm(Downpour.of(1, 1, 1)))
                .hasMessage("downpour is asynchronous, its consistency must be asp: consistency=bsp");
    }

    @Test
    void theLocalRateIsThatOfTheServersIfTheyTakePlainSteps() {
        Model summed = new LogisticRegression(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("adagrad(rate=0.1)")), false, false);
        assertThat(Downpour.defaultLocalRate(model("mlp"), 16)).isEqualTo(0.3f);
        assertThat(Downpour.defaultLocalRate(summed, 16)).isEqualTo(0.01f / 16);
    }
}
