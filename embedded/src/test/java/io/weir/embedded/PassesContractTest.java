package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Runs in passes through real clients: a portion's part counts once, whoever makes it, loses, or dies over it.
class PassesContractTest {
    private static final int LENGTH = 200;

    /// Blocks on every shard.
    private static final TableSpec SUMS =
            new TableSpec("sums", new TableShape.Dense(LENGTH, 16), new OptimizerSpec.Add(), new InitialRow.Zero(), 0);

    static Stream<Named<Supplier<Cluster>>> clusters() {
        return Stream.of(
                Named.of("embedded, 4 shards", () -> Cluster.embedded(4)),
                Named.of("TCP, 2 servers, 2 shards each", () -> Cluster.tcp(2, 2)));
    }

    private static Run join(Weir weir, int worker, int portions) {
        return weir.join(new RunOptions(RunSpec.of("passes", 3).withPasses(portions, 2), worker, false));
    }

    /// What a coordinator and two workers do.
    private interface Parts {
        void of(Run coordinator, Run first, Run second);
    }

    /// Lets worker 0 coordinate passes over one portion, which workers 1 and 2 work on.
    private static void withTwoWorkers(Supplier<Cluster> opening, Parts parts) {
        try (Cluster cluster = opening.get();
                Weir weir = cluster.connect();
                Run coordinator = join(weir, 0, 1);
                Run first = join(weir, 1, 1);
                Run second = join(weir, 2, 1)) {
            parts.of(coordinator, first, second);
        }
    }

    private static float[] all(float value) {
        float[] values = new float[LENGTH];
        Arrays.fill(values, value);
        return values;
    }

    private static float[] sums(Run run) {
        float[] values = new float[LENGTH];
        run.denseTable(SUMS).pull(values);
        return values;
    }

    private static void push(Portion portion, float value) {
        DenseTable table = portion.denseTable(SUMS);
        table.push(all(value));
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void theFirstToClaimCountsAndTheOtherLoses(Supplier<Cluster> opening) {
        withTwoWorkers(opening, (coordinator, slow, fast) -> {
            CompletableFuture<List<List<Double>>> done = coordinator.passAsync(7, 0.5);
            Portion first = slow.nextPortion().orElseThrow();
            Portion copy = fast.nextPortion().orElseThrow();
            assertThat(copy.index()).isEqualTo(first.index()).isZero();
            assertThat(copy.position()).isZero();
            assertThat(copy.arguments()).containsExactly(7.0, 0.5);
            assertThat(copy.claim()).isTrue();
            assertThat(first.claim()).as("a later holder has opened it").isFalse();
            push(copy, 1);
            copy.finish(10);
            first.finish(99);
            CompletableFuture<Optional<Portion>> fastNext = fast.nextPortionAsync();
            assertThat(done.join()).containsExactly(List.of(10.0));
            CompletableFuture<Optional<Portion>> slowNext = slow.nextPortionAsync();
            assertThat(sums(coordinator)).containsOnly(1f);
            coordinator.endPasses();
            assertThat(fastNext.join()).isEmpty();
            assertThat(slowNext.join()).isEmpty();
        });
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void whoComesAfterTheOtherPushesNothing(Supplier<Cluster> opening) {
        withTwoWorkers(opening, (coordinator, fast, slow) -> {
            CompletableFuture<Optional<Portion>> asked = fast.nextPortionAsync();
            for (int pass = 0; pass < 3; pass++) {
                CompletableFuture<List<List<Double>>> done = coordinator.passAsync();
                Portion first = asked.join().orElseThrow();
                Portion copy = slow.nextPortion().orElseThrow();
                assertThat(first.position()).isEqualTo(pass);
                assertThat(first.claim()).isTrue();
                push(first, 1);
                first.finish(pass);
                asked = fast.nextPortionAsync();
                assertThat(done.join()).containsExactly(List.of((double) pass));
                assertThat(copy.claim())
                        .as("its generation is the later one, but the part is there")
                        .isFalse();
                copy.finish(99);
                assertThat(sums(coordinator)).containsOnly(pass + 1f);
            }
        });
    }

    /// The part reaches no shard, some, or all of them, and its worker dies: the other one completes it.
    @ParameterizedTest
    @MethodSource("clusters")
    void aCopyCompletesWhatADeadWorkerLeft(Supplier<Cluster> opening) {
        withTwoWorkers(opening, (coordinator, dies, lives) -> {
            CompletableFuture<List<List<Double>>> done = coordinator.passAsync();
            Portion first = dies.nextPortion().orElseThrow();
            assertThat(first.claim()).isTrue();
            // Half of the tensor is on half of the shards.
            first.denseTable(SUMS).push(0, all(1), 0, LENGTH / 2);
            Portion copy = lives.nextPortion().orElseThrow();
            assertThat(copy.claim()).isTrue();
            assertThatThrownBy(() -> first.denseTable(SUMS).push(LENGTH / 2, all(1), 0, LENGTH / 2))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
            DenseTable table = copy.denseTable(SUMS);
            table.push(0, all(1), 0, LENGTH / 2);
            table.push(LENGTH / 2, all(1), 0, LENGTH / 2);
            copy.finish(1);
            CompletableFuture<Optional<Portion>> unused = lives.nextPortionAsync();
            assertThat(done.join()).containsExactly(List.of(1.0));
            assertThat(sums(coordinator)).containsOnly(1f);
            first.finish(99);
            CompletableFuture<Optional<Portion>> unusedToo = dies.nextPortionAsync();
        });
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void manyWorkersDoManyPasses(Supplier<Cluster> opening) throws Exception {
        int portions = 17;
        int passes = 20;
        try (Cluster cluster = opening.get();
                Weir weir = cluster.connect();
                Run coordinator = join(weir, 0, portions)) {
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            for (int worker = 1; worker <= 2; worker++) {
                int index = worker;
                Thread thread = new Thread(() -> {
                    try (Run run = join(weir, index, portions)) {
                        Optional<Portion> next = run.nextPortion();
                        while (next.isPresent()) {
                            Portion portion = next.get();
                            if (portion.claim()) {
                                try {
                                    push(portion, 1 + portion.index());
                                } catch (WeirException e) {
                                    assertThat(e.code()).isEqualTo(ErrorCode.FENCED);
                                }
                            }
                            portion.finish(portion.index() * portion.arguments().getFirst());
                            next = run.nextPortion();
                        }
                        run.finish();
                    } catch (Throwable t) {
                        failures.add(t);
                    }
                });
                threads.add(thread);
                thread.start();
            }
            float expected = 0;
            for (int pass = 0; pass < passes; pass++) {
                List<List<Double>> results = coordinator.pass(pass);
                for (int i = 0; i < portions; i++) {
                    assertThat(results.get(i)).containsExactly((double) i * pass);
                }
                expected += portions * (portions + 1) / 2f;
                assertThat(sums(coordinator)).as("pass %s", pass).containsOnly(expected);
            }
            coordinator.endPasses();
            for (Thread thread : threads) {
                thread.join(20_000);
                assertThat(thread.isAlive()).isFalse();
            }
            assertThat(failures).isEmpty();
            coordinator.finish();
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void refusesWhatMakesNoSense(Supplier<Cluster> opening) {
        try (Cluster cluster = opening.get();
                Weir weir = cluster.connect();
                Run coordinator = join(weir, 0, 1);
                Run worker = join(weir, 1, 1)) {
            assertThatThrownBy(() -> coordinator.pass(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
            CompletableFuture<List<List<Double>>> done = coordinator.passAsync();
            Portion portion = worker.nextPortion().orElseThrow();
            assertThatThrownBy(() -> portion.denseTable(SUMS))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("claimed before its tables are used");
            assertThatThrownBy(() -> portion.tick(true)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> portion.finish(1)).isInstanceOf(IllegalStateException.class);
            assertThat(portion.claim()).isTrue();
            assertThatThrownBy(portion::claim).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> portion.finish(Double.POSITIVE_INFINITY))
                    .isInstanceOf(IllegalArgumentException.class);
            portion.finish();
            CompletableFuture<Optional<Portion>> unused = worker.nextPortionAsync();
            assertThat(done.join()).containsExactly(List.of());
            assertThatThrownBy(() -> RunSpec.of("r", 1).withPasses(0, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> RunSpec.of("r", 1).withPasses(1, 17)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(
                            () -> RunSpec.of("r", 1).withPasses(3, 1).withConsistency(io.weir.model.Consistency.bsp()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a run in passes is asp");
        }
    }
}
