package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.TableShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/// A copy against maps of arrays.
class LocalCopyModelTest {
    private static final int DIM = 3;
    private static final float RATE = 0.25f;

    /// A copy as plainly as it can be written, whose rows are never dropped.
    private static final class Plain {
        final Map<Long, float[]> weights = new HashMap<>();
        final Map<Long, float[]> sums = new LinkedHashMap<>();
        final Map<Long, float[]> unseen = new HashMap<>();
        List<Long> fetched = List.of();

        void learn(long key, float[] gradient) {
            step(weights.get(key), gradient);
            sums.merge(key, gradient, Plain::sum);
            if (fetched.contains(key)) {
                unseen.merge(key, gradient, Plain::sum);
            }
        }

        void beginFetch(List<Long> keys) {
            fetched = keys;
            unseen.clear();
            keys.stream().filter(sums::containsKey).forEach(key -> unseen.put(key, sums.get(key)));
        }

        void endFetch(Map<Long, float[]> brought) {
            for (long key : fetched) {
                float[] row = brought.get(key).clone();
                if (unseen.containsKey(key)) {
                    step(row, unseen.get(key));
                }
                weights.put(key, row);
            }
            fetched = List.of();
        }

        private static void step(float[] row, float[] gradient) {
            for (int i = 0; i < DIM; i++) {
                row[i] -= RATE * gradient[i];
            }
        }

        private static float[] sum(float[] a, float[] b) {
            float[] sum = new float[DIM];
            for (int i = 0; i < DIM; i++) {
                sum[i] = a[i] + b[i];
            }
            return sum;
        }
    }

    private final Parameters parameters = new Parameters(new TableShape.Embedding(DIM));

    private static long[] distinct(Random random, int most) {
        return LongStream.generate(() -> random.nextInt(40) * 0x123456789L)
                .limit(1 + random.nextInt(most))
                .distinct()
                .toArray();
    }

    @Test
    void agreesWithPlainMapsInRandomOrders() {
        for (long seed = 1; seed <= 200; seed++) {
            Random random = new Random(seed);
            LocalCopy copy = new LocalCopy(parameters, RATE, 10 * DIM);
            Plain plain = new Plain();
            for (int i = 0; i < 200; i++) {
                switch (random.nextInt(4)) {
                    case 0 -> fetch(copy, plain, random);
                    case 1 -> push(copy, plain, "seed " + seed);
                    default -> learn(copy, plain, random, "seed " + seed);
                }
            }
        }
    }

    /// Begins a fetch, learns a little meanwhile, and ends it.
    private void fetch(LocalCopy copy, Plain plain, Random random) {
        long[] keys = distinct(random, 8);
        copy.makeRoom(keys.length);
        copy.beginFetch(keys, keys.length);
        plain.beginFetch(Arrays.stream(keys).boxed().toList());
        for (int i = random.nextInt(3); i > 0; i--) {
            learn(copy, plain, random, "while a fetch is under way");
            if (random.nextInt(4) == 0) {
                push(copy, plain, "while a fetch is under way");
            }
        }
        Map<Long, float[]> rows = new HashMap<>();
        float[] brought = new float[copy.fetchLength(keys.length)];
        for (int i = 0; i < keys.length; i++) {
            rows.put(keys[i], gradient(random));
            System.arraycopy(rows.get(keys[i]), 0, brought, i * DIM, DIM);
        }
        copy.endFetch(keys, keys.length, brought);
        plain.endFetch(rows);
        assertThat(copy.holds(keys, keys.length)).isTrue();
    }

    private void learn(LocalCopy copy, Plain plain, Random random, String when) {
        long[] keys = Arrays.stream(distinct(random, 5))
                .filter(key -> plain.weights.containsKey(key) && copy.holds(new long[] {key}, 1))
                .toArray();
        parameters.select(keys, keys.length);
        copy.read(parameters);
        for (int i = 0; i < keys.length; i++) {
            float[] row = Arrays.copyOfRange(parameters.weights(), i * DIM, (i + 1) * DIM);
            assertThat(row).as(when).containsExactly(plain.weights.get(keys[i]));
            float[] gradient = gradient(random);
            System.arraycopy(gradient, 0, parameters.gradients(), i * DIM, DIM);
            plain.learn(keys[i], gradient);
        }
        copy.learn(parameters);
    }

    private static void push(LocalCopy copy, Plain plain, String when) {
        long[] keys = copy.summedKeys();
        assertThat(Arrays.stream(keys).boxed().toList()).as(when).isEqualTo(List.copyOf(plain.sums.keySet()));
        List<Float> expected = new ArrayList<>();
        plain.sums.values().forEach(row -> {
            for (float value : row) {
                expected.add(value);
            }
        });
        assertThat(copy.takeSums()).as(when).containsExactly(expected.toArray(Float[]::new));
        plain.sums.clear();
    }

    private static float[] gradient(Random random) {
        float[] gradient = new float[DIM];
        for (int i = 0; i < DIM; i++) {
            gradient[i] = random.nextInt(4) == 0 ? -0f : (float) random.nextGaussian();
        }
        return gradient;
    }

    @Test
    void dropsRowsWhenThereAreTooManyButNoGradients() {
        LocalCopy copy = new LocalCopy(parameters, RATE, 4 * DIM);
        long[] keys = {1, 2, 3, 4};
        copy.beginFetch(keys, 4);
        copy.endFetch(keys, 4, new float[] {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
        parameters.select(new long[] {3}, 1);
        copy.read(parameters);
        Arrays.fill(parameters.gradients(), 0, DIM, 4f);
        copy.learn(parameters);
        copy.makeRoom(0);
        assertThat(copy.rowCount()).isEqualTo(4);
        copy.makeRoom(1);
        assertThat(copy.rowCount()).isEqualTo(1);
        assertThat(copy.holds(new long[] {3}, 1)).isTrue();
        assertThat(copy.holds(new long[] {3, 4}, 2)).isFalse();
        copy.read(parameters);
        assertThat(parameters.weights()).startsWith(2f, 2f, 2f);
        assertThat(copy.summedKeys()).containsExactly(3L);
        assertThat(copy.takeSums()).containsExactly(4f, 4f, 4f);
        assertThat(copy.summedKeys()).isEmpty();
    }

    @Test
    void holdsADenseTableAsOneRow() {
        Parameters dense = new Parameters(new TableShape.Dense(5, 16));
        LocalCopy copy = new LocalCopy(dense, 0.5f, 1);
        assertThat(copy.holds(dense.keys(), dense.keyCount())).isFalse();
        copy.beginFetch(dense.keys(), dense.keyCount());
        copy.endFetch(dense.keys(), dense.keyCount(), new float[] {1, 2, 3, 4, 5, 99});
        assertThat(copy.holds(dense.keys(), dense.keyCount())).isTrue();
        Arrays.fill(dense.gradients(), 0, 5, 2f);
        copy.learn(dense);
        copy.learn(dense);
        copy.read(dense);
        assertThat(Arrays.copyOf(dense.weights(), 5)).containsExactly(-1, 0, 1, 2, 3);
        assertThat(copy.takeSums()).containsExactly(4, 4, 4, 4, 4);
    }
}
