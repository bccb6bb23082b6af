package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.ClientConfig;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Priorities reach the network: behind a slow link, what is urgent does not wait for what was asked for before.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class PriorityTest {
    private static final KvKey LAST_LAYER = KvKey.of(2);
    private static final KvKey FIRST_LAYER = KvKey.of(1);
    private static final int FIRST_LENGTH = 50_000;

    /// What happens to a small value that is pushed and pulled just after a large one was pushed.
    ///
    /// @param largeDone whether the large one was there when the small one was
    record Race(boolean largeDone, double smallMs, double largeMs) {}

    static Race race(int priority, int length, long bytesPerSecond) throws Exception {
        try (WeirServer server = WeirServer.start(
                        ServerConfig.defaults().withPort(0).withShardCount(2).withMemoryCapBytes(512L << 20));
                SlowLink link = new SlowLink(server.address().getPort(), bytesPerSecond);
                KvStore store = KvStore.open(KvConfig.distributed(KvType.DIST_SYNC, "127.0.0.1:" + link.port(), 0, 1)
                        .withClient(ClientConfig.defaults().withConnectionsPerServer(1)))) {
            store.init(LAST_LAYER, KvArray.zeros(length));
            store.init(FIRST_LAYER, KvArray.zeros(FIRST_LENGTH));
            KvArray large = KvArray.full(1, length);
            KvArray small = KvArray.full(1, FIRST_LENGTH);
            long startNs = System.nanoTime();
            CompletableFuture<Void> pushed = store.pushAsync(LAST_LAYER, 0, large);
            CompletableFuture<Void> urgent = store.pushAsync(FIRST_LAYER, priority, small);
            store.pull(FIRST_LAYER, priority, small);
            boolean largeDone = pushed.isDone();
            double smallMs = (System.nanoTime() - startNs) / 1e6;
            urgent.join();
            pushed.join();
            return new Race(largeDone, smallMs, (System.nanoTime() - startNs) / 1e6);
        }
    }

    @Test
    void whatIsUrgentOvertakesALargeValue() throws Exception {
        assertThat(race(1, 4_000_000, 40 << 20).largeDone()).as("priority 1").isFalse();
        assertThat(race(0, 4_000_000, 40 << 20).largeDone()).as("priority 0").isTrue();
    }

    /// Prints how long each takes on a link of 20 MiB/s: the figures of `docs/kvstore.md`.
    public static void main(String[] arguments) throws Exception {
        for (int priority : new int[] {0, 1, 0, 1, 0, 1}) {
            System.out.println("priority " + priority + ": " + race(priority, 8_000_000, 20 << 20));
        }
    }
}
