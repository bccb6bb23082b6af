package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.PortionLoop.Workplace;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// What a worker waits for, on servers that answer only when somebody waits.
class DownpourLoopTest {
    private final List<String> events = new ArrayList<>();
    private final LogisticRegression model =
            new LogisticRegression(TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd(rate=0.3)")), true, false);

    private final PortionLoop.Ledger ledger = new PortionLoop.Ledger() {
        @Override
        public boolean isStopped() {
            return false;
        }

        @Override
        public void pulled(long tookNs) {}

        @Override
        public void pushed(long tookNs) {}

        @Override
        public void trained(int pass, PortionLoop.Tally tally) {
            events.add("trained on " + tally.examples);
        }

        @Override
        public void pause(long tookNs) {
            events.add("batch");
        }
    };

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /// Fetches, or else pushes, are answered at once; the others when somebody waits, the oldest first.
    private boolean fetchesAreSlow;

    private final Deque<CompletableFuture<Boolean>> unanswered = new ArrayDeque<>();

    private final Table table = proxy(Table.class, (self, method, arguments) -> switch (method.getName()) {
        case "pullAsync" -> begun("fetch " + keys(arguments), fetchesAreSlow);
        case "pushAsync" -> begun("push " + keys(arguments), !fetchesAreSlow);
        case "compressed" -> self;
        default -> throw new UnsupportedOperationException(method.getName());
    });

    private final Run run = proxy(Run.class, (self, method, arguments) -> switch (method.getName()) {
        case "table" -> table;
        case "await" -> await((CompletableFuture<?>) arguments[0]);
        case "worker" -> 0;
        default -> throw new UnsupportedOperationException(method.getName());
    });

    private static String keys(Object[] arguments) {
        return Arrays.toString((long[]) arguments[0]);
    }

    private CompletableFuture<Boolean> begun(String what, boolean slow) {
        CompletableFuture<Boolean> future = new CompletableFuture<>();
        events.add(what);
        if (slow) {
            unanswered.add(future);
        } else {
            future.complete(true);
        }
        return future;
    }

    private Object await(CompletableFuture<?> awaited) {
        if (!awaited.isDone()) {
            events.add("wait");
            while (!awaited.isDone()) {
                unanswered.removeFirst().complete(true);
            }
        }
        return true;
    }

    private Portion portion(long position) {
        return proxy(Portion.class, (self, method, arguments) -> switch (method.getName()) {
            case "index" -> 0;
            case "position" -> position;
            case "table" -> table;
            case "tickAsync" -> begun(Boolean.TRUE.equals(arguments[0]) ? "last tick" : "tick", !fetchesAreSlow);
            default -> throw new UnsupportedOperationException(method.getName());
        });
    }

    private static List<String> events(String lines) {
        return Arrays.asList(lines.strip().split("; |\\n", -1));
    }

    /// Trains on `batches` batches of one example each, whose one key is its number from 1, from each of these
    /// positions.
    private List<String> trained(int batches, Downpour algorithm, long... positions) {
        Weir weir = proxy(Weir.class, (self, method, arguments) -> {
            throw new UnsupportedOperationException(method.getName());
        });
        TrainingConfig config = TrainingConfig.of("t").withBatch(1).withAlgorithm(algorithm);
        Workplace place = new Workplace(
                weir,
                run,
                List.of(new TableInfo(1, model.table(), 0, 0, 0)),
                SynchronousTrainingTest.uniqueKeys(batches),
                model,
                config,
                new PortionPlan(1, false, 1),
                ledger);
        PortionLoop loop = PortionLoop.of(place, null);
        loop.begin();
        for (long position : positions) {
            loop.train(portion(position));
        }
        return events;
    }

    @Test
    void waitsForAFetchWhenItHasNoCopyOrTheNextFetchIsDue() {
        fetchesAreSlow = true;
        assertThat(trained(7, Downpour.of(2, 100, 0), 0)).isEqualTo(events("""
                fetch [1, 2, 3, 4]; wait; batch; batch
                fetch [5, 6]; batch; batch
                wait; fetch [7]; batch; batch
                wait; batch; push [1, 2, 3, 4, 5, 6, 7]; last tick; trained on 7
                """));
    }

    /// Others have pushed meanwhile.
    @Test
    void fetchesTheRowsOfAPortionsFirstLegAgainThoughItHasThem() {
        fetchesAreSlow = true;
        assertThat(trained(3, Downpour.of(2, 100, 0), 0, 0)).isEqualTo(events("""
                fetch [1, 2, 3]; wait; batch; batch; batch; push [1, 2, 3]; last tick; trained on 3
                fetch [1, 2, 3]; wait; batch; batch; batch; push [1, 2, 3]; last tick; trained on 3
                """));
    }

    @Test
    void waitsForPushesBeyondThoseThatMayBeAheadAndAtTheEndOfAPortion() {
        assertThat(trained(7, new Downpour(100, 2, 0, 0, 2), 0)).isEqualTo(events("""
                fetch [1, 2, 3, 4, 5, 6, 7]
                batch; batch; push [1, 2]; tick; trained on 2
                batch; batch; push [3, 4]; tick; trained on 2
                batch; batch; wait; push [5, 6]; tick; trained on 2
                batch; wait; push [7]; last tick; trained on 1
                wait; wait
                """));
    }

    @Test
    void redoesWhatWasNotPushedOfAPortion() {
        assertThat(trained(7, new Downpour(100, 2, 0, 0, 2), 2)).isEqualTo(events("""
                fetch [5, 6, 7]
                batch; batch; push [5, 6]; tick; trained on 2
                batch; push [7]; last tick; trained on 1
                wait; wait
                """));
    }

    @Test
    void ticksAPortionThatHasNothingLeftToItsEnd() {
        fetchesAreSlow = true;
        assertThat(trained(7, Downpour.of(2, 2, 0), 4)).isEqualTo(events("last tick"));
    }

    /// A copy of 64 rows, of tables of 300.
    @Test
    void aSmallCopyChangesNothingInTheModelOfOneWorker() {
        CtrGenerator clicks = new CtrGenerator(1500, 300, 6, 17);
        TrainingConfig config = TrainingConfig.of("t").withBatch(5);
        String expected = trained(clicks, config, place -> new StepwiseLoop(place, null));
        Downpour algorithm = Downpour.of(1, 1, 0.3f);
        for (int mostFloats : new int[] {1, 64, 1000}) {
            String hash = trained(
                    clicks, config.withAlgorithm(algorithm), place -> new DownpourLoop(place, algorithm, mostFloats));
            assertThat(hash).as("a copy of %d", mostFloats).isEqualTo(expected);
        }
    }

    private String trained(CtrGenerator clicks, TrainingConfig config, Function<Workplace, PortionLoop> newLoop) {
        try (EmbeddedServer server = EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(3).withMemoryCapBytes(64 << 20));
                Weir weir = server.connect()) {
            PortionPlan plan = PortionPlan.of(clicks.source().byteCount(), config);
            try (Run joined = weir.join(new RunOptions(config.runSpec(plan, true), 0, false))) {
                Table _ = joined.table(model.table());
                PortionLoop loop = newLoop.apply(new Workplace(
                        weir,
                        joined,
                        List.of(weir.describe("t").orElseThrow()),
                        clicks.source(),
                        model,
                        config,
                        plan,
                        ledger));
                Optional<Portion> taken = joined.nextPortion();
                while (taken.isPresent()) {
                    loop.train(taken.get());
                    taken = joined.nextPortion();
                }
                joined.finish();
            }
            return ModelHash.of(weir, "t").toString();
        }
    }
}
