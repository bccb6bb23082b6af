package io.weir.cli;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;

/// A picture of curves: their heights against one quantity or against several, one panel for each. Immutable.
///
/// The picture is one SVG document that needs nothing beside it, and that is dark where the reader's screen is.
/// Six curves are told from each other by their colours or by their dashes alone, more of them by both
/// together.
///
/// Heights are shown from the lowest one up, or with [Heights#whole] all of them and from 0. Losses begin where
/// they soon are no more of interest, and a training may run away; either would press the rest of the curves
/// flat, so without it lines may come in through the upper edge and leave through it:
///
/// - Where a curve climbs more than [#RUNAWAY] times as high above the lowest height as the curves began, what
///   is higher than they began is left outside.
/// - The first spots of the curves, and the highest 2 % of the others, are left outside if with them the range
///   would be more than half as large again.
///
/// A height that is NaN, infinite, or beyond [#GREATEST_HEIGHT] is not drawn. The legend names the curves whose
/// ends are not in the picture.
///
/// Colours: *Color Universal Design*, Okabe and Ito, 2008.
///
/// @param title one line above all; broken into more where it is too long, as is the subtitle
/// @param subtitle what the curves have in common; may be empty
/// @param heights what they show
/// @param across what they show it against, at least one thing
/// @param curves in the order of the legend
/// @param target drawn as a dotted line across all panels, if there is one
record Chart(
        String title,
        String subtitle,
        Heights heights,
        List<Across> across,
        List<Curve> curves,
        OptionalDouble target) {
    /// How many times as high as it began a curve may climb and still be shown whole.
    static final double RUNAWAY = 5;

    static final double GREATEST_HEIGHT = 1e30;

    /// How much larger a range may be for the sake of the highest spots.
    private static final double WORTH_SHOWING = 1.5;

    private static final double SHOWN_PART = 0.98;

    private static final int WIDTH = 960;
    private static final int MARGIN = 24;
    private static final int PANEL_GAP = 32;
    private static final int PLOT_HEIGHT = 300;
    /// To the right of a plot, for the half of a tick's text.
    private static final int PLOT_END = 14;

    private static final int LEGEND_LINE = 34;
    private static final int LEGEND_GAP = 26;
    /// Fonts differ from one machine to the next; this is one of the wider ones.
    private static final double CHARACTER_WIDTH = 7.6;

    private static final double TITLE_CHARACTER_WIDTH = 11;

    private static final int HEIGHT_STEPS = 6;
    private static final int SECONDS_STEPS = 6;
    private static final int EXAMPLES_STEPS = 7;

    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9");
    /// One more than the colours: with more curves than these, each still has a pair of its own.
    private static final List<String> DASHES = List.of("none", "9 4", "3 3", "10 3 3 3", "16 5", "10 3 3 3 3 3", "5 8");

    private static final String STYLE = """
            .chart { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
            .chart text { fill: #1f2328; }
            .chart .paper { fill: #ffffff; }
            .chart .title { font-size: 19px; font-weight: 600; }
            .chart .heading { font-weight: 600; }
            .chart .subtitle, .chart .tick { fill: #59636e; }
            .chart .tick { font-size: 12px; font-variant-numeric: tabular-nums; }
            .chart .grid { stroke: #e3e6ea; }
            .chart .axis { stroke: #8c959f; }
            .chart .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
            .chart .target { stroke: #1f2328; stroke-width: 1.6; stroke-linecap: round; stroke-dasharray: 0.1 5; }
            """;

    private static final String DARK_STYLE = """
            @media (prefers-color-scheme: dark) {
              .chart text { fill: #e6e9ed; }
              .chart .paper { fill: #15181c; }
              .chart .subtitle, .chart .tick { fill: #9aa4ae; }
              .chart .grid { stroke: #2b3036; }
              .chart .axis { stroke: #6b747d; }
              .chart .target { stroke: #e6e9ed; }
            }
            """;

    /// What the curves show.
    ///
    /// @param whole whether all heights are in the picture, and 0
    /// @param tickText writes a number beside the axis
    record Heights(boolean whole, Function<BigDecimal, String> tickText) {}

    /// What the curves show it against: a panel.
    ///
    /// @param heading above the panel
    /// @param least where its axis ends at the least; it begins at 0
    /// @param steps most ticks beside 0
    /// @param tickText writes a number below the axis
    record Across(String heading, double least, int steps, Function<BigDecimal, String> tickText) {}

    /// A curve, its spots from left to right.
    record Curve(String name, List<Spot> spots) {
        Curve {
            requireNonNull(name, "name");
            spots = List.copyOf(spots);
        }
    }

    /// A spot of a curve.
    ///
    /// @param at how far it is to the right in each panel, not below 0
    /// @param height NaN or infinite where there is nothing to be drawn
    record Spot(List<Double> at, double height) {
        Spot {
            at = List.copyOf(at);
        }
    }

    /// One of the panels in its place.
    private record Panel(Across across, int index, double left, double width, ChartAxis axis) {}

    /// One entry of the legend, `style` being the attributes of its line.
    private record Entry(String name, String style) {
        double width() {
            return LEGEND_LINE + 8 + name.codePointCount(0, name.length()) * CHARACTER_WIDTH;
        }
    }

    Chart {
        requireNonNull(title, "title");
        requireNonNull(subtitle, "subtitle");
        requireNonNull(heights, "heights");
        across = List.copyOf(across);
        curves = List.copyOf(curves);
        if (!drawable(target.orElse(0))) {
            throw new IllegalArgumentException("target must be a number: target=" + target.getAsDouble());
        }
    }

    /// Several trainings: on the left their losses against time, on the right against examples.
    static Chart ofLosses(String title, String subtitle, List<LossCurve> curves, OptionalDouble targetLoss) {
        return new Chart(
                title,
                subtitle,
                new Heights(false, Chart::heightText),
                List.of(
                        new Across("loss against time", 0.001, SECONDS_STEPS, Chart::secondsText),
                        new Across("loss against examples", EXAMPLES_STEPS, EXAMPLES_STEPS, Chart::examplesText)),
                curves.stream()
                        .map(curve -> new Curve(
                                curve.name(),
                                curve.points().stream().map(Chart::spot).toList()))
                        .toList(),
                targetLoss);
    }

    private static Spot spot(LossCurve.Point point) {
        return new Spot(List.of(point.seconds(), (double) point.examples()), point.loss());
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
        ChartAxis up = upAxis();
        y = legend(body, up, y + 30);

        double width = (WIDTH - 2.0 * MARGIN - PANEL_GAP * (across.size() - 1.0)) / across.size();
        for (int i = 0; i < across.size(); i++) {
            double left = MARGIN + i * (width + PANEL_GAP);
            panel(body, new Panel(across.get(i), i, left, width, axisOf(i)), up, y + 36);
        }
        return document(body, y + 36 + 14 + PLOT_HEIGHT + 40);
    }

    private String document(StringBuilder body, double height) {
        return String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\""
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
    private double legend(StringBuilder body, ChartAxis up, double y) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < curves.size(); i++) {
            Curve curve = curves.get(i);
            String remark = curve.spots().isEmpty() ? " (no points)" : isInside(up, curve) ? "" : " (ends outside)";
            entries.add(new Entry(curve.name() + remark, curveStyle(i)));
        }
        if (target.isPresent()) {
            entries.add(new Entry("target " + shortest(target.getAsDouble()), "class=\"target\""));
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

    private static boolean isInside(ChartAxis up, Curve curve) {
        double end = curve.spots().getLast().height();
        return drawable(end) && up.at(end) <= 1;
    }

    private void panel(StringBuilder body, Panel panel, ChartAxis up, double y) {
        List<String> upTexts = up.ticks().stream().map(heights.tickText()).toList();
        double textWidth = 10
                + CHARACTER_WIDTH
                        * upTexts.stream().mapToInt(String::length).max().orElse(0);
        double left = panel.left() + textWidth;
        double width = panel.width() - textWidth - PLOT_END;
        double top = y + 14;
        double bottom = top + PLOT_HEIGHT;
        body.append("<g class=\"panel\">\n");
        text(body, panel.left(), y, "heading", "start", panel.across().heading());

        for (int i = 0; i < upTexts.size(); i++) {
            double at = bottom - up.at(up.ticks().get(i).doubleValue()) * PLOT_HEIGHT;
            line(body, "class=\"grid\"", left, at, left + width, at);
            text(body, left - 8, at + 4, "tick", "end", upTexts.get(i));
        }
        for (BigDecimal tick : panel.axis().ticks()) {
            double at = left + panel.axis().at(tick.doubleValue()) * width;
            line(body, "class=\"axis\"", at, bottom, at, bottom + 5);
            text(
                    body,
                    at,
                    bottom + 20,
                    "tick",
                    "middle",
                    panel.across().tickText().apply(tick));
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
        if (target.isPresent()) {
            double at = PLOT_HEIGHT * (1 - up.at(target.getAsDouble()));
            line(body, "class=\"target\"", 0, at, width, at);
        }
        body.append("</svg>\n");
        for (int i = 0; i < curves.size(); i++) {
            dots(body, panel, up, left, top, width, i);
        }
        body.append("</g>\n");
    }

    private void curve(StringBuilder body, Panel panel, ChartAxis up, double width, int index) {
        List<Spot> spots = drawn(curves.get(index));
        if (spots.isEmpty()) {
            return;
        }
        StringBuilder places = new StringBuilder();
        double lastX = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < spots.size(); i++) {
            double x = x(panel, spots.get(i), width);
            // More than two points a pixel would not be seen.
            if (x - lastX >= 0.5 || i == spots.size() - 1) {
                places.append(places.isEmpty() ? "" : " ")
                        .append(String.format(Locale.ROOT, "%.1f,%.1f", x, y(up, spots.get(i))));
                lastX = x;
            }
        }
        body.append(String.format(Locale.ROOT, "<polyline %s points=\"%s\"/>\n", curveStyle(index), places));
    }

    /// Draws a dot where a curve ends, and where everything is shown one at each spot, unless that is outside:
    /// of a curve with one spot it is all there is to see.
    private void dots(StringBuilder body, Panel panel, ChartAxis up, double left, double top, double width, int index) {
        List<Spot> spots = drawn(curves.get(index));
        for (Spot spot : heights.whole() || spots.isEmpty() ? spots : List.of(spots.getLast())) {
            if (up.at(spot.height()) <= 1) {
                body.append(String.format(
                        Locale.ROOT,
                        "<circle fill=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                        colour(index),
                        left + x(panel, spot, width),
                        top + y(up, spot)));
            }
        }
    }

    private static double x(Panel panel, Spot spot, double width) {
        return panel.axis().at(spot.at().get(panel.index())) * width;
    }

    private static double y(ChartAxis up, Spot spot) {
        return Math.clamp(PLOT_HEIGHT * (1 - up.at(spot.height())), -100.0 * PLOT_HEIGHT, 100.0 * PLOT_HEIGHT);
    }

    /// The axis of the heights. What it leaves out is said above.
    ChartAxis upAxis() {
        double lowest = Double.POSITIVE_INFINITY;
        double highest = Double.NEGATIVE_INFINITY;
        double begin = Double.NEGATIVE_INFINITY;
        for (Curve curve : curves) {
            List<Spot> spots = drawn(curve);
            for (Spot spot : spots) {
                lowest = Math.min(lowest, spot.height());
                highest = Math.max(highest, spot.height());
            }
            begin = spots.isEmpty() ? begin : Math.max(begin, spots.getFirst().height());
        }
        if (lowest > highest) {
            return upAxis(target.orElse(0), target.orElse(1));
        }
        if (heights.whole()) {
            return upAxis(0, Math.max(highest, target.orElse(highest)));
        }
        if (begin > lowest && highest - lowest > RUNAWAY * (begin - lowest)) {
            highest = begin;
        }
        double most = highest;
        double[] later = curves.stream()
                .flatMap(curve -> drawn(curve).stream().skip(1))
                .mapToDouble(Spot::height)
                .filter(height -> height <= most)
                .sorted()
                .toArray();
        double mostOfThem = later.length == 0 ? highest : percentile(later, SHOWN_PART);
        if (mostOfThem > lowest && highest - lowest > WORTH_SHOWING * (mostOfThem - lowest)) {
            highest = mostOfThem;
        }
        return upAxis(Math.min(lowest, target.orElse(lowest)), Math.max(highest, target.orElse(highest)));
    }

    /// With a little margin, but not below zero for its sake.
    private static ChartAxis upAxis(double low, double high) {
        double size = Math.max(Math.abs(low), Math.abs(high));
        double margin = high - low > 1e-6 * size ? 0.05 * (high - low) : size > 0 ? 0.05 * size : 0.5;
        return ChartAxis.of(low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin, HEIGHT_STEPS);
    }

    /// An axis from 0 to the furthest spot of all curves and a little more, but at least to its least end;
    /// where nothing is beyond 0, of one unit a step.
    private ChartAxis axisOf(int panel) {
        double furthest = curves.stream()
                .flatMap(curve -> curve.spots().stream())
                .mapToDouble(spot -> spot.at().get(panel))
                .max()
                .orElse(0);
        Across quantity = across.get(panel);
        return ChartAxis.of(
                0, furthest > 0 ? Math.max(1.02 * furthest, quantity.least()) : quantity.steps(), quantity.steps());
    }

    /// The value below which that part of the ascending `values` lies, between two of them on the line that
    /// joins them.
    private static double percentile(double[] values, double part) {
        double at = part * (values.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, values.length - 1);
        return values[below] + (at - below) * (values[above] - values[below]);
    }

    private static List<Spot> drawn(Curve curve) {
        return curve.spots().stream().filter(spot -> drawable(spot.height())).toList();
    }

    private static boolean drawable(double height) {
        return Math.abs(height) <= GREATEST_HEIGHT;
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

    static String heightText(BigDecimal tick) {
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

    /// The words of `text` in lines of at most `most` characters; a word that is longer has its line for
    /// itself.
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
