package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.Compression;
import io.weir.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Gradients in one and two bits, and keys in sixteen.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class FewerBitsTest {
    @RegisterExtension
    private final Workers workers = new Workers(2);

    /// Each worker pushes these constants one after the other, and pulls after each.
    private List<List<Float>> values(String name, int n, String type, float threshold, float... pushed)
            throws InterruptedException {
        return workers.run("dist_sync", name, n, store -> {
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=2)"));
            store.setGradientCompression(type, threshold);
            store.init(1, KvArray.zeros(40_001));
            List<Float> seen = new ArrayList<>();
            for (float value : pushed) {
                store.push(1, KvArray.full(-value, 40_001));
                KvArray out = KvArray.zeros(40_001);
                store.pull(1, out);
                for (int i = 1; i < 40_001; i++) {
                    assertThat(out.get(i)).isEqualTo(out.get(0));
                }
                seen.add(out.get(0));
            }
            return seen;
        });
    }

    @Test
    void twoBitsSendWhatHasAddedUp() throws Exception {
        for (int n : new int[] {1, 2, 4}) {
            assertThat(values("two-" + n, n, "2bit", 0.5f, 0.4f, 0.1f, 0.2f, 0.3f))
                    .hasSize(n)
                    .containsOnly(List.of(0f, (float) n, (float) n, 2f * n));
        }
    }

    @Test
    void oneBitIsAsPublishedWhereThatIsWanted() throws Exception {
        // r > 0 sends +1 of the negated push, and r <= 0 sends -1: 1, -1, 2, 0, -2 pushed as they are.
        for (int n : new int[] {1, 3}) {
            List<Float> expected = List.of(2f * n, 0f, 2f * n, 4f * n, 2f * n);
            List<List<Float>> seen = workers.run("dist_sync", "one-" + n, n, store -> {
                store.setOptimizer(OptimizerSpec.parse("sgd(rate=2)"));
                store.setGradientCompression("1bit-compat", 0);
                store.init(1, KvArray.zeros(100));
                List<Float> values = new ArrayList<>();
                for (float value : new float[] {1, -1, 2, 0, -2}) {
                    store.push(1, KvArray.full(value, 100));
                    KvArray out = KvArray.zeros(100);
                    store.pull(1, out);
                    values.add(0 - out.get(50));
                }
                return values;
            });
            assertThat(seen).hasSize(n).containsOnly(expected);
        }
    }

    @Test
    void aZeroGradientMovesNothingUnderOneBit() throws Exception {
        assertThat(values("mean", 2, "1bit", 0, 1f, 0f, 3f, 0f, 0f)).containsOnly(List.of(4f, 4f, 16f, 16f, 16f));
    }

    @Test
    void initialValuesAndPullsAreWhole() throws Exception {
        workers.run("dist_sync", "whole", 1, store -> {
            store.init(1, KvArray.of(0.123f, -0.456f));
            store.setGradientCompression(Compression.twoBit(0.5f));
            store.init(2, KvArray.of(0.789f, 1e-3f));
            KvArray out = KvArray.zeros(2);
            store.pull(1, out);
            assertThat(out.toArray()).containsExactly(0.123f, -0.456f);
            store.pull(2, out);
            assertThat(out.toArray()).containsExactly(0.789f, 1e-3f);
            assertThatThrownBy(() -> store.setGradientCompression("3bit", 1))
                    .hasMessage("compression must be one of none, 1bit, 1bit-compat, 2bit: type=3bit");
            return 0;
        });
        try (KvStore store = KvStore.create("local")) {
            assertThatThrownBy(() -> store.setGradientCompression("2bit", 0.5f))
                    .hasMessage("in one process nothing is sent that could be compressed: type=local");
        }
    }

    @Test
    void sixteenBitKeysHaveAMasterOfThirtyTwo() throws Exception {
        for (KvPrecision precision : List.of(KvPrecision.FLOAT16, KvPrecision.BFLOAT16)) {
            List<Float> seen = workers.run("dist_sync", "half-" + precision, 2, store -> {
                store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
                store.init(KvKey.of(1), KvArray.full(1, 70_000), precision);
                // A step that 16 bits next to 1 do not hold: 64 of them add up in the master.
                KvArray gradient = KvArray.full(-0x1p-14f, 70_000);
                KvArray out = KvArray.zeros(70_000);
                store.push(1, gradient);
                store.pull(1, out);
                assertThat(out.get(0)).as("rounded on its way").isEqualTo(1);
                for (int i = 1; i < 128; i++) {
                    store.push(1, gradient);
                }
                store.pull(1, out);
                return out.get(69_999);
            });
            assertThat(seen).as("%s", precision).isEqualTo(Collections.nCopies(2, 1 + 2 * 128 * 0x1p-14f));
        }
    }
}
