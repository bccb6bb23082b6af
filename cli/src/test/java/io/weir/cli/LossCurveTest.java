package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.cli.LossCurve.Point;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LossCurveTest {
    private static final LossCurve CURVE = new LossCurve(
            "bsp",
            List.of(new Point(1, 100, 0.6), new Point(2, 200, 0.5), new Point(4, 401, 0.3), new Point(5, 500, 0.4)));

    @Test
    void findsTheFirstTimeBetweenTwoPoints() {
        assertThat(CURVE.secondsTo(0.4)).hasValueCloseTo(3.0, Offset.offset(1e-9));
        assertThat(CURVE.examplesTo(0.4)).hasValue(301);
    }

    @Test
    void findsPointsThemselves() {
        assertThat(CURVE.secondsTo(0.5)).hasValue(2);
        assertThat(CURVE.examplesTo(0.5)).hasValue(200);
        assertThat(CURVE.secondsTo(0.3)).hasValue(4);
        assertThat(CURVE.examplesTo(0.3)).hasValue(401);
    }

    @Test
    void isThereFromItsFirstPointOn() {
        assertThat(CURVE.secondsTo(0.6)).hasValue(1);
        assertThat(CURVE.secondsTo(7)).hasValue(1);
        assertThat(CURVE.examplesTo(7)).hasValue(100);
    }

    @Test
    void hasNoTimeForALossThatItNeverReaches() {
        assertThat(CURVE.secondsTo(0.29)).isEmpty();
        assertThat(CURVE.examplesTo(0.29)).isEmpty();
        assertThat(CURVE.secondsTo(Double.NaN)).isEmpty();
        assertThat(new LossCurve("asp", List.of()).secondsTo(1)).isEmpty();
    }

    @Test
    void drawsNoLineFromAPointThatIsNoNumber() {
        for (double loss : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            LossCurve curve = new LossCurve("asp", List.of(new Point(0, 0, loss), new Point(2, 20, -1)));
            assertThat(curve.secondsTo(0)).as("loss=%s", loss).hasValue(2);
            assertThat(curve.examplesTo(0)).as("loss=%s", loss).hasValue(20);
        }
        LossCurve lost = new LossCurve("asp", List.of(new Point(0, 0, 1), new Point(1, 10, Double.NaN)));
        assertThat(lost.secondsTo(0.5)).isEmpty();
    }

    @Test
    void refusesPointsOutOfOrder() {
        Point early = new Point(1, 10, 0.5);
        Point late = new Point(2, 20, 0.5);
        assertThatThrownBy(() -> new LossCurve("asp", List.of(late, early)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("points must be in the order of time: before=" + late + ", point=" + early + ", curve=asp");
        Point fewer = new Point(2, 9, 0.5);
        assertThatThrownBy(() -> new LossCurve("asp", List.of(early, fewer)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("curve=asp");
    }

    @Test
    void refusesTimesThatAreNone() {
        assertThatThrownBy(() -> new Point(Double.NaN, 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("seconds must be finite and not negative: seconds=NaN");
        assertThatThrownBy(() -> new Point(0, -1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("examples must not be negative: examples=-1");
    }
}
