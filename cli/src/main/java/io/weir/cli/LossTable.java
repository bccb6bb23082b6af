package io.weir.cli;

import io.weir.cli.LossCurve.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;

/// What several trainings came to, one below the other, each held against the first one. Immutable.
///
/// @param targetLoss the loss for whose sake they are compared, if there is one
record LossTable(List<Row> rows, OptionalDouble targetLoss) {
    private static final String NOTHING = "-";
    private static final String GAP = "  ";

    /// One training.
    ///
    /// @param seconds in all; empty, as are `examples` and `loss`, for a curve without points
    /// @param loss of the last point
    /// @param secondsToTarget empty if the target was not reached
    /// @param examplesToTarget empty if the target was not reached
    /// @param speedup the first row's seconds to the target in this one's, above 1 for a faster one; empty if
    ///     either did not reach the target
    record Row(
            String name,
            OptionalDouble seconds,
            OptionalLong examples,
            OptionalDouble loss,
            OptionalDouble secondsToTarget,
            OptionalLong examplesToTarget,
            OptionalDouble speedup) {}

    /// One column of the text.
    private record Column(String head, boolean left, Function<Row, String> cell) {}

    LossTable {
        rows = List.copyOf(rows);
    }

    /// The table of `curves`, in their order.
    static LossTable of(List<LossCurve> curves, OptionalDouble targetLoss) {
        OptionalDouble reference = curves.isEmpty() || targetLoss.isEmpty()
                ? OptionalDouble.empty()
                : curves.getFirst().secondsTo(targetLoss.getAsDouble());
        return new LossTable(
                curves.stream().map(curve -> row(curve, targetLoss, reference)).toList(), targetLoss);
    }

    private static Row row(LossCurve curve, OptionalDouble targetLoss, OptionalDouble reference) {
        // No loss is at or below a target that is NaN.
        double target = targetLoss.orElse(Double.NaN);
        OptionalDouble secondsToTarget = curve.secondsTo(target);
        return new Row(
                curve.name(),
                curve.last().stream().mapToDouble(Point::seconds).findFirst(),
                curve.last().stream().mapToLong(Point::examples).findFirst(),
                curve.last().stream().mapToDouble(Point::loss).findFirst(),
                secondsToTarget,
                curve.examplesTo(target),
                speedup(reference, secondsToTarget));
    }

    private static OptionalDouble speedup(OptionalDouble reference, OptionalDouble seconds) {
        double speedup = reference.orElse(Double.NaN) / seconds.orElse(Double.NaN);
        return speedup > 0 && speedup < Double.POSITIVE_INFINITY ? OptionalDouble.of(speedup) : OptionalDouble.empty();
    }

    /// Aligned lines, each with its end. What is about the target is there if there is one.
    String text() {
        List<Column> columns = columns();
        int[] widths = new int[columns.size()];
        List<List<String>> lines = new ArrayList<>();
        lines.add(columns.stream().map(Column::head).toList());
        for (Row row : rows) {
            lines.add(columns.stream().map(column -> column.cell().apply(row)).toList());
        }
        for (List<String> line : lines) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], length(line.get(i)));
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> line : lines) {
            StringBuilder aligned = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                String cell = line.get(i);
                String padding = " ".repeat(widths[i] - length(cell));
                aligned.append(i == 0 ? "" : GAP).append(columns.get(i).left() ? cell + padding : padding + cell);
            }
            text.append(aligned.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private List<Column> columns() {
        List<Column> columns = new ArrayList<>();
        columns.add(new Column("name", true, Row::name));
        columns.add(new Column("seconds", false, row -> seconds(row.seconds())));
        columns.add(new Column("examples", false, row -> examples(row.examples())));
        columns.add(new Column("loss", false, row -> loss(row.loss())));
        if (targetLoss.isPresent()) {
            String target = Chart.shortest(targetLoss.getAsDouble());
            columns.add(new Column("seconds to " + target, false, row -> seconds(row.secondsToTarget())));
            columns.add(new Column("examples to " + target, false, row -> examples(row.examplesToTarget())));
            String first = rows.isEmpty() ? "" : " " + rows.getFirst().name();
            columns.add(new Column("against" + first, true, row -> speedup(row.speedup())));
        }
        return columns;
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    private static String seconds(OptionalDouble seconds) {
        return seconds.isPresent() ? String.format(Locale.ROOT, "%.2f", seconds.getAsDouble()) : NOTHING;
    }

    private static String examples(OptionalLong examples) {
        return examples.isPresent() ? Quantities.ofCount(examples.getAsLong()) : NOTHING;
    }

    private static String loss(OptionalDouble loss) {
        return loss.isPresent() ? String.format(Locale.ROOT, "%.5f", loss.getAsDouble()) : NOTHING;
    }

    private static String speedup(OptionalDouble speedup) {
        if (speedup.isEmpty()) {
            return NOTHING;
        }
        double faster = speedup.getAsDouble();
        String times = String.format(Locale.ROOT, "%.2fx", Math.max(faster, 1 / faster));
        return times.equals("1.00x") ? times : times + (faster > 1 ? " faster" : " slower");
    }

    /// The same for programs. What is not there is null.
    Json json() {
        return new Json()
                .put("targetLoss", targetLoss.orElse(Double.NaN))
                .put("curves", rows.stream().map(LossTable::json).toList());
    }

    private static Json json(Row row) {
        // Of a number that is NaN a Json makes null.
        return new Json()
                .put("name", row.name())
                .put("seconds", row.seconds().orElse(Double.NaN))
                .put(
                        "examples",
                        row.examples().isPresent() ? (Long) row.examples().getAsLong() : null)
                .put("loss", row.loss().orElse(Double.NaN))
                .put("secondsToTarget", row.secondsToTarget().orElse(Double.NaN))
                .put(
                        "examplesToTarget",
                        row.examplesToTarget().isPresent()
                                ? (Long) row.examplesToTarget().getAsLong()
                                : null)
                .put("speedup", row.speedup().orElse(Double.NaN));
    }
}
