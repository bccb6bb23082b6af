package io.weir.train;

/// Examples of several classes, dense, around a centre for each class. Immutable, and so thread-safe.
///
/// The label of a row is uniform. Its values are those of the centre of its class plus noise: both nearly
/// normal, with deviations 1 and [#NOISE], and value `j` of both is multiplied by `1 / (1 + j · `[#DECAY]`)`.
/// So values differ in size, as those of real data do, which makes plain gradient descent slow on the small
/// ones. How well classes can be told apart depends on the number of values.
///
/// Everything about a row follows from the seed and the row's number, with the same bits on every machine.
public final class ClusterGenerator {
    /// Deviation of the noise.
    public static final double NOISE = 3;

    /// How much smaller each value is than the one before.
    public static final double DECAY = 0.1;

    /// Bytes of a value, for [ExampleSource#byteCount].
    private static final int VALUE_BYTES = Float.BYTES;

    private final int width;
    private final int classCount;
    private final long seed;

    /// @param width values of a row
    public ClusterGenerator(int width, int classCount, long seed) {
        if (width < 1 || classCount < 2) {
            throw new IllegalArgumentException(
                    "clusters need 1 or more values and 2 or more classes: width=" + width + ", classes=" + classCount);
        }
        this.width = width;
        this.classCount = classCount;
        this.seed = seed;
    }

    /// Rows `from` to `to - 1` as examples.
    public ExampleSource source(long from, long to) {
        if (from < 0 || to <= from) {
            throw new IllegalArgumentException("rows must be at least one, from 0 on: from=" + from + ", to=" + to);
        }
        return new ExampleSource() {
            @Override
            public String name() {
                return "generated clusters";
            }

            @Override
            public long byteCount() {
                return (to - from) * width * VALUE_BYTES;
            }

            @Override
            public ExampleReader open(Share share) {
                return new Reader(from + share.from(to - from), from + share.to(to - from));
            }
        };
    }

    /// Nearly normal, with deviation 1.
    private static double deviate(long bits) {
        return Mixer.sum(bits) / Mixer.SUM_DEVIATION;
    }

    private final class Reader implements ExampleReader {
        private final long to;
        private final float[] centres = new float[classCount * width];
        private long row;

        Reader(long from, long to) {
            this.row = from;
            this.to = to;
            for (int i = 0; i < centres.length; i++) {
                centres[i] = (float) deviate(Mixer.of(seed, -1L - i));
            }
        }

        @Override
        public boolean next(ExampleBatch batch, int maxExamples) {
            batch.clearDense(width);
            for (; batch.exampleCount() < maxExamples && row < to; row++) {
                long state = Mixer.of(seed, row);
                int label = Mixer.below(state, classCount);
                int from = batch.addDense(label);
                float[] values = batch.values();
                for (int j = 0; j < width; j++) {
                    state += Mixer.STEP;
                    double value = centres[label * width + j] + NOISE * deviate(Mixer.mix(state));
                    values[from + j] = (float) (value / (1 + j * DECAY));
                }
            }
            return batch.exampleCount() > 0;
        }

        @Override
        public void close() {}
    }
}
