package io.weir.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The text form of initial rows: a name, then numbers in parentheses.
final class InitialRowText {
    private static final Pattern FORM = Pattern.compile(
            "zero|constant\\((?<value>[^,()]+)\\)|(?<law>uniform|normal)\\((?<first>[^,()]+),(?<second>[^,()]+)\\)");

    private InitialRowText() {}

    static String format(InitialRow row) {
        if (row instanceof InitialRow.Zero) {
            return "zero";
        } else if (row instanceof InitialRow.Constant c) {
            return "constant(" + c.value() + ")";
        } else if (row instanceof InitialRow.Uniform u) {
            return "uniform(" + u.low() + "," + u.high() + ")";
        } else if (row instanceof InitialRow.Normal n) {
            return "normal(" + n.mean() + "," + n.deviation() + ")";
        }
        throw new IllegalStateException("no text form for " + row);
    }

    static InitialRow parse(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            throw notReadable(text);
        }
        try {
            if (matcher.group("value") != null) {
                return new InitialRow.Constant(Float.parseFloat(matcher.group("value")));
            } else if (matcher.group("law") == null) {
                return new InitialRow.Zero();
            }
            float first = Float.parseFloat(matcher.group("first"));
            float second = Float.parseFloat(matcher.group("second"));
            return matcher.group("law").equals("uniform")
                    ? new InitialRow.Uniform(first, second)
                    : new InitialRow.Normal(first, second);
        } catch (NumberFormatException e) {
            throw notReadable(text);
        }
    }

    private static IllegalArgumentException notReadable(String text) {
        return new IllegalArgumentException("initial row must be zero, constant(value), uniform(low,high) or"
                + " normal(mean,deviation): initial-row=" + text);
    }
}
