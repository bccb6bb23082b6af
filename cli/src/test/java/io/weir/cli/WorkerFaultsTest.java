package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Worker processes that are killed or stopped in the middle of a training. Every example has a key of its own, so the
/// stored push counts say how often each example counted.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class WorkerFaultsTest {
    private static final int EXAMPLES = 4000;
    private static final int PASSES = 3;
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    @TempDir
    Path folder = Path.of("");

    private TestProcesses processes = new TestProcesses(folder);
    private Path data = Path.of("");
    private String servers = "";

    @BeforeEach
    void start() throws IOException {
        processes = new TestProcesses(folder);
        data = folder.resolve("unique.svm");
        StringBuilder lines = new StringBuilder();
        for (int i = 1; i <= EXAMPLES; i++) {
            lines.append(i % 3 == 0 ? "1 " : "0 ").append(i).append(":1\n");
        }
        Files.writeString(data, lines);
        servers = processes.server(2).address() + "," + processes.server(3).address();
    }

    @AfterEach
    void end() throws InterruptedException {
        processes.close();
    }

    private final class Worker {
        final Path err;
        final Process process;

        /// A worker process of two, slow enough that something can happen to it.
        Worker(String run, int index, String... options) throws IOException {
            err = Files.createTempFile(folder, "worker" + index, ".err");
            List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "-q", "--data", data.toString()));
            args.addAll(List.of("--servers", servers, "--run", run, "--batch", "16", "--workers", "1"));
            args.addAll(List.of("--passes", Integer.toString(PASSES), "--worker-count", "2"));
            args.addAll(List.of("--worker-index", Integer.toString(index), "--straggler", "20x:" + index));
            args.addAll(List.of(options));
            process = processes.weir(err, args.toArray(String[]::new));
        }

        FlatJson report() throws IOException, InterruptedException {
            return TestProcesses.report(process, err);
        }

        String said() throws IOException {
            return Files.readString(err);
        }
    }

    private RunStatus await(Weir weir, String run, String what, Predicate<RunStatus> condition) {
        long untilNs = System.nanoTime() + DEADLINE.toNanos();
        String last = "no run";
        while (System.nanoTime() - untilNs < 0) {
            if (weir.runs().contains(run)) {
                RunStatus status = weir.runStatus(run);
                if (condition.test(status)) {
                    return status;
                }
                last = status.toString();
            }
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
        throw new AssertionError("within " + DEADLINE + " expected: " + what + ", last seen: " + last);
    }

    /// Both are at work, some portions are done, and worker 1 has begun with another one a few batches ago.
    private static Predicate<RunStatus> isUnderWay() {
        int[] portion = {-1};
        long[] clock = {0};
        return status -> {
            RunStatus.Worker second = status.workers().get(1);
            if (second.portion() != portion[0]) {
                portion[0] = second.portion();
                clock[0] = second.clock();
            }
            return status.portionsDone() >= 3
                    && status.workers().stream().allMatch(worker -> worker.state() == State.ACTIVE)
                    && portion[0] >= 0
                    && second.clock() >= clock[0] + 4;
        };
    }

    /// @param mode a consistency, or downpour
    /// @param mode a consistency, or `downpour:` with the batches of a push
    private static String[] options(String mode, String... further) {
        List<String> options = new ArrayList<>(List.of("--consistency", mode));
        if (mode.startsWith("downpour:")) {
            String push = mode.substring(mode.indexOf(':') + 1);
            options = new ArrayList<>(List.of("--algorithm", "downpour", "--n-fetch", "3", "--n-push", push));
            options.addAll(List.of("--warm-start", "10"));
        }
        options.addAll(List.of(further));
        return options.toArray(String[]::new);
    }

    private void assertEachExampleCountedOncePerPass(Weir weir, String run) {
        Map<Integer, Integer> keysByCount = new HashMap<>();
        weir.scan(run, rows -> {
            for (int i = 0; i < rows.count(); i++) {
                keysByCount.merge(rows.pushCounts()[i], 1, Integer::sum);
            }
        });
        assertThat(keysByCount).containsExactly(Map.entry(PASSES, EXAMPLES));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bsp", "ssp:2", "asp", "downpour:2"})
    void everyExampleCountsOnceWhenAWorkerIsKilledAndStartedAgain(String mode) throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("killed", 0, options(mode));
            Worker second = new Worker("killed", 1, options(mode));
            await(weir, "killed", "work under way", isUnderWay());
            second.process.destroyForcibly().waitFor();
            Worker again = new Worker("killed", 1, options(mode));
            RunStatus status = await(
                    weir,
                    "killed",
                    "a second generation",
                    now -> now.workers().get(1).generation() == 2);
            assertThat(status.isFinished()).isFalse();
            FlatJson report = first.report();
            again.report();
            assertThat(again.said()).contains("the run was begun before and not finished");
            assertEachExampleCountedOncePerPass(weir, "killed");
            if (mode.equals("bsp")) {
                Worker calm = new Worker("calm", 0, options(mode));
                Worker other = new Worker("calm", 1, options(mode));
                assertThat(calm.report().text("model.hash")).isEqualTo(report.text("model.hash"));
                other.report();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bsp", "ssp:2", "asp", "downpour:2"})
    void theOthersGoOnWithoutAWorkerThatIsKilled(String mode) throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("lost", 0, options(mode, "--silence", "1s"));
            Worker second = new Worker("lost", 1, options(mode, "--silence", "1s"));
            await(weir, "lost", "work under way", isUnderWay());
            second.process.destroyForcibly().waitFor();
            first.report();
            assertThat(weir.runStatus("lost").workers().get(1).state()).isEqualTo(State.FENCED);
            assertEachExampleCountedOncePerPass(weir, "lost");
        }
    }

    @ParameterizedTest
    @CsvSource({"bsp, step", "ssp:1, pull", "asp, portion"})
    void statusSaysWhoWaitsForAWorkerThatStandsStill(String consistency, String kind) throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("still", 0, "--consistency", consistency, "--silence", "60s");
            Worker second = new Worker("still", 1, "--consistency", consistency, "--silence", "60s");
            await(weir, "still", "work under way", isUnderWay());
            TestProcesses.signal(second.process, "STOP");
            RunStatus status = await(
                    weir,
                    "still",
                    "a wait for worker 1",
                    now -> now.waits().stream()
                            .anyMatch(wait -> wait.worker() == 0
                                    && wait.kind().name().equalsIgnoreCase(kind)
                                    && wait.waitsFor().contains(1)
                                    && now.workers().get(1).silentMs() >= 2000));
            // Without consistency the other one has done all that the one that stands still does not hold.
            assertThat(status.portionsDone() == status.spec().portionCount() - 1)
                    .isEqualTo(consistency.equals("asp"));
            Ran ran = Ran.weir("status", "--servers", servers, "--json");
            assertThat(ran.exitCode()).isEqualTo(Exit.OK);
            assertThat(ran.out())
                    .contains("\"kind\":\"" + kind + "\"")
                    .containsPattern("worker 0 waits .* worker 1, which is at clock \\d+ and silent for \\d+\\.\\d s");
            TestProcesses.signal(second.process, "CONT");
            first.report();
            second.report();
            assertThat(weir.runStatus("still").workers()).allMatch(worker -> worker.generation() == 1);
            assertEachExampleCountedOncePerPass(weir, "still");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bsp", "ssp:1", "asp"})
    void aWorkerThatWasSilentForTooLongComesBack(String mode) throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("back", 0, options(mode, "--silence", "500ms"));
            Worker second = new Worker("back", 1, options(mode, "--silence", "500ms"));
            await(weir, "back", "work under way", isUnderWay());
            TestProcesses.signal(second.process, "STOP");
            RunStatus fenced = await(
                    weir, "back", "worker 1 fenced", now -> now.workers().get(1).state() == State.FENCED);
            await(weir, "back", "the other one going on", now -> now.portionsDone() > fenced.portionsDone() + 1);
            TestProcesses.signal(second.process, "CONT");
            first.report();
            second.report();
            assertThat(second.said())
                    .contains("worker 1 was shut out and has joined again as generation 2: ")
                    .containsAnyOf("gave no sign of life for 500 ms", "was silent for too long");
            assertEachExampleCountedOncePerPass(weir, "back");
        }
    }

    @Test
    void aWorkerThatMayNotComeBackSaysWhy() throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("out", 0, "--silence", "500ms");
            Worker second = new Worker("out", 1, "--silence", "500ms", "--no-rejoin");
            await(weir, "out", "work under way", isUnderWay());
            TestProcesses.signal(second.process, "STOP");
            await(weir, "out", "worker 1 fenced", now -> now.workers().get(1).state() == State.FENCED);
            TestProcesses.signal(second.process, "CONT");
            assertThat(second.process.waitFor()).isEqualTo(Exit.CONFLICT);
            assertThat(second.said()).contains("out of the run", "worker=1", "silent for longer than --silence");
            first.report();
            assertEachExampleCountedOncePerPass(weir, "out");
        }
    }
}
