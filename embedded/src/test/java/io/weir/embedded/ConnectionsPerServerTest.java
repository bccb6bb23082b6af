package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.ClientConfig;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// A client's connections to one server, and what becomes of its calls when it closes them.
class ConnectionsPerServerTest {
    private static final TableSpec SPEC = TableSpec.embedding("t", 3, OptimizerSpec.parse("adagrad(rate=0.1)"));
    private static final ClientConfig CONFIG = ClientConfig.defaults().withDeadline(Duration.ofSeconds(30));

    private static int connectionsWith(int shards, int connectionsPerServer) {
        try (Cluster cluster = Cluster.tcp(1, shards);
                Weir weir = cluster.connect(CONFIG.withConnectionsPerServer(connectionsPerServer))) {
            weir.create(SPEC);
            return cluster.servers().get(0).connectionCount();
        }
    }

    @Test
    void opensAsManyConnectionsAsAskedForButNoneWithoutAShard() {
        assertThat(connectionsWith(8, 1)).isEqualTo(1);
        assertThat(connectionsWith(8, 2)).isEqualTo(2);
        assertThat(connectionsWith(3, 5)).isEqualTo(3);
        assertThat(connectionsWith(1, 2)).isEqualTo(1);
    }

    @Test
    void keepsTheOrderOfEachShardWhateverTheConnections() {
        float[][] models = new float[4][];
        long[] keys = new long[200];
        Arrays.setAll(keys, i -> i * 7L - 300);
        int[] connections = {1, 2, 3, 8};
        for (int i = 0; i < connections.length; i++) {
            try (Cluster cluster = Cluster.tcp(2, 4);
                    Weir weir = cluster.connect(CONFIG.withConnectionsPerServer(connections[i]))) {
                weir.create(SPEC);
                Table table = weir.table("t");
                List<CompletableFuture<Void>> results = new ArrayList<>();
                float[] after = new float[keys.length * 3];
                for (int push = 0; push < 50; push++) {
                    float[] gradients = new float[keys.length * 3];
                    for (int j = 0; j < gradients.length; j++) {
                        gradients[j] = (push * 31 + j * 17) % 101 - 50;
                    }
                    results.add(table.pushAsync(keys, gradients));
                    Arrays.fill(after, Float.NaN);
                    table.pull(keys, after);
                }
                results.forEach(CompletableFuture::join);
                models[i] = table.pull(keys);
                assertThat(after).as("a pull follows the pushes before it").isEqualTo(models[i]);
            }
            assertThat(models[i]).as("connections=%d", connections[i]).isEqualTo(models[0]);
        }
    }

    @Test
    void refusesNumbersOfConnectionsThatMakeNoSense() {
        for (int count : new int[] {0, -1, ClientConfig.MAX_CONNECTIONS_PER_SERVER + 1}) {
            assertThatThrownBy(() -> CONFIG.withConnectionsPerServer(count))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("connectionsPerServer=" + count);
        }
    }

    @Test
    void restoresOneConnectionWhileTheOthersGoOn() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 4);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), CONFIG.withConnectionsPerServer(4))) {
            weir.create(TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd(rate=1)")));
            Table table = weir.table("t");
            long[] keys = new long[64];
            Arrays.setAll(keys, i -> i);
            float[] ones = new float[keys.length];
            Arrays.fill(ones, 1);
            proxy.cutAfter(2000);
            for (int i = 0; i < 300; i++) {
                table.push(keys, ones);
            }
            assertThat(proxy.cuts()).isGreaterThan(4);
            proxy.cutAfter(0);
            proxy.heal();
            assertThat(table.pull(keys)).containsOnly(-300f);
        }
    }

    @Test
    void failsWhatIsUnderWayWhenItIsClosed() throws Exception {
        ClientConfig hasty = CONFIG.withDeadline(Duration.ofMillis(300));
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0))) {
            List<CompletableFuture<Void>> results = new ArrayList<>();
            try (Weir weir = Weir.connect(List.of(proxy.address()), hasty)) {
                weir.create(SPEC);
                Table table = weir.table("t");
                table.push(new long[] {1, 2, 3, 4}, new float[12]);
                proxy.refuse();
                for (int i = 0; i < 20; i++) {
                    results.add(table.pushAsync(new long[] {1, 2, 3, 4}, new float[12]));
                    results.add(table.pullAsync(new long[] {1, 2, 3, 4}, new float[12]));
                }
            }
            for (CompletableFuture<Void> result : results) {
                assertThat(result.handle((done, failure) -> failure).get(10, TimeUnit.SECONDS))
                        .isInstanceOfSatisfying(
                                WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            }
        }
    }
}
