package io.weir.cli;

import static java.util.Objects.requireNonNull;

import io.weir.cli.LossCurve.Point;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/// A picture of several trainings: on the left their losses against time, on the right against examples. Immutable.
///
/// The picture is one SVG document that needs nothing beside it, and that is dark where the reader's screen is. Six
/// curves are told from each other by their colours or by their dashes alone, more of them by both together.
///
/// Losses are shown from the lowest one up. Trainings begin with losses that soon are no more of interest, and one may
/// run away; either would press the rest of the curves flat, so lines may come in through the upper edge and leave
/// through it:
///
/// - Where a curve climbs more than [#RUNAWAY] times as high above the lowest loss as the curves began, what is higher
///   than they began is left outside.
/// - The first points of the curves, and the highest 2 % of the others, are left outside if with them the range
///   would be more than half as large again.
/// - A loss that is NaN, infinite, or beyond [#GREATEST_LOSS] is not drawn.
///
/// The legend names the curves whose ends are not in the picture.
///
/// Colours: *Color Universal Design*, Okabe and Ito, 2008.
///
/// @param title one line above all; broken into more where it is too long, as is the subtitle
/// @param subtitle what the trainings have in common; may be empty
/// @param targetLoss drawn as a dotted line across both panels, if there is one
record LossChart(String title, String subtitle, List<LossCurve> curves, OptionalDouble targetLoss) {
    /// How many times as high as it began a curve may climb and still be shown whole.
    static final double RUNAWAY = 5;

    static final double GREATEST_LOSS = 1e30;

    /// How much larger a range may be for the sake of the highest points.
    private static final double WORTH_SHOWING = 1.5;

    private static final double SHOWN_PART = 0.98;

    private static final int WIDTH = 960;
    private static final int MARGIN = 24;
    private static final int PANEL_GAP = 32;
    private static final int PANEL_WIDTH = (WIDTH - 2 * MARGIN - PANEL_GAP) / 2;
    private static final int PLOT_HEIGHT = 300;
    /// To the right of a plot, for the half of a tick's text.
    private static final int PLOT_END = 14;

    private static final int LEGEND_LINE = 34;
    private static final int LEGEND_GAP = 26;
    /// Fonts differ from one machine to the next; this is one of the wider ones.
    private static final double CHARACTER_WIDTH = 7.6;

    private static final double TITLE_CHARACTER_WIDTH = 11;

    private static final int LOSS_STEPS = 6;
    private static final int SECONDS_STEPS = 6;
    private static final int EXAMPLES_STEPS = 7;

    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9");
    /// One more than the colours: with more curves than these, each still has a pair of its own.
    private static final List<String> DASHES = List.of("none", "9 4", "3 3", "10 3 3 3", "16 5", "10 3 3 3 3 3", "5 8");

    private static final String STYLE = """
            .loss-chart { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
            .loss-chart text { fill: #1f2328; }
            .loss-chart .paper { fill: #ffffff; }
            .loss-chart .title { font-size: 19px; font-weight: 600; }
            .loss-chart .heading { font-weight: 600; }
            .loss-chart .subtitle, .loss-chart .tick { fill: #59636e; }
            .loss-chart .tick { font-size: 12px; font-variant-numeric: tabular-nums; }
            .loss-chart .grid { stroke: #e3e6ea; }
            .loss-chart .axis { stroke: #8c959f; }
            .loss-chart .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
            .loss-chart .target { stroke: #1f2328; stroke-width: 1.6; stroke-linecap: round; stroke-dasharray: 0.1 5; }
            """;

    private static final String DARK_STYLE = """
            @media (prefers-color-scheme: dark) {
              .loss-chart text { fill: #e6e9ed; }
              .loss-chart .paper { fill: #15181c; }
              .loss-chart .subtitle, .loss-chart .tick { fill: #9aa4ae; }
              .loss-chart .grid { stroke: #2b3036; }
              .loss-chart .axis { stroke: #6b747d; }
              .loss-chart .target { stroke: #e6e9ed; }
            }
            """;

    /// One of the two panels.
    private record Panel(
            String heading,
            double left,
            LossAxis across,
            ToDoubleFunction<Point> value,
            Function<BigDecimal, String> tickText) {}

    /// One entry of the legend, `style` being the attributes of its line.
    private record Entry(String name, String style) {
        double width() {
            return LEGEND_LINE + 8 + name.codePointCount(0, name.length()) * CHARACTER_WIDTH;
        }
    }

    LossChart {
        requireNonNull(title, "title");
        requireNonNull(subtitle, "subtitle");
        curves = List.copyOf(curves);
        if (!drawable(targetLoss.orElse(0))) {
            throw new IllegalArgumentException("target loss must be a number: targetLoss=" + targetLoss.getAsDouble());
        }
    }

    /// The picture, an SVG document.
    String svg() {
        StringBuilder body = new StringBuilder();
        double y = 14;
        for (String line : lines(title, (WIDTH - 2 * MARGIN) / TITLE_CHARACTER_WIDTH)) {
            y += 24;
            text(body, MARGIN, y, "title", "start", line);
        }
        for (String line : lines(subtitle, (WIDTH - 2 * MARGIN) / CHARACTER_WIDTH)) {
            y += 20;
            text(body, MARGIN, y, "subtitle", "start", line);
        }
        LossAxis up = lossAxis();
        y = legend(body, up, y + 30);

        List<Panel> panels = List.of(
                new Panel(
                        "loss against time",
                        MARGIN,
                        timeAxis(Point::seconds, 0.001, SECONDS_STEPS),
                        Point::seconds,
                        LossChart::secondsText),
                new Panel(
                        "loss against examples",
                        MARGIN + PANEL_WIDTH + PANEL_GAP,
                        timeAxis(Point::examples, EXAMPLES_STEPS, EXAMPLES_STEPS),
                        Point::examples,
                        LossChart::examplesText));
        for (Panel panel : panels) {
            panel(body, panel, up, y + 36);
        }
        return document(body, y + 36 + 14 + PLOT_HEIGHT + 40);
    }

    private String document(StringBuilder body, double height) {
        return String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"loss-chart\" role=\"img\""
                                + " width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n",
                        WIDTH,
                        height,
                        WIDTH,
                        height)
                + "<title>" + escaped(title) + "</title>\n"
                + "<style>\n" + STYLE + DARK_STYLE + "</style>\n"
                + "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
                + body
                + "</svg>\n";
    }

    /// Draws the legend below `y` and returns where it ends.
    private double legend(StringBuilder body, LossAxis up, double y) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < curves.size(); i++) {
            LossCurve curve = curves.get(i);
            String remark = curve.last()
                    .map(point -> drawable(point.loss()) && up.at(point.loss()) <= 1 ? "" : " (ends outside)")
                    .orElse(" (no points)");
            entries.add(new Entry(curve.name() + remark, curveStyle(i)));
        }
        if (targetLoss.isPresent()) {
            entries.add(new Entry("target " + shortest(targetLoss.getAsDouble()), "class=\"target\""));
        }
        double x = MARGIN;
        double row = y;
        for (Entry entry : entries) {
            if (x > MARGIN && x + entry.width() > WIDTH - MARGIN) {
                x = MARGIN;
                row += 22;
            }
            line(body, entry.style(), x, row - 4.5, x + LEGEND_LINE, row - 4.5);
            int most = (int) ((WIDTH - 2 * MARGIN - LEGEND_LINE) / CHARACTER_WIDTH);
            text(body, x + LEGEND_LINE + 8, row, "name", "start", shortened(entry.name(), most));
            x += entry.width() + LEGEND_GAP;
        }
        return row;
    }

    private void panel(StringBuilder body, Panel panel, LossAxis up, double y) {
        List<String> lossTexts = up.ticks().stream().map(LossChart::lossText).toList();
        double textWidth = 10
                + CHARACTER_WIDTH
                        * lossTexts.stream().mapToInt(String::length).max().orElse(0);
        double left = panel.left() + textWidth;
        double width = PANEL_WIDTH - textWidth - PLOT_END;
        double top = y + 14;
        double bottom = top + PLOT_HEIGHT;
        body.append("<g class=\"panel\">\n");
        text(body, panel.left(), y, "heading", "start", panel.heading());

        for (int i = 0; i < lossTexts.size(); i++) {
            double at = bottom - up.at(up.ticks().get(i).doubleValue()) * PLOT_HEIGHT;
            line(body, "class=\"grid\"", left, at, left + width, at);
            text(body, left - 8, at + 4, "tick", "end", lossTexts.get(i));
        }
        for (BigDecimal tick : panel.across().ticks()) {
            double at = left + panel.across().at(tick.doubleValue()) * width;
            line(body, "class=\"axis\"", at, bottom, at, bottom + 5);
            text(body, at, bottom + 20, "tick", "middle", panel.tickText().apply(tick));
        }
        line(body, "class=\"axis\"", left, bottom, left + width, bottom);

        // An inner document cuts off what lies outside of it, and its corner is the origin of what is inside.
        body.append(String.format(
                Locale.ROOT,
                "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\">\n",
                left,
                top,
                width,
                PLOT_HEIGHT));
        for (int i = 0; i < curves.size(); i++) {
            curve(body, panel, up, width, i);
        }
        if (targetLoss.isPresent()) {
            double at = PLOT_HEIGHT * (1 - up.at(targetLoss.getAsDouble()));
            line(body, "class=\"target\"", 0, at, width, at);
        }
        body.append("</svg>\n");
        for (int i = 0; i < curves.size(); i++) {
            end(body, panel, up, left, top, width, i);
        }
        body.append("</g>\n");
    }

    private void curve(StringBuilder body, Panel panel, LossAxis up, double width, int index) {
        List<Point> points = drawn(curves.get(index));
        if (points.isEmpty()) {
            return;
        }
        StringBuilder places = new StringBuilder();
        double lastX = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < points.size(); i++) {
            double x = x(panel, points.get(i), width);
            // More than two points a pixel would not be seen.
            if (x - lastX >= 0.5 || i == points.size() - 1) {
                places.append(places.isEmpty() ? "" : " ")
                        .append(String.format(Locale.ROOT, "%.1f,%.1f", x, y(up, points.get(i))));
                lastX = x;
            }
        }
        body.append(String.format(Locale.ROOT, "<polyline %s points=\"%s\"/>\n", curveStyle(index), places));
    }

    /// Draws a dot where a curve ends, unless that is outside: of a curve with one point it is all there is to see.
    private void end(StringBuilder body, Panel panel, LossAxis up, double left, double top, double width, int index) {
        List<Point> points = drawn(curves.get(index));
        if (!points.isEmpty() && up.at(points.getLast().loss()) <= 1) {
            body.append(String.format(
                    Locale.ROOT,
                    "<circle fill=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                    colour(index),
                    left + x(panel, points.getLast(), width),
                    top + y(up, points.getLast())));
        }
    }

    private static double x(Panel panel, Point point, double width) {
        return panel.across().at(panel.value().applyAsDouble(point)) * width;
    }

    private static double y(LossAxis up, Point point) {
        return Math.clamp(PLOT_HEIGHT * (1 - up.at(point.loss())), -100.0 * PLOT_HEIGHT, 100.0 * PLOT_HEIGHT);
    }

    /// The axis of losses. What it leaves out is said above.
    LossAxis lossAxis() {
        double lowest = Double.POSITIVE_INFINITY;
        double highest = Double.NEGATIVE_INFINITY;
        double begin = Double.NEGATIVE_INFINITY;
        for (LossCurve curve : curves) {
            List<Point> points = drawn(curve);
            for (Point point : points) {
                lowest = Math.min(lowest, point.loss());
                highest = Math.max(highest, point.loss());
            }
            begin = points.isEmpty() ? begin : Math.max(begin, points.getFirst().loss());
        }
        if (lowest > highest) {
            return lossAxis(targetLoss.orElse(0), targetLoss.orElse(1));
        }
        if (begin > lowest && highest - lowest > RUNAWAY * (begin - lowest)) {
            highest = begin;
        }
        double most = highest;
        double[] later = curves.stream()
                .flatMap(curve -> drawn(curve).stream().skip(1))
                .mapToDouble(Point::loss)
                .filter(loss -> loss <= most)
                .sorted()
                .toArray();
        double mostOfThem = later.length == 0 ? highest : percentile(later, SHOWN_PART);
        if (mostOfThem > lowest && highest - lowest > WORTH_SHOWING * (mostOfThem - lowest)) {
            highest = mostOfThem;
        }
        return lossAxis(Math.min(lowest, targetLoss.orElse(lowest)), Math.max(highest, targetLoss.orElse(highest)));
    }

    /// With a little margin, but not below zero for its sake.
    private static LossAxis lossAxis(double low, double high) {
        double size = Math.max(Math.abs(low), Math.abs(high));
        double margin = high - low > 1e-6 * size ? 0.05 * (high - low) : size > 0 ? 0.05 * size : 0.5;
        return LossAxis.of(low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin, LOSS_STEPS);
    }

    /// An axis from 0 to the furthest point of all curves and a little more, but at least to `least`; where nothing is
    /// beyond 0, of one unit a step.
    private LossAxis timeAxis(ToDoubleFunction<Point> value, double least, int steps) {
        double furthest = curves.stream()
                .flatMap(curve -> curve.points().stream())
                .mapToDouble(value)
                .max()
                .orElse(0);
        return LossAxis.of(0, furthest > 0 ? Math.max(1.02 * furthest, least) : steps, steps);
    }

    /// The value below which that part of the ascending `values` lies, between two of them on the line that joins them.
    private static double percentile(double[] values, double part) {
        double at = part * (values.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, values.length - 1);
        return values[below] + (at - below) * (values[above] - values[below]);
    }

    private static List<Point> drawn(LossCurve curve) {
        return curve.points().stream().filter(point -> drawable(point.loss())).toList();
    }

    private static boolean drawable(double loss) {
        return Math.abs(loss) <= GREATEST_LOSS;
    }

    private static String colour(int index) {
        return COLOURS.get(index % COLOURS.size());
    }

    private static String curveStyle(int index) {
        return String.format(
                Locale.ROOT,
                "class=\"curve\" stroke=\"%s\" stroke-dasharray=\"%s\"",
                colour(index),
                DASHES.get(index % DASHES.size()));
    }

    /// Six digits at most, and no more than it takes: `0.34`.
    static String shortest(double value) {
        if (!Double.isFinite(value)) {
            return Double.toString(value);
        }
        return plain(new BigDecimal(value).round(new MathContext(6)));
    }

    private static String plain(BigDecimal value) {
        return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
    }

    private static String lossText(BigDecimal tick) {
        double size = Math.abs(tick.doubleValue());
        return size != 0 && (size < 1e-4 || size >= 1e6)
                ? String.format(Locale.ROOT, "%.1e", tick)
                : tick.toPlainString();
    }

    /// `0 s`, `2.5 s`, `1,200 s`.
    static String secondsText(BigDecimal tick) {
        return String.format(Locale.ROOT, "%,." + Math.max(0, tick.scale()) + "f s", tick);
    }

    /// `0`, `500`, `100 k`, `1.2 M`, `3 G`.
    static String examplesText(BigDecimal tick) {
        double examples = tick.doubleValue();
        int power = examples >= 1e9 ? 9 : examples >= 1e6 ? 6 : examples >= 1e3 ? 3 : 0;
        String unit = examples >= 1e9 ? " G" : examples >= 1e6 ? " M" : examples >= 1e3 ? " k" : "";
        return plain(tick.movePointLeft(power)) + unit;
    }

    private static void text(StringBuilder body, double x, double y, String style, String anchor, String text) {
        body.append(String.format(
                Locale.ROOT,
                "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
                style,
                x,
                y,
                anchor,
                escaped(text)));
    }

    private static void line(StringBuilder body, String style, double x1, double y1, double x2, double y2) {
        body.append(String.format(
                Locale.ROOT, "<line %s x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", style, x1, y1, x2, y2));
    }

    /// The words of `text` in lines of at most `most` characters; a word that is longer has its line for itself.
    private static List<String> lines(String text, double most) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.strip().split("\\s+", -1)) {
            if (!line.isEmpty() && line.length() + 1 + word.length() > most) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        if (!line.isEmpty()) {
            lines.add(line.toString());
        }
        return lines;
    }

    private static String shortened(String text, int most) {
        return text.codePointCount(0, text.length()) <= most
                ? text
                : text.substring(0, text.offsetByCodePoints(0, most - 1)) + "…";
    }

    /// The text as it may stand in XML. For what may not stand there at all comes the replacement character.
    static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&apos;");
                default -> escaped.appendCodePoint(isXml(c) ? c : 0xfffd);
            }
        });
        return escaped.toString();
    }

    private static boolean isXml(int c) {
        boolean control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
        boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
        return !control && !surrogate && c != 0xfffe && c != 0xffff;
    }
}
