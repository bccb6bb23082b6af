package io.weir.train;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/// A stream of ad impressions with a known truth. Immutable, and so thread-safe.
///
/// A row has one id of each field, always with value 1. A field owns an equal, contiguous part of the indices 1 to
/// `features`, within which its ids follow Zipf's law with exponent [#ZIPF_EXPONENT], frequent and rare ones lying
/// mixed. Every id has a planted weight, near to normally distributed with a deviation that gives the sum over a row a
/// deviation of [#MARGIN_DEVIATION]; a bias brings the rate of clicks to [#CLICK_RATE]. The label is 1 with the
/// probability `p = 1 / (1 + e^-(bias + sum of weights))`. No model can predict better, on average, than this `p`
/// itself, so what it scores is the best that can be reached.
///
/// Everything about a row follows from the seed and the row's number, with the same bits on every machine, so rows can
/// be made in any order by any number of threads.
public final class CtrGenerator {
    /// Exponent of the law that the ids of a field follow.
    public static final double ZIPF_EXPONENT = 1.1;

    /// Standard deviation of a row's margin.
    public static final double MARGIN_DEVIATION = 1.5;

    /// Rows with label 1 among all.
    public static final double CLICK_RATE = 0.2;

    /// Most ids of one field: its table of chances takes 8 bytes an id.
    public static final int MAX_FIELD_IDS = 1 << 26;

    private static final long WEIGHT_SEED = 0x57656967687473L;
    private static final int PROBE_ROWS = 1 << 14;
    private static final long PROBE_FROM = 1L << 62;
    /// Of a feature: a blank, some digits, a colon, a one.
    private static final int TEXT_BYTES = 8;

    private static final int BLOCK_ROWS = 1024;
    private static final int ZSTD_LEVEL = 3;

    private final long rows;
    private final long features;
    private final int fields;
    private final long seed;
    private final long weightSeed;
    private final int idsPerField;
    private final int largerFields;
    private final ZipfRanks ranks;
    private final ZipfRanks largerRanks;
    private final double weightScale;
    private final double bias;

    /// @param rows of the stream, for [#write] and as the end of [#source()]
    /// @param features indices, at least one for each field
    /// @param nonzeros fields, and so features of a row
    public CtrGenerator(long rows, long features, int nonzeros, long seed) {
        if (rows < 1) {
            throw new IllegalArgumentException("rows must be at least 1: rows=" + rows);
        } else if (nonzeros < 1 || nonzeros > 1 << 16) {
            throw new IllegalArgumentException("nonzeros must be from 1 to 65536: nonzeros=" + nonzeros);
        } else if (features < nonzeros) {
            throw new IllegalArgumentException(
                    "features must be at least nonzeros: features=" + features + ", nonzeros=" + nonzeros);
        } else if (features / nonzeros >= MAX_FIELD_IDS) {
            throw new IllegalArgumentException("features / nonzeros must be below " + MAX_FIELD_IDS + ": features="
                    + features + ", nonzeros=" + nonzeros);
        }
        this.rows = rows;
        this.features = features;
        this.fields = nonzeros;
        this.seed = Mixer.of(seed, 0);
        this.weightSeed = Mixer.of(seed, WEIGHT_SEED);
        this.idsPerField = (int) (features / nonzeros);
        this.largerFields = (int) (features % nonzeros);
        this.ranks = new ZipfRanks(idsPerField, ZIPF_EXPONENT);
        this.largerRanks = largerFields == 0 ? ranks : new ZipfRanks(idsPerField + 1, ZIPF_EXPONENT);
        this.weightScale = MARGIN_DEVIATION / Math.sqrt(nonzeros) / Mixer.SUM_DEVIATION;
        this.bias = findBias();
    }

    /// Rows of the stream.
    public long rows() {
        return rows;
    }

    /// Indices: 1 to this.
    public long features() {
        return features;
    }

    /// Features of a row.
    public int nonzeros() {
        return fields;
    }

    /// The planted weight of an index.
    public double weight(long index) {
        return Mixer.sum(Mixer.of(weightSeed, index)) * weightScale;
    }

    /// The planted bias.
    public double bias() {
        return bias;
    }

    /// Writes the indices of a row into `indices`, ascending.
    void indices(long row, long[] indices) {
        long state = Mixer.of(seed, row);
        long first = 1;
        for (int field = 0; field < fields; field++) {
            state += Mixer.STEP;
            boolean larger = field < largerFields;
            int ids = larger ? idsPerField + 1 : idsPerField;
            long rank = (larger ? largerRanks : ranks).rank(Mixer.mix(state));
            indices[field] = first + scatter(rank, field, ids);
            first += ids;
        }
    }

    /// A bijection of 0 to `ids - 1` that leaves no neighbours together: an odd multiplication and a shift, both modulo
    /// the power of two above, repeated until the result is in range.
    private static long scatter(long rank, int field, int ids) {
        int bits = Integer.SIZE - Integer.numberOfLeadingZeros(ids - 1);
        long mask = (1L << bits) - 1;
        long at = rank;
        do {
            at = (at * 0x9e3779b1L + 0x7f4a7c15L * (field + 1)) & mask;
            at ^= at >>> ((bits + 1) / 2);
        } while (at >= ids);
        return at;
    }

    private double sumOfWeights(long[] indices) {
        double sum = 0;
        for (long index : indices) {
            sum += weight(index);
        }
        return sum;
    }

    /// The label of a row whose margin, bias included, is known.
    private boolean label(long row, double margin) {
        return Mixer.fraction(Mixer.of(seed ^ Mixer.STEP, row)) < LogisticLoss.probability(margin);
    }

    /// Bisects for the bias at which the probabilities of some rows beyond the stream average [#CLICK_RATE].
    private double findBias() {
        double[] sums = new double[PROBE_ROWS];
        long[] indices = new long[fields];
        for (int i = 0; i < PROBE_ROWS; i++) {
            indices(PROBE_FROM + i, indices);
            sums[i] = sumOfWeights(indices);
        }
        double low = -20 - Arrays.stream(sums).max().orElseThrow();
        double high = 20 - Arrays.stream(sums).min().orElseThrow();
        for (int step = 0; step < 40; step++) {
            double middle = (low + high) / 2;
            double clicks = 0;
            for (double sum : sums) {
                clicks += LogisticLoss.probability(sum + middle);
            }
            if (clicks < CLICK_RATE * PROBE_ROWS) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    /// What the planted probabilities score on the rows `fromRow` to `toRow - 1`: the best that can be reached on them,
    /// but for the luck of the draw.
    public Evaluation best(long fromRow, long toRow) {
        requireRange(fromRow, toRow);
        Evaluation.Scores scores = new Evaluation.Scores();
        long[] indices = new long[fields];
        for (long row = fromRow; row < toRow; row++) {
            indices(row, indices);
            double margin = bias + sumOfWeights(indices);
            scores.add(margin, label(row, margin));
        }
        return scores.evaluation();
    }

    /// All rows of the stream, without a detour through text.
    public ExampleSource source() {
        return source(0, rows);
    }

    /// The rows `fromRow` to `toRow - 1`; they may lie beyond the stream, for test data that training never sees.
    public ExampleSource source(long fromRow, long toRow) {
        requireRange(fromRow, toRow);
        return new Source(fromRow, toRow);
    }

    private static void requireRange(long fromRow, long toRow) {
        if (fromRow < 0 || toRow <= fromRow || toRow > PROBE_FROM) {
            throw new IllegalArgumentException(
                    "rows must be a range that is not empty: fromRow=" + fromRow + ", toRow=" + toRow);
        }
    }

    private final class Source implements ExampleSource {
        private final long fromRow;
        private final long toRow;

        Source(long fromRow, long toRow) {
            this.fromRow = fromRow;
            this.toRow = toRow;
        }

        @Override
        public String name() {
            return "generated rows " + fromRow + " to " + (toRow - 1);
        }

        /// As [#write] would write them, near enough.
        @Override
        public long byteCount() {
            return (toRow - fromRow) * (2 + (long) fields * TEXT_BYTES);
        }

        @Override
        public ExampleReader open(Share share) {
            long size = toRow - fromRow;
            return new Reader(fromRow + share.from(size), fromRow + share.to(size));
        }
    }

    private final class Reader implements ExampleReader {
        private final long[] indices = new long[fields];
        private final long end;
        private long row;

        Reader(long from, long end) {
            this.row = from;
            this.end = end;
        }

        @Override
        public boolean next(ExampleBatch batch, int maxExamples) {
            batch.clear();
            while (batch.exampleCount() < maxExamples && row < end) {
                addRow(row++, batch);
            }
            return batch.exampleCount() > 0;
        }

        private void addRow(long row, ExampleBatch batch) {
            indices(row, indices);
            for (long index : indices) {
                batch.addFeature(index, 1f);
            }
            batch.endExample(label(row, bias + sumOfWeights(indices)) ? 1 : 0);
        }

        @Override
        public void close() {}
    }

    /// Writes all rows of the stream, see [#write(Path, long, long, int)].
    public void write(Path file, int threads) {
        write(file, 0, rows, threads);
    }

    /// Writes the rows `fromRow` to `toRow - 1` as libsvm lines, labels 0 and 1, compressed if the name ends with `.gz`
    /// or `.zst`; they may lie beyond the stream. The same file whatever the number of threads. It gets its name
    /// when it is complete.
    ///
    /// @throws InputException naming the file, if it cannot be written
    public void write(Path file, long fromRow, long toRow, int threads) {
        requireRange(fromRow, toRow);
        WholeFile.write("data", file, false, channel -> {
            try (OutputStream out = compress(file.toString(), Channels.newOutputStream(channel))) {
                new Writing(out, fromRow, toRow).run(threads);
            }
            return toRow - fromRow;
        });
    }

    private static OutputStream compress(String name, OutputStream out) throws IOException {
        if (name.endsWith(".gz")) {
            return new GZIPOutputStream(out, 64 << 10);
        } else if (name.endsWith(".zst")) {
            return new ZstdOutputStream(out, ZSTD_LEVEL);
        }
        return out;
    }

    /// Threads make blocks of lines and write them when it is their turn.
    private final class Writing {
        private final OutputStream out;
        private final long firstRow;
        private final long endRow;
        private final AtomicLong claimed = new AtomicLong();
        // Guarded by this object's lock.
        private long turn;
        private @Nullable IOException failure;

        Writing(OutputStream out, long firstRow, long endRow) {
            this.out = out;
            this.firstRow = firstRow;
            this.endRow = endRow;
        }

        void run(int threadCount) throws IOException {
            Thread[] threads = new Thread[threadCount];
            for (int i = 0; i < threadCount; i++) {
                threads[i] = Thread.ofPlatform().name("weir-datagen-" + i).start(this::writeBlocks);
            }
            boolean interrupted = false;
            for (Thread thread : threads) {
                while (thread.isAlive()) {
                    try {
                        thread.join();
                    } catch (InterruptedException e) {
                        interrupted = true;
                        fail(new IOException("writing was interrupted"));
                    }
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            synchronized (this) {
                if (failure != null) {
                    throw failure;
                }
            }
        }

        private void writeBlocks() {
            try {
                LineFormat format = new LineFormat();
                long[] indices = new long[fields];
                while (true) {
                    long block = claimed.getAndIncrement();
                    long from = firstRow + block * BLOCK_ROWS;
                    if (from >= endRow) {
                        return;
                    }
                    format.length = 0;
                    for (long row = from; row < Math.min(endRow, from + BLOCK_ROWS); row++) {
                        indices(row, indices);
                        format.add(label(row, bias + sumOfWeights(indices)), indices);
                    }
                    if (!write(block, format)) {
                        return;
                    }
                }
            } catch (RuntimeException | Error e) {
                fail(new IOException(e.toString(), e));
            } catch (IOException e) {
                fail(e);
            }
        }

        private synchronized boolean write(long block, LineFormat format) throws IOException {
            while (turn != block && failure == null) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    throw new IOException("writing was interrupted", e);
                }
            }
            if (failure != null) {
                return false;
            }
            out.write(format.bytes, 0, format.length);
            turn++;
            notifyAll();
            return true;
        }

        private synchronized void fail(IOException e) {
            if (failure == null) {
                failure = e;
            }
            notifyAll();
        }
    }

    /// Lines as bytes. Confined, reused.
    private static final class LineFormat {
        // A blank, at most 19 digits, a colon, a one.
        private static final int FEATURE_BYTES = 22;

        byte[] bytes = new byte[64 << 10];
        int length;

        void add(boolean label, long[] indices) {
            int most = length + 2 + indices.length * FEATURE_BYTES;
            if (most > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(most, 2 * bytes.length));
            }
            bytes[length++] = (byte) (label ? '1' : '0');
            for (long index : indices) {
                bytes[length++] = ' ';
                addNumber(index);
                bytes[length++] = ':';
                bytes[length++] = '1';
            }
            bytes[length++] = '\n';
        }

        private void addNumber(long number) {
            int digits = 1;
            for (long rest = number; rest >= 10; rest /= 10) {
                digits++;
            }
            long rest = number;
            for (int at = length + digits - 1; at >= length; at--) {
                bytes[at] = (byte) ('0' + rest % 10);
                rest /= 10;
            }
            length += digits;
        }
    }
}
