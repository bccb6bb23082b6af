package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `--algorithm sandblaster` of `weir train lr` and `weir train softmax`.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SandblasterCommandTest {
    @TempDir
    Path folder = Path.of("");

    private String data = "";

    @BeforeEach
    void write() throws IOException {
        SplittableRandom random = new SplittableRandom(47);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 3000; i++) {
            StringBuilder features = new StringBuilder();
            double margin = 0;
            for (int key = 1; key <= 20; key++) {
                if (random.nextInt(3) == 0) {
                    margin += Math.cos(key);
                    features.append(' ').append(key).append(":1");
                }
            }
            text.append(random.nextDouble() < 1 / (1 + Math.exp(-margin)) ? 1 : 0)
                    .append(features)
                    .append('\n');
        }
        data = Files.writeString(folder.resolve("data.svm"), text).toString();
    }

    private Ran train(String model, String... options) {
        List<String> args = new ArrayList<>(List.of("train", model, "--data", data, "-q"));
        args.addAll(List.of("--algorithm", "sandblaster"));
        args.addAll(List.of(options));
        return Ran.weir(args.toArray(String[]::new));
    }

    @Test
    void printsTheObjectiveBesideWhatEveryTrainingPrints() {
        Ran one = train("lr", "--json", "--workers", "1", "--shards", "1", "--test", data);
        assertThat(one.exitCode()).as(one.err()).isZero();
        assertThat(one.json().whole("dataPasses")).isBetween(3L, 60L);
        assertThat(one.json().real("gradientNorm")).isLessThan(0.01);
        assertThat(one.json().real("objective")).isBetween(500.0, 2079.0);
        assertThat(one.out())
                .contains("\"algorithm\":\"sandblaster\"")
                .contains("\"converged\":true")
                .contains("\"examples\":")
                .contains("\"auc\":");
        Ran four = train("lr", "--json", "--workers", "4", "--l2-c", "1");
        assertThat(four.json().real("objective")).isEqualTo(one.json().real("objective"));
        assertThat(four.json().real("gradientNorm")).isEqualTo(one.json().real("gradientNorm"));
    }

    @Test
    void trainsSoftmaxWithAbsoluteValues() {
        Ran ran = train("softmax", "--l1-c", "0.1", "--passes", "40", "--history", "10", "--no-bias");
        assertThat(ran.exitCode()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("objective").contains("gradient norm");
    }

    @Test
    void trainsInProcesses() {
        Ran one = train("lr", "--json", "--passes", "6", "--tolerance", "0");
        Ran processes =
                train("lr", "--json", "--passes", "6", "--tolerance", "0", "--processes", "2", "--workers", "1");
        assertThat(processes.exitCode()).as(processes.err()).isZero();
        assertThat(processes.json().real("objective")).isEqualTo(one.json().real("objective"));
        assertThat(processes.json().whole("dataPasses")).isEqualTo(6);
    }

    /// A process that is not the run's first has workers and no coordinator.
    @Test
    void leavesOutWhatAProcessWithoutTheCoordinatorDoesNotKnow() throws IOException {
        for (boolean json : new boolean[] {false, true}) {
            try (TestServer server = TestServer.start(2);
                    Weir weir = Weir.connect(server.address())) {
                List<String> options = new ArrayList<>(List.of("train", "lr", "--data", data, "--workers", "1"));
                options.addAll(List.of("--algorithm", "sandblaster", "--passes", "6", "--tolerance", "0"));
                options.addAll(List.of("--servers", server.address(), "--run", "lr", "--worker-count", "2"));
                // The worker of the first process is slow, so that there is something to do for the other.
                options.addAll(List.of("--straggler", "20x:1"));
                if (json) {
                    options.add("--json");
                }
                CompletableFuture<Ran> other = CompletableFuture.supplyAsync(() -> process(options, 1));
                TestProcesses.await(
                        weir,
                        "lr",
                        "the other process there",
                        status -> status.workers().get(2).state() == State.ACTIVE);
                Ran first = process(options, 0);
                Ran second = other.join();
                assertThat(first.exitCode()).as(first.err()).isZero();
                assertThat(second.exitCode()).as(second.err()).isZero();
                assertThat(first.err()).contains("pass 6/6  ", " examples  ", "logloss 0.");
                assertThat(second.err()).contains(" examples  ").doesNotContain("pass", "logloss", "latency", "NaN");
                if (json) {
                    assertThat(first.json().fields())
                            .containsEntry("dataPasses", 6L)
                            .containsKeys(
                                    "features", "batches", "progressive.logloss", "progressive.passes.4", "objective")
                            .doesNotContainKeys("pull.count", "push.count");
                    assertThat(second.json().fields().keySet())
                            .contains("examples", "seconds", "examplesPerSecond", "workers", "shards", "algorithm")
                            .doesNotContain("features", "batches", "dataPasses", "objective", "converged")
                            .noneMatch(name -> name.matches("(progressive|pull|push).*") && !name.contains("Comp"));
                    assertThat(second.json().fields())
                            .containsEntry("test", "null")
                            .containsEntry("model", "null");
                } else {
                    assertThat(first.out())
                            .contains("objective", "progressive logloss", "logloss, last pass", "hash")
                            .doesNotContain("latency");
                    assertThat(second.out())
                            .startsWith("trained on ")
                            .contains("1 worker (process 1 of 2)", "the process with --worker-index 0")
                            .hasLineCount(2)
                            .doesNotContain("logloss", "latency", "objective", "NaN");
                }
            }
        }
    }

    private static Ran process(List<String> options, int index) {
        List<String> args = new ArrayList<>(options);
        args.addAll(List.of("--worker-index", Integer.toString(index)));
        return Ran.weir(args.toArray(String[]::new));
    }

    @Test
    void refusesOptionsThatDoNotGoTogether() {
        assertRefused("squares or by their absolute values", train("lr", "--l1-c", "1", "--l2-c", "1"));
        assertRefused("above 0", train("lr", "--l2-c", "0"));
        assertRefused("goes without --shuffle", train("lr", "--shuffle"));
        assertRefused("goes without --shuffle", train("lr", "--consistency", "bsp"));
        assertRefused("at least 2 passes", train("lr", "--passes", "1"));
        assertRefused("go with --algorithm sandblaster", Ran.weir("train", "lr", "--data", data, "-q", "--l2-c", "1"));
        assertRefused("linear models", train("mlp", "--layers", "20,5,2"));
    }

    private static void assertRefused(String message, Ran ran) {
        assertThat(ran.exitCode()).isNotZero();
        assertThat(ran.err()).contains(message);
    }
}
