package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.ClientConfig;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ShardGate;
import io.weir.server.WeirServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Key lists that come again go as their hash, and nobody can tell but by counting bytes.
class RepeatedKeysTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final ClientConfig PATIENT = ClientConfig.defaults().withDeadline(Duration.ofSeconds(60));

    static Stream<Named<TableContractTest.Opening>> clusters() {
        return Stream.of(
                Named.of("embedded, 1 shard", () -> Cluster.embedded(1)),
                Named.of("embedded, 8 shards", () -> Cluster.embedded(8)),
                Named.of("TCP, 1 server, 1 shard", () -> Cluster.tcp(1, 1)),
                Named.of("TCP, 3 servers, 3 shards each", () -> Cluster.tcp(3, 3)));
    }

    private static float[] filled(int count, float value) {
        float[] values = new float[count];
        Arrays.fill(values, value);
        return values;
    }

    /// Some lists in turn, pushed and pulled in all ways, with memory that comes and goes.
    @ParameterizedTest
    @MethodSource("clusters")
    void everyPushOfAListCountsOnce(TableContractTest.Opening opening) throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            try (Cluster cluster = opening.open();
                    Weir weir = cluster.connect();
                    Run run = weir.join(RunOptions.of("r", 0, 1))) {
                Random random = new Random(seed);
                int dim = 3;
                List<Table> tables = new ArrayList<>();
                Table table = run.table(TableSpec.embedding("t", dim, SGD));
                tables.add(table);
                tables.add(table.compressed(Compression.twoBit(1), Compression.bf16()));
                int listCount = 5;
                long[][] lists = new long[listCount][];
                int[] pushes = new int[listCount];
                for (int i = 0; i < listCount; i++) {
                    lists[i] = random.longs(random.nextInt(1, 700)).toArray();
                }
                List<CompletableFuture<Void>> under = new ArrayList<>();
                for (int call = 0; call < 200; call++) {
                    int list = random.nextInt(listCount);
                    long[] keys = lists[list];
                    float[] ones = filled(keys.length * dim, 1);
                    Table way = tables.get(random.nextInt(2));
                    float[] rows = new float[ones.length];
                    switch (random.nextInt(5)) {
                        case 0 -> way.pull(keys, rows);
                        case 1 -> {
                            way.push(keys, ones);
                            pushes[list]++;
                        }
                        case 2 -> {
                            way.pushPull(keys, ones, rows);
                            pushes[list]++;
                        }
                        case 3 -> {
                            under.add(way.pushAsync(keys, ones));
                            pushes[list]++;
                        }
                        default -> {
                            forget(cluster.servers());
                            way.pull(keys, rows);
                        }
                    }
                }
                for (CompletableFuture<Void> each : under) {
                    each.get(60, TimeUnit.SECONDS);
                }
                for (int i = 0; i < listCount; i++) {
                    assertThat(table.pull(lists[i]))
                            .as("seed=%s, list=%s", seed, i)
                            .containsOnly(-pushes[i]);
                }
            }
        }
    }

    private static void forget(List<WeirServer> servers) {
        for (WeirServer server : servers) {
            for (int shard = 0; shard < 9; shard++) {
                ShardGate gate = server.node().gate(shard);
                if (gate != null) {
                    gate.call(inside -> {
                        inside.forgetKeyLists();
                        return 0;
                    });
                }
            }
        }
    }

    @Test
    void surviveCutsAndForgetfulServers() throws Exception {
        for (long seed = 1; seed <= 2; seed++) {
            try (Cluster cluster = Cluster.tcp(2, 2);
                    FaultyProxy first =
                            new FaultyProxy(seed, cluster.addresses().get(0));
                    FaultyProxy second =
                            new FaultyProxy(seed + 50, cluster.addresses().get(1));
                    Weir weir = Weir.connect(List.of(first.address(), second.address()), PATIENT);
                    Run run = weir.join(RunOptions.of("r", 0, 1))) {
                Table table = run.table(TableSpec.embedding("t", 1, SGD));
                long[] keys = new Random(seed).longs(300).toArray();
                first.cutAfter(9000);
                second.cutAfter(12_000);
                List<CompletableFuture<Void>> under = new ArrayList<>();
                int pushes = 300;
                for (int push = 0; push < pushes; push++) {
                    under.add(table.pushAsync(keys, filled(keys.length, 1)));
                    if (push % 10 == 0) {
                        assertThat(table.pull(keys)).hasSize(keys.length);
                        forget(cluster.servers());
                    }
                }
                for (CompletableFuture<Void> each : under) {
                    each.get(60, TimeUnit.SECONDS);
                }
                assertThat(first.cuts() + second.cuts()).isPositive();
                first.heal();
                second.heal();
                assertThat(table.pull(keys)).as("seed=%s", seed).containsOnly(-pushes);
            }
        }
    }

    @Test
    void aRepeatedPullTakesFewerBytes() {
        try (Cluster cluster = Cluster.tcp(1, 8);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), PATIENT);
                Run run = weir.join(RunOptions.of("r", 0, 1))) {
            Table table = run.table(TableSpec.embedding("t", 1, SGD));
            long[] keys = new Random(1).longs(10_000).toArray();
            float[] rows = new float[keys.length];
            long[] bytes = new long[4];
            for (int i = 0; i < bytes.length; i++) {
                long before = proxy.bytesToServer() + proxy.bytesToClient();
                table.pull(keys, rows);
                bytes[i] = proxy.bytesToServer() + proxy.bytesToClient() - before;
            }
            assertThat(bytes[1]).isGreaterThanOrEqualTo(12L * keys.length);
            // 4 bytes a key instead of 12, and what frames take. A heartbeat may come between.
            assertThat(bytes[2]).isLessThan((long) (0.6 * bytes[1]));
            assertThat(bytes[3]).isLessThan((long) (0.6 * bytes[1]));
            assertThat(bytes[3]).isLessThan(5L * keys.length);
        }
    }
}
