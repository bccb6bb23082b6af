package io.weir.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// The text form of optimizers: a name, then settings in parentheses.
final class OptimizerText {
    private static final String NAMES = "sgd, momentum, adagrad, adam, ftrl";

    private OptimizerText() {}

    static String format(OptimizerSpec spec) {
        if (spec instanceof OptimizerSpec.Sgd s) {
            return "sgd(rate=" + number(s.rate()) + ")";
        } else if (spec instanceof OptimizerSpec.Momentum m) {
            return "momentum(rate=" + number(m.rate()) + ",momentum=" + number(m.momentum()) + ")";
        } else if (spec instanceof OptimizerSpec.AdaGrad a) {
            return "adagrad(rate=" + number(a.rate()) + ",epsilon=" + number(a.epsilon()) + ")";
        } else if (spec instanceof OptimizerSpec.Adam a) {
            return "adam(rate=" + number(a.rate()) + ",beta1=" + number(a.beta1()) + ",beta2=" + number(a.beta2())
                    + ",epsilon=" + number(a.epsilon()) + ")";
        } else if (spec instanceof OptimizerSpec.Ftrl f) {
            return "ftrl(alpha=" + number(f.alpha()) + ",beta=" + number(f.beta()) + ",l1=" + number(f.l1()) + ",l2="
                    + number(f.l2()) + ")";
        }
        throw new IllegalStateException("no text form for " + spec);
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
        Settings settings = new Settings(name, text, body);
        return switch (name) {
            case "sgd" -> {
                settings.allow("rate");
                yield new OptimizerSpec.Sgd(settings.get("rate", 0.05f));
            }
            case "momentum" -> {
                settings.allow("rate", "momentum");
                yield new OptimizerSpec.Momentum(settings.get("rate", 0.05f), settings.get("momentum", 0.9f));
            }
            case "adagrad" -> {
                settings.allow("rate", "epsilon");
                yield new OptimizerSpec.AdaGrad(settings.get("rate", 0.1f), settings.get("epsilon", 1e-8f));
            }
            case "adam" -> {
                settings.allow("rate", "beta1", "beta2", "epsilon");
                yield new OptimizerSpec.Adam(
                        settings.get("rate", 0.001f),
                        settings.get("beta1", 0.9f),
                        settings.get("beta2", 0.999f),
                        settings.get("epsilon", 1e-8f));
            }
            case "ftrl" -> {
                settings.allow("alpha", "beta", "l1", "l2");
                yield new OptimizerSpec.Ftrl(
                        settings.get("alpha", 0.1f),
                        settings.get("beta", 1f),
                        settings.get("l1", 0f),
                        settings.get("l2", 0f));
            }
            default -> throw new IllegalArgumentException("optimizer must be one of " + NAMES + ": optimizer=" + text);
        };
    }

    /// The shortest text that reads back to the same float, without a trailing `.0`.
    private static String number(float value) {
        String text = Float.toString(value).toLowerCase(Locale.ROOT);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text.replace(".0e", "e");
    }

    private static final class Settings {
        private final String name;
        private final String text;
        private final Map<String, Float> values = new LinkedHashMap<>();

        Settings(String name, String text, String body) {
            this.name = name;
            this.text = text;
            if (body.isBlank()) {
                return;
            }
            for (String setting : body.split(",", -1)) {
                int equals = setting.indexOf('=');
                if (equals < 0) {
                    throw new IllegalArgumentException("optimizer settings must be name=value: found='"
                            + setting.strip() + "', optimizer=" + text);
                }
                String key = setting.substring(0, equals).strip().toLowerCase(Locale.ROOT);
                String value = setting.substring(equals + 1).strip();
                if (values.put(key, parseNumber(key, value)) != null) {
                    throw new IllegalArgumentException(
                            "optimizer setting is given twice: setting=" + key + ", optimizer=" + text);
                }
            }
        }

        private float parseNumber(String key, String value) {
            try {
                return Float.parseFloat(value);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "optimizer setting must be a number: " + key + "='" + value + "', optimizer=" + text, e);
            }
        }

        void allow(String... allowed) {
            List<String> names = List.of(allowed);
            for (String key : values.keySet()) {
                if (!names.contains(key)) {
                    throw new IllegalArgumentException(name + " has the settings " + String.join(", ", names)
                            + ": found=" + key + ", optimizer=" + text);
                }
            }
        }

        float get(String key, float otherwise) {
            return values.getOrDefault(key, otherwise);
        }
    }
}
