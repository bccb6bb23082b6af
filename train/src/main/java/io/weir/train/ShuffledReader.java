package io.weir.train;

import java.util.ArrayList;
import java.util.List;

/// What another reader gives, in random order. Confined to one thread.
///
/// Examples are read into a window of bounded size, all of them if they fit; then the window is dealt out in an order
/// drawn from the seed and the number of the window; then the next window is read. The order depends on nothing else.
/// The window holds [#DEFAULT_WINDOW_FEATURES] features unless told otherwise, 12 bytes each.
final class ShuffledReader implements ExampleReader {
    /// Features in a window unless told otherwise, about 25 MB of them.
    static final int DEFAULT_WINDOW_FEATURES = 2 << 20;

    private static final int SEGMENT_EXAMPLES = 1024;

    private final ExampleReader reader;
    private final long seed;
    private final int windowFeatures;
    private final List<ExampleBatch> segments = new ArrayList<>();
    private long[] order = new long[0];
    private int orderCount;
    private int dealt;
    private int windows;

    ShuffledReader(ExampleReader reader, long seed) {
        this(reader, seed, DEFAULT_WINDOW_FEATURES);
    }

    /// @param windowFeatures features, of all examples together, at which a window is full
    ShuffledReader(ExampleReader reader, long seed, int windowFeatures) {
        if (windowFeatures < 1) {
            throw new IllegalArgumentException("shuffle window must be at least 1: windowFeatures=" + windowFeatures);
        }
        this.reader = reader;
        this.seed = seed;
        this.windowFeatures = windowFeatures;
    }

    @Override
    public boolean next(ExampleBatch batch, int maxExamples) {
        batch.clear();
        while (batch.exampleCount() < maxExamples && (dealt < orderCount || nextWindow())) {
            long place = order[dealt++];
            batch.addCopy(segments.get((int) (place >>> Integer.SIZE)), (int) place);
        }
        return batch.exampleCount() > 0;
    }

    /// Reads a further window; false if there is nothing more.
    private boolean nextWindow() {
        int count = 0;
        int used = 0;
        long features = 0;
        while (features < windowFeatures) {
            if (used == segments.size()) {
                segments.add(new ExampleBatch());
            }
            ExampleBatch segment = segments.get(used);
            if (!reader.next(segment, SEGMENT_EXAMPLES)) {
                break;
            }
            used++;
            count += segment.exampleCount();
            features += segment.featureCount();
        }
        deal(used, count);
        return count > 0;
    }

    private void deal(int used, int count) {
        if (order.length < count) {
            order = new long[count];
        }
        int at = 0;
        for (int segment = 0; segment < used; segment++) {
            for (int i = 0; i < segments.get(segment).exampleCount(); i++) {
                order[at++] = (long) segment << Integer.SIZE | i;
            }
        }
        long state = Mixer.of(seed, windows++);
        for (int i = count - 1; i > 0; i--) {
            state += Mixer.STEP;
            int other = Mixer.below(Mixer.mix(state), i + 1);
            long swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
        dealt = 0;
        orderCount = count;
    }

    @Override
    public void close() {
        reader.close();
    }
}
