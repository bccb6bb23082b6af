package io.weir.cli;

import java.time.Duration;
import java.util.Locale;

/// Amounts as people write and read them.
final class Quantities {
    private Quantities() {}

    /// Bytes from `512m`, `8g`, `8GiB`, `1.5g` or a plain number. The units are powers of 1024.
    static long bytes(String name, String text) {
        String lower = text.strip().toLowerCase(Locale.ROOT);
        int unitAt = unitAt(lower);
        double factor =
                switch (lower.substring(unitAt).strip()) {
                    case "", "b" -> 1;
                    case "k", "kb", "kib" -> 0x1p10;
                    case "m", "mb", "mib" -> 0x1p20;
                    case "g", "gb", "gib" -> 0x1p30;
                    case "t", "tb", "tib" -> 0x1p40;
                    default -> throw noBytes(name, text);
                };
        double amount = number(lower, unitAt) * factor;
        if (!(amount >= 0 && amount < 0x1p62)) {
            throw noBytes(name, text);
        }
        return (long) amount;
    }

    private static IllegalArgumentException noBytes(String name, String text) {
        return new IllegalArgumentException(
                name + " must be a number of bytes such as 512m, 8g or 1t: " + name + "=" + text);
    }

    /// A duration from `500ms`, `60s`, `2m`, `1h`, or plain seconds.
    static Duration duration(String name, String text) {
        String lower = text.strip().toLowerCase(Locale.ROOT);
        int unitAt = unitAt(lower);
        double seconds =
                switch (lower.substring(unitAt).strip()) {
                    case "ms" -> 1e-3;
                    case "", "s" -> 1;
                    case "m", "min" -> 60;
                    case "h" -> 3600;
                    default -> throw noDuration(name, text);
                };
        double amount = number(lower, unitAt) * seconds;
        if (!(amount >= 1e-3 && amount <= 86_400)) {
            throw noDuration(name, text);
        }
        return Duration.ofMillis(Math.round(amount * 1000));
    }

    private static IllegalArgumentException noDuration(String name, String text) {
        return new IllegalArgumentException(
                name + " must be from 1ms to 24h, such as 500ms, 60s or 2m: " + name + "=" + text);
    }

    private static int unitAt(String text) {
        int at = 0;
        while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
            at++;
        }
        return at;
    }

    private static double number(String text, int unitAt) {
        try {
            return Double.parseDouble(text.substring(0, unitAt));
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /// Bytes with one decimal: `8.0 GiB`.
    static String ofBytes(long bytes) {
        if (bytes < 1024) {
            return bytes + " bytes";
        }
        double amount = bytes;
        String units = "KMGTPE";
        int unit = -1;
        while (amount >= 1024 && unit + 1 < units.length()) {
            amount /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %siB", amount, units.charAt(unit));
    }

    /// A count with separators: `32,561`.
    static String ofCount(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    /// A few things by name: `1 shard`, `8 shards`, `3 passes`.
    static String plural(int count, String noun) {
        return count + " " + noun + (count == 1 ? "" : noun.endsWith("s") ? "es" : "s");
    }

    /// A rate with three digits: `1.23 M`, `456 k`.
    static String ofRate(double rate) {
        if (!Double.isFinite(rate)) {
            return "-";
        }
        double scaled = rate >= 1e6 ? rate / 1e6 : rate >= 1e3 ? rate / 1e3 : rate;
        String unit = rate >= 1e6 ? " M" : rate >= 1e3 ? " k" : "";
        return String.format(Locale.ROOT, scaled < 10 ? "%.2f%s" : scaled < 100 ? "%.1f%s" : "%.0f%s", scaled, unit);
    }

    /// A latency with a fitting unit: `12.3 µs`, `4.56 ms`.
    static String ofMicros(double micros) {
        return micros >= 1e6
                ? String.format(Locale.ROOT, "%.2f s", micros / 1e6)
                : micros >= 1e3
                        ? String.format(Locale.ROOT, "%.2f ms", micros / 1e3)
                        : String.format(Locale.ROOT, "%.1f µs", micros);
    }
}
