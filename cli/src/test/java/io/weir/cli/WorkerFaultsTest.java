package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.Algorithm;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.ExampleBatch;
import io.weir.train.ExampleReader;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.LibsvmSource;
import io.weir.train.LogisticRegression;
import io.weir.train.Model;
import io.weir.train.ProgressListener;
import io.weir.train.Trainer;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
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
            args.addAll(List.of("--worker-index", Integer.toString(index)));
            args.addAll(List.of(options));
            if (!args.contains("--straggler")) {
                args.addAll(List.of("--straggler", "20x:" + index));
            }
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
            TestProcesses.signal(second.process.toHandle(), "STOP");
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
            TestProcesses.signal(second.process.toHandle(), "CONT");
            first.report();
            second.report();
            assertThat(weir.runStatus("still").workers()).allMatch(worker -> worker.generation() == 1);
            assertEachExampleCountedOncePerPass(weir, "still");
        }
    }

    /// The other worker is a thread here, which takes as many batches as it is allowed: so it is never through with
    /// them before the silent one is fenced, nor before that one is back. With a consistency the silent one gets no
    /// further than the other lets it; without, it is slow.
    @ParameterizedTest
    @CsvSource({"bsp, 1x:1", "ssp:1, 1x:1", "asp, 20x:1", "downpour:1, 200x:1"})
    void aWorkerThatWasSilentForTooLongComesBack(String mode, String straggler) throws Exception {
        ExecutorService threads =
                Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
        Rationed source = new Rationed(LibsvmSource.of(data));
        try (Weir weir = Weir.connect(servers)) {
            TrainingConfig config = TrainingConfig.of("back")
                    .withBatch(16)
                    .withPasses(PASSES)
                    .withShare(new Share(0, 2))
                    .withMembership(new Membership(
                            mode.startsWith("downpour:") ? Consistency.asp() : Consistency.parse(mode),
                            0,
                            Duration.ofMillis(500),
                            true))
                    .withAlgorithm(
                            mode.startsWith("downpour:")
                                    ? Downpour.of(3, 1, 0.01f / 16).withWarmStart(10)
                                    : new Algorithm.Stepwise());
            Model model = new LogisticRegression(
                    TableSpec.embedding("back", 1, OptimizerSpec.parse("adagrad(rate=0.1)")), false, false);
            Future<TrainingResult> first =
                    threads.submit(() -> Trainer.train(weir, source, model, config, ProgressListener.NONE));
            Worker second = new Worker("back", 1, options(mode, "--silence", "500ms", "--straggler", straggler));
            source.batches.release(100);
            await(weir, "back", "work under way", isUnderWay());
            TestProcesses.signal(second.process.toHandle(), "STOP");
            RunStatus fenced = await(
                    weir, "back", "worker 1 fenced", now -> now.workers().get(1).state() == State.FENCED);
            source.batches.release(100);
            await(weir, "back", "the other one going on", now -> now.portionsDone() > fenced.portionsDone() + 1);
            assertThat(weir.runStatus("back").isFinished()).isFalse();
            TestProcesses.signal(second.process.toHandle(), "CONT");
            await(
                    weir,
                    "back",
                    "a second generation",
                    now -> now.workers().get(1).generation() == 2);
            source.batches.release(Integer.MAX_VALUE / 2);
            second.report();
            assertThat(first.get(1, TimeUnit.MINUTES).workers()).isEqualTo(1);
            assertThat(second.said())
                    .contains("worker 1 was shut out and has joined again as generation 2: ")
                    .containsAnyOf("gave no sign of life for 500 ms", "was silent for too long");
            assertEachExampleCountedOncePerPass(weir, "back");
        } finally {
            threads.shutdownNow();
        }
    }

    /// Gives as many batches as there are permits.
    private record Rationed(ExampleSource source, Semaphore batches) implements ExampleSource {
        Rationed(ExampleSource source) {
            this(source, new Semaphore(0));
        }

        @Override
        public String name() {
            return source.name();
        }

        @Override
        public long byteCount() {
            return source.byteCount();
        }

        @Override
        public ExampleReader open(Share share) {
            ExampleReader reader = source.open(share);
            return new ExampleReader() {
                @Override
                public boolean next(ExampleBatch batch, int maxExamples) {
                    batches.acquireUninterruptibly();
                    return reader.next(batch, maxExamples);
                }

                @Override
                public void close() {
                    reader.close();
                }
            };
        }

        @Override
        public void close() {
            source.close();
        }
    }

    @Test
    void aWorkerThatMayNotComeBackSaysWhy() throws Exception {
        try (Weir weir = Weir.connect(servers)) {
            Worker first = new Worker("out", 0, "--silence", "500ms");
            Worker second = new Worker("out", 1, "--silence", "500ms", "--no-rejoin");
            await(weir, "out", "work under way", isUnderWay());
            TestProcesses.signal(second.process.toHandle(), "STOP");
            await(weir, "out", "worker 1 fenced", now -> now.workers().get(1).state() == State.FENCED);
            TestProcesses.signal(second.process.toHandle(), "CONT");
            assertThat(second.process.waitFor()).isEqualTo(Exit.CONFLICT);
            assertThat(second.said()).contains("out of the run", "worker=1", "silent for longer than --silence");
            first.report();
            assertEachExampleCountedOncePerPass(weir, "out");
        }
    }
}
