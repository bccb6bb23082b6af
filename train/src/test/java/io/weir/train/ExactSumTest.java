package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExactSumTest {
    private static final long SEED = 37;

    @Test
    void sumsToTheSameBitsInAnyOrder() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 300; round++) {
            int count = 1 + random.nextInt(200);
            double size = Math.pow(10, random.nextInt(-8, 9));
            double[] parts = new double[count];
            double bound = 0;
            double exactSum = 0;
            for (int i = 0; i < count; i++) {
                parts[i] = (random.nextDouble() - 0.5) * size * Math.pow(10, -random.nextInt(6));
                bound += Math.abs(parts[i]);
                exactSum += parts[i];
            }
            ExactSum exact = ExactSum.of(bound, count);
            float[] first = sums(exact, parts);
            for (int i = count; i > 1; i--) {
                int other = random.nextInt(i);
                double swapped = parts[i - 1];
                parts[i - 1] = parts[other];
                parts[other] = swapped;
            }
            assertThat(sums(exact, parts)).as("seed=%s, round=%s", SEED, round).isEqualTo(first);
            // 41 bits less those that number the parts.
            assertThat((double) first[0] + first[1])
                    .as("seed=%s, round=%s", SEED, round)
                    .isCloseTo(exactSum, within(bound * count * count * 0x1p-44));
        }
    }

    private static float[] sums(ExactSum exact, double[] parts) {
        float high = 0;
        float low = 0;
        for (double part : parts) {
            high += exact.high(part);
            low += exact.low(part);
        }
        return new float[] {high, low};
    }

    @Test
    void noPartialSumIsRounded() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        for (int round = 0; round < 300; round++) {
            int count = 1 + random.nextInt(1000);
            // The worst case: all of one sign, and as great as the bound allows.
            double part = (1 + random.nextDouble()) * Math.pow(2, random.nextInt(-20, 20));
            ExactSum exact = ExactSum.of(part * count, count);
            float high = 0;
            float low = 0;
            double exactHigh = 0;
            double exactLow = 0;
            for (int i = 0; i < count; i++) {
                high += exact.high(part);
                low += exact.low(part);
                exactHigh += exact.high(part);
                exactLow += exact.low(part);
            }
            assertThat((double) high).as("seed=%s, round=%s", SEED + 1, round).isEqualTo(exactHigh);
            assertThat((double) low).as("seed=%s, round=%s", SEED + 1, round).isEqualTo(exactLow);
        }
    }

    @Test
    void takesNothingForNothing() {
        ExactSum exact = ExactSum.of(0, 10);
        assertThat(exact.high(0)).isZero();
        assertThat(exact.low(0)).isZero();
    }
}
