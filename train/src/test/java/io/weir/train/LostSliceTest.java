package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.server.ServerConfig;
import io.weir.train.ExampleSource.Share;
import io.weir.train.TrainingConfig.Membership;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What becomes of a sliced replica when one of its workers is lost. Each worker has a connection of its own, as if it
/// were a process.
class LostSliceTest {
    private static final long PATIENCE_SECONDS = 60;

    private final DenseExamples examples = new DenseExamples(200, 5, 3, 1);
    private final Perceptron model =
            new Perceptron("m", List.of(5, 40, 3), Activation.TANH, 0.2, OptimizerSpec.parse("adam(rate=0.01)"), 3);

    private static TrainingConfig config(Consistency consistency, Duration silence, int workers, int process) {
        return TrainingConfig.of("m")
                .withMembership(new Membership(consistency, 0, silence, true))
                .withShare(new Share(process, workers))
                .withWorkers(1, 2)
                .withBatch(20);
    }

    /// A worker whose client stops at its n-th call, for good, unless it is let go on into an error.
    private static final class Stopping {
        final CountDownLatch stopped = new CountDownLatch(1);
        final CountDownLatch ended = new CountDownLatch(1);
        final AtomicInteger calls = new AtomicInteger();
        final int last;

        Stopping(int last) {
            this.last = last;
        }

        <T> T wrap(Class<T> type, T target) {
            return type.cast(
                    Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, new Wrapped(this, target)));
        }

        private @Nullable Object call(Object target, Method method, Object @Nullable [] args) throws Throwable {
            if (calls.incrementAndGet() == last && !method.getName().equals("close")) {
                stopped.countDown();
                ended.await();
                throw new IllegalStateException("lost");
            }
            Object result;
            try {
                result = method.invoke(target, unwrapped(args));
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            return switch (result) {
                case Run run -> wrap(Run.class, run);
                case DenseTable table -> wrap(DenseTable.class, table);
                case Optional<?> optional
                when optional.isPresent() && optional.get() instanceof Portion portion ->
                    Optional.of(wrap(Portion.class, portion));
                case null, default -> result;
            };
        }
    }

    /// What a proxy stands for.
    private record Wrapped(Stopping stopping, Object target) implements InvocationHandler {
        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] args) throws Throwable {
            return stopping.call(target, method, args);
        }
    }

    /// The client takes only what is its own.
    private static Object @Nullable [] unwrapped(Object @Nullable [] args) {
        return args == null
                ? null
                : Arrays.stream(args)
                        .map(arg -> arg != null
                                        && Proxy.isProxyClass(arg.getClass())
                                        && Proxy.getInvocationHandler(arg) instanceof Wrapped wrapped
                                ? wrapped.target()
                                : arg)
                        .toArray();
    }

    private FutureTask<TrainingResult> start(Weir weir, TrainingConfig config) {
        FutureTask<TrainingResult> task =
                new FutureTask<>(() -> Trainer.train(weir, examples, model, config, ProgressListener.NONE));
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private record Outcome(String hash, List<Integer> pushes) {}

    private Outcome outcome(Weir weir) {
        List<Integer> pushes = new ArrayList<>();
        for (TableSpec table : model.tables()) {
            weir.scan(table.name(), rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    pushes.add(rows.pushCounts()[i]);
                }
            });
        }
        return new Outcome(ModelHash.of(weir, model.tables()).toString(), pushes);
    }

    private Outcome undisturbed(Consistency consistency) {
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                Weir weir = server.connect()) {
            TrainingConfig config =
                    config(consistency, Duration.ofSeconds(10), 1, 0).withWorkers(2, 2);
            Trainer.train(weir, examples, model, config, ProgressListener.NONE);
            return outcome(weir);
        }
    }

    /// Wherever a worker stops, its next life goes on there: in a synchronous run to the same bits.
    @ParameterizedTest
    @CsvSource({"bsp,0", "bsp,1", "asp,0", "asp,1", "ssp:1,1"})
    void goesOnInItsNextLifeWhereverAWorkerIsLost(String consistency, int lost) throws Exception {
        Consistency kind = Consistency.parse(consistency);
        Outcome expected = undisturbed(kind);
        int batches = expected.pushes.getFirst();
        assertThat(expected.pushes).containsOnly(batches);
        boolean more = true;
        for (int call = 1; more; call += call < 25 ? 1 : 7) {
            try (EmbeddedServer server =
                            EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                    Weir other = server.connect();
                    Weir first = server.connect();
                    Weir second = server.connect()) {
                Stopping stopping = new Stopping(call);
                FutureTask<TrainingResult> sibling = start(other, config(kind, Duration.ofSeconds(20), 2, 1 - lost));
                TrainingConfig config = config(kind, Duration.ofSeconds(20), 2, lost);
                FutureTask<TrainingResult> before = start(stopping.wrap(Weir.class, first), config);
                while (!before.isDone() && !stopping.stopped.await(10, TimeUnit.MILLISECONDS)) {
                    assertThat(stopping.calls.get()).as("calls").isLessThan(10_000);
                }
                more = !before.isDone();
                if (more) {
                    start(second, config).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                }
                sibling.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                Outcome outcome = outcome(other);
                if (kind instanceof Consistency.Bsp) {
                    assertThat(outcome).as("lost at call " + call).isEqualTo(expected);
                } else {
                    assertThat(outcome.pushes).as("lost at call " + call).containsOnly(batches);
                }
                stopping.ended.countDown();
            }
        }
    }

    /// A worker that is given up takes its replica out of the run. When it comes back, the replica goes on, and every
    /// gradient is there once, of each piece.
    @ParameterizedTest
    @CsvSource({"bsp,0", "bsp,1", "asp,0", "asp,1", "ssp:1,0"})
    void meetsAgainAfterAWorkerWasGivenUp(String consistency, int lost) throws Exception {
        Consistency kind = Consistency.parse(consistency);
        int batches = undisturbed(kind).pushes.getFirst();
        for (int call = 4; call < 90; call += call < 20 ? 3 : 9) {
            try (EmbeddedServer server =
                            EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                    Weir other = server.connect();
                    Weir first = server.connect();
                    Weir second = server.connect()) {
                Stopping stopping = new Stopping(call);
                Duration silence = Duration.ofSeconds(20);
                FutureTask<TrainingResult> sibling = start(other, config(kind, silence, 2, 1 - lost));
                TrainingConfig config = config(kind, silence, 2, lost);
                FutureTask<TrainingResult> before = start(stopping.wrap(Weir.class, first), config);
                assertThat(stopping.stopped.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .isTrue();
                // It fails, and so leaves its runs.
                stopping.ended.countDown();
                assertThatThrownBy(() -> before.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .hasRootCauseMessage("lost");
                start(second, config).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                sibling.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                assertThat(outcome(other).pushes).as("lost at call " + call).containsOnly(batches);
            }
        }
    }

    /// The portion of a replica that misses a worker for good goes to others, with what its slices have done of it.
    @ParameterizedTest
    @CsvSource({"bsp,3", "bsp,2", "asp,3", "ssp:2,2"})
    void leavesItsPortionsToOtherReplicasWhenAWorkerIsLostForGood(String consistency, int lost) throws Exception {
        Consistency kind = Consistency.parse(consistency);
        int batches = undisturbed(kind).pushes.getFirst();
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                Weir weir = server.connect()) {
            Stopping stopping = new Stopping(40);
            List<FutureTask<TrainingResult>> tasks = new ArrayList<>();
            for (int process = 0; process < 4; process++) {
                Weir own = process == lost ? stopping.wrap(Weir.class, weir) : weir;
                tasks.add(start(own, config(kind, Duration.ofSeconds(20), 4, process)));
            }
            assertThat(stopping.stopped.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            stopping.ended.countDown();
            for (int process = 0; process < 4; process++) {
                FutureTask<TrainingResult> task = tasks.get(process);
                if (process == lost) {
                    assertThatThrownBy(() -> task.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .hasRootCauseMessage("lost");
                } else {
                    task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                }
            }
            assertThat(outcome(weir).pushes).containsOnly(batches);
            assertThat(weir.tables().stream().map(table -> table.spec().name()))
                    .as("what replicas said to each other is forgotten")
                    .noneMatch(table -> table.startsWith(ReplicaExchange.prefix("m")));
        }
    }

    /// Other replicas drop the tables of all when they have done the last portion. A slice that does not know yet that
    /// it is out then finds none.
    @ParameterizedTest
    @ValueSource(ints = {30, 40, 50})
    void comesBackWhenTheTablesOfItsExchangeAreGone(int call) throws Exception {
        int batches = undisturbed(Consistency.asp()).pushes.getFirst();
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                Weir weir = server.connect()) {
            Stopping stopping = new Stopping(call);
            Duration silence = Duration.ofSeconds(20);
            FutureTask<TrainingResult> sibling = start(weir, config(Consistency.asp(), silence, 2, 0));
            TrainingConfig config = config(Consistency.asp(), silence, 2, 1);
            FutureTask<TrainingResult> lost = start(stopping.wrap(Weir.class, weir), config);
            assertThat(stopping.stopped.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            ReplicaExchange.dropTables(weir, "m");
            stopping.ended.countDown();
            assertThatThrownBy(() -> lost.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .hasRootCauseMessage("lost");
            FutureTask<TrainingResult> next = start(weir, config);
            sibling.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            next.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertThat(outcome(weir).pushes).containsOnly(batches);
        }
    }

    @Test
    void givesUpAReplicaThatMissesAWorkerForTooLong() throws Exception {
        try (EmbeddedServer server = EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                Weir weir = server.connect()) {
            Stopping stopping = new Stopping(40);
            Duration silence = Duration.ofMillis(300);
            FutureTask<TrainingResult> lost =
                    start(stopping.wrap(Weir.class, weir), config(Consistency.bsp(), silence, 2, 1));
            FutureTask<TrainingResult> sibling = start(weir, config(Consistency.bsp(), silence, 2, 0));
            assertThat(stopping.stopped.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            stopping.ended.countDown();
            assertThatThrownBy(() -> lost.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .hasRootCauseMessage("lost");
            assertThatThrownBy(() -> sibling.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_MISMATCH))
                    .hasMessageContaining("a replica trains when all its workers are there")
                    .hasMessageContaining("gone=[1]");
        }
    }
}
