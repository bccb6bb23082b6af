package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.train.WolfeLineSearch.Line;
import io.weir.train.WolfeLineSearch.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class WolfeLineSearchTest {
    private static final long SEED = 31;

    private static Line line(DoubleUnaryOperator value, DoubleUnaryOperator slope) {
        return step -> new Point(step, value.applyAsDouble(step), slope.applyAsDouble(step));
    }

    private static void assertWolfe(Point start, Point found) {
        assertThat(found.value()).isLessThanOrEqualTo(start.value() + 1e-4 * found.step() * start.slope());
        assertThat(Math.abs(found.slope())).isLessThanOrEqualTo(-0.9 * start.slope());
    }

    @Test
    void takesTheFirstStepIfItWillDo() {
        List<Double> steps = new ArrayList<>();
        Line parabola = step -> {
            steps.add(step);
            return new Point(step, (step - 1) * (step - 1), 2 * (step - 1));
        };
        Point found = WolfeLineSearch.search(parabola, new Point(0, 1, -2), 1, 10);
        assertThat(found).isEqualTo(new Point(1, 0, 0));
        assertThat(steps).containsExactly(1.0);
    }

    @Test
    void meetsTheStrongConditionsOnManyLinesFromAnyFirstStep() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 2000; round++) {
            double at = Math.pow(10, random.nextInt(-3, 4)) * (0.1 + random.nextDouble());
            double power = 2 + 2 * random.nextInt(3);
            double tilt = random.nextInt(3) == 0 ? 0.3 * random.nextDouble() : 0;
            // |t/at − 1|^p with a wave on it, so that it has other minima too.
            DoubleUnaryOperator value = t -> Math.pow(Math.abs(t / at - 1), power) + tilt * Math.cos(5 * t / at) / 5;
            DoubleUnaryOperator slope =
                    t -> power * Math.pow(Math.abs(t / at - 1), power - 1) * Math.signum(t / at - 1) / at
                            - tilt * Math.sin(5 * t / at) / at;
            Point start = new Point(0, value.applyAsDouble(0), slope.applyAsDouble(0));
            double first = Math.pow(10, random.nextInt(-4, 5));
            Point found = WolfeLineSearch.search(line(value, slope), start, first, 60);
            assertThat(found).as("seed=%s, round=%s", SEED, round).isNotNull();
            assertWolfe(start, found);
        }
    }

    @Test
    void findsWhatItEvaluatedLast() {
        List<Point> seen = new ArrayList<>();
        Line narrow = step -> {
            Point here = new Point(step, Math.pow(step - 0.01, 4), 4 * Math.pow(step - 0.01, 3));
            seen.add(here);
            return here;
        };
        Point found = WolfeLineSearch.search(narrow, new Point(0, 1e-8, -4e-6), 1, 40);
        assertThat(found).isEqualTo(seen.getLast());
        assertThat(seen.size()).isGreaterThan(1);
    }

    @Test
    void givesUpWhenItHasNoEvaluationsLeftOrThereIsNoSuchPoint() {
        assertThat(WolfeLineSearch.search(line(t -> -t, t -> -1), new Point(0, 0, -1), 1, 5))
                .as("it goes down for ever")
                .isNull();
        // The slope at the start is not that of the values, as near the limit of what numbers can tell.
        assertThat(WolfeLineSearch.search(line(t -> t, t -> 1), new Point(0, 0, -1), 1, 50))
                .isNull();
    }

    @Test
    void refusesToGoUp() {
        assertThatThrownBy(() -> WolfeLineSearch.search(line(t -> t, t -> 1), new Point(0, 0, 1), 1, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slope=1.0");
        assertThatThrownBy(() -> WolfeLineSearch.search(line(t -> t, t -> 1), new Point(0, 0, -1), 0, 5))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
