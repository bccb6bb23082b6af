package io.weir.cli;

import static io.weir.cli.TestProcesses.reader;
import static io.weir.cli.TestProcesses.report;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Servers and workers as processes of their own.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ProcessesTest {
    private static final int SIGTERM_EXIT = 128 + 15;

    @TempDir
    Path folder = Path.of("");

    private TestProcesses processes = new TestProcesses(folder);
    private String data = "";
    private String test = "";

    @BeforeEach
    void generate() {
        processes = new TestProcesses(folder);
        data = folder.resolve("ctr.svm").toString();
        Ran.weir("datagen", "ctr", "--rows", "4000", "--features", "400", "--nonzeros", "8", "--out", data);
        test = data;
    }

    @AfterEach
    void end() throws InterruptedException {
        processes.close();
    }

    private Process worker(Path err, String servers, int index, String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "--data", data, "--test", test));
        args.addAll(List.of("--servers", servers, "--run", "ctr", "--worker-count", "2", "--workers", "2"));
        args.addAll(List.of("--worker-index", Integer.toString(index)));
        args.addAll(List.of(more));
        return processes.weir(err, args.toArray(String[]::new));
    }

    @Test
    void twoServersAndTwoWorkersTrainOneModel() throws Exception {
        TestProcesses.Server a = processes.server(2);
        TestProcesses.Server b = processes.server(3);
        Path model = folder.resolve("model.weir");
        Path firstErr = folder.resolve("first.err");
        Path secondErr = folder.resolve("second.err");
        Process first =
                worker(firstErr, a.address() + "," + b.address(), 0, "--passes", "3", "--model-out", model.toString());
        Process second = worker(secondErr, b.address() + "," + a.address(), 1, "--passes", "3");
        FlatJson whole = report(first, firstErr);
        FlatJson part = report(second, secondErr);
        assertThat(whole.whole("examples") + part.whole("examples")).isEqualTo(12_000);
        assertThat(whole.fields()).containsEntry("workers", 4L).containsEntry("shards", 5L);
        assertThat(whole.real("test.auc")).isGreaterThan(0.7);
        assertThat(Ran.weir("eval", "--model", model.toString(), "--data", data, "--json")
                        .json()
                        .fields())
                .containsEntry("model.hash", whole.fields().get("model.hash"))
                .containsEntry("auc", whole.fields().get("test.auc"));
    }

    /// [A9aCommandTest] does the like in one process.
    @Test
    void twoServersAndTwoWorkersComeNearTheOptimumOnAdult() throws Exception {
        Adult adult = Adult.orSkip();
        data = adult.train().toString();
        test = adult.test().toString();
        String servers =
                processes.server(4).address() + "," + processes.server(4).address();
        String[] options = {"--batch", "256", "--passes", "4", "--shuffle"};
        Path firstErr = folder.resolve("first.err");
        Path secondErr = folder.resolve("second.err");
        Process first = worker(firstErr, servers, 0, options);
        Process second = worker(secondErr, servers, 1, options);
        FlatJson whole = report(first, firstErr);
        assertThat(whole.whole("examples") + report(second, secondErr).whole("examples"))
                .isEqualTo(4 * 32_561);
        assertThat(whole.real("test.auc")).isGreaterThanOrEqualTo(0.901);
        assertThat(whole.real("test.logloss")).isLessThanOrEqualTo(0.326);
    }

    @Test
    void aWorkerNamesTheOneThatIsMissing() throws Exception {
        TestProcesses.Server server = processes.server(2);
        Path err = folder.resolve("worker.err");
        Process first = worker(err, server.address(), 0, "--patience", "1s");
        assertThat(first.waitFor()).isEqualTo(Exit.UNAVAILABLE);
        assertThat(Files.readString(err)).contains("missing: worker-index 1 never joined");
    }

    @Test
    void aServerStopsWhenTold() throws Exception {
        TestProcesses.Server server = processes.server(1);
        Ran busy = Ran.weir(
                "server",
                "--memory",
                "16m",
                "--port",
                server.address().substring(server.address().indexOf(':') + 1));
        assertThat(busy.exitCode()).isEqualTo(Exit.FAILURE);
        assertThat(Ran.weir("table", "ls", "--servers", server.address()).exitCode())
                .isEqualTo(Exit.OK);
        // Through the handle, which leaves the streams open.
        server.process().toHandle().destroy();
        assertThat(server.process().waitFor()).isEqualTo(SIGTERM_EXIT);
        assertThat(server.out().readLine()).isNull();
        Ran gone = Ran.weir("table", "ls", "--servers", server.address());
        assertThat(gone.exitCode()).isEqualTo(Exit.UNAVAILABLE);
        assertThat(gone.err()).contains("cannot be reached: nothing listens there");
    }

    @Test
    void aWorkerSaysThatItsServerHasDied() throws Exception {
        TestProcesses.Server staying = processes.server(1);
        TestProcesses.Server dying = processes.server(1);
        // Progress tells that it is at work, so errors come the way that can be waited on.
        Process worker = processes.weir(
                null,
                "train",
                "lr",
                "--data",
                data,
                "--servers",
                staying.address() + "," + dying.address(),
                "--passes",
                "1000000",
                "--patience",
                "2s");
        try (BufferedReader lines = reader(worker)) {
            String line = lines.readLine();
            while (line != null && !line.startsWith("pass ")) {
                line = lines.readLine();
            }
            assertThat(line).isNotNull();
            dying.process().destroyForcibly();
            StringBuilder rest = new StringBuilder();
            while ((line = lines.readLine()) != null) {
                rest.append(line).append('\n');
            }
            assertThat(worker.waitFor()).as(rest.toString()).isEqualTo(Exit.UNAVAILABLE);
            assertThat(rest.toString())
                    .contains("weir train lr: ", dying.address())
                    .doesNotContain("\tat ");
        }
    }

    private List<String> supervised(String... more) {
        List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "--data", data, "--batch", "32"));
        args.addAll(List.of("--processes", "2", "--workers", "1", "--passes", "2", "--consistency", "bsp"));
        args.addAll(List.of(more));
        return args;
    }

    /// What [#supervised] does, by threads of this process.
    private FlatJson trainedByThreads(String... more) {
        List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "-q", "--data", data, "--batch", "32"));
        args.addAll(List.of("--workers", "2", "--passes", "2", "--consistency", "bsp"));
        args.addAll(List.of(more));
        return Ran.weir(args.toArray(String[]::new)).json();
    }

    @Test
    void startsServersAndWorkersByItself() throws Exception {
        Path err = folder.resolve("parent.err");
        List<String> args = supervised("--server-processes", "2", "--shards", "3", "--memory", "64m", "--test", test);
        FlatJson report = report(processes.weir(err, args.toArray(String[]::new)), err);
        FlatJson threads = trainedByThreads("--test", test);
        assertThat(report.fields())
                .containsEntry("examples", 8000L)
                .containsEntry("processes", 2L)
                .containsEntry("restarts", 0L)
                .containsEntry("workers", 2L)
                .containsEntry("shards", 6L)
                .containsEntry("batches", threads.fields().get("batches"))
                .containsEntry("model.hash", threads.fields().get("model.hash"))
                .containsEntry("test.auc", threads.fields().get("test.auc"));
        assertThat(report.real("progressive.logloss")).isCloseTo(threads.real("progressive.logloss"), within(1e-9));
    }

    private static List<ProcessHandle> children(Process parent) {
        return parent.descendants().filter(ProcessHandle::isAlive).toList();
    }

    /// Starts two worker processes and the one over them, and waits until their run has closed some steps, and not
    /// all.
    private Process underWay(TestProcesses.Server server, Path err) throws IOException {
        String run = "supervised";
        String[] options = {"--servers", server.address(), "--run", run, "--straggler", "20x:1"};
        Process parent = processes.weir(err, supervised(options).toArray(String[]::new));
        try (Weir weir = Weir.connect(server.address())) {
            TestProcesses.awaitSteps(weir, run, 5);
            assertThat(weir.runStatus(run).isFinished()).isFalse();
        }
        return parent;
    }

    @Test
    void startsAWorkerProcessAgainThatWasKilled() throws Exception {
        Path err = folder.resolve("parent.err");
        Process parent = underWay(processes.server(2), err);
        TestProcesses.worker(parent, 1).destroyForcibly();
        FlatJson report = report(parent, err);
        assertThat(report.fields()).containsEntry("restarts", 1L);
        assertThat(Files.readString(err)).contains("worker process 1 was ended by signal 9 and is started again");
        assertThat(report.text("model.hash")).isEqualTo(trainedByThreads().text("model.hash"));
    }

    @Test
    void endsAllProcessesWhenTold() throws Exception {
        Process parent = underWay(processes.server(2), folder.resolve("parent.err"));
        List<ProcessHandle> children = children(parent);
        assertThat(children).hasSize(2);
        parent.toHandle().destroy();
        assertThat(parent.waitFor()).isEqualTo(SIGTERM_EXIT);
        for (ProcessHandle child : children) {
            child.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void endsAllProcessesWhenItIsKilledItself() throws Exception {
        Process parent = underWay(processes.server(2), folder.resolve("parent.err"));
        List<ProcessHandle> children = children(parent);
        parent.destroyForcibly().waitFor();
        for (ProcessHandle child : children) {
            child.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void saysWhichWorkerProcessFailed() throws Exception {
        Path broken = Files.writeString(folder.resolve("broken.svm"), "1 1:1\n1 x\n");
        data = broken.toString();
        Path err = folder.resolve("parent.err");
        Process parent = processes.weir(err, supervised().toArray(String[]::new));
        assertThat(parent.waitFor()).as(Files.readString(err)).isEqualTo(Exit.FAILURE);
        assertThat(Files.readString(err))
                .contains("broken.svm:2: expected index:value, found 'x'")
                .containsPattern("weir train lr: worker process [01] failed: exitCode=1, restarts=0");
    }
}
