package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.ClientConfig;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.client.internal.Pulse;
import io.weir.client.internal.WeirClient;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Receipts through a [SimulatedNetwork]: real clients, real frames and real shards, one thread, one seed.
///
/// Each push adds 1 to receipts of its own, which lie on several shards, to its worker's row, and to a row that all
/// workers share. In the end every acknowledged push has left exactly one receipt in each place; one that was refused
/// for memory has left it on those shards that took it, and nowhere twice.
class StreamSimulationTest {
    private static final int SEEDS = 300;
    private static final int PUSHES = 60;
    private static final TableSpec SPEC = TableSpec.embedding("receipts", 1, OptimizerSpec.parse("sgd(rate=1)"));
    private static final long SHARED = -1;

    @Test
    void appliesEveryAcknowledgedPushExactlyOnce() {
        long applied = 0;
        long cuts = 0;
        long gaps = 0;
        long lateFrames = 0;
        long resumed = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            SimulatedNetwork network = null;
            try {
                Random random = new Random(seed);
                network = new SimulatedNetwork(random, 1 + random.nextInt(3), 1 + random.nextInt(3));
                Play play = new Play(random, network);
                play.run();
                resumed += play.resumed;
                applied += network.applied();
                cuts += network.cuts();
                gaps += network.gaps();
                lateFrames += network.lateFrames();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed=" + seed, e);
            } finally {
                if (network != null) {
                    network.close();
                }
            }
        }
        // What is to be survived must have happened.
        assertThat(applied).isGreaterThan(SEEDS * 100L);
        assertThat(cuts).isGreaterThan(SEEDS);
        assertThat(gaps).isGreaterThan(SEEDS);
        assertThat(lateFrames).isGreaterThan(SEEDS);
        assertThat(resumed).as("calls made again by later lives").isGreaterThan(SEEDS);
    }

    /// A push, and what came of each time that a life of its worker made it.
    private record Push(int worker, long[] receipts, List<CompletableFuture<Void>> results) {
        boolean isAnswered() {
            return results.stream().allMatch(CompletableFuture::isDone);
        }

        boolean isAcknowledged() {
            return results.stream().anyMatch(result -> !result.isCompletedExceptionally());
        }
    }

    /// What a worker has done since it began: its pushes, and null for each tick.
    private static final class History {
        final long beginning;
        final List<@Nullable Push> calls = new ArrayList<>();

        History(long beginning) {
            this.beginning = beginning;
        }

        /// What follows the tick that led to this clock.
        List<@Nullable Push> since(long clock) {
            int from = 0;
            for (long at = beginning; at < clock; from++) {
                at += calls.get(from) == null ? 1 : 0;
            }
            return new ArrayList<>(calls.subList(from, calls.size()));
        }
    }

    /// No signs of life: time does not pass here.
    private static final class NoPulse implements Pulse {
        @Override
        public Beating every(int periodMs, Runnable beat) {
            return () -> {};
        }

        @Override
        public void close() {}
    }

    private static final class Play {
        private final Random random;
        private final SimulatedNetwork network;
        private final List<Push> pushes = new ArrayList<>();
        private long nextReceipt = 1000;
        private int resumed;

        Play(Random random, SimulatedNetwork network) {
            this.random = random;
            this.network = network;
        }

        void run() {
            ClientConfig config = ClientConfig.defaults().withMaxInFlight(1 + random.nextInt(100));
            Weir weir = new WeirClient(config, network::connect, new NoPulse(), random::nextLong);
            weir.create(SPEC);
            int workers = 1 + random.nextInt(3);
            List<Run> runs = new ArrayList<>();
            List<Table> tables = new ArrayList<>();
            List<History> histories = new ArrayList<>();
            for (int worker = 0; worker < workers; worker++) {
                runs.add(weir.join(RunOptions.of("run", worker, workers)));
                tables.add(runs.get(worker).table(SPEC));
                histories.add(new History(runs.get(worker).clock()));
            }
            for (int i = 0; i < PUSHES; i++) {
                int worker = random.nextInt(workers);
                histories.get(worker).calls.add(push(worker, tables.get(worker)));
                if (random.nextInt(5) == 0) {
                    runs.get(worker).tick();
                    histories.get(worker).calls.add(null);
                }
                for (int j = random.nextInt(30); j > 0; j--) {
                    network.step();
                }
                if (random.nextInt(20) == 0) {
                    Run run = again(weir, runs.get(worker));
                    runs.set(worker, run);
                    tables.set(worker, run.table(SPEC));
                    if (run.isResumed()) {
                        resumed += redo(
                                run, tables.get(worker), histories.get(worker).since(run.clock()));
                    } else {
                        histories.set(worker, new History(run.clock()));
                    }
                }
            }
            network.calmDown();
            for (int steps = 0; !pushes.stream().allMatch(Push::isAnswered); steps++) {
                assertThat(steps).as("steps until every push is answered").isLessThan(200_000);
                network.step();
            }
            check(weir, workers);
            runs.forEach(Run::finish);
            assertThat(weir.runStatus("run").isFinished()).isTrue();
        }

        /// The worker starts anew: after a proper end, or while its former life still has pushes under way.
        private Run again(Weir weir, Run old) {
            if (random.nextBoolean()) {
                old.close();
            }
            Run run = weir.join(RunOptions.of("run", old.worker(), old.workerCount()));
            assertThat(run.generation()).isEqualTo(old.generation() + 1);
            return run;
        }

        /// The calls of the step that the last life may have done in part, in the same order.
        private int redo(Run run, Table table, List<@Nullable Push> calls) {
            for (Push push : calls) {
                if (push == null) {
                    run.tick();
                } else {
                    push.results().add(push(push.worker(), table, push.receipts()));
                }
            }
            return calls.size();
        }

        private Push push(int worker, Table table) {
            long[] receipts = new long[1 + random.nextInt(5)];
            Arrays.setAll(receipts, i -> nextReceipt++);
            Push push = new Push(worker, receipts, new ArrayList<>());
            pushes.add(push);
            push.results().add(push(worker, table, receipts));
            return push;
        }

        private CompletableFuture<Void> push(int worker, Table table, long[] receipts) {
            long[] keys = Arrays.copyOf(receipts, receipts.length + 2);
            keys[receipts.length] = SHARED;
            keys[receipts.length + 1] = worker;
            float[] ones = new float[keys.length];
            Arrays.fill(ones, 1);
            return switch (random.nextInt(4)) {
                case 0 -> table.pushPullAsync(keys, ones, new float[keys.length]);
                case 1 -> blocking(() -> table.push(keys, ones));
                case 2 ->
                    blocking(() -> {
                        float[] rows = new float[keys.length];
                        table.pushPull(keys, ones, rows);
                        for (int i = 0; i < receipts.length; i++) {
                            assertThat(rows[i])
                                    .as("a worker reads its own acknowledged push")
                                    .isEqualTo(-1);
                        }
                    });
                default -> table.pushAsync(keys, ones);
            };
        }

        private static CompletableFuture<Void> blocking(Runnable push) {
            try {
                push.run();
                return CompletableFuture.completedFuture(null);
            } catch (WeirException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        private void check(Weir weir, int workers) {
            Table table = weir.table(SPEC.name());
            float[] atLeast = new float[workers];
            float[] atMost = new float[workers];
            for (Push push : pushes) {
                float[] rows = table.pull(push.receipts());
                if (!push.isAcknowledged()) {
                    assertThat(push.results())
                            .allSatisfy(result -> assertThat(result.exceptionNow())
                                    .isInstanceOfSatisfying(
                                            WeirException.class,
                                            e -> assertThat(e.code())
                                                    .isIn(
                                                            ErrorCode.MEMORY_EXCEEDED,
                                                            ErrorCode.REJECTED,
                                                            ErrorCode.FENCED,
                                                            ErrorCode.UNKNOWN_WORKER)));
                    for (float row : rows) {
                        assertThat(row).isIn(0f, -1f);
                    }
                } else {
                    assertThat(rows).containsOnly(-1f);
                    atLeast[push.worker()]++;
                }
                atMost[push.worker()]++;
            }
            float[] own = table.pull(new long[] {SHARED, 0, 1, 2});
            float sum = 0;
            for (int worker = 0; worker < workers; worker++) {
                assertThat(-own[worker + 1]).isBetween(atLeast[worker], atMost[worker]);
                sum += atLeast[worker];
            }
            assertThat(-own[0]).isBetween(sum, (float) pushes.size());
        }
    }
}
