package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.wire.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WeirServerTest {
    private static final ServerConfig CONFIG =
            ServerConfig.defaults().withPort(0).withShardCount(RawClient.SHARDS).withMemoryCapBytes(64 << 20);

    @Test
    void saysWhatToDoWhenItsPortIsTaken() throws IOException {
        try (WeirServer first = WeirServer.start(CONFIG)) {
            int port = first.address().getPort();
            assertThatThrownBy(() -> WeirServer.start(CONFIG.withPort(port)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + port)
                    .hasMessageContaining("--port");
            try (Witness witness = new Witness(first)) {
                witness.look();
            }
        }
    }

    @Test
    void listensBeyondLoopbackOnlyWhenToldThatItIsInsecure() throws IOException {
        assertThatThrownBy(() -> WeirServer.start(CONFIG.withHost("0.0.0.0")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host=0.0.0.0")
                .hasMessageContaining("--insecure");
        try (WeirServer server = WeirServer.start(CONFIG.withHost("0.0.0.0").withInsecure(true))) {
            assertThat(server.address().getPort()).isPositive();
        }
    }

    @Test
    void closesWithClientsAttached() throws IOException {
        WeirServer server = WeirServer.start(CONFIG);
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            clients.add(RawClient.attached(server));
        }
        RawClient.createTable(clients.get(0), 2);
        clients.get(1).write(new byte[10]);
        server.close();
        server.close();
        for (RawClient client : clients) {
            assertThat(client.read()).isNull();
            client.close();
        }
        assertThat(server.node().budget().usedBytes()).isZero();
        assertThat(server.connectionCount()).isZero();
        int port = server.address().getPort();
        try (WeirServer again = WeirServer.start(CONFIG.withPort(port));
                Witness witness = new Witness(again)) {
            witness.look();
        }
    }

    @Test
    void tellsItsStatus() throws IOException {
        try (WeirServer server = WeirServer.start(CONFIG);
                RawClient client = RawClient.attached(server)) {
            RawClient.createTable(client, 2);
            assertThat(client.ask(new Message.ServerStatus()))
                    .isInstanceOfSatisfying(Message.ServerStatusReply.class, status -> {
                        assertThat(status.tableCount()).isEqualTo(1);
                        assertThat(status.connectionCount()).isEqualTo(1);
                        assertThat(status.memoryCapBytes()).isEqualTo(64 << 20);
                        assertThat(status.memoryBytes())
                                .isEqualTo(server.node().budget().usedBytes());
                    });
        }
    }

    @Test
    void refusesJvmsThatCorruptData() {
        List<String> g1 = List.of("G1 Young Generation", "G1 Old Generation");
        List<String> parallel = List.of("PS MarkSweep", "PS Scavenge");
        assertThatThrownBy(() -> JvmCheck.requireSound(Runtime.Version.parse("21.0.5"), parallel))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Java 25")
                .hasMessageContaining("java=21.0.5");
        for (String version : List.of("25", "25.0.1", "25.0.2", "25.0.2+10")) {
            assertThatThrownBy(() -> JvmCheck.requireSound(Runtime.Version.parse(version), g1))
                    .as(version)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("JDK-8377811")
                    .hasMessageContaining("25.0.3")
                    .hasMessageContaining("-XX:+UseParallelGC");
            assertThatCode(() -> JvmCheck.requireSound(Runtime.Version.parse(version), parallel))
                    .as(version)
                    .doesNotThrowAnyException();
        }
        for (String version : List.of("25.0.3", "25.0.10", "25.1", "26", "27-ea")) {
            assertThatCode(() -> JvmCheck.requireSound(Runtime.Version.parse(version), g1))
                    .as(version)
                    .doesNotThrowAnyException();
        }
    }
}
