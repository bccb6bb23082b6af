package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.RunStatus;
import io.weir.client.Weir;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Servers and workers in JVMs of their own, which end with the test.
@SuppressWarnings("try") // Waiting for the processes may be interrupted, with the test.
final class TestProcesses implements AutoCloseable {
    private static final Pattern READY = Pattern.compile(
            "weir server is listening on (127\\.0\\.0\\.1:\\d+) \\(\\d+ shards?, memory cap 64\\.0 MiB\\)");

    private final List<Process> processes = new ArrayList<>();
    private final Path folder;

    /// @param folder for what the servers say
    TestProcesses(Path folder) {
        this.folder = folder;
    }

    /// A server that listens.
    record Server(Process process, BufferedReader out, String address) {}

    /// Starts `weir …`, its errors going to a file, or to its output if that is null.
    Process weir(@Nullable Path err, String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command);
        Process process = err == null
                ? builder.redirectErrorStream(true).start()
                : builder.redirectError(err.toFile()).start();
        processes.add(process);
        return process;
    }

    Server server(int shards) throws IOException {
        Process process = weir(
                Files.createTempFile(folder, "server", ".err"),
                "server",
                "--port",
                "0",
                "--memory",
                "64m",
                "--shards",
                Integer.toString(shards));
        BufferedReader out = reader(process);
        String line = out.readLine();
        Matcher matcher = READY.matcher(String.valueOf(line));
        assertThat(matcher.matches()).as(line).isTrue();
        return new Server(process, out, matcher.group(1));
    }

    static BufferedReader reader(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /// What a worker that ends well has to say.
    static FlatJson report(Process worker, Path err) throws IOException, InterruptedException {
        String out = new String(worker.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(worker.waitFor()).as(Files.readString(err)).isEqualTo(Exit.OK);
        return FlatJson.parse(out);
    }

    /// Waits until a run has begun and closed so many steps, for a minute at most.
    static void awaitSteps(Weir weir, String run, long count) {
        await(weir, run, "steps closed", status -> status.closedSteps() >= count);
    }

    /// Waits until a run has begun and stands as is wanted, for a minute at most.
    ///
    /// @param wanted in words
    static void await(Weir weir, String run, String wanted, Predicate<RunStatus> condition) {
        long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!weir.runs().contains(run) || !condition.test(weir.runStatus(run))) {
            assertThat(System.nanoTime() - untilNs)
                    .as(wanted + " within a minute")
                    .isNegative();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    /// The worker process of this index that a `weir train` has started.
    static ProcessHandle worker(Process parent, int index) {
        return parent.descendants()
                .filter(child -> String.join(" ", child.info().arguments().orElse(new String[0]))
                        .contains("--worker-index " + index))
                .findFirst()
                .orElseThrow();
    }

    /// Sends a signal by its name, `STOP` or `CONT`.
    static void signal(ProcessHandle process, String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
        assertThat(kill.waitFor()).isZero();
    }

    @Override
    public void close() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }
}
