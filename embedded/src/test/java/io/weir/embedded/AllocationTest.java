package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What a request allocates in the steady state, by the JVM's own counters: the caller, the client's thread and the
/// server's event loops together.
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int CALLS = 5_000;
    private static final long WARM_UP_DEADLINE_NS = 60_000_000_000L;
    private static final long BYTES_PER_REQUEST = 16;
    private static final int DIM = 8;

    static Stream<Named<TableContractTest.Opening>> clusters() {
        return Stream.of(Named.of("embedded", () -> Cluster.embedded(4)), Named.of("TCP", () -> Cluster.tcp(1, 4)));
    }

    private interface Verb {
        void call(Table table, long[] keys, float[] values);
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void allocatesAlmostNothingForAPull(TableContractTest.Opening opening) {
        check(opening, 1, Table::pull);
        check(opening, 1000, Table::pull);
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void allocatesAlmostNothingForAPush(TableContractTest.Opening opening) {
        check(opening, 1, Table::push);
        check(opening, 1000, Table::push);
    }

    /// Warms up until a round stays below the limit: when the compilers have done their work differs.
    private static void check(TableContractTest.Opening opening, int keyCount, Verb verb) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.embedding("t", DIM, OptimizerSpec.parse("adagrad(rate=0.01)")));
            Table table = weir.table("t");
            long[] keys = new Random(3).longs(keyCount).toArray();
            float[] values = new float[keyCount * DIM];
            Arrays.fill(values, 1);
            table.push(keys, values);
            long[] threads = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().startsWith("weir-") || thread == Thread.currentThread())
                    .mapToLong(Thread::threadId)
                    .toArray();
            long least = Long.MAX_VALUE;
            long untilNs = System.nanoTime() + WARM_UP_DEADLINE_NS;
            while (least > BYTES_PER_REQUEST && System.nanoTime() - untilNs < 0) {
                long before = allocatedBytes(threads);
                for (int i = 0; i < CALLS; i++) {
                    verb.call(table, keys, values);
                }
                least = Math.min(least, (allocatedBytes(threads) - before) / CALLS);
            }
            assertThat(least).as("bytes a request, %d keys", keyCount).isLessThanOrEqualTo(BYTES_PER_REQUEST);
        }
    }

    private static long allocatedBytes(long[] threads) {
        long sum = 0;
        for (long bytes : THREADS.getThreadAllocatedBytes(threads)) {
            sum += Math.max(0, bytes);
        }
        return sum;
    }
}
