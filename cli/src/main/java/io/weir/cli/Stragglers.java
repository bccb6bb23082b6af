package io.weir.cli;

import io.weir.train.TrainingConfig.Slowdown;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A worker that is slowed down, as people write it.
final class Stragglers {
    private static final Pattern FORM = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)x?(?::([0-9]{1,5}))?");

    private Stragglers() {}

    /// From `5x` or `5x:2`: which worker, 0 if none is named, and how many times as long it takes.
    static Slowdown parse(@Nullable String text) {
        if (text == null) {
            return Slowdown.NONE;
        }
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "straggler must be a factor and perhaps a worker, such as 5x or 5x:2: straggler=" + text);
        }
        int worker = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
        return new Slowdown(worker, Double.parseDouble(matcher.group(1)));
    }
}
