package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.ClientConfig;
import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What every table promises, whichever way the requests go.
class TableContractTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final long[] EXTREME_KEYS = {0, -1, 1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32, -1L << 32, 42};

    interface Opening {
        Cluster open();
    }

    static Stream<Named<Opening>> clusters() {
        return Stream.of(
                Named.of("embedded, 1 shard", () -> Cluster.embedded(1)),
                Named.of("embedded, 8 shards", () -> Cluster.embedded(8)),
                Named.of("TCP, 1 server, 1 shard", () -> Cluster.tcp(1, 1)),
                Named.of("TCP, 1 server, 8 shards", () -> Cluster.tcp(1, 8)),
                Named.of("TCP, 3 servers, 3 shards each", () -> Cluster.tcp(3, 3)));
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void returnsInitialRowForUnknownKeyAndStoresNothing(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            TableSpec spec = TableSpec.embedding("t", 5, SGD).withInitialRow(new InitialRow.Uniform(-1, 1), 7);
            weir.create(spec);
            float[] rows = weir.table("t").pull(EXTREME_KEYS);
            for (int i = 0; i < EXTREME_KEYS.length; i++) {
                for (int j = 0; j < 5; j++) {
                    assertThat(rows[i * 5 + j]).isEqualTo(spec.initialRow().value(7, EXTREME_KEYS[i], j));
                }
            }
            assertThat(weir.describe("t")).get().extracting(TableInfo::rowCount).isEqualTo(0L);
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void appliesPushesToExtremeKeysAndRepeats(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.embedding("t", 2, SGD));
            Table table = weir.table("t");
            long[] keys = {-1, 7, -1, Long.MIN_VALUE, 7, 7};
            table.push(keys, new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
            assertThat(table.pull(new long[] {-1, 7, Long.MIN_VALUE, Long.MAX_VALUE}))
                    .containsExactly(-6, -8, -23, -26, -7, -8, 0, 0);
            assertThat(weir.describe("t")).get().extracting(TableInfo::rowCount).isEqualTo(3L);
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void agreesWithPlainReferenceOverRandomCalls(Opening opening) {
        long seed = 20261122;
        Random random = new Random(seed);
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            int dim = 16;
            weir.create(TableSpec.embedding("t", dim, SGD));
            Table table = weir.table("t");
            Map<Long, float[]> reference = new HashMap<>();
            for (int round = 0; round < 60; round++) {
                int count = random.nextInt(round % 10 == 9 ? 20_000 : 200);
                long[] keys = new long[count];
                float[] gradients = new float[count * dim];
                float[] rows = new float[count * dim];
                for (int i = 0; i < count; i++) {
                    keys[i] = random.nextInt(5) == 0 ? EXTREME_KEYS[random.nextInt(8)] : random.nextInt(30_000);
                }
                for (int i = 0; i < gradients.length; i++) {
                    gradients[i] = random.nextInt(9) - 4;
                }
                int verb = random.nextInt(5);
                if (verb == 0) {
                    table.push(keys, gradients);
                } else if (verb == 1) {
                    table.pushAsync(keys, gradients).join();
                } else if (verb == 2) {
                    table.pushPull(keys, gradients, rows);
                } else if (verb == 3) {
                    table.pushPullAsync(keys, gradients, rows).join();
                } else {
                    table.pullAsync(keys, rows).join();
                }
                if (verb < 4) {
                    for (int i = 0; i < count; i++) {
                        float[] row = reference.computeIfAbsent(keys[i], key -> new float[dim]);
                        for (int j = 0; j < dim; j++) {
                            row[j] -= gradients[i * dim + j];
                        }
                    }
                }
                float[] expected = new float[count * dim];
                for (int i = 0; i < count; i++) {
                    System.arraycopy(reference.getOrDefault(keys[i], new float[dim]), 0, expected, i * dim, dim);
                }
                if (verb >= 2) {
                    assertThat(rows)
                            .as("seed=%d, round=%d, verb=%d", seed, round, verb)
                            .isEqualTo(expected);
                }
                assertThat(table.pull(keys))
                        .as("seed=%d, round=%d", seed, round)
                        .isEqualTo(expected);
            }
            assertThat(weir.describe("t")).get().extracting(TableInfo::rowCount).isEqualTo((long) reference.size());
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void keepsManyAsynchronousCallsInFlight(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect(ClientConfig.defaults().withMaxInFlight(16))) {
            weir.create(TableSpec.embedding("t", 3, SGD));
            Table table = weir.table("t");
            long[] keys = {5, 6, 7, 8, 9, 10, 11, 12};
            float[] ones = new float[24];
            java.util.Arrays.fill(ones, 1f);
            List<CompletableFuture<Void>> results = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                results.add(table.pushAsync(keys, ones));
            }
            CompletableFuture.allOf(results.toArray(new CompletableFuture<?>[0]))
                    .join();
            assertThat(table.pull(keys)).containsOnly(-1000f);
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void completesAsynchronousCallsThatNobodyWaitsFor(Opening opening) throws Exception {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.embedding("t", 3, SGD));
            Table table = weir.table("t");
            CompletableFuture<String> seen = new CompletableFuture<>();
            var _ = table.pushAsync(new long[] {1, 2, 3}, new float[9]).thenRun(() -> seen.complete("done"));
            assertThat(seen.get(20, java.util.concurrent.TimeUnit.SECONDS)).isEqualTo("done");
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void countsPushesOfManyThreadsExactly(Opening opening) throws Exception {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            TableSpec spec = TableSpec.embedding("t", 1, SGD);
            weir.create(spec);
            int workers = 4;
            int steps = 300;
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
            for (int w = 0; w < workers; w++) {
                int worker = w;
                Thread thread = new Thread(() -> {
                    try (Run run = weir.join(RunOptions.of("r", worker, workers))) {
                        Table own = run.table(spec);
                        Table shared = weir.table("t");
                        for (int i = 0; i < steps; i++) {
                            own.push(new long[] {1, 2, 3, 1000 + worker}, new float[] {1, 1, 1, 1});
                            shared.push(new long[] {1, 2, 3, 4}, new float[] {1, 1, 1, 1});
                            run.tick();
                        }
                        run.finish();
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).isEmpty();
            float all = -2f * workers * steps;
            assertThat(weir.table("t").pull(new long[] {1, 2, 3, 4, 1000, 1003}))
                    .containsExactly(all, all, all, -workers * (float) steps, -(float) steps, -(float) steps);
            assertThat(weir.runStatus("r").isFinished()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void readsAndUpdatesDenseTables(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            int length = 1_000_003;
            weir.create(TableSpec.dense("d", length, SGD));
            DenseTable table = weir.denseTable("d");
            float[] gradients = new float[length];
            for (int i = 0; i < length; i++) {
                gradients[i] = i % 1000;
            }
            table.push(gradients);
            table.push(70_001, gradients, 1, 200_000);
            float[] values = new float[length];
            table.pull(values);
            for (int i = 0; i < length; i++) {
                float expected = -(i % 1000);
                if (i >= 70_001 && i < 270_001) {
                    expected -= (i - 70_000) % 1000;
                }
                assertThat(values[i]).as("position %d", i).isEqualTo(expected);
            }
            float[] part = new float[33];
            table.pull(length - 33, part, 0, 33);
            assertThat(part).isEqualTo(java.util.Arrays.copyOfRange(values, length - 33, length));
            table.pushPull(length - 2, new float[] {1, 1}, 0, part, 5, 2);
            assertThat(part[5]).isEqualTo(values[length - 2] - 1);
            assertThat(part[6]).isEqualTo(values[length - 1] - 1);
            assertThatThrownBy(() -> table.pull(length - 1, part, 0, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("stretch must lie inside the table: offset=1000002, count=2");
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void createsDescribesListsAndDropsTables(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            assertThat(weir.tables()).isEmpty();
            TableSpec spec = TableSpec.embedding("a", 4, SGD);
            int id = weir.create(spec).id();
            assertThat(weir.create(spec).id()).isEqualTo(id);
            weir.create(TableSpec.dense("b", 100, SGD));
            assertThat(weir.tables()).extracting(info -> info.spec().name()).containsExactly("a", "b");
            assertThatThrownBy(() -> weir.create(TableSpec.embedding("a", 8, SGD)))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TABLE_MISMATCH))
                    .hasMessageContaining("Embedding[dim=4]")
                    .hasMessageContaining("Embedding[dim=8]");
            Table dropped = weir.table("a");
            dropped.push(new long[] {1}, new float[4]);
            assertThat(weir.drop("a")).isTrue();
            assertThat(weir.drop("a")).isFalse();
            assertThatThrownBy(() -> dropped.push(new long[] {1, 2, 3}, new float[12]))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_TABLE));
            assertThatThrownBy(() -> weir.table("a")).hasMessageContaining("no table has this name: table=a");
            assertThat(weir.create(spec).id()).isGreaterThan(id);
            weir.table("a").push(new long[] {1}, new float[] {1, 1, 1, 1});
            assertThat(weir.table("a").pull(new long[] {1})).containsOnly(-1f);
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void refusesWrongLengthsAndNonFiniteGradientsBeforeAnythingChanges(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.embedding("t", 2, SGD));
            Table table = weir.table("t");
            assertThatThrownBy(() -> table.push(new long[] {1, 2}, new float[3]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("gradient length must be keyCount * dim: expected=4, actual=3, table=t");
            assertThatThrownBy(() -> table.pull(new long[] {1, 2}, new float[3]))
                    .isInstanceOf(IllegalArgumentException.class);
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                assertThatThrownBy(() -> table.push(new long[] {1, 99}, new float[] {1, 1, 1, bad}))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("gradient must be finite")
                        .hasMessageContaining("key=99")
                        .hasMessageContaining("table=t");
            }
            assertThat(weir.describe("t")).get().extracting(TableInfo::rowCount).isEqualTo(0L);
            table.push(new long[0], new float[0]);
            assertThat(table.pull(new long[0])).isEmpty();
        }
    }

    /// The same pushes leave the same bits behind, with any optimizer and whichever way they go.
    @ParameterizedTest
    @MethodSource("clusters")
    void everyOptimizerDoesTheSameEverywhere(Opening opening) {
        try (Cluster reference = Cluster.embedded(1);
                Cluster cluster = opening.open();
                Weir expected = reference.connect();
                Weir actual = cluster.connect()) {
            Random random = new Random(20261122);
            for (String name : OptimizerSpec.names()) {
                TableSpec spec = TableSpec.embedding(name, 3, OptimizerSpec.parse(name))
                        .withInitialRow(new InitialRow.Normal(0, 0.1f), 5);
                expected.create(spec);
                actual.create(spec);
                assertThat(actual.describe(name))
                        .get()
                        .extracting(TableInfo::spec)
                        .isEqualTo(spec);
                float[] before = actual.table(name).pull(EXTREME_KEYS);
                for (int push = 0; push < 3; push++) {
                    float[] gradients = new float[3 * EXTREME_KEYS.length];
                    for (int i = 0; i < gradients.length; i++) {
                        gradients[i] = (float) random.nextGaussian();
                    }
                    expected.table(name).push(EXTREME_KEYS, gradients);
                    actual.table(name).push(EXTREME_KEYS, gradients);
                }
                assertThat(actual.table(name).pull(EXTREME_KEYS))
                        .as(name)
                        .containsExactly(expected.table(name).pull(EXTREME_KEYS))
                        .isNotEqualTo(before);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void aTensorWithALayerWiseOptimizerIsPushedWhole(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            int length = 200_000;
            OptimizerSpec lars = OptimizerSpec.parse("lars(rate=1,momentum=0,eta=0.5,epsilon=0)");
            weir.create(TableSpec.dense("layer", length, lars).withInitialRow(new InitialRow.Constant(2), 0));
            DenseTable layer = weir.denseTable("layer");
            float[] gradients = new float[length];
            java.util.Arrays.fill(gradients, 4);
            assertThatThrownBy(() -> layer.push(1, gradients, 0, length - 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a push carries the whole tensor")
                    .hasMessageContaining("offset=1, count=199999, length=200000");
            layer.push(0, gradients, 0, length);
            float[] values = new float[length];
            layer.pull(0, values, 0, length);
            // The step is half as long as the weights, whatever the gradient.
            for (float value : values) {
                assertThat(value).isCloseTo(1, org.assertj.core.api.Assertions.within(1e-5f));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void scansAndLoadsWholeRows(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            OptimizerSpec ftrl = OptimizerSpec.parse("ftrl(alpha=0.1,beta=1,l1=0.5,l2=1)");
            weir.create(TableSpec.embedding("t", 3, ftrl));
            long[] keys = new long[5000];
            float[] gradients = new float[15_000];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = i * 31L - 7;
            }
            for (int i = 0; i < gradients.length; i++) {
                gradients[i] = (float) Math.sin(i);
            }
            weir.table("t").push(keys, gradients);
            weir.table("t").push(keys, gradients);
            weir.create(TableSpec.embedding("copy", 3, ftrl));
            TreeMap<Long, Integer> seen = new TreeMap<>();
            weir.scan("t", batch -> {
                for (int i = 0; i < batch.count(); i++) {
                    seen.merge(batch.keys()[i], batch.pushCounts()[i], Integer::sum);
                }
                RowBatch copy = new RowBatch(batch.count(), batch.valueLength());
                System.arraycopy(batch.keys(), 0, copy.keys(), 0, batch.count());
                System.arraycopy(batch.pushCounts(), 0, copy.pushCounts(), 0, batch.count());
                System.arraycopy(batch.values(), 0, copy.values(), 0, batch.count() * batch.valueLength());
                copy.setCount(batch.count());
                weir.load("copy", copy);
            });
            assertThat(seen).hasSize(5000);
            assertThat(seen.values()).containsOnly(2);
            weir.table("t").push(keys, gradients);
            weir.table("copy").push(keys, gradients);
            assertThat(weir.table("copy").pull(keys)).isEqualTo(weir.table("t").pull(keys));
        }
    }

    /// It may have died before it was told that it began anew.
    @ParameterizedTest
    @MethodSource("clusters")
    void doesNotGoOnWithALifeThatDidNothing(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            RunOptions options = RunOptions.of("r", 0, 1);
            TableSpec spec = TableSpec.embedding("t", 1, SGD);
            Run first = weir.join(options);
            assertThat(first.isResumed()).isFalse();
            Run second = weir.join(options);
            assertThat(second.isResumed()).as("after a life that did nothing").isFalse();
            second.table(spec).push(new long[] {1}, new float[] {1});
            Run third = weir.join(options);
            assertThat(third.isResumed()).as("after one that pushed").isTrue();
            third.table(spec).push(new long[] {1}, new float[] {1});
            assertThat(third.tickAsync().join()).isTrue();
            Run fourth = weir.join(options);
            assertThat(fourth.isResumed()).as("after one that ticked").isTrue();
            assertThat(fourth.clock()).isEqualTo(1);
            fourth.close();
            Run fifth = weir.join(options);
            assertThat(fifth.isResumed()).as("after one that left").isFalse();
            Run sixth = weir.join(options);
            assertThat(sixth.isResumed())
                    .as("after one that left, and one that did nothing")
                    .isFalse();
            sixth.finish();
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void knowsWhoBelongsToARun(Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            assertThatThrownBy(() -> weir.runStatus("nobody"))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_RUN));
            Run first = weir.join(RunOptions.of("r", 0, 2));
            assertThat(weir.runStatus("r").workers())
                    .extracting(RunStatus.Worker::state)
                    .containsExactly(RunStatus.State.ACTIVE, RunStatus.State.MISSING);
            assertThatThrownBy(() -> weir.join(RunOptions.of("r", 0, 3)))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_MISMATCH));
            TableSpec spec = TableSpec.embedding("t", 1, SGD);
            Table old = first.table(spec);
            old.push(new long[] {1}, new float[] {1});
            Run again = weir.join(RunOptions.of("r", 0, 2));
            assertThat(again.generation()).isEqualTo(2);
            assertThatThrownBy(() -> old.push(new long[] {1}, new float[] {1}))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
            assertThat(again.isResumed()).isTrue();
            assertThat(again.clock()).isZero();
            again.table(spec).push(new long[] {1}, new float[] {1});
            assertThat(weir.table("t").pull(new long[] {1}))
                    .as("the step is done again, and what is there is not applied again")
                    .containsExactly(-1f);
            again.table(spec).push(new long[] {1}, new float[] {1});
            assertThat(weir.table("t").pull(new long[] {1})).containsExactly(-2f);
            assertThat(again.tickAsync().join()).isTrue();
            again.finish();
            Run second = weir.join(RunOptions.of("r", 1, 2));
            second.close();
            assertThat(weir.runStatus("r").workers())
                    .extracting(RunStatus.Worker::state)
                    .containsExactly(RunStatus.State.FINISHED, RunStatus.State.LEFT);
            weir.join(RunOptions.of("r", 1, 2)).finish();
            assertThat(weir.runStatus("r").isFinished()).isTrue();
            assertThatThrownBy(() -> weir.join(RunOptions.of("r", 0, 2)))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_FINISHED));
            weir.join(new RunOptions(RunSpec.of("r", 2), 0, true)).close();
            first.close();
        }
    }
}
