package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.ClientConfig;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Connections that agreed on a codec, over real sockets.
class FrameCodecTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");

    private static ClientConfig config(String codec) {
        return ClientConfig.defaults().withDeadline(Duration.ofSeconds(60)).withFrameCodec(codec);
    }

    /// Values of which half are zero and the others few: what gradients of sparse inputs look like.
    private static float[] sparse(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(2) == 0 ? 0 : random.nextInt(-8, 8) / 8f;
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "zstd", "lz4"})
    void givesTheSameRowsForFewerBytes(String codec) {
        int length = 300_000;
        try (Cluster cluster = Cluster.tcp(1, 4);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), config(codec));
                Weir plain = Weir.connect(List.of(proxy.address()), config("none"))) {
            weir.create(new TableSpec("d", new TableShape.Dense(length, 512), SGD, new InitialRow.Zero(), 0));
            weir.create(TableSpec.embedding("t", 7, SGD));
            float[] gradients = sparse(length, 1);
            long before = proxy.bytesToServer();
            weir.denseTable("d").push(gradients);
            assertThat(proxy.bytesToServer() - before).isLessThan(length * 4L / 2);
            float[] read = new float[length];
            before = proxy.bytesToClient();
            weir.denseTable("d").pull(read);
            assertThat(proxy.bytesToClient() - before).isLessThan(length * 4L / 2);
            float[] expected = new float[length];
            plain.denseTable("d").pull(expected);
            assertThat(read).isEqualTo(expected);
            for (int i = 0; i < length; i++) {
                assertThat(-read[i] == gradients[i]).isTrue();
            }
            long[] keys = new Random(2).longs(20_000).toArray();
            weir.table("t").push(keys, sparse(keys.length * 7, 3));
            assertThat(weir.table("t").pull(keys)).isEqualTo(plain.table("t").pull(keys));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "zstd", "lz4"})
    void everyPushCountsOnceThroughCutsAndLongFrames(String codec) throws Exception {
        for (long seed = 1; seed <= 2; seed++) {
            try (Cluster cluster = Cluster.tcp(1, 3);
                    FaultyProxy proxy =
                            new FaultyProxy(seed, cluster.addresses().get(0));
                    Weir weir = Weir.connect(List.of(proxy.address()), config(codec));
                    Run run = weir.join(RunOptions.of("r", 0, 1))) {
                Table table = run.table(TableSpec.embedding("t", 5, SGD));
                Random random = new Random(seed);
                List<CompletableFuture<Void>> under = new ArrayList<>();
                long[][] lists = {
                    random.longs(3).toArray(),
                    random.longs(900).toArray(),
                    random.longs(8000).toArray()
                };
                int[] pushes = new int[lists.length];
                proxy.cutAfter(200_000);
                for (int call = 0; call < 150; call++) {
                    int list = random.nextInt(lists.length);
                    float[] ones = new float[lists[list].length * 5];
                    Arrays.fill(ones, 1);
                    under.add(
                            random.nextBoolean()
                                    ? table.pushAsync(lists[list], ones)
                                    : table.pushPullAsync(lists[list], ones, new float[ones.length]));
                    pushes[list]++;
                }
                for (CompletableFuture<Void> each : under) {
                    each.get(60, TimeUnit.SECONDS);
                }
                proxy.heal();
                for (int i = 0; i < lists.length; i++) {
                    assertThat(table.pull(lists[i])).as("seed=%s", seed).containsOnly(-pushes[i]);
                }
            }
        }
    }
}
