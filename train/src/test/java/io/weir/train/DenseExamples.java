package io.weir.train;

import java.util.Random;

/// Dense examples around one centre for each class, from a seed. Thread-safe.
final class DenseExamples implements ExampleSource {
    private final int count;
    private final int width;
    private final int classes;
    private final long seed;
    private final float[] centres;

    DenseExamples(int count, int width, int classes, long seed) {
        this.count = count;
        this.width = width;
        this.classes = classes;
        this.seed = seed;
        this.centres = new float[classes * width];
        Random random = new Random(seed);
        for (int i = 0; i < centres.length; i++) {
            centres[i] = (float) random.nextGaussian();
        }
    }

    @Override
    public String name() {
        return "examples";
    }

    @Override
    public long byteCount() {
        return (long) count * 256;
    }

    @Override
    public ExampleReader open(Share share) {
        return new ExampleReader() {
            private long at = share.from(count);

            @Override
            public boolean next(ExampleBatch batch, int maxExamples) {
                batch.clearDense(width);
                for (; at < share.to(count) && batch.exampleCount() < maxExamples; at++) {
                    Random random = new Random(Mixer.of(seed, at));
                    int label = random.nextInt(classes);
                    int from = batch.addDense(label);
                    for (int j = 0; j < width; j++) {
                        batch.values()[from + j] = centres[label * width + j] + (float) random.nextGaussian();
                    }
                }
                return batch.exampleCount() > 0;
            }

            @Override
            public void close() {}
        };
    }
}
