package io.weir.train;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Another source in random order. Thread-safe.
///
/// Examples are read into a window of bounded size (the whole source, if it fits), by all readers together; then the
/// window is dealt out in an order drawn from the seed, the pass and the number of the window; then the next window is
/// read. With one reader the order depends on nothing else. The window holds [#DEFAULT_WINDOW_FEATURES] features unless
/// told otherwise, 12 bytes each.
public final class ShuffledSource implements ExampleSource {
    /// Features in a window unless told otherwise, about 100 MB of them.
    public static final int DEFAULT_WINDOW_FEATURES = 8 << 20;

    private static final int SEGMENT_EXAMPLES = 1024;

    private final ExampleSource source;
    private final long seed;
    private final int windowFeatures;

    public ShuffledSource(ExampleSource source, long seed) {
        this(source, seed, DEFAULT_WINDOW_FEATURES);
    }

    /// @param windowFeatures features, of all examples together, at which a window is full
    public ShuffledSource(ExampleSource source, long seed, int windowFeatures) {
        if (windowFeatures < 1) {
            throw new IllegalArgumentException("shuffle window must be at least 1: windowFeatures=" + windowFeatures);
        }
        this.source = source;
        this.seed = seed;
        this.windowFeatures = windowFeatures;
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public ExamplePass open(int pass, int readerCount, Share share) {
        return new Pass(source.open(pass, readerCount, share), readerCount, Mixer.of(seed, pass));
    }

    private final class Pass implements ExamplePass {
        private final ExamplePass inner;
        private final int readerCount;
        private final long passSeed;
        private final AtomicInteger dealt = new AtomicInteger();

        // Guarded by this object's lock, and read by readers between two meetings, when nobody changes it.
        private final List<ExampleBatch> segments = new ArrayList<>();
        private final List<ExampleBatch> free = new ArrayList<>();
        private long[] order = new long[0];
        private int orderCount;
        private long features;
        private int windows;

        private int arrived;
        private int meetings;
        private boolean stopped;

        Pass(ExamplePass inner, int readerCount, long passSeed) {
            this.inner = inner;
            this.readerCount = readerCount;
            this.passSeed = passSeed;
        }

        @Override
        public ExampleReader reader(int index) {
            return new Reader(inner.reader(index));
        }

        private final class Reader implements ExampleReader {
            private final ExampleReader reader;
            private boolean ended;

            Reader(ExampleReader reader) {
                this.reader = reader;
            }

            @Override
            public boolean next(ExampleBatch batch, int maxExamples) {
                batch.clear();
                ended = ended || !Pass.this.next(reader, batch, maxExamples);
                return !ended;
            }
        }

        private boolean next(ExampleReader reader, ExampleBatch batch, int maxExamples) {
            do {
                int from = dealt.getAndAccumulate(maxExamples, (at, count) -> at + Math.min(count, orderCount - at));
                int to = from + Math.min(maxExamples, orderCount - from);
                for (int i = from; i < to; i++) {
                    batch.addCopy(segments.get((int) (order[i] >>> 32)), (int) order[i]);
                }
            } while (batch.exampleCount() == 0 && nextWindow(reader));
            return batch.exampleCount() > 0;
        }

        /// Reads a further window together with the other readers; false if there is nothing more.
        private boolean nextWindow(ExampleReader reader) {
            if (!meet(this::clear)) {
                return false;
            }
            ExampleBatch segment = takeSegment(null);
            while (segment != null && reader.next(segment, SEGMENT_EXAMPLES)) {
                segment = takeSegment(segment);
            }
            return meet(this::deal) && orderCount > 0;
        }

        private void clear() {
            free.addAll(segments);
            segments.clear();
            features = 0;
            orderCount = 0;
        }

        /// Adds a filled segment to the window and gives an empty one, unless the window is full.
        private synchronized @Nullable ExampleBatch takeSegment(@Nullable ExampleBatch filled) {
            if (filled != null) {
                segments.add(filled);
                features += filled.featureCount();
            }
            if (features >= windowFeatures) {
                return null;
            }
            return free.isEmpty() ? new ExampleBatch() : free.remove(free.size() - 1);
        }

        private void deal() {
            int count = 0;
            for (ExampleBatch segment : segments) {
                count += segment.exampleCount();
            }
            if (order.length < count) {
                order = new long[count];
            }
            int at = 0;
            for (int segment = 0; segment < segments.size(); segment++) {
                for (int i = 0; i < segments.get(segment).exampleCount(); i++) {
                    order[at++] = (long) segment << 32 | i;
                }
            }
            long state = Mixer.of(passSeed, windows++);
            for (int i = count - 1; i > 0; i--) {
                state += Mixer.STEP;
                int other = Mixer.below(Mixer.mix(state), i + 1);
                long swapped = order[i];
                order[i] = order[other];
                order[other] = swapped;
            }
            dealt.set(0);
            orderCount = count;
        }

        /// Waits for all readers; the last one does `action`. False after a stop.
        private synchronized boolean meet(Runnable action) {
            int meeting = meetings;
            if (++arrived == readerCount) {
                action.run();
                arrived = 0;
                meetings++;
                notifyAll();
            }
            while (meeting == meetings && !stopped) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    stopped = true;
                    notifyAll();
                }
            }
            return !stopped;
        }

        @Override
        public double fraction() {
            return inner.fraction();
        }

        @Override
        public void stop() {
            inner.stop();
            synchronized (this) {
                stopped = true;
                notifyAll();
            }
        }

        @Override
        public void close() {
            stop();
            inner.close();
        }
    }
}
