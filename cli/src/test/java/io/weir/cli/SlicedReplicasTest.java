package io.weir.cli;

import static io.weir.cli.TestProcesses.report;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.RunStatus;
import io.weir.client.Weir;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Perceptrons that are cut over several worker processes.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SlicedReplicasTest {
    private static final int COUNT = 2000;

    @TempDir
    Path folder = Path.of("");

    private TestProcesses processes = new TestProcesses(folder);
    private String data = "";

    /// Examples of three classes, each around a pattern of its own.
    @BeforeEach
    void write() throws IOException {
        processes = new TestProcesses(folder);
        Random random = new Random(6);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < COUNT; i++) {
            int label = random.nextInt(3);
            text.append(label);
            for (int j = 0; j < 16; j++) {
                float value = (j % 3 == label ? 1f : 0f) + (float) random.nextGaussian();
                text.append(' ').append(j).append(':').append(value);
            }
            text.append('\n');
        }
        data = Files.writeString(folder.resolve("train.svm"), text).toString();
    }

    @AfterEach
    void end() throws InterruptedException {
        processes.close();
    }

    private List<String> train(String... more) {
        List<String> args = new ArrayList<>(List.of("train", "mlp", "--data", data, "--test", data, "--json", "-q"));
        args.addAll(List.of("--layers", "16,37,3", "--activation", "tanh", "--dropout", "0.1", "--batch", "25"));
        args.addAll(List.of("--optimizer", "sgd(rate=0.1)", "--passes", "2", "--consistency", "bsp"));
        args.addAll(List.of(more));
        return args;
    }

    private FlatJson trained(String... more) {
        Ran ran = Ran.weir(train(more).toArray(String[]::new));
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        return ran.json();
    }

    /// The same report, but for what it took, and the same model to rounding.
    private static void assertSame(FlatJson actual, FlatJson whole) {
        for (String field : List.of("examples", "features", "batches", "test.examples", "model.rows", "optimizer")) {
            assertThat(actual.fields()).containsEntry(field, whole.fields().get(field));
        }
        assertThat(actual.real("progressive.logloss")).isCloseTo(whole.real("progressive.logloss"), within(1e-6));
        assertThat(actual.real("test.logloss")).isCloseTo(whole.real("test.logloss"), within(1e-6));
    }

    @Test
    void trainTheSameModelAsWholeOnesInThreadsAndInProcesses() {
        FlatJson threads = trained("--slices", "3", "--workers", "3");
        assertThat(threads.fields()).containsEntry("workers", 3L).containsEntry("slices", 3L);
        assertSame(threads, trained("--workers", "1"));

        FlatJson several = trained("--slices", "3", "--processes", "3", "--server-processes", "2", "--shards", "2");
        assertThat(several.fields())
                .containsEntry("processes", 3L)
                .containsEntry("workers", 3L)
                .containsEntry("model.hash", threads.fields().get("model.hash"));
        assertSame(several, threads);
    }

    @Test
    void trainTogetherWithOtherReplicas() {
        FlatJson whole = trained("--workers", "2");
        FlatJson threads = trained("--slices", "2", "--workers", "4");
        assertSame(threads, whole);
        FlatJson several = trained("--slices", "2", "--workers", "1", "--processes", "4");
        assertThat(several.text("model.hash")).isEqualTo(threads.text("model.hash"));
    }

    /// Killed within the silence that is borne a process is back in time, and the model has the same bits. If it was
    /// silent for longer before, its replica is out, and meets again.
    @ParameterizedTest
    @CsvSource({"30s, false", "3s, true"})
    void goOnWhenOneOfTheirProcessesIsKilled(String silence, boolean out) throws Exception {
        Path err = folder.resolve("parent.err");
        String run = "sliced";
        try (TestServer server = TestServer.start(3);
                Weir weir = Weir.connect(server.address())) {
            List<String> args =
                    train("--slices", "2", "--processes", "2", "--workers", "1", "--run", run, "--silence", silence);
            args.addAll(List.of("--servers", server.address(), "--straggler", "5x:1"));
            Process parent = processes.weir(err, args.toArray(String[]::new));
            TestProcesses.awaitSteps(weir, run, 20);
            assertThat(weir.runStatus(run).isFinished()).isFalse();
            ProcessHandle second = TestProcesses.worker(parent, 1);
            if (out) {
                TestProcesses.signal(second, "STOP");
                TestProcesses.await(
                        weir,
                        run,
                        "worker 1 fenced",
                        status -> status.workers().get(1).state() == RunStatus.State.FENCED);
            }
            second.destroyForcibly();
            FlatJson report = report(parent, err);
            assertThat(report.fields()).containsEntry("restarts", 1L);
            if (out) {
                assertThat(Files.readString(err)).contains("worker 0 was shut out and has joined again", "gone");
                assertThat(report.real("test.accuracy")).isGreaterThan(0.7);
            } else {
                assertThat(report.text("model.hash"))
                        .isEqualTo(trained("--slices", "2", "--workers", "2", "--run", run)
                                .text("model.hash"));
            }
            assertThat(weir.runStatus(run).isFinished()).isTrue();
            assertThat(weir.runStatus(run).closedSteps()).isEqualTo(report.whole("batches"));
        }
    }
}
