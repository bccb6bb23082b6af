package io.weir.kvstore;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;

/// Names one value of a store: a number of 64 bits or a string. A store has keys of one kind only. Immutable.
///
/// @param isNumber whether it is a number
/// @param number of a key that is one, otherwise 0
/// @param text of a key that is a string, otherwise the number in decimal
public record KvKey(boolean isNumber, long number, String text) {
    public KvKey {
        Objects.requireNonNull(text, "text");
        if (isNumber && !text.equals(Long.toString(number))) {
            throw new IllegalArgumentException("text must be the number: number=" + number + ", text=" + text);
        }
    }

    /// A number, of which all 64 bits count.
    public static KvKey of(long number) {
        return new KvKey(true, number, Long.toString(number));
    }

    /// A string, of which every character counts.
    public static KvKey of(String text) {
        return new KvKey(false, 0, text);
    }

    /// A part of a table's name that no other key has: letters, digits, `.` and `-` stand for themselves, every other
    /// byte of its UTF-8 is `_` and two hexadecimal digits.
    String path() {
        StringBuilder path = new StringBuilder(isNumber ? "n" : "s");
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            boolean plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');
            if (plain || b == '.' || b == '-') {
                path.append((char) b);
            } else {
                path.append(String.format(Locale.ROOT, "_%02x", b & 0xff));
            }
        }
        return path.toString();
    }

    /// As users write it: strings in quotes.
    @Override
    public String toString() {
        return isNumber ? text : "'" + text + "'";
    }
}
