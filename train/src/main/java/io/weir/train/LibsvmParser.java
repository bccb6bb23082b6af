package io.weir.train;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Turns the bytes of libsvm lines into examples, without an object in between. Confined to one thread.
///
/// A line is `label index:value index:value … # comment`, parted by blanks or tabs, ended by `\n` or `\r\n`. Labels are
/// -1 and +1, or 0 and 1, or the numbers of classes. Indices
/// are unsigned 64-bit decimals and are keys as they stand; they may repeat in a line, which counts as so many
/// features, whose effects add up. Values are finite decimals, rounded to double and then to float. A feature of value
/// 0 is left out. Blank lines and lines that hold only a comment are skipped.
///
/// The text given must end with `\n` and be followed by [#PADDING] readable bytes: every scan then ends by itself, with
/// no bound to check. An index is read eight bytes at a time: the first byte that is no digit gives the length, the
/// digits are shifted to the end of the word, and three multiplications add them up, so that short and long indices
/// run the same instructions. A value that has at most 15 digits and no exponent is exact as one division of two exact
/// doubles (Clinger, *How to Read Floating Point Numbers Accurately*, PLDI 1990, section 3); others go to the JDK.
final class LibsvmParser {
    /// Bytes that must be readable after the text.
    static final int PADDING = 16;

    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ZEROS = 0x3030303030303030L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final int MAX_EXACT_DIGITS = 15;
    private static final int LONGEST_FOUND = 40;
    private static final double[] POWERS_OF_TEN = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };

    private final LabelKinds kinds;
    private final boolean labelsOptional;
    private final int classCount;
    private int knownKinds;
    // Where the scan stands after a helper has read something.
    private int position;

    /// @param kinds shared by all parsers of a file
    /// @param labelsOptional whether a line may begin with its first feature
    /// @param classCount labels are 0 to `classCount - 1`, or, if it is 0, those of two classes
    LibsvmParser(LabelKinds kinds, boolean labelsOptional, int classCount) {
        this.kinds = kinds;
        this.labelsOptional = labelsOptional;
        this.classCount = classCount;
    }

    /// Adds the examples of `text` from `from`, the beginning of a line, until `batch` has `maxExamples` or the text
    /// ends.
    ///
    /// @param limit after the last `\n`
    /// @return the beginning of the first line not read, `limit` if there is none
    /// @throws LineException if a line is broken
    int parse(byte[] text, int from, int limit, ExampleBatch batch, int maxExamples) {
        int at = from;
        while (at < limit && batch.exampleCount() < maxExamples) {
            at = parseLine(text, at, batch);
        }
        return at;
    }

    private int parseLine(byte[] text, int from, ExampleBatch batch) {
        int at = skipBlanks(text, from);
        byte first = text[at];
        if (first == '\n' || first == '#' || first == '\r') {
            return first == '\n' ? at + 1 : skipLine(text, at);
        }
        int label = readLabel(text, at);
        at = position;
        long[] keys = batch.keys();
        float[] values = batch.values();
        int count = batch.featureCount();
        while (true) {
            byte c = text[at];
            while (c == ' ' || c == '\t') {
                c = text[++at];
            }
            int start = at;
            long word = (long) WORD.get(text, at) ^ ZEROS;
            // The high bit of every byte that is above 9 and so no digit.
            long others = (((word & ~HIGH_BITS) + 0x7676767676767676L) | word) & HIGH_BITS;
            int bits = Long.numberOfTrailingZeros(others) & ~7;
            long key;
            if (bits == 0) {
                if (c == '\n') {
                    break;
                } else if (c == '\r' || c == '#') {
                    at = skipLine(text, at) - 1;
                    break;
                }
                throw broken(text, start, "expected index:value");
            } else if (bits == 64) {
                key = readLongIndex(text, at);
                at = position;
            } else {
                long digits = word << (64 - bits);
                digits = (digits * 10) + (digits >>> 8);
                key = (((digits & 0x000000ff000000ffL) * 0x000f424000000064L)
                                + (((digits >>> 16) & 0x000000ff000000ffL) * 0x0000271000000001L))
                        >>> 32;
                at += bits >>> 3;
            }
            if (text[at] != ':') {
                throw broken(text, start, "expected index:value");
            }
            float value;
            if (text[at + 1] == '1' && isBlankOrEnd(text[at + 2])) {
                value = 1f;
                at += 2;
            } else {
                value = readValue(text, start, at + 1);
                at = position;
                if (value == 0f) {
                    continue;
                }
            }
            if (count == keys.length) {
                batch.growFeatures();
                keys = batch.keys();
                values = batch.values();
            }
            keys[count] = key;
            values[count] = value;
            count++;
        }
        batch.setFeatureCount(count);
        batch.endExample(label);
        return at + 1;
    }

    private static int skipBlanks(byte[] text, int from) {
        int at = from;
        while (text[at] == ' ' || text[at] == '\t') {
            at++;
        }
        return at;
    }

    /// After the end of the line; checks that a `\r` stands nowhere but before `\n`.
    private static int skipLine(byte[] text, int from) {
        int at = from;
        if (text[at] == '\r' && text[at + 1] != '\n') {
            throw broken(text, at, "expected the line to end after a carriage return");
        }
        while (text[at] != '\n') {
            at++;
        }
        return at + 1;
    }

    private static boolean isBlankOrEnd(byte c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '#';
    }

    /// Reads an index of eight digits or more, leaving [#position] after it.
    private long readLongIndex(byte[] text, int from) {
        int at = from;
        long index = 0;
        int digit;
        while ((digit = text[at] - '0') >= 0 && digit <= 9) {
            // 2^64 - 1 is 1844674407370955161 and a 5.
            int toLimit = Long.compareUnsigned(index, 1_844_674_407_370_955_161L);
            if (toLimit > 0 || (toLimit == 0 && digit > 5)) {
                throw broken(text, from, "expected an index of at most 18446744073709551615");
            }
            index = index * 10 + digit;
            at++;
        }
        position = at;
        return index;
    }

    /// Reads the label, leaving [#position] after it; or none, if the line begins with a feature and may.
    private int readLabel(byte[] text, int from) {
        return classCount > 0 ? readClass(text, from) : readBinaryLabel(text, from);
    }

    private int readClass(byte[] text, int from) {
        int end = endOfToken(text, from);
        if (labelsOptional && hasColon(text, from, end)) {
            position = from;
            return ExampleBatch.UNLABELLED;
        }
        double number = parseDecimal(text, from, end);
        if (!(number >= 0 && number < classCount && number == (int) number)) {
            throw new LineException(
                    from,
                    "labels must be whole numbers from 0 to " + (classCount - 1) + ", found '" + found(text, from, end)
                            + "'");
        }
        position = end;
        return (int) number;
    }

    private int readBinaryLabel(byte[] text, int from) {
        int at = from;
        if (text[at] == '-' || text[at] == '+') {
            at++;
        }
        byte c = text[at];
        int kind = 0;
        if ((c == '1' || c == '0') && isBlankOrEnd(text[at + 1])) {
            position = at + 1;
            kind = c == '0' ? LabelKinds.ZERO : text[from] == '-' ? LabelKinds.MINUS_ONE : LabelKinds.ONE;
        } else {
            int end = endOfToken(text, from);
            if (labelsOptional && hasColon(text, from, end)) {
                position = from;
                return ExampleBatch.UNLABELLED;
            }
            double number = parseDecimal(text, from, end);
            kind = number == 1
                    ? LabelKinds.ONE
                    : number == 0 ? LabelKinds.ZERO : number == -1 ? LabelKinds.MINUS_ONE : 0;
            if (kind == 0) {
                throw wrongLabel(text, from, end, number);
            }
            position = end;
        }
        if ((knownKinds & kind) == 0) {
            knownKinds |= kind;
            if (LabelKinds.clash(kinds.add(kind))) {
                throw new LineException(from, "labels must be -1 and +1, or 0 and 1: seen=" + kinds.text(null));
            }
        }
        return kind == LabelKinds.ONE ? 1 : 0;
    }

    private LineException wrongLabel(byte[] text, int from, int end, double number) {
        String found = found(text, from, end);
        if (Double.isNaN(number)) {
            return new LineException(from, "expected a label (-1 or +1, 0 or 1), found '" + found + "'");
        }
        return new LineException(from, "labels must be -1 and +1, or 0 and 1: seen=" + kinds.text(found));
    }

    /// Reads the value at `from`, leaving [#position] after it.
    private float readValue(byte[] text, int featureStart, int from) {
        int at = from;
        byte c = text[at];
        boolean negative = c == '-';
        if (negative || c == '+') {
            c = text[++at];
        }
        long digits = 0;
        int first = at;
        while (c >= '0' && c <= '9') {
            digits = digits * 10 + (c - '0');
            c = text[++at];
        }
        int count = at - first;
        int scale = 0;
        if (c == '.') {
            first = at + 1;
            c = text[++at];
            while (c >= '0' && c <= '9') {
                digits = digits * 10 + (c - '0');
                c = text[++at];
            }
            scale = at - first;
            count += scale;
        }
        double number;
        if (count > 0 && count <= MAX_EXACT_DIGITS && isBlankOrEnd(c)) {
            number = (negative ? -digits : digits) / POWERS_OF_TEN[scale];
        } else {
            at = endOfToken(text, from);
            number = parseDecimal(text, from, at);
            if (Double.isNaN(number)) {
                throw broken(text, featureStart, "expected index:value with a finite value");
            }
        }
        float value = (float) number;
        if (!Float.isFinite(value)) {
            throw broken(text, featureStart, "expected index:value with a finite value");
        }
        position = at;
        return value;
    }

    /// The number in the token, NaN if it is not a decimal number.
    private static double parseDecimal(byte[] text, int from, int end) {
        for (int i = from; i < end; i++) {
            byte c = text[i];
            if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E')) {
                return Double.NaN;
            }
        }
        try {
            return Double.parseDouble(new String(text, from, end - from, StandardCharsets.ISO_8859_1));
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    private static int endOfToken(byte[] text, int from) {
        int at = from;
        while (!isBlankOrEnd(text[at])) {
            at++;
        }
        return at;
    }

    private static boolean hasColon(byte[] text, int from, int end) {
        for (int i = from; i < end; i++) {
            if (text[i] == ':') {
                return true;
            }
        }
        return false;
    }

    private static LineException broken(byte[] text, int from, String rule) {
        return new LineException(from, rule + ", found '" + found(text, from, endOfToken(text, from)) + "'");
    }

    /// The token as far as it can be shown.
    private static String found(byte[] text, int from, int end) {
        StringBuilder found = new StringBuilder();
        for (int i = from; i < Math.min(end, from + LONGEST_FOUND); i++) {
            byte c = text[i];
            if (c > ' ' && c < 127) {
                found.append((char) c);
            } else {
                found.append(String.format("\\x%02x", c & 0xff));
            }
        }
        return found.append(end - from > LONGEST_FOUND ? "…" : "").toString();
    }

    /// A line is broken at `position` of the text; the reader knows the file and the line.
    static final class LineException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        final int position;

        LineException(int position, String message) {
            super(message);
            this.position = position;
        }
    }
}
