package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Run;
import io.weir.client.RunStatus;
import io.weir.client.RunStatus.Kind;
import io.weir.client.RunStatus.State;
import io.weir.client.RunStatus.Wait;
import io.weir.client.RunStatus.Worker;
import io.weir.client.Weir;
import io.weir.model.Consistency;
import io.weir.model.RunSpec;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatusCommandTest {
    private static final RunSpec SPEC =
            RunSpec.of("ctr", 4).withConsistency(Consistency.ssp(2)).withPortionCount(8);

    private static final List<Worker> WORKERS = List.of(
            new Worker(0, State.ACTIVE, 1, 9, 7, 100, 3),
            new Worker(1, State.ACTIVE, 2, 7, 5, 3200, 2),
            new Worker(2, State.FENCED, 1, 3, 2, 12_000, -1),
            new Worker(3, State.MISSING, 0, 0, 0, 0, -1));

    private static String text(Wait... waits) {
        RunText run = RunText.of(new RunStatus(SPEC, false, 0, 2, 2, WORKERS, List.of(waits)));
        return String.join("\n", run.waits().stream().map(run::text).toList());
    }

    @Test
    void saysInWordsWhoWaitsForWhom() {
        assertThat(text(new Wait(0, Kind.PULL, 7, List.of(1))))
                .isEqualTo("worker 0 waits at clock 7 for worker 1, which is at clock 5 and silent for 3.2 s");
        assertThat(text(new Wait(0, Kind.STEP, 7, List.of(3))))
                .isEqualTo("worker 0 waits at step 7 for worker 3, which never joined");
        assertThat(text(new Wait(0, Kind.BARRIER, 1, List.of(2))))
                .isEqualTo("worker 0 waits at barrier 1 for worker 2, which is fenced, silent for 12.0 s");
        assertThat(text(new Wait(0, Kind.PORTION, 0, List.of(1))))
                .isEqualTo("worker 0 waits for a portion from worker 1, which is at clock 5 and silent for 3.2 s");
        assertThat(text(new Wait(0, Kind.PULL, 7, List.of()))).isEqualTo("worker 0 waits at clock 7");
    }

    @Test
    void saysOnceWhatSeveralShardsKnow() {
        assertThat(text(
                        new Wait(0, Kind.PULL, 7, List.of(1)),
                        new Wait(0, Kind.PULL, 7, List.of(3)),
                        new Wait(0, Kind.PULL, 7, List.of(1, 3))))
                .isEqualTo("worker 0 waits at clock 7 for worker 1, which is at clock 5 and silent for 3.2 s;"
                        + " for worker 3, which never joined");
    }

    @Test
    void countsStalenessFromTheSlowestActiveWorker() {
        RunText run = RunText.of(new RunStatus(SPEC, false, 0, 2, 2, WORKERS, List.of()));
        assertThat(run.staleness(WORKERS.get(0))).hasValue(2);
        assertThat(run.staleness(WORKERS.get(1))).hasValue(0);
        assertThat(run.staleness(WORKERS.get(2))).isEmpty();
    }

    @Test
    void showsServersTablesAndRuns() throws IOException {
        try (TestServer server = TestServer.start(3);
                Weir weir = Weir.connect(server.address())) {
            assertThat(Ran.weir("status", "--servers", server.address()).out())
                    .contains("SERVER", server.address(), "256.0 MiB")
                    .doesNotContain("TABLE", "run ");
            try (Run first = weir.run("ctr", 2)
                    .consistency(Consistency.ssp(4))
                    .portions(5)
                    .join(0)) {
                assertThat(first.nextPortion()).isPresent();
                Ran ran = Ran.weir("status", "--servers", server.address());
                assertThat(ran.exitCode()).isEqualTo(Exit.OK);
                assertThat(ran.out())
                        .contains("run ctr: ssp:4, 2 workers, portions 0 done, 1 held, of 5")
                        .containsPattern("(?m)^ +0 +active +1 +0 +0 +\\d+\\.\\d s +0$")
                        .containsPattern("(?m)^ +1 +missing +0 +0 +- +- +-$");
                assertThat(Ran.weir("status", "--servers", server.address(), "--json")
                                .out())
                        .hasLineCount(1)
                        .contains(
                                "\"connections\":",
                                "\"portions\":{\"count\":5,\"done\":0,\"held\":1}",
                                "\"state\":\"missing\"");
            }
        }
    }

    @Test
    void saysThatNoServerIsThere() throws IOException {
        int port;
        try (TestServer server = TestServer.start(1)) {
            port = server.port();
        }
        assertThat(Ran.weir("status", "--servers", "127.0.0.1:" + port).exitCode())
                .isEqualTo(Exit.UNAVAILABLE);
    }
}
