package io.weir.model;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/// The text form of optimizers: a name, then settings in parentheses.
final class OptimizerText {
    private OptimizerText() {}

    static String format(OptimizerSpec spec) {
        Map<String, Float> settings = spec.settings();
        if (settings.isEmpty()) {
            return spec.name();
        }
        return settings.entrySet().stream()
                .map(setting -> setting.getKey() + "=" + number(setting.getValue()))
                .collect(Collectors.joining(",", spec.name() + "(", ")"));
    }

    static OptimizerSpec parse(String text) {
        Objects.requireNonNull(text, "text");
        String trimmed = text.strip();
        int open = trimmed.indexOf('(');
        if (open >= 0 && !trimmed.endsWith(")")) {
            throw new IllegalArgumentException("optimizer must end with ')': optimizer=" + text);
        }
        String name = (open < 0 ? trimmed : trimmed.substring(0, open)).strip().toLowerCase(Locale.ROOT);
        String body = open < 0 ? "" : trimmed.substring(open + 1, trimmed.length() - 1);
        Map<String, Float> settings = new LinkedHashMap<>();
        for (String setting : body.isBlank() ? new String[0] : body.split(",", -1)) {
            int equals = setting.indexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException(
                        "optimizer settings must be name=value: found='" + setting.strip() + "', optimizer=" + text);
            }
            String key = setting.substring(0, equals).strip().toLowerCase(Locale.ROOT);
            String value = setting.substring(equals + 1).strip();
            if (settings.put(key, parseNumber(key, value, text)) != null) {
                throw new IllegalArgumentException(
                        "optimizer setting is given twice: setting=" + key + ", optimizer=" + text);
            }
        }
        if (!OptimizerForm.isName(name)) {
            throw OptimizerForm.unknown(text);
        }
        return OptimizerForm.named(name).create(settings, text);
    }

    private static float parseNumber(String key, String value, String text) {
        try {
            return Float.parseFloat(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "optimizer setting must be a number: " + key + "='" + value + "', optimizer=" + text, e);
        }
    }

    /// The shortest text that reads back to the same float, without a trailing `.0`.
    private static String number(float value) {
        String text = Float.toString(value).toLowerCase(Locale.ROOT);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text.replace(".0e", "e");
    }
}
