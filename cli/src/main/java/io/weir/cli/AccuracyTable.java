package io.weir.cli;

import io.weir.cli.Chart.Across;
import io.weir.cli.Chart.Curve;
import io.weir.cli.Chart.Heights;
import io.weir.cli.Chart.Spot;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// How long several algorithms took to a test accuracy, with several numbers of workers. Immutable.
///
/// @param target the accuracy, from 0 to 1
record AccuracyTable(double target, List<Row> rows) {
    private static final String NOTHING = "-";

    /// One training.
    ///
    /// @param errors how the fraction of wrong answers went down
    record Row(String algorithm, int workers, LossCurve errors) {
        OptionalDouble secondsTo(double accuracy) {
            return errors.secondsTo(1 - accuracy);
        }

        /// The best accuracy at any point.
        double best() {
            return 1
                    - errors.points().stream()
                            .mapToDouble(LossCurve.Point::loss)
                            .min()
                            .orElse(1);
        }

        /// The accuracy at the last point.
        double last() {
            return 1 - errors.last().map(LossCurve.Point::loss).orElse(1.0);
        }
    }

    AccuracyTable {
        rows = List.copyOf(rows);
    }

    /// The greatest accuracy of three digits that all rows have reached.
    static double commonTarget(List<Row> rows) {
        return Math.floor(rows.stream().mapToDouble(Row::best).min().orElse(0) * 1000) / 1000;
    }

    /// How many times as fast as the first row; empty unless both have reached the target.
    private OptionalDouble speedup(Row row) {
        double speedup = rows.getFirst().secondsTo(target).orElse(Double.NaN)
                / row.secondsTo(target).orElse(Double.NaN);
        return speedup > 0 && speedup < Double.POSITIVE_INFINITY ? OptionalDouble.of(speedup) : OptionalDouble.empty();
    }

    void print(PrintStream out) {
        List<List<String>> lines = new ArrayList<>();
        String goal = Chart.shortest(target);
        lines.add(List.of(
                "algorithm", "workers", "seconds to " + goal, "examples to " + goal, "times as fast", "best", "last"));
        for (Row row : rows) {
            lines.add(List.of(
                    row.algorithm(),
                    Integer.toString(row.workers()),
                    text("%.2f", row.secondsTo(target)),
                    row.errors().examplesTo(1 - target).stream()
                            .mapToObj(Quantities::ofCount)
                            .findFirst()
                            .orElse(NOTHING),
                    text("%.2f", speedup(row)),
                    String.format(Locale.ROOT, "%.4f", row.best()),
                    String.format(Locale.ROOT, "%.4f", row.last())));
        }
        Columns.print(out, lines, false, true, true, true, true, true, true);
    }

    private static String text(String format, OptionalDouble value) {
        return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : NOTHING;
    }

    /// Seconds to the target against workers, a curve for each algorithm. Where the target was not reached
    /// there is no spot.
    Chart chart(String subtitle) {
        Map<String, List<Spot>> spots = new LinkedHashMap<>();
        for (Row row : rows) {
            List<Spot> ofAlgorithm = spots.computeIfAbsent(row.algorithm(), _ -> new ArrayList<>());
            row.secondsTo(target)
                    .ifPresent(seconds -> ofAlgorithm.add(new Spot(List.of((double) row.workers()), seconds)));
        }
        int most = rows.stream().mapToInt(Row::workers).max().orElse(1);
        return new Chart(
                "Time to a test accuracy of " + Chart.shortest(target),
                subtitle,
                new Heights(true, Chart::secondsText),
                List.of(new Across(
                        "seconds against workers", most + 0.5, Math.min(most + 1, 12), BigDecimal::toPlainString)),
                spots.entrySet().stream()
                        .map(entry -> new Curve(entry.getKey(), entry.getValue()))
                        .toList(),
                OptionalDouble.empty());
    }

    /// The same for programs. What is not there is null.
    Json json() {
        return new Json()
                .put("target", target)
                .put("trainings", rows.stream().map(this::json).toList());
    }

    private Json json(Row row) {
        List<LossCurve.Point> points = row.errors().points();
        OptionalLong examples = row.errors().examplesTo(1 - target);
        return new Json()
                .put("algorithm", row.algorithm())
                .put("workers", row.workers())
                .put("secondsToTarget", row.secondsTo(target).orElse(Double.NaN))
                .put("examplesToTarget", examples.isPresent() ? (Long) examples.getAsLong() : null)
                .put("speedup", speedup(row).orElse(Double.NaN))
                .put("bestAccuracy", row.best())
                .put("lastAccuracy", row.last())
                .put("seconds", points.stream().map(LossCurve.Point::seconds).toList())
                .put("examples", points.stream().map(LossCurve.Point::examples).toList())
                .put("accuracy", points.stream().map(point -> 1 - point.loss()).toList());
    }
}
