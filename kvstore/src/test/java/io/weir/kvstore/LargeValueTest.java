package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Values of any length: slices, segments, and more than 2 GiB.
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LargeValueTest {
    /// `-Dweir.large=true` runs what needs 8 GiB of heap and 5 GiB beside it.
    private static final boolean LARGE = Boolean.getBoolean("weir.large");

    @Test
    void slicesCoverEveryElementOnce() {
        long seed = 11;
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 300; i++) {
            long length = i == 0 ? (1L << 31) + 12_345 : 1 + random.nextLong(1L << random.nextInt(1, 28));
            int shardCount = 1 + random.nextInt(20);
            TableShape.Dense shape = i == 0
                    ? new TableShape.Dense(length, TableShape.DEFAULT_BLOCK_LENGTH)
                    : (TableShape.Dense) TableSpec.dense("t", length, OptimizerSpec.parse("sgd"))
                            .shape();
            long[] offsets = KvEntry.slices(shape, shardCount);
            long[] sorted = offsets.clone();
            Arrays.sort(sorted);
            assertThat(sorted[0]).as("seed %s, round %s", seed, i).isZero();
            for (int j = 0; j < sorted.length; j++) {
                long end = j + 1 < sorted.length ? sorted[j + 1] : length;
                assertThat(end - sorted[j])
                        .as("seed %s, round %s, slice %s", seed, i, j)
                        .isBetween(1L, (long) KvEntry.SLICE_LENGTH);
                assertThat((end - 1) / KvEntry.SLICE_LENGTH)
                        .as("a slice lies in one segment of an array")
                        .isEqualTo(sorted[j] / KvEntry.SLICE_LENGTH);
                assertThat(shape.shardOf(sorted[j] / shape.blockLength(), 0, shardCount))
                        .as("and on one shard")
                        .isEqualTo(shape.shardOf((end - 1) / shape.blockLength(), 0, shardCount));
            }
            if (i == 0) {
                assertThat(Arrays.stream(offsets)
                                .limit(shardCount)
                                .map(at -> shape.shardOf(at / shape.blockLength(), 0, shardCount)))
                        .as("the first ones go to different shards")
                        .doesNotHaveDuplicates();
            }
        }
    }

    @Test
    void arraysInSegmentsAreAsOthers() throws Exception {
        int length = 3 * KvEntry.SLICE_LENGTH + 5;
        KvArray pieces = KvArray.segmented(KvEntry.SLICE_LENGTH, length);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = i % 1001;
            pieces.set(i, values[i]);
        }
        assertThat(pieces.get(length - 1)).isEqualTo(values[length - 1]);
        assertThat(pieces.toArray()).isEqualTo(values);
        KvArray sum = KvArray.of(values.clone());
        sum.add(pieces);
        assertThat(sum.get(length - 1)).isEqualTo(2 * values[length - 1]);
        pieces.set(2L * KvEntry.SLICE_LENGTH + 1, Float.NaN);
        assertThat(pieces.firstNotFinite()).isEqualTo(2L * KvEntry.SLICE_LENGTH + 1);
        pieces.set(2L * KvEntry.SLICE_LENGTH + 1, 0);
        assertThatThrownBy(() -> sum.add(KvArray.of(1, 2)))
                .hasMessage("shapes must be the same: here=[98309], there=[2]");
        try (KvStore store = KvStore.create("local")) {
            store.init(1, KvArray.zeros(length));
            store.push(1, pieces);
            KvArray out = KvArray.segmented(KvEntry.SLICE_LENGTH, length);
            store.pull(1, out);
            assertThat(out.toArray()).isEqualTo(pieces.toArray());
        }
    }

    @Test
    void aValueOfMoreThanTwoGibibytesIsPushedAndPulled() throws Exception {
        assumeTrue(LARGE, "needs -Dweir.large=true");
        long length = (1L << 29) + 12_345;
        try (WeirServer server = WeirServer.start(
                        ServerConfig.defaults().withPort(0).withShardCount(3).withMemoryCapBytes(4L << 30));
                KvStore store = KvStore.open(KvConfig.distributed(
                        KvType.DIST_ASYNC, "127.0.0.1:" + server.address().getPort(), 0, 1))) {
            KvArray value = KvArray.segmented(1 << 26, length);
            store.setOptimizer(OptimizerSpec.parse("add"));
            store.init(1, value);
            for (long i = 0; i < length; i += 1_000_003) {
                value.set(i, i % 1000);
            }
            value.set(length - 1, 77);
            store.pushAsync(KvKey.of(1), 0, value).get();
            store.pushAsync(KvKey.of(1), 0, value).get();
            value.fill(-1);
            store.pull(1, value);
            for (long i = 0; i < length - 1; i++) {
                float expected = i % 1_000_003 == 0 ? 2 * (i % 1000) : 0;
                if (value.get(i) != expected) {
                    assertThat(value.get(i)).as("index %s", i).isEqualTo(expected);
                }
            }
            assertThat(value.get(length - 1)).isEqualTo(154);
        }
    }
}
