package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.cli.AccuracyTable.Row;
import io.weir.cli.LossCurve.Point;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class AccuracyTableTest {
    /// From nothing right at the beginning to `accuracy` after so many seconds, and a hundredth back after one
    /// more.
    private static Row row(String algorithm, int workers, double seconds, double accuracy) {
        return new Row(
                algorithm,
                workers,
                new LossCurve(
                        algorithm,
                        List.of(
                                new Point(0, 0, 1),
                                new Point(seconds, 1_000_000, 1 - accuracy),
                                new Point(seconds + 1, 1_100_000, 1.01 - accuracy))));
    }

    private static final List<Row> ROWS = List.of(
            row("sgd", 1, 10, 0.8),
            row("downpour", 1, 10, 0.8),
            row("downpour", 4, 2.5, 0.8),
            row("lost", 1, 10, 0.39));

    @Test
    void saysHowLongEachTookToTheTarget() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new AccuracyTable(0.4, ROWS).print(new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8).replace("\r\n", "\n")).isEqualTo("""
                        algorithm  workers  seconds to 0.4  examples to 0.4  times as fast    best    last
                        sgd              1            5.00          500,000           1.00  0.8000  0.7900
                        downpour         1            5.00          500,000           1.00  0.8000  0.7900
                        downpour         4            1.25          500,000           4.00  0.8000  0.7900
                        lost             1               -                -              -  0.3900  0.3800
                        """);
    }

    @Test
    void theCommonTargetIsWhatAllReach() {
        assertThat(AccuracyTable.commonTarget(ROWS)).isEqualTo(0.39);
        assertThat(AccuracyTable.commonTarget(ROWS.subList(0, 3))).isEqualTo(0.8);
        assertThat(AccuracyTable.commonTarget(List.of(row("sgd", 1, 1, 0.87654))))
                .isEqualTo(0.876);
        assertThat(AccuracyTable.commonTarget(List.of())).isZero();
    }

    @Test
    void drawsACurveForEachAlgorithm() {
        Chart chart = new AccuracyTable(0.4, ROWS).chart("subtitle");
        assertThat(chart.curves().stream().map(Chart.Curve::name)).containsExactly("sgd", "downpour", "lost");
        assertThat(chart.curves().get(1).spots())
                .containsExactly(new Chart.Spot(List.of(1.0), 5), new Chart.Spot(List.of(4.0), 1.25));
        assertThat(chart.curves().get(2).spots()).isEmpty();
        assertThat(chart.upAxis().low()).isZero();
        assertThat(chart.upAxis().high()).isGreaterThanOrEqualTo(5);
        assertThat(chart.svg())
                .contains("seconds against workers", ">lost (no points)<", ">4<", ">Time to a test accuracy of 0.4<")
                .doesNotContain("class=\"target\"");
        // One for each spot.
        assertThat(chart.svg().split("<circle", -1)).hasSize(4);
    }

    @Test
    void givesProgramsWhatIsThere() {
        String json = new AccuracyTable(0.4, ROWS).json().text();
        assertThat(json)
                .contains("\"target\":0.4", "\"algorithm\":\"downpour\",\"workers\":4,\"secondsToTarget\":1.25")
                .contains("\"algorithm\":\"lost\",\"workers\":1,\"secondsToTarget\":null,\"examplesToTarget\":null");
    }
}
