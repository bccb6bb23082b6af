package io.weir.train;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Examples of two idx files, one of items (of images, say) and one of their labels. Thread-safe. The format is
/// described in [IdxFile].
///
/// An example is dense: its values are the bytes of an item in their order, from 0 to 255, times a scale. A share is a
/// run of examples; of plain files only that is read.
public final class IdxSource implements ExampleSource {
    /// What bytes are multiplied by unless told otherwise: values are then from 0 to 1.
    public static final double DEFAULT_SCALE = 1 / 255.0;

    private static final int CHUNK_EXAMPLES = 256;

    private final IdxFile items;
    private final @Nullable IdxFile labels;
    private final int classCount;
    private final float[] values = new float[256];

    private IdxSource(IdxFile items, @Nullable IdxFile labels, int classCount, double scale) {
        this.items = items;
        this.labels = labels;
        this.classCount = classCount;
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (i * scale);
        }
    }

    /// Opens both files.
    ///
    /// @param labels absent if the examples have none
    /// @param classCount labels are from 0 to `classCount - 1`
    /// @param scale what bytes are multiplied by
    /// @throws InputException naming the file, if one is missing, no idx file, cut short or too long, or if there
    ///     are not as many labels as items
    public static IdxSource of(Path items, @Nullable Path labels, int classCount, double scale) {
        IdxFile opened = IdxFile.open(items);
        try {
            if (opened.rank() < 2) {
                throw new InputException(
                        items + ": expected at least 2 dimensions, items and their values, found " + opened.rank());
            }
            return new IdxSource(opened, labels == null ? null : labels(labels, opened), classCount, scale);
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private static IdxFile labels(Path file, IdxFile items) {
        IdxFile labels = IdxFile.open(file);
        if (labels.rank() == 1 && labels.count() == items.count()) {
            return labels;
        }
        labels.close();
        if (labels.rank() != 1) {
            throw new InputException(file + ": expected labels, in 1 dimension, found " + labels.rank());
        }
        throw new InputException(file + ": expected " + items.count() + " labels, as there are items in " + items.file()
                + ", found " + labels.count());
    }

    /// Whether this is an idx file, by its first bytes.
    ///
    /// @throws InputException if it is missing or cannot be read
    public static boolean isIdx(Path file) {
        return IdxFile.isIdx(file);
    }

    /// Where the labels of `items` are if both are named as those of MNIST are: `images-idx3` is `labels-idx1` there.
    public static Path labelsOf(Path items) {
        String name = String.valueOf(items.getFileName());
        return items.resolveSibling(name.replace("images", "labels").replace("idx3", "idx1"));
    }

    @Override
    public String name() {
        return items.file().toString();
    }

    /// Bytes of the items.
    @Override
    public long byteCount() {
        return (long) items.count() * items.itemBytes();
    }

    /// Values of an example.
    public int width() {
        return items.itemBytes();
    }

    @Override
    public ExampleReader open(Share share) {
        return new Reader((int) share.from(items.count()), (int) share.to(items.count()));
    }

    @Override
    public void close() {
        items.close();
        if (labels != null) {
            labels.close();
        }
    }

    private final class Reader implements ExampleReader {
        private final int end;
        private int at;

        Reader(int from, int end) {
            this.at = from;
            this.end = end;
        }

        @Override
        public boolean next(ExampleBatch batch, int maxExamples) {
            batch.clearDense(width());
            while (batch.exampleCount() < maxExamples && at < end) {
                int count = Math.min(Math.min(end - at, maxExamples - batch.exampleCount()), CHUNK_EXAMPLES);
                add(batch, count);
                at += count;
            }
            return batch.exampleCount() > 0;
        }

        private void add(ExampleBatch batch, int count) {
            int width = width();
            byte[] bytes = new byte[Math.multiplyExact(count, width)];
            items.read(at, bytes);
            byte[] classes = new byte[count];
            IdxFile labels = IdxSource.this.labels;
            if (labels != null) {
                labels.read(at, classes);
            }
            for (int i = 0; i < count; i++) {
                int from = batch.addDense(labels == null ? ExampleBatch.UNLABELLED : label(classes[i] & 0xff, at + i));
                float[] into = batch.values();
                for (int j = 0; j < width; j++) {
                    into[from + j] = values[bytes[i * width + j] & 0xff];
                }
            }
        }

        private int label(int label, int example) {
            if (label >= classCount) {
                throw new InputException((labels == null ? name() : labels.file())
                        + ": labels must be from 0 to " + (classCount - 1) + ": label=" + label + ", example="
                        + example);
            }
            return label;
        }

        @Override
        public void close() {}
    }
}
