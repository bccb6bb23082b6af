package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `weir launch` and the processes it starts.
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class LaunchCommandTest {
    @TempDir
    Path folder = Path.of("");

    private TestProcesses processes = new TestProcesses(folder);

    @BeforeEach
    void start() {
        processes = new TestProcesses(folder);
    }

    @AfterEach
    void end() throws InterruptedException {
        processes.close();
    }

    private static Ran launch(String... args) {
        List<String> all = new ArrayList<>(List.of("launch", "--memory", "64m", "--shards", "1"));
        all.addAll(List.of(args));
        return Ran.weir(all.toArray(String[]::new));
    }

    @Test
    void givesEachWorkerItsRankAndTheAddresses() {
        Ran ran = launch(
                "-n",
                "3",
                "-s",
                "2",
                "--run",
                "job",
                "--",
                "sh",
                "-c",
                "echo $WEIR_RANK $WEIR_WORKER_COUNT $WEIR_SERVER_COUNT $WEIR_RUN $DMLC_ROLE $DMLC_WORKER_ID"
                        + " $DMLC_NUM_WORKER $DMLC_NUM_SERVER; echo $WEIR_SERVERS;"
                        + " echo $DMLC_PS_ROOT_URI:$DMLC_PS_ROOT_PORT >&2");
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        assertThat(ran.out().lines())
                .contains("[0] 0 3 2 job worker 0 3 2", "[1] 1 3 2 job worker 1 3 2", "[2] 2 3 2 job worker 2 3 2");
        String servers = ran.out()
                .lines()
                .filter(line -> line.contains("127.0.0.1:"))
                .findFirst()
                .orElseThrow()
                .substring("[0] ".length());
        assertThat(servers).matches("127\\.0\\.0\\.1:\\d+,127\\.0\\.0\\.1:\\d+");
        assertThat(ran.err().lines())
                .hasSize(3)
                .allMatch(line -> line.matches("\\[[012]\\] " + servers.substring(0, servers.indexOf(','))));
    }

    @Test
    void workersHaveNothingToRead() {
        Ran ran = launch("-n", "2", "-s", "1", "sh", "-c", "cat; echo read");
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        assertThat(ran.out().lines()).containsExactlyInAnyOrder("[0] read", "[1] read");
    }

    @Test
    void hasTheExitCodeOfTheWorkerThatFailedFirst() {
        Ran ran = launch("-n", "3", "-s", "1", "sh", "-c", "[ $WEIR_RANK = 1 ] && exit 42; exec sleep 1000");
        assertThat(ran.exitCode()).isEqualTo(42);
        assertThat(ran.err()).isEqualTo("[1] failed: exitCode=42" + System.lineSeparator());
    }

    @Test
    void saysWhichSignalEndedAWorker() {
        Ran ran = launch("-n", "1", "-s", "1", "sh", "-c", "kill -9 $$");
        assertThat(ran.exitCode()).isEqualTo(128 + 9);
        assertThat(ran.err()).isEqualTo("[0] was ended by signal 9" + System.lineSeparator());
    }

    @Test
    void refusesWhatMakesNoSense() throws IOException {
        Path hosts = Files.writeString(folder.resolve("hosts"), "one # first\n\ntwo\n");
        assertThat(launch("-n", "0", "true").exitCode()).isEqualTo(Exit.USAGE);
        assertThat(launch("-n", "1").err()).contains("<command>");
        assertThat(launch("-n", "1", "-H", hosts.toString(), "true").err()).contains("accept that with --insecure");
        assertThat(launch("-n", "1", "-H", hosts + ".no", "--insecure", "true").exitCode())
                .isEqualTo(Exit.NOT_FOUND);
        assertThat(launch("-n", "1", "-s", "1", "--servers", "x:1", "true").exitCode())
                .isEqualTo(Exit.USAGE);
        assertThat(launch("-n", "1", "-s", "1", "/no/such/program").exitCode()).isEqualTo(Exit.FAILURE);
        assertThat(Hosts.read(hosts)).containsExactly("one", "two");
    }

    /// A shell that starts a further process, which nobody has told about the end.
    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130"})
    void leavesNothingBehindWhenItIsEnded(String signal, int exitCode) throws Exception {
        assumeTrue(!isIgnored(signal), "who runs the tests has them ignore the signal, and so do their processes");
        Process launch = processes.weir(
                null,
                "launch",
                "-n",
                "2",
                "-s",
                "2",
                "--memory",
                "64m",
                "--",
                "sh",
                "-c",
                "sleep 1000 & echo started; wait");
        List<ProcessHandle> children;
        try (BufferedReader lines = TestProcesses.reader(launch)) {
            int started = 0;
            while (started < 2) {
                String line = lines.readLine();
                assertThat(line).isNotNull();
                started += line.endsWith("started") ? 1 : 0;
            }
            children = launch.descendants().toList();
            assertThat(children).hasSize(2 + 2 + 2);
            TestProcesses.signal(launch.toHandle(), signal);
            assertThat(launch.waitFor()).isEqualTo(exitCode);
        }
        for (ProcessHandle child : children) {
            child.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    /// A shell without job control, for one, starts its background processes so.
    private static boolean isIgnored(String signal) throws IOException {
        long bit = 1L << (signal.equals("INT") ? 2 - 1 : 15 - 1);
        Path status = Path.of("/proc/self/status");
        return Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .anyMatch(line -> (Long.parseUnsignedLong(line.split("\\s+", -1)[1], 16) & bit) != 0);
    }

    /// The program stands for ssh: it takes the name of the host away and runs the rest.
    @Test
    void startsProcessesOnOtherHosts() throws IOException {
        Path ssh = executable("ssh", "#!/bin/sh\necho \"$1\" >>'" + folder + "/reached'\nshift\nexec sh -c \"$*\"\n");
        Path weir = executable(
                "weir",
                "#!/bin/sh\nexec '" + Path.of(System.getProperty("java.home"), "bin", "java")
                        + "' --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -cp '"
                        + System.getProperty("java.class.path") + "' io.weir.cli.Main \"$@\"\n");
        Path hosts = Files.writeString(folder.resolve("hosts"), "127.0.0.1\nme@localhost\n");
        Ran ran = launch(
                "-n",
                "2",
                "-s",
                "2",
                "-H",
                hosts.toString(),
                "--insecure",
                "--ssh",
                ssh.toString(),
                "--remote-weir",
                weir.toString(),
                "--",
                "sh",
                "-c",
                "echo \"it's $WEIR_RANK of $WEIR_WORKER_COUNT at $WEIR_SERVERS\"; exit $((WEIR_RANK * 7))");
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(7);
        assertThat(ran.out()).contains("[1] it's 1 of 2 at 127.0.0.1:").contains(",localhost:");
        assertThat(Files.readAllLines(folder.resolve("reached")))
                .containsExactlyInAnyOrder("127.0.0.1", "me@localhost", "127.0.0.1", "me@localhost");
    }

    private Path executable(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
