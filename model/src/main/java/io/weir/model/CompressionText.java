package io.weir.model;

import java.util.Locale;

/// The text form of compressions: a name, then settings in parentheses.
final class CompressionText {
    private static final String FORMS =
            "none, bf16, fp16, int8, 2bit(THRESHOLD), 1bit, 1bit-compat(THRESHOLD), topk(FRACTION),"
                    + " randomk(FRACTION,SEED)";

    private CompressionText() {}

    static Compression parse(String text) {
        String trimmed = text.strip();
        int open = trimmed.indexOf('(');
        if (open >= 0 && !trimmed.endsWith(")")) {
            throw new IllegalArgumentException("compression must end with ')': compression=" + text);
        }
        String name = (open < 0 ? trimmed : trimmed.substring(0, open)).strip().toLowerCase(Locale.ROOT);
        String body = open < 0 ? "" : trimmed.substring(open + 1, trimmed.length() - 1);
        String[] settings = body.isBlank() ? new String[0] : body.split(",", -1);
        return switch (name) {
            case "none" -> required(settings, 0, text, new Compression.None());
            case "bf16" -> required(settings, 0, text, new Compression.Bfloat16());
            case "fp16" -> required(settings, 0, text, new Compression.Float16());
            case "int8" -> required(settings, 0, text, new Compression.Int8());
            case "1bit" -> required(settings, 0, text, new Compression.OneBit());
            case "2bit" -> new Compression.TwoBit((float) number(required(settings, 1, text, settings)[0], text));
            case "1bit-compat" ->
                new Compression.OneBitCompat((float) number(required(settings, 1, text, settings)[0], text));
            case "topk" -> new Compression.TopK(number(required(settings, 1, text, settings)[0], text));
            case "randomk" ->
                new Compression.RandomK(
                        number(required(settings, 2, text, settings)[0], text), seed(settings[1], text));
            default ->
                throw new IllegalArgumentException("compression must be one of " + FORMS + ": compression=" + text);
        };
    }

    private static <T> T required(String[] settings, int count, String text, T result) {
        if (settings.length != count) {
            throw new IllegalArgumentException(
                    "compression must have its settings, one of " + FORMS + ": compression=" + text);
        }
        return result;
    }

    /// The shortest text that reads back to the same float, without a trailing `.0`.
    static String number(float value) {
        return shortened(Float.toString(value));
    }

    /// The shortest text that reads back to the same double, without a trailing `.0`.
    static String number(double value) {
        return shortened(Double.toString(value));
    }

    private static String shortened(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.endsWith(".0") ? lower.substring(0, lower.length() - 2) : lower.replace(".0e", "e");
    }

    private static double number(String setting, String text) {
        try {
            return Double.parseDouble(setting.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "setting of a compression must be a number: found='" + setting.strip() + "', compression=" + text,
                    e);
        }
    }

    private static long seed(String setting, String text) {
        try {
            return Long.parseLong(setting.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "seed of a compression must be a whole number: found='" + setting.strip() + "', compression="
                            + text,
                    e);
        }
    }
}
