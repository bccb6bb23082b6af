package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ChartAxisTest {
    private static List<String> ticks(double low, double high, int steps) {
        return ChartAxis.of(low, high, steps).ticks().stream()
                .map(BigDecimal::toPlainString)
                .toList();
    }

    @Test
    void choosesRoundTicks() {
        assertThat(ticks(0, 10, 5)).containsExactly("0", "2", "4", "6", "8", "10");
        assertThat(ticks(0, 12.6, 5)).containsExactly("0", "5", "10");
        assertThat(ticks(0, 1_020_000, 5)).containsExactly("0", "500000", "1000000");
        assertThat(ticks(0, 0.05, 5)).containsExactly("0.00", "0.01", "0.02", "0.03", "0.04", "0.05");
        assertThat(ticks(0.323, 0.462, 6)).containsExactly("0.35", "0.40", "0.45");
        assertThat(ticks(-0.7, 0.7, 6)).containsExactly("-0.5", "0.0", "0.5");
        assertThat(ticks(0, 45, 5)).containsExactly("0", "10", "20", "30", "40");
        assertThat(ticks(0, 0.45, 5)).containsExactly("0.0", "0.1", "0.2", "0.3", "0.4");
    }

    @Test
    void choosesTicksWithinAnyRange() {
        long seed = 7;
        Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            double low = random.nextGaussian() * Math.pow(10, random.nextInt(-20, 20));
            double high = low + Math.abs(low) * Math.pow(10, -6 * random.nextDouble());
            int steps = random.nextInt(5, 10);
            String which = "seed=" + seed + ", low=" + low + ", high=" + high + ", steps=" + steps;
            ChartAxis axis = ChartAxis.of(low, high, steps);
            assertThat(axis.ticks())
                    .as(which)
                    .hasSizeBetween(2, steps + 1)
                    .allSatisfy(tick -> assertThat(axis.at(tick.doubleValue())).isBetween(-1e-6, 1 + 1e-6));
        }
    }

    @Test
    void tellsWhereAValueLies() {
        ChartAxis axis = ChartAxis.of(0.2, 0.6, 4);
        assertThat(axis.at(0.2)).isZero();
        assertThat(axis.at(0.3)).isCloseTo(0.25, Offset.offset(1e-9));
        assertThat(axis.at(1)).isCloseTo(2, Offset.offset(1e-9));
    }

    @Test
    void refusesARangeThatIsNone() {
        assertThatThrownBy(() -> new ChartAxis(1, 1, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("low must be below high, both finite: low=1.0, high=1.0");
        assertThatThrownBy(() -> new ChartAxis(0, Double.NaN, List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
