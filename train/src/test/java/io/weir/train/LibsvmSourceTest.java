package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import io.weir.train.ExampleSource.Share;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibsvmSourceTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void readsLabelsIndicesAndValues() throws IOException {
        assertThat(read("-1 3:1 11:0.5 14:-2e-3\n+1 1:1\n")).containsExactly("0 3:1.0 11:0.5 14:-0.002", "1 1:1.0");
    }

    @Test
    void readsLabelsInEveryForm() throws IOException {
        assertThat(read("1 1:1\n+1 1:1\n1.0 1:1\n-1 1:1\n-1.0 1:1\n1e0 1:1\n"))
                .containsExactly("1 1:1.0", "1 1:1.0", "1 1:1.0", "0 1:1.0", "0 1:1.0", "1 1:1.0");
        assertThat(read("0 1:1\n1 1:1\n0.0 1:1\n-0 1:1\n")).containsExactly("0 1:1.0", "1 1:1.0", "0 1:1.0", "0 1:1.0");
    }

    @Test
    void skipsBlankLinesAndComments() throws IOException {
        assertThat(read("# first\n\n1 1:1 2:1 # rest 3:1\n   \t\n  # more\n0 4:1#5:1\n\n"))
                .containsExactly("1 1:1.0 2:1.0", "0 4:1.0");
    }

    @Test
    void readsLinesEndedByCarriageReturnAndNewline() throws IOException {
        assertThat(read("1 1:1 2:0.25\r\n\r\n0 3:1 \r\n1\r\n")).containsExactly("1 1:1.0 2:0.25", "0 3:1.0", "1");
    }

    @Test
    void readsALastLineWithoutAnEnd() throws IOException {
        assertThat(read("1 1:1\n0 2:1")).containsExactly("1 1:1.0", "0 2:1.0");
        assertThat(read("1 1:1\n0 2:1 # comment")).containsExactly("1 1:1.0", "0 2:1.0");
        assertThat(read("1")).containsExactly("1");
    }

    @Test
    void readsTabsAndRunsOfBlanks() throws IOException {
        assertThat(read(" 1\t1:1  2:1 \t \n")).containsExactly("1 1:1.0 2:1.0");
    }

    @Test
    void keepsRepeatedIndicesAndLeavesOutZeros() throws IOException {
        assertThat(read("1 5:1 5:2 6:0 7:-0.0 8:1e-60\n")).containsExactly("1 5:1.0 5:2.0");
    }

    @Test
    void readsIndicesOfEveryLength() throws IOException {
        StringBuilder line = new StringBuilder("1");
        StringBuilder expected = new StringBuilder("1");
        String digits = "18446744073709551615";
        for (int length = 1; length <= digits.length(); length++) {
            line.append(' ').append(digits, 0, length).append(":1");
            expected.append(' ').append(digits, 0, length).append(":1.0");
        }
        assertThat(read(line + " 0:1 00012:1 000000000000000000000000000000007:1\n"))
                .containsExactly(expected + " 0:1.0 12:1.0 7:1.0");
    }

    @Test
    void readsValuesAsTheJdkDoes() throws IOException {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<String> texts = new ArrayList<>(List.of(
                "1",
                "01",
                "1.",
                ".5",
                "+2",
                "-3.75",
                "1e3",
                "1E-3",
                "123456789012345",
                "1234567890123456789",
                "0.1",
                "3.4028234e38",
                "0.000000000000001",
                "16777217",
                "9007199254740993"));
        for (int i = 0; i < 2000; i++) {
            String text =
                    switch (random.nextInt(4)) {
                        case 0 -> Float.toString(random.nextFloat() * 100 - 50);
                        case 1 -> Double.toString(random.nextGaussian());
                        case 2 -> Long.toString(random.nextLong() >> random.nextInt(63) | 1);
                        default -> (random.nextInt(1000) + 1) + "." + random.nextInt(100_000);
                    };
            texts.add(text);
        }
        StringBuilder line = new StringBuilder("1");
        StringBuilder expected = new StringBuilder("1");
        for (String text : texts) {
            line.append(" 9:").append(text);
            expected.append(" 9:").append((float) Double.parseDouble(text));
        }
        assertThat(read(line + "\n")).as("seed %d", seed).containsExactly(expected.toString());
    }

    @Test
    void namesFileLineAndWhatWasExpectedForABrokenLine() throws IOException {
        assertBroken("1 1:1\n\n1 2:1 abc 3:1\n", ":3: expected index:value, found 'abc' (column 7)");
        assertBroken("1 2\n", ":1: expected index:value, found '2' (column 3)");
        assertBroken("1 :1\n", ":1: expected index:value, found ':1' (column 3)");
        assertBroken("1 -4:1\n", ":1: expected index:value, found '-4:1' (column 3)");
        assertBroken("1 qid:4\n", ":1: expected index:value, found 'qid:4' (column 3)");
        assertBroken("1 1:1,2:1\n", ":1: expected index:value with a finite value, found '1:1,2:1' (column 3)");
        assertBroken("1 1:\n", ":1: expected index:value with a finite value, found '1:' (column 3)");
        assertBroken("1 1: 2:1\n", ":1: expected index:value with a finite value, found '1:' (column 3)");
        assertBroken("1 1:1d\n", ":1: expected index:value with a finite value, found '1:1d' (column 3)");
        assertBroken("1 1:1:1\n", ":1: expected index:value with a finite value, found '1:1:1' (column 3)");
        assertBroken("1 1:1\r2:1\n", "expected the line to end after a carriage return");
        assertBroken("1 \u00e9:1\n", ":1: expected index:value, found '\\xc3\\xa9:1' (column 3)");
        assertBroken("1:1 2:1\n", ":1: expected a label (-1 or +1, 0 or 1), found '1:1' (column 1)");
        assertBroken("yes 2:1\n", ":1: expected a label (-1 or +1, 0 or 1), found 'yes' (column 1)");
    }

    @Test
    void refusesValuesThatAreNotFinite() throws IOException {
        for (String value : List.of("nan", "NaN", "inf", "-inf", "Infinity", "1e39", "1e400", "-9e99999")) {
            assertBroken(
                    "1 1:1\n1 7:" + value + "\n",
                    ":2: expected index:value with a finite value, found '7:" + value + "' (column 3)");
        }
    }

    @Test
    void refusesAnIndexBeyond64Bits() throws IOException {
        for (String index : List.of("18446744073709551616", "99999999999999999999", "184467440737095516150")) {
            assertBroken(
                    "1 " + index + ":1\n",
                    ":1: expected an index of at most 18446744073709551615, found '" + index + ":1' (column 3)");
        }
    }

    @Test
    void refusesLabelsOfThreeKinds() throws IOException {
        assertBroken("1 1:1\n0 1:1\n-1 1:1\n", ":3: labels must be -1 and +1, or 0 and 1: seen=-1, 0, 1 (column 1)");
        assertBroken("1 1:1\n-1 1:1\n0 1:1\n", ":3: labels must be -1 and +1, or 0 and 1: seen=-1, 0, 1 (column 1)");
        assertBroken("1 1:1\n0 1:1\n2 1:1\n", ":3: labels must be -1 and +1, or 0 and 1: seen=0, 1, 2 (column 1)");
        assertBroken("-1 1:1\n0.5 1:1\n", ":2: labels must be -1 and +1, or 0 and 1: seen=-1, 0.5 (column 1)");
    }

    @Test
    void refusesAFileWithoutExamples() throws IOException {
        assertBroken("", ": expected examples, found none");
        assertBroken("\n# nothing\n\n", ": expected examples, found none");
        Path gz = folder.resolve("empty.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(gz))) {
            out.write('\n');
        }
        assertThatThrownBy(() -> read(LibsvmSource.of(gz), Share.ALL))
                .isInstanceOf(InputException.class)
                .hasMessage(gz + ": expected examples, found none");
    }

    @Test
    void refusesAMissingFileAndADirectory() {
        Path missing = folder.resolve("missing.txt");
        assertThatThrownBy(() -> LibsvmSource.of(missing))
                .isInstanceOf(InputException.class)
                .hasMessage("data file must exist: file=" + missing);
        assertThatThrownBy(() -> LibsvmSource.of(folder))
                .isInstanceOf(InputException.class)
                .hasMessage("data file must be a file: directory=" + folder);
    }

    @Test
    void readsLinesWithAndWithoutLabelsWhereLabelsAreOptional() throws IOException {
        Path file = write("1:1 2:0.5\n1 3:1\n# none\n4:1\n");
        assertThat(read(LibsvmSource.withOptionalLabels(file), Share.ALL))
                .containsExactly("-1 1:1.0 2:0.5", "1 3:1.0", "-1 4:1.0");
    }

    @Test
    void givesTheSameExamplesFromEveryCompression() throws IOException {
        String text = randomText(new Random(7), 3000);
        Path plain = write(text);
        List<String> expected = read(LibsvmSource.of(plain), Share.ALL);
        assertThat(expected).hasSize(3000);
        for (Path compressed : List.of(gzip(text), zstd(text))) {
            assertThat(read(LibsvmSource.of(compressed), Share.ALL)).isEqualTo(expected);
        }
    }

    @Test
    void isTheSameAsAllItsSharesOneAfterTheOther() throws IOException {
        String text = randomText(new Random(11), 5000);
        List<String> expected = read(LibsvmSource.of(write(text)), Share.ALL);
        for (Path file : List.of(write(text), gzip(text), zstd(text))) {
            try (LibsvmSource source = LibsvmSource.of(file)) {
                assertThat(source.byteCount()).isEqualTo(text.length());
                for (int shares : new int[] {1, 2, 5, 64, 20_000}) {
                    List<String> all = new ArrayList<>();
                    for (int share = 0; share < shares; share++) {
                        List<String> part = read(source, new Share(share, shares));
                        assertThat(part.size()).isLessThanOrEqualTo(2 * 5000 / shares + 50);
                        all.addAll(part);
                    }
                    assertThat(all).isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void leavesNoTemporaryFileBehind() throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try (LibsvmSource source = LibsvmSource.of(gzip(randomText(new Random(2), 100)))) {
            assertThat(source.byteCount()).isPositive();
            try (Stream<Path> files = Files.list(temporary)) {
                assertThat(files.map(Path::toString)).noneMatch(name -> name.matches(".*/weir-[0-9]+\\.svm"));
            }
            assertThat(read(source, new Share(1, 2))).isNotEmpty();
        }
    }

    @Test
    void cutsLinesOfAnyLengthAtTheRightPlaces() throws IOException {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        List<String> expected = new ArrayList<>();
        for (int line = 0; line < 60; line++) {
            int length = random.nextInt(4) == 0 ? random.nextInt(12_000) : random.nextInt(40);
            StringBuilder example = new StringBuilder("1");
            for (int i = 0; i < length; i++) {
                example.append(' ').append(random.nextInt(100_000)).append(":1");
            }
            text.append(example).append(line == 59 ? "" : "\n");
            expected.add(example.toString().replace(":1", ":1.0"));
        }
        for (Path file : List.of(write(text.toString()), gzip(text.toString()))) {
            assertThat(read(LibsvmSource.of(file), Share.ALL))
                    .as("seed %d", seed)
                    .isEqualTo(expected);
        }
    }

    @Test
    void losesNoLineThatBeginsWhereAChunkDoes() throws IOException {
        // Lines of eight bytes, so that every cut falls between two of them, or one byte before or after.
        String lines = "1 123:1\n".repeat(20_000);
        for (String first : List.of("", "#\n", "#######\n", "######\n")) {
            for (Path file : List.of(write(first + lines), gzip(first + lines))) {
                assertThat(read(LibsvmSource.of(file), Share.ALL)).hasSize(20_000);
            }
        }
    }

    @Test
    void countsLinesOverChunks() throws IOException {
        String text = randomText(new Random(3), 8000) + "\n# comment\n1 1:x\n";
        for (Path file : List.of(write(text), gzip(text))) {
            assertThatThrownBy(() -> read(LibsvmSource.of(file), Share.ALL))
                    .isInstanceOf(InputException.class)
                    .hasMessage(file + ":8003: expected index:value with a finite value, found '1:x' (column 3)");
        }
    }

    @Test
    void refusesACompressedFileThatIsCutShort() throws IOException {
        String text = randomText(new Random(5), 4000);
        for (Path file : List.of(gzip(text), zstd(text))) {
            byte[] bytes = Files.readAllBytes(file);
            Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
            assertThatThrownBy(() -> read(LibsvmSource.of(file), Share.ALL))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith(file + ": cannot be read: ");
        }
    }

    @Test
    void readsHostileBytesToAnErrorAndNothingElse() throws IOException {
        for (int round = 0; round < 3000; round++) {
            Random random = new Random(round);
            byte[] bytes = randomText(random, 3).getBytes(StandardCharsets.ISO_8859_1);
            for (int i = random.nextInt(4); i >= 0; i--) {
                bytes[random.nextInt(bytes.length)] = (byte)
                        (random.nextBoolean()
                                ? random.nextInt()
                                : "0123456789 :.#-+eE\r\n\t".charAt(random.nextInt(21)));
            }
            Path file = folder.resolve("hostile");
            Files.write(file, bytes);
            try {
                read(LibsvmSource.of(file), Share.ALL);
            } catch (InputException e) {
                assertThat(e).hasMessageStartingWith(file.toString());
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + round, e);
            }
        }
    }

    @Test
    void endsBeforeItHasReadAll() throws Exception {
        Path file = gzip(randomText(new Random(9), 200_000));
        ExampleBatch batch = new ExampleBatch();
        try (ExampleReader reader = LibsvmSource.of(file).open(Share.ALL)) {
            assertThat(reader.next(batch, 10)).isTrue();
        }
    }

    private static String randomText(Random random, int lines) {
        StringBuilder text = new StringBuilder();
        for (int line = 0; line < lines; line++) {
            text.append(random.nextBoolean() ? "1" : "-1");
            for (int i = random.nextInt(20); i >= 0; i--) {
                text.append(' ').append(random.nextInt(1 << random.nextInt(31)));
                text.append(':').append(random.nextInt(3) > 0 ? "1" : Float.toString(random.nextFloat() + 0.1f));
            }
            text.append('\n');
        }
        return text.toString();
    }

    private void assertBroken(String text, String message) throws IOException {
        Path file = write(text);
        assertThatThrownBy(() -> read(LibsvmSource.of(file), Share.ALL))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }

    private List<String> read(String text) throws IOException {
        return read(LibsvmSource.of(write(text)), Share.ALL);
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("plain.txt"), text);
    }

    private Path gzip(String text) throws IOException {
        Path file = folder.resolve("text.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private Path zstd(String text) throws IOException {
        Path file = folder.resolve("text.zst");
        try (OutputStream out = new ZstdOutputStream(Files.newOutputStream(file))) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    /// Every example as `label index:value …`.
    static List<String> read(ExampleSource source, Share share) {
        try (ExampleReader reader = source.open(share)) {
            return read(reader);
        }
    }

    static List<String> read(ExampleReader reader) {
        List<String> examples = new ArrayList<>();
        ExampleBatch batch = new ExampleBatch();
        while (reader.next(batch, 13)) {
            for (int i = 0; i < batch.exampleCount(); i++) {
                StringBuilder example = new StringBuilder().append(batch.labels()[i]);
                for (int j = batch.rowStarts()[i]; j < batch.rowStarts()[i + 1]; j++) {
                    example.append(' ')
                            .append(Long.toUnsignedString(batch.keys()[j]))
                            .append(':')
                            .append(batch.values()[j]);
                }
                examples.add(example.toString());
            }
        }
        assertThat(reader.next(batch, 13)).isFalse();
        return examples;
    }
}
