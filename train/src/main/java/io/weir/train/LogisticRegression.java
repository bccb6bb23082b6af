package io.weir.train;

import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.RunSpec;
import io.weir.train.ExamplePass.ExampleReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SingleWriterRecorder;
import org.jspecify.annotations.Nullable;

/// Trains a logistic regression whose weights are rows of one float in a table. Thread-safe.
///
/// A worker takes a batch, pulls the weights of its distinct keys, predicts every example, `p = 1 / (1 + e^(-w · x))`,
/// and pushes for each key the sum (or mean) over the examples of `(p - y) · x`; the optimizer is the table's. Margins,
/// losses and gradient sums are double, added in the order of the examples; the gradient that is pushed is that sum
/// rounded to float. Workers are threads, each its own member of the run, and share the examples without waiting for
/// each other.
public final class LogisticRegression {
    private LogisticRegression() {}

    /// Trains on `source` until all passes are done and every push is acknowledged, then finishes the run for the
    /// workers of this process.
    ///
    /// If a worker fails the others stop after their batch and the run is left unfinished.
    ///
    /// @return what came of it
    /// @throws InputException if the source is broken or has no examples
    /// @throws io.weir.model.WeirException if the servers refuse, or cannot be reached in time
    public static TrainingResult train(Weir weir, ExampleSource source, LrConfig config, ProgressListener listener) {
        return new Training(weir, source, config).run(listener);
    }

    private static final class Training {
        private final Weir weir;
        private final LrConfig config;
        private final ExampleSource source;
        private final Worker[] workers;
        private final CountDownLatch done;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final List<SharedPass> passes = new ArrayList<>();

        Training(Weir weir, ExampleSource source, LrConfig config) {
            this.weir = weir;
            this.config = config;
            this.source = config.shuffle() ? new ShuffledSource(source, config.seed()) : source;
            this.done = new CountDownLatch(config.workers());
            this.workers = new Worker[config.workers()];
            for (int i = 0; i < workers.length; i++) {
                workers[i] = new Worker(this, i);
            }
        }

        TrainingResult run(ProgressListener listener) {
            Progress progress = new Progress(workers, config);
            for (Worker worker : workers) {
                worker.thread.start();
            }
            try {
                while (!done.await(config.progressInterval().toNanos(), TimeUnit.NANOSECONDS)) {
                    listener.progress(progress.snapshot(fraction()));
                }
            } catch (InterruptedException e) {
                fail(new InterruptedException("training was interrupted"));
                Thread.currentThread().interrupt();
            } catch (RuntimeException | Error e) {
                fail(e);
            }
            joinWorkers();
            Throwable failed = failure.get();
            if (failed instanceof RuntimeException e) {
                throw e;
            } else if (failed instanceof Error e) {
                throw e;
            } else if (failed != null) {
                throw new IllegalStateException(failed.getMessage(), failed);
            }
            ProgressListener.Snapshot last = progress.snapshot(1);
            TrainingResult result = progress.result();
            listener.progress(last);
            return result;
        }

        private void joinWorkers() {
            boolean interrupted = false;
            for (Worker worker : workers) {
                while (worker.thread.isAlive()) {
                    try {
                        worker.thread.join();
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        boolean failed() {
            return failure.get() != null;
        }

        /// The first failure is the one that is reported; the others hang on to it.
        void fail(Throwable thrown) {
            if (!failure.compareAndSet(null, thrown)) {
                Throwable first = failure.get();
                if (first != null && !first.equals(thrown)) {
                    first.addSuppressed(thrown);
                }
            }
            synchronized (passes) {
                for (SharedPass pass : passes) {
                    pass.examples.stop();
                }
            }
        }

        /// The pass with this number, opened by whichever worker comes first.
        SharedPass enter(int pass) {
            synchronized (passes) {
                while (passes.size() <= pass) {
                    passes.add(new SharedPass(source.open(passes.size(), workers.length, config.share())));
                }
                SharedPass entered = passes.get(pass);
                if (failed()) {
                    entered.examples.stop();
                }
                return entered;
            }
        }

        /// The last worker to leave closes the pass.
        void leave(SharedPass pass) {
            synchronized (passes) {
                if (++pass.left < workers.length) {
                    return;
                }
            }
            pass.examples.close();
        }

        private double fraction() {
            synchronized (passes) {
                return passes.isEmpty()
                        ? 0
                        : passes.get(passes.size() - 1).examples.fraction();
            }
        }
    }

    private static final class SharedPass {
        final ExamplePass examples;
        int left;

        SharedPass(ExamplePass examples) {
            this.examples = examples;
        }
    }

    private static final class Worker implements Runnable {
        private final Training training;
        private final LrConfig config;
        private final int index;
        final Thread thread;

        final LatencyRecorder pulls = new LatencyRecorder();
        final LatencyRecorder pushes = new LatencyRecorder();
        final Counters counters;

        private final ExampleBatch batch = new ExampleBatch();
        private final KeyIndexer indexer = new KeyIndexer();
        private float[] weights = new float[0];
        private double[] sums = new double[0];

        Worker(Training training, int index) {
            this.training = training;
            this.config = training.config;
            this.index = index;
            this.counters = new Counters(config.passes());
            this.thread = new Thread(this, "weir-train-" + index);
        }

        @Override
        public void run() {
            try {
                int member = config.share().index() * config.workers() + index;
                int members = config.share().count() * config.workers();
                try (Run run = training.weir.join(
                        new RunOptions(RunSpec.of(config.run(), members), member, config.continued()))) {
                    trainPasses(run);
                }
            } catch (Throwable t) {
                training.fail(t);
            } finally {
                training.done.countDown();
            }
        }

        private void trainPasses(Run run) {
            try {
                Table table = run.table(config.table());
                for (int pass = 0; pass < config.passes() && !training.failed(); pass++) {
                    trainPass(pass, run, table);
                }
                if (!training.failed()) {
                    run.finish();
                }
            } catch (Throwable t) {
                // Before the run is left, which may take long: the others should stop now.
                training.fail(t);
                throw t;
            }
        }

        private void trainPass(int pass, Run run, Table table) {
            SharedPass shared = training.enter(pass);
            try {
                ExampleReader reader = shared.examples.reader(index);
                while (!training.failed() && reader.next(batch, config.batch())) {
                    double loss = step(table);
                    run.tick();
                    counters.add(pass, batch.exampleCount(), batch.featureCount(), loss);
                }
            } finally {
                training.leave(shared);
            }
        }

        /// Learns from one batch and returns the sum of its losses.
        private double step(Table table) {
            indexer.index(batch.keys(), batch.featureCount());
            int count = indexer.uniqueCount();
            long[] keys = indexer.uniqueKeys();
            boolean bias = config.bias();
            if (bias) {
                indexer.requireNoBiasKey(training.source.name());
                keys[count++] = LrConfig.BIAS_KEY;
            }
            if (weights.length < count) {
                weights = new float[Math.max(count, 2 * weights.length)];
                sums = new double[weights.length];
            }
            float[] weights = this.weights;
            double[] sums = this.sums;
            long start = System.nanoTime();
            table.pull(keys, 0, count, weights, 0);
            long pulled = System.nanoTime();
            Arrays.fill(sums, 0, count, 0);
            double loss = gradients(bias ? count - 1 : -1, weights, sums);
            round(sums, config.mean() ? 1.0 / batch.exampleCount() : 1, weights, count);
            long computed = System.nanoTime();
            table.push(keys, 0, count, weights, 0);
            pushes.record(System.nanoTime() - computed);
            pulls.record(pulled - start);
            return loss;
        }

        private double gradients(int biasIndex, float[] weights, double[] sums) {
            int[] rowStarts = batch.rowStarts();
            byte[] labels = batch.labels();
            int[] indices = indexer.indices();
            float[] values = batch.values();
            int examples = batch.exampleCount();
            double loss = 0;
            for (int i = 0; i < examples; i++) {
                loss += gradient(indices, values, rowStarts[i], rowStarts[i + 1], labels[i], biasIndex, weights, sums);
            }
            return loss;
        }

        private static double gradient(
                int[] indices,
                float[] values,
                int from,
                int to,
                byte label,
                int biasIndex,
                float[] weights,
                double[] sums) {
            double margin = biasIndex < 0 ? 0 : weights[biasIndex];
            for (int j = from; j < to; j++) {
                margin += (double) weights[indices[j]] * values[j];
            }
            double error = LogisticLoss.probability(margin) - label;
            for (int j = from; j < to; j++) {
                sums[indices[j]] += error * values[j];
            }
            if (biasIndex >= 0) {
                sums[biasIndex] += error;
            }
            return LogisticLoss.loss(margin, label == 1);
        }

        private static void round(double[] sums, double scale, float[] gradients, int count) {
            for (int i = 0; i < count; i++) {
                gradients[i] = (float) (sums[i] * scale);
            }
        }
    }

    /// Latencies of one worker: it writes, and the thread that waits for it takes them out, neither holding up the
    /// other.
    private static final class LatencyRecorder {
        private final SingleWriterRecorder recorder = new SingleWriterRecorder(3);
        private @Nullable Histogram recycled;

        void record(long nanos) {
            recorder.recordValue(nanos);
        }

        void addTo(Histogram all, @Nullable Histogram recent) {
            Histogram interval = recorder.getIntervalHistogram(recycled);
            all.add(interval);
            if (recent != null) {
                recent.add(interval);
            }
            recycled = interval;
        }
    }

    /// What a worker has done; written by it, read by whoever wants to know.
    private static final class Counters {
        private final long[] examples;
        private final double[] losses;
        private long features;
        private long batches;

        Counters(int passes) {
            examples = new long[passes];
            losses = new double[passes];
        }

        synchronized void add(int pass, int examples, int features, double loss) {
            this.examples[pass] += examples;
            this.losses[pass] += loss;
            this.features += features;
            batches++;
        }

        synchronized void addTo(Counters sum) {
            for (int pass = 0; pass < examples.length; pass++) {
                sum.examples[pass] += examples[pass];
                sum.losses[pass] += losses[pass];
            }
            sum.features += features;
            sum.batches += batches;
        }

        long allExamples() {
            return Arrays.stream(examples).sum();
        }

        double allLosses() {
            return Arrays.stream(losses).sum();
        }

        /// The newest pass that has begun.
        int newestPass() {
            int pass = examples.length - 1;
            while (pass > 0 && examples[pass] == 0) {
                pass--;
            }
            return pass;
        }

        double logloss(int pass) {
            return losses[pass] / examples[pass];
        }
    }

    /// Adds up what the workers have done. Confined to the thread that waits for them.
    private static final class Progress {
        private final Worker[] workers;
        private final LrConfig config;
        private final long startNs = System.nanoTime();
        private final Histogram allPulls = new Histogram(3);
        private final Histogram allPushes = new Histogram(3);
        private long lastNs = startNs;
        private long lastExamples;
        private double lastLosses;

        Progress(Worker[] workers, LrConfig config) {
            this.workers = workers;
            this.config = config;
        }

        ProgressListener.Snapshot snapshot(double fraction) {
            Counters sum = sum();
            Histogram pulls = new Histogram(3);
            Histogram pushes = new Histogram(3);
            take(pulls, pushes);
            long nowNs = System.nanoTime();
            long examples = sum.allExamples();
            double losses = sum.allLosses();
            int pass = sum.newestPass();
            var snapshot = new ProgressListener.Snapshot(
                    examples,
                    (nowNs - startNs) / 1e9,
                    (examples - lastExamples) / ((nowNs - lastNs) / 1e9),
                    sum.logloss(pass),
                    (losses - lastLosses) / (examples - lastExamples),
                    pass,
                    config.passes(),
                    fraction,
                    Latency.of(pulls),
                    Latency.of(pushes));
            lastNs = nowNs;
            lastExamples = examples;
            lastLosses = losses;
            return snapshot;
        }

        TrainingResult result() {
            double seconds = (System.nanoTime() - startNs) / 1e9;
            take(null, null);
            Counters sum = sum();
            List<Double> passLogloss = new ArrayList<>();
            for (int pass = 0; pass < config.passes(); pass++) {
                passLogloss.add(sum.logloss(pass));
            }
            return new TrainingResult(
                    sum.allExamples(),
                    sum.features,
                    sum.batches,
                    seconds,
                    passLogloss,
                    Latency.of(allPulls),
                    Latency.of(allPushes),
                    workers.length);
        }

        private Counters sum() {
            Counters sum = new Counters(config.passes());
            for (Worker worker : workers) {
                worker.counters.addTo(sum);
            }
            return sum;
        }

        private void take(@Nullable Histogram pulls, @Nullable Histogram pushes) {
            for (Worker worker : workers) {
                worker.pulls.addTo(allPulls, pulls);
                worker.pushes.addTo(allPushes, pushes);
            }
        }
    }
}
