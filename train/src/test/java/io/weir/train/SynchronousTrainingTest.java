package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.server.ServerConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Slowdown;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Training with `bsp` comes to one and the same model, whatever the timing. `-Dweir.repetitions=100` for more of it.
class SynchronousTrainingTest {
    private static final int REPETITIONS = Integer.getInteger("weir.repetitions", 20);

    private final CtrGenerator generator = new CtrGenerator(1500, 300, 6, 17);

    private static LrConfig config(int workers) {
        return LrConfig.of("t", OptimizerSpec.parse("adagrad(rate=0.1)"))
                .with(training -> training.withMembership(Membership.of(Consistency.bsp()))
                        .withWorkers(workers)
                        .withBatch(16)
                        .withPasses(2));
    }

    private static EmbeddedServer server() {
        return EmbeddedServer.open(ServerConfig.defaults().withShardCount(3).withMemoryCapBytes(64 << 20));
    }

    private String trained(LrConfig config) {
        try (EmbeddedServer server = server();
                Weir weir = server.connect()) {
            TrainingResult result = LogisticRegression.train(weir, generator.source(), config, ProgressListener.NONE);
            assertThat(result.examples()).isEqualTo(2 * 1500);
            assertThat(weir.runStatus("t").isFinished()).isTrue();
            return ModelHash.of(weir, "t").toString();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 8})
    void threadsComeToTheModelOfOneThreadThatPlaysAllWorkers(int workers) {
        LrConfig config = config(workers);
        String expected = played(config);
        for (int i = 0; i < REPETITIONS; i++) {
            assertThat(trained(config)).as("repetition %d", i).isEqualTo(expected);
        }
    }

    @Test
    void shufflingMeanAndStragglersChangeNothingInThat() {
        LrConfig config = config(3)
                .with(training -> training.withShuffle(true, 5))
                .withMean(true)
                .withBias(true);
        String expected = played(config);
        for (int straggler = 0; straggler < 3; straggler++) {
            Slowdown slowdown = new Slowdown(straggler, 3);
            assertThat(trained(config.with(training -> training.withSlowdown(slowdown))))
                    .isEqualTo(expected);
        }
        assertThat(expected).isNotEqualTo(played(config(3)));
    }

    @ParameterizedTest
    @CsvSource({"asp,1,1", "asp,3,7", "asp,4,500", "ssp:0,3,7", "ssp:2,4,64", "bsp,3,7", "bsp,4,64", "bsp,2,100"})
    void everyExampleCountsOnceInEachPass(String consistency, int workers, int batch) {
        LrConfig config = config(workers)
                .with(training -> training.withMembership(Membership.of(Consistency.parse(consistency)))
                        .withBatch(batch));
        try (EmbeddedServer server = server();
                Weir weir = server.connect()) {
            TrainingResult result = LogisticRegression.train(weir, uniqueKeys(1500), config, ProgressListener.NONE);
            assertThat(result.examples()).isEqualTo(2 * 1500);
            assertEachCounted(weir, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aBatchThatCameTooLateForItsStepIsTrainedOnAgain(int backupWorkers) {
        LrConfig config = config(2)
                .with(training -> training.withMembership(
                                new Membership(Consistency.bsp(), backupWorkers, Membership.DEFAULT.silence(), true))
                        .withSlowdown(new Slowdown(1, 5)));
        try (EmbeddedServer server = server();
                Weir weir = server.connect()) {
            TrainingResult result = LogisticRegression.train(weir, uniqueKeys(1500), config, ProgressListener.NONE);
            assertThat(result.workers()).isEqualTo(2 + backupWorkers);
            assertThat(result.examples()).isEqualTo(2 * 1500);
            assertThat(result.push().count()).isGreaterThanOrEqualTo(result.batches());
            assertEachCounted(weir, 2);
        }
    }

    /// Examples whose one key no other example has.
    static ExampleSource uniqueKeys(int rows) {
        return new ExampleSource() {
            @Override
            public String name() {
                return "unique keys";
            }

            @Override
            public long byteCount() {
                return 300L * rows;
            }

            @Override
            public ExampleReader open(Share share) {
                return new ExampleReader() {
                    private long row = share.from(rows);

                    @Override
                    public boolean next(ExampleBatch batch, int maxExamples) {
                        batch.clear();
                        for (; batch.exampleCount() < maxExamples && row < share.to(rows); row++) {
                            batch.addFeature(1 + row, 1f);
                            batch.endExample((byte) (row % 2));
                        }
                        return batch.exampleCount() > 0;
                    }

                    @Override
                    public void close() {}
                };
            }
        };
    }

    private static void assertEachCounted(Weir weir, int times) {
        List<Integer> counts = new ArrayList<>();
        weir.scan("t", rows -> {
            for (int i = 0; i < rows.count(); i++) {
                counts.add(rows.pushCounts()[i]);
            }
        });
        assertThat(counts).hasSize(1500).containsOnly(times);
    }

    /// The model of `config`, all of whose workers are played by this thread in turn.
    private String played(LrConfig config) {
        try (EmbeddedServer server = server();
                Weir weir = server.connect()) {
            PortionPlan plan = PortionPlan.of(generator.source().byteCount(), config.training());
            List<Player> players = new ArrayList<>();
            Deal deal = new Deal(runSpec(config, plan).portionCount());
            for (int worker = 0; worker < config.training().workers(); worker++) {
                players.add(new Player(
                        config, plan, deal, weir.join(new RunOptions(runSpec(config, plan), worker, false))));
            }
            while (players.stream().anyMatch(player -> !player.done)) {
                players.forEach(Player::ask);
                players.forEach(Player::take);
                players.forEach(Player::learn);
                players.forEach(Player::tick);
                players.forEach(Player::await);
            }
            players.forEach(player -> player.run.finish());
            return ModelHash.of(weir, "t").toString();
        }
    }

    private static RunSpec runSpec(LrConfig config, PortionPlan plan) {
        return config.training().runSpec(plan, config.mean());
    }

    /// Portions that nobody has had yet, and those that somebody has. The home shard answers those who ask if one is
    /// free or all are done.
    private static final class Deal {
        int free;
        int held;

        Deal(int free) {
            this.free = free;
        }
    }

    /// One worker, as plainly as it can be written.
    private final class Player {
        final LrConfig config;
        final PortionPlan plan;
        final Deal deal;
        final Run run;
        boolean done;
        private @Nullable CompletableFuture<Optional<Portion>> asked;
        private @Nullable Portion portion;
        private final List<ExampleBatch> batches = new ArrayList<>();
        private @Nullable CompletableFuture<Boolean> ticked;

        Player(LrConfig config, PortionPlan plan, Deal deal, Run run) {
            this.config = config;
            this.plan = plan;
            this.deal = deal;
            this.run = run;
        }

        void ask() {
            if (!done && portion == null && asked == null) {
                asked = run.nextPortionAsync();
            }
        }

        /// Takes the portion, unless the others have all that are left.
        void take() {
            CompletableFuture<Optional<Portion>> answer = asked;
            if (answer == null || (deal.free == 0 && deal.held > 0)) {
                return;
            }
            asked = null;
            Optional<Portion> taken = answer.join();
            done = taken.isEmpty();
            if (taken.isPresent()) {
                portion = taken.get();
                deal.free--;
                deal.held++;
                assertThat(portion.position()).isZero();
                try (ExampleReader reader = plan.open(generator.source(), portion.index())) {
                    ExampleBatch batch = new ExampleBatch();
                    while (reader.next(batch, config.training().batch())) {
                        batches.add(batch);
                        batch = new ExampleBatch();
                    }
                }
            }
        }

        void learn() {
            Portion held = portion;
            if (held == null) {
                return;
            }
            ExampleBatch batch = batches.get(0);
            Map<Long, Double> sums = new LinkedHashMap<>();
            for (int j = 0; j < batch.featureCount(); j++) {
                sums.put(batch.keys()[j], 0.0);
            }
            if (config.bias()) {
                sums.put(Model.BIAS_KEY, 0.0);
            }
            Table table = held.table(config.table());
            long[] keys = sums.keySet().stream().mapToLong(Long::longValue).toArray();
            float[] weights = table.pull(keys);
            Map<Long, Float> weightOf = new LinkedHashMap<>();
            for (int i = 0; i < keys.length; i++) {
                weightOf.put(keys[i], weights[i]);
            }
            for (int e = 0; e < batch.exampleCount(); e++) {
                double margin = config.bias() ? weightOf.getOrDefault(Model.BIAS_KEY, 0f) : 0;
                for (int j = batch.rowStarts()[e]; j < batch.rowStarts()[e + 1]; j++) {
                    margin += (double) weightOf.getOrDefault(batch.keys()[j], 0f) * batch.values()[j];
                }
                double error = LogisticLoss.probability(margin) - batch.labels()[e];
                for (int j = batch.rowStarts()[e]; j < batch.rowStarts()[e + 1]; j++) {
                    sums.merge(batch.keys()[j], error * batch.values()[j], Double::sum);
                }
                if (config.bias()) {
                    sums.merge(Model.BIAS_KEY, error, Double::sum);
                }
            }
            double scale = config.mean() ? 1.0 / batch.exampleCount() : 1;
            float[] gradients = new float[keys.length];
            for (int i = 0; i < keys.length; i++) {
                gradients[i] = (float) (sums.getOrDefault(keys[i], 0.0) * scale);
            }
            table.push(keys, gradients);
        }

        void tick() {
            if (portion != null) {
                batches.remove(0);
                ticked = portion.tickAsync(batches.isEmpty());
            }
        }

        void await() {
            if (ticked != null) {
                assertThat(ticked.join()).isTrue();
                ticked = null;
                if (batches.isEmpty()) {
                    portion = null;
                    deal.held--;
                }
            }
        }
    }
}
