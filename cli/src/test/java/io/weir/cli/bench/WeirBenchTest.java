package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.server.ServerConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class WeirBenchTest {
    /// All but the one that needs a run, which a map has not.
    private static final Set<BenchMode> MODES_OF_A_MAP = EnumSet.complementOf(EnumSet.of(BenchMode.KV));

    @Test
    void measuresAKeyValueStore() throws Exception {
        try (EmbeddedServer server =
                EmbeddedServer.open(ServerConfig.defaults().withShardCount(3).withMemoryCapBytes(64 << 20))) {
            for (boolean embedded : new boolean[] {false, true}) {
                BenchResult result = WeirBench.run(config(BenchMode.KV, 1, embedded), server::connect);
                assertThat(numbers(result.toJson()).get("rowsPerSecond")).isPositive();
                assertThat(result.bareSocket() == null).isEqualTo(embedded);
                try (Weir weir = server.connect()) {
                    assertThat(weir.tables()).as("tables left behind").isEmpty();
                }
            }
        }
    }

    @Test
    void measuresEveryModeBesideItsReferences() throws Exception {
        for (BenchMode mode : MODES_OF_A_MAP) {
            for (int inFlight : new int[] {1, 3}) {
                MapWeir weir = new MapWeir();
                BenchResult result = WeirBench.run(config(mode, inFlight, false), () -> weir);
                Map<String, Double> json = numbers(result.toJson());
                assertThat(json.get("rowsPerSecond")).as(mode.name()).isPositive();
                assertThat(json.get("gigabytesPerSecond")).isPositive();
                assertThat(json.get("p50Micros")).isPositive();
                assertThat(json.get("p99Micros")).isGreaterThanOrEqualTo(json.get("p50Micros"));
                assertThat(json.get("bareSocketRowsPerSecond")).isPositive();
                assertThat(json.get("bareSocketStreamGigabytesPerSecond")).isPositive();
                assertThat(json.get("ratioToBareLoop"))
                        .isEqualTo(result.weir().rowsPerSecond()
                                / result.bareLoop().rowsPerSecond());
                assertThat(weir.tables()).as("tables left behind").isEmpty();
                assertThat(weir.isClosed()).isTrue();
            }
        }
    }

    @Test
    void measuresWithoutASocketInOneProcess() throws Exception {
        for (BenchMode mode : MODES_OF_A_MAP) {
            BenchResult result = WeirBench.run(config(mode, 1, true), MapWeir::new);
            assertThat(result.bareSocket()).isNull();
            assertThat(result.toJson()).contains("\"bareSocketRowsPerSecond\":null");
            assertThat(numbers(result.toJson()).get("bareLoopRowsPerSecond")).isPositive();
        }
    }

    @Test
    void printsATable() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        WeirBench.run(config(BenchMode.PULL, 1, true), MapWeir::new)
                .print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
                .anyMatch(line -> line.startsWith("pull") && line.contains("p99.9 us"))
                .anyMatch(line -> line.startsWith("weir"))
                .anyMatch(line -> line.startsWith("bare loop"))
                .anyMatch(line -> line.contains("of the bare loop"));
    }

    @Test
    void refusesToMeasureWrongValues() {
        for (BenchMode mode : new BenchMode[] {BenchMode.PULL, BenchMode.DENSE}) {
            MapWeir weir = new MapWeir();
            weir.spoilPulls();
            assertThatThrownBy(() -> WeirBench.run(config(mode, 1, true), () -> weir))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("a pulled value must be what was pushed: expected=");
        }
    }

    private static BenchConfig config(BenchMode mode, int inFlight, boolean embedded) {
        return new BenchConfig(mode, 2000, 4, 100, 1.05, inFlight, 1, 5000, 0, 1, Duration.ofMillis(5), embedded, 1);
    }

    private static Map<String, Double> numbers(String json) {
        Map<String, Double> numbers = new HashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isNumeric()) {
                    numbers.put(parser.currentName(), parser.getDoubleValue());
                }
            }
        }
        return numbers;
    }
}
