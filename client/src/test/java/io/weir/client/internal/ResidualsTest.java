package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResidualsTest {
    @Test
    void givesBackWhatItKeptOnce() {
        Residuals residuals = new Residuals(3, 10);
        residuals.keep(7, 0, 3, new float[] {1, 2, 3}, 0);
        residuals.keep(7, 1, 2, new float[] {9, 10, 20}, 1);
        float[] values = {0, 100, 100, 100};
        residuals.take(7, 0, 3, values, 1);
        assertThat(values).containsExactly(0, 101, 112, 123);
        residuals.take(7, 0, 3, values, 1);
        assertThat(values).containsExactly(0, 101, 112, 123);
        residuals.take(8, 0, 3, values, 1);
        assertThat(values).containsExactly(0, 101, 112, 123);
    }

    @Test
    void keepsNoRowForZeros() {
        Residuals residuals = new Residuals(2, 10);
        residuals.keep(1, 0, 2, new float[] {0, -0f}, 0);
        assertThat(residuals.rowCount()).isZero();
        residuals.keep(1, 0, 2, new float[] {0, Float.MIN_VALUE}, 0);
        assertThat(residuals.rowCount()).isEqualTo(1);
    }

    @Test
    void aSumStaysFinite() {
        Residuals residuals = new Residuals(2, 10);
        residuals.keep(1, 0, 2, new float[] {Float.MAX_VALUE, -Float.MAX_VALUE}, 0);
        float[] values = {Float.MAX_VALUE, -Float.MAX_VALUE};
        residuals.take(1, 0, 2, values, 0);
        assertThat(values).containsExactly(Float.MAX_VALUE, -Float.MAX_VALUE);
    }

    @Test
    void aFullStoreGivesTheOldestRowAway() {
        Residuals residuals = new Residuals(1, 3);
        for (int key = 0; key < 5; key++) {
            residuals.keep(key, 0, 1, new float[] {key + 1}, 0);
        }
        assertThat(residuals.rowCount()).isEqualTo(3);
        float[] values = new float[5];
        for (int key = 0; key < 5; key++) {
            residuals.take(key, 0, 1, values, key);
        }
        assertThat(values).containsExactly(0, 0, 3, 4, 5);
    }

    /// Random calls against a map, with more keys than there is room for.
    @Test
    void agreesWithAMap() {
        for (int maxRows : new int[] {1, 2, 50, 1000}) {
            for (long seed = 0; seed < 5; seed++) {
                Random random = new Random(seed);
                Residuals residuals = new Residuals(2, maxRows);
                Map<Long, float[]> model = new HashMap<>();
                ArrayDeque<Long> order = new ArrayDeque<>();
                for (int i = 0; i < 5000; i++) {
                    long key = random.nextInt(120) * (random.nextBoolean() ? 1L << 32 : 1);
                    float[] values = {random.nextInt(5), random.nextInt(5)};
                    if (random.nextBoolean()) {
                        residuals.keep(key, 0, 2, values, 0);
                        if (!model.containsKey(key) && (values[0] != 0 || values[1] != 0)) {
                            if (order.size() == maxRows) {
                                model.remove(order.removeFirst());
                            }
                            order.addLast(key);
                            model.put(key, new float[2]);
                        }
                        if (model.containsKey(key)) {
                            model.get(key)[0] += values[0];
                            model.get(key)[1] += values[1];
                        }
                    } else {
                        float[] expected = values.clone();
                        float[] kept = model.getOrDefault(key, new float[2]);
                        expected[0] += kept[0];
                        expected[1] += kept[1];
                        Arrays.fill(kept, 0);
                        residuals.take(key, 0, 2, values, 0);
                        assertThat(values).as("seed=%s, i=%s", seed, i).containsExactly(expected);
                    }
                }
                assertThat(residuals.rowCount()).isEqualTo(order.size());
            }
        }
    }
}
