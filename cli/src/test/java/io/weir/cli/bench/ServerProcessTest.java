package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ServerProcessTest {
    private static final Duration DEADLINE = Duration.ofMinutes(1);

    /// Stands for a server: says what it is told, then waits until it is killed.
    static final class TinyServer {
        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) throws InterruptedException {
            for (String line : arguments) {
                System.out.println(line);
            }
            if (arguments.length > 0) {
                Thread.currentThread().join();
            }
        }
    }

    @Test
    void waitsForThePortAndEndsTheProcess() throws Exception {
        ProcessHandle process;
        try (ServerProcess server = start(DEADLINE, "starting", "weir: listening on port 4711 at loopback")) {
            assertThat(server.port()).isEqualTo(4711);
            assertThat(server.isAlive()).isTrue();
            process = ProcessHandle.of(server.pid()).orElseThrow();
        }
        process.onExit().get(1, TimeUnit.MINUTES);
        assertThat(process.isAlive()).isFalse();
    }

    @Test
    void refusesAServerThatEndsBeforeItListens() {
        assertThatThrownBy(() -> start(DEADLINE))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the server ended before it listened: main=");
    }

    @Test
    void refusesAServerThatDoesNotListenInTime() {
        assertThatThrownBy(() -> start(Duration.ofMillis(1), "starting"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the server must listen in time: main=");
    }

    private static ServerProcess start(Duration deadline, String... lines) throws IOException {
        return ServerProcess.start(TinyServer.class.getName(), List.of(), List.of(lines), deadline);
    }
}
