package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.train.ExampleSource.Share;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdxSourceTest {
    @TempDir
    Path folder = Path.of("");

    private final Random random = new Random(2);

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] labels(int count, int classes) {
        byte[] labels = new byte[count];
        for (int i = 0; i < count; i++) {
            labels[i] = (byte) random.nextInt(classes);
        }
        return labels;
    }

    private static byte[] idx(int type, byte[] data, int... lengths) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataOutputStream stream = new DataOutputStream(out)) {
            stream.write(new byte[] {0, 0, (byte) type, (byte) lengths.length});
            for (int length : lengths) {
                stream.writeInt(length);
            }
            stream.write(data);
        }
        return out.toByteArray();
    }

    private Path write(String name, byte[] content) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = name.endsWith(".gz")
                ? new GZIPOutputStream(Files.newOutputStream(file))
                : Files.newOutputStream(file)) {
            out.write(content);
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".gz"})
    void givesEveryExampleOnceInOrderWhateverTheSharesAndBatches(String suffix) throws IOException {
        byte[] data = bytes(1000 * 6);
        byte[] classes = labels(1000, 200);
        Path items = write("t-images-idx3-ubyte" + suffix, idx(8, data, 1000, 3, 2));
        Path labels = write("t-labels-idx1-ubyte" + suffix, idx(8, classes, 1000));
        assertThat(IdxSource.labelsOf(items)).isEqualTo(labels);
        assertThat(IdxSource.isIdx(items)).isTrue();
        try (IdxSource source = IdxSource.of(items, labels, 200, 0.5)) {
            assertThat(source.name()).isEqualTo(items.toString());
            assertThat(source.byteCount()).isEqualTo(6000);
            assertThat(source.width()).isEqualTo(6);
            for (int shares : new int[] {1, 2, 7, 1000, 1003}) {
                int batchLength = 1 + random.nextInt(700);
                int example = 0;
                ExampleBatch batch = new ExampleBatch();
                for (int share = 0; share < shares; share++) {
                    try (ExampleReader reader = source.open(new Share(share, shares))) {
                        while (reader.next(batch, batchLength)) {
                            assertThat(batch.exampleCount()).isLessThanOrEqualTo(batchLength);
                            assertThat(batch.isDense()).isTrue();
                            assertThat(batch.featureCount()).isEqualTo(6 * batch.exampleCount());
                            for (int i = 0; i < batch.exampleCount(); i++, example++) {
                                assertThat(batch.labels()[i]).isEqualTo(classes[example] & 0xff);
                                assertThat(batch.rowStarts()[i + 1]).isEqualTo(6 * (i + 1));
                                for (int j = 0; j < 6; j++) {
                                    assertThat(batch.values()[6 * i + j])
                                            .isEqualTo((data[6 * example + j] & 0xff) / 2f);
                                }
                            }
                        }
                        assertThat(reader.next(batch, 1)).isFalse();
                    }
                }
                assertThat(example).isEqualTo(1000);
            }
        }
    }

    @Test
    void scalesToOneUnlessToldOtherwise() throws IOException {
        Path items = write("items", idx(8, new byte[] {0, (byte) 255, 51}, 1, 3));
        ExampleBatch batch = new ExampleBatch();
        try (IdxSource source = IdxSource.of(items, null, 10, IdxSource.DEFAULT_SCALE);
                ExampleReader reader = source.open(Share.ALL)) {
            assertThat(reader.next(batch, 5)).isTrue();
        }
        assertThat(Arrays.copyOf(batch.values(), 3)).containsExactly(0f, 1f, 0.2f);
        assertThat(batch.labels()[0]).isEqualTo(ExampleBatch.UNLABELLED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".gz"})
    void saysWhatIsWrongWithItems(String suffix) throws IOException {
        byte[] whole = idx(8, bytes(12), 2, 3, 2);
        String name = "items" + suffix;
        expect(write(name, "1 1:1\n".getBytes("US-ASCII")), "expected an idx file, beginning with two bytes of 0");
        expect(write(name, Arrays.copyOf(whole, 3)), "expected an idx file, beginning with two bytes of 0");
        expect(write(name, idx(13, bytes(48), 2, 3, 2)), "expected unsigned bytes, type 8, found type 13");
        expect(write(name, idx(8, bytes(1))), "expected at least one dimension, found none");
        expect(
                write(name, Arrays.copyOf(whole, 11)),
                "expected the lengths of 3 dimensions, found the end of the file");
        expect(
                write(name, idx(8, bytes(12), 2, -1, 2)),
                "expected lengths of at least 1, found 4294967295 in dimension 1");
        expect(write(name, idx(8, bytes(0), 0, 3, 2)), "expected lengths of at least 1, found 0 in dimension 0");
        expect(write(name, Arrays.copyOf(whole, whole.length - 1)), "expected 12 bytes after the header, found 11");
        expect(write(name, Arrays.copyOf(whole, whole.length + 1)), "expected 12 bytes after the header, found more");
        expect(
                write(name, idx(8, bytes(3), 1, 1 << 30, 1 << 30)),
                "expected items of at most 2147483639 bytes, found larger ones");
        expect(write(name, idx(8, bytes(3), 3)), "expected at least 2 dimensions, items and their values, found 1");
        Path nowhere = folder.resolve("nowhere");
        assertThatThrownBy(() -> IdxSource.of(nowhere, null, 10, 1))
                .hasMessage("data file must exist: file=" + nowhere);
    }

    @Test
    void refusesACompressedFileThatIsCutShortOrPromisesTooMuch() throws IOException {
        Path items = write("items.gz", idx(8, bytes(100_000), 1000, 100));
        byte[] packed = Files.readAllBytes(items);
        Files.write(items, Arrays.copyOf(packed, packed.length / 2));
        assertThatThrownBy(() -> IdxSource.of(items, null, 10, 1))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(items + ": ");
        // The memory that the header asks for is not there to be taken, nor is it taken.
        Path greedy = write("greedy.gz", idx(8, bytes(10), Integer.MAX_VALUE - 8, 1));
        expect(greedy, "expected 2147483639 bytes after the header, found 10");
        Path large = write("large.gz", idx(8, bytes(10), Integer.MAX_VALUE, 2));
        expect(large, "expected at most 2147483639 bytes in a compressed file, found 4294967294; unpack it first");
    }

    private static void expect(Path items, String message) {
        assertThatThrownBy(() -> IdxSource.of(items, null, 10, 1))
                .isInstanceOf(InputException.class)
                .hasMessage(items + ": " + message);
    }

    @Test
    void saysWhatIsWrongWithLabels() throws IOException {
        Path items = write("items", idx(8, bytes(12), 3, 4));
        Path few = write("few", idx(8, labels(2, 3), 2));
        assertThatThrownBy(() -> IdxSource.of(items, few, 3, 1))
                .hasMessage(few + ": expected 3 labels, as there are items in " + items + ", found 2");
        Path wide = write("wide", idx(8, labels(3, 3), 3, 1));
        assertThatThrownBy(() -> IdxSource.of(items, wide, 3, 1))
                .hasMessage(wide + ": expected labels, in 1 dimension, found 2");
        Path beyond = write("beyond", idx(8, new byte[] {0, 2, 3}, 3));
        try (IdxSource source = IdxSource.of(items, beyond, 3, 1);
                ExampleReader reader = source.open(Share.ALL)) {
            ExampleBatch batch = new ExampleBatch();
            assertThat(reader.next(batch, 2)).isTrue();
            assertThatThrownBy(() -> reader.next(batch, 2))
                    .isInstanceOf(InputException.class)
                    .hasMessage(beyond + ": labels must be from 0 to 2: label=3, example=2");
        }
    }

    @Test
    void tellsIdxFilesFromOthers() throws IOException {
        assertThat(IdxSource.isIdx(write("text.gz", "1 1:1\n".getBytes("US-ASCII"))))
                .isFalse();
        assertThat(IdxSource.isIdx(write("empty", new byte[0]))).isFalse();
        assertThat(IdxSource.isIdx(write("items.gz", idx(8, bytes(1), 1, 1)))).isTrue();
    }
}
