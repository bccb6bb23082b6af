package io.weir.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// A name with settings in parentheses, `name(first=1,second=other(third=2))`, taken apart. Names are lower
/// case.
///
/// @param what what to call it in messages
/// @param name before the parentheses
/// @param settings in the order of the text
/// @param text all of it, for messages
record TextForm(String what, String name, Map<String, String> settings, String text) {
    static TextForm parse(String what, String text) {
        Objects.requireNonNull(text, "text");
        String trimmed = text.strip();
        int open = trimmed.indexOf('(');
        if (open >= 0 && !trimmed.endsWith(")")) {
            throw new IllegalArgumentException(what + " must end with ')': " + what + "=" + text);
        }
        String name = (open < 0 ? trimmed : trimmed.substring(0, open)).strip().toLowerCase(Locale.ROOT);
        String body = open < 0 ? "" : trimmed.substring(open + 1, trimmed.length() - 1);
        Map<String, String> settings = new LinkedHashMap<>();
        TextForm form = new TextForm(what, name, settings, text);
        int start = 0;
        int depth = 0;
        for (int i = 0; i <= body.length() && !body.isBlank(); i++) {
            char c = i == body.length() ? ',' : body.charAt(i);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && (depth == 0 || i == body.length())) {
                form.add(body.substring(start, i));
                start = i + 1;
            }
        }
        return form;
    }

    private void add(String setting) {
        int equals = setting.indexOf('=');
        if (equals < 0) {
            throw new IllegalArgumentException(
                    what + " settings must be name=value: found='" + setting.strip() + "', " + what + "=" + text);
        }
        String key = setting.substring(0, equals).strip().toLowerCase(Locale.ROOT);
        if (settings.put(key, setting.substring(equals + 1).strip()) != null) {
            throw new IllegalArgumentException(
                    what + " setting is given twice: setting=" + key + ", " + what + "=" + text);
        }
    }

    /// @throws IllegalArgumentException if there is another setting
    void allow(String... names) {
        allow(List.of(names));
    }

    void allow(List<String> names) {
        for (String key : settings.keySet()) {
            if (!names.contains(key)) {
                String rule = names.isEmpty()
                        ? name + " has no settings"
                        : name + " has the settings " + String.join(", ", names);
                throw new IllegalArgumentException(rule + ": found=" + key + ", " + what + "=" + text);
            }
        }
    }

    float number(String key, float otherwise) {
        String value = settings.get(key);
        if (value == null) {
            return otherwise;
        }
        try {
            return Float.parseFloat(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    what + " setting must be a number: " + key + "='" + value + "', " + what + "=" + text, e);
        }
    }

    int integer(String key, int otherwise) {
        String value = settings.get(key);
        if (value == null) {
            return otherwise;
        }
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    what + " setting must be a whole number: " + key + "='" + value + "', " + what + "=" + text, e);
        }
    }

    /// The shortest text that reads back to the same float, without a trailing `.0`.
    static String number(float value) {
        String text = Float.toString(value).toLowerCase(Locale.ROOT);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text.replace(".0e", "e");
    }
}
