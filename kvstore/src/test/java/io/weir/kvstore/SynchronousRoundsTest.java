package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Rounds of a synchronous store, on two servers.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class SynchronousRoundsTest {
    @RegisterExtension
    private final Workers workers = new Workers(2);

    private static float[] ends(KvArray array) {
        return new float[] {array.get(0), array.get(array.length() / 2), array.get(array.length() - 1)};
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void sumOnePushOfEveryWorker(int n) throws Exception {
        List<List<String>> seen = workers.run("dist_sync", "rounds", n, store -> {
            List<String> values = new ArrayList<>();
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            store.init("3", KvArray.full(1, 2, 3));
            store.init("99", KvArray.full(1, 1200, 1200));
            for (int round = 0; round < 3; round++) {
                for (String key : List.of("3", "99")) {
                    KvArray out = KvArray.zeros(store.shape(KvKey.of(key)));
                    store.push(key, KvArray.full(store.rank() + 1, store.shape(KvKey.of(key))));
                    store.pull(key, out);
                    for (float value : ends(out)) {
                        values.add(key + ":" + round + ":" + value);
                    }
                }
            }
            return values;
        });
        List<String> expected = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            for (String key : List.of("3", "99")) {
                for (int i = 0; i < 3; i++) {
                    expected.add(key + ":" + round + ":" + (1 - n * (n + 1) / 2f * (round + 1)));
                }
            }
        }
        for (List<String> each : seen) {
            assertThat(each).isEqualTo(expected);
        }
    }

    @Test
    void twoPushesOfOneWorkerAreTwoRounds() throws Exception {
        List<Float> seen = workers.run("dist_sync", "two", 2, store -> {
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            store.init(1, KvArray.of(0));
            store.init(2, KvArray.of(0));
            if (store.rank() == 0) {
                store.push(1, KvArray.of(-1));
                store.push(1, KvArray.of(-10));
                store.push(2, KvArray.of(-1));
            } else {
                // Were two messages a round, worker 0 would have closed one already.
                KvArray second = KvArray.of(0);
                store.push(2, KvArray.of(-1));
                store.pull(2, second);
                assertThat(second.get(0)).isEqualTo(2);
                store.push(1, KvArray.of(-100));
            }
            KvArray first = KvArray.of(0);
            if (store.rank() == 1) {
                store.pull(1, first);
                assertThat(first.get(0)).isEqualTo(101);
                store.push(1, KvArray.of(-1000));
            }
            store.pull(1, first);
            return first.get(0);
        });
        assertThat(seen).containsExactly(1111f, 1111f);
    }

    @Test
    void theValueOfRankZeroCounts() throws Exception {
        List<Float> seen = workers.run("dist_sync", "zero", 3, store -> {
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            KvArray out = KvArray.of(-1);
            store.broadcast(7, KvArray.of(store.rank()), out);
            return out.get(0);
        });
        assertThat(seen).containsExactly(0f, 0f, 0f);
    }
}
