package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What keeps a server from starting. That it starts, serves and stops is in [ProcessesTest].
class ServerCommandTest {
    @Test
    void saysThatThePortIsInUse() throws IOException {
        try (TestServer server = TestServer.start(1)) {
            Ran ran = Ran.weir("server", "--memory", "16m", "--port", Integer.toString(server.port()));
            assertThat(ran.exitCode()).isEqualTo(Exit.FAILURE);
            assertThat(ran.out()).isEmpty();
            assertThat(ran.err())
                    .hasLineCount(1)
                    .contains("cannot listen on " + server.address(), "choose another one with --port");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1|--memory|1000t|memory must not be more than the machine has: memory=1000.0 TiB, machine=",
                "1|--memory|1m|memory must be at least 16.0 MiB: memory=1.0 MiB; choose a greater --memory",
                "2|--port|65536|port must be from 0 to 65535: port=65536",
                "2|--shards|0|shards must be from 1 to 1024: shards=0",
                "2|--event-loops|0|event loops must be from 1 to 256: eventLoops=0",
                "2|--host|0.0.0.0|accept the risk with --insecure"
            })
    void saysWhatToDoWhenItCannotStart(int exitCode, String option, String value, String message) {
        Ran ran = Ran.weir("server", option, value);
        assertThat(ran.exitCode()).isEqualTo(exitCode);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err()).hasLineCount(1).contains(message);
    }
}
