package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SingleWriterRecorder;
import org.jspecify.annotations.Nullable;

/// Trains a model. Thread-safe.
///
/// A worker takes batch after batch, computes gradients with parameters from the servers and pushes them; what they do
/// is the table's optimizer's affair. When it pulls and pushes is that of the [Algorithm].
///
/// Workers are threads, each its own member of the run, and take the input portion by portion from the run's home
/// shard. A minibatch counts once, also when the worker or its process dies and another one takes the portion over:
/// whoever holds a portion reads the same batches from the same stretch of the source, and goes on at the portion's
/// position.
///
/// A replica of a perceptron may be cut over several workers, each of which computes with a slice of it: see
/// [ReplicaExchange]. Its workers take the same portions, and train on the same batches at the same time; each pulls
/// and pushes only the stretches of the tables that belong to its slice.
public final class Trainer {
    /// How often a worker that was fenced joins again.
    static final int MAX_REJOINS = 100;

    /// How long the other workers may take to end when one has failed, before their membership is ended for them: they
    /// may be waiting for each other.
    private static final Duration GRACE = Duration.ofSeconds(1);

    private Trainer() {}

    /// Trains on `source` until all portions of the run are done and every push is acknowledged, then finishes the run
    /// for the workers of this process. The workers of process 0 wait until those of all others have finished as
    /// well.
    ///
    /// If a worker fails the others stop after their batch and the run is left unfinished.
    ///
    /// @param listener may throw to stop the training
    /// @return what came of it
    /// @throws IllegalArgumentException if a table has no optimizer of gradients
    /// @throws InputException if the source is broken or has no examples
    /// @throws WeirException if the servers refuse, or cannot be reached in time
    public static TrainingResult train(
            Weir weir, ExampleSource source, Model model, TrainingConfig config, ProgressListener listener) {
        for (TableSpec table : model.tables()) {
            if (!table.optimizer().takesGradients()) {
                throw new IllegalArgumentException(
                        "training pushes gradients, so its tables need an optimizer that takes them: optimizer="
                                + table.optimizer().text() + ", table=" + table.name());
            }
        }
        if (config.slices() > 1) {
            if (!(model instanceof Perceptron perceptron)) {
                throw new IllegalArgumentException(
                        "only a perceptron can be cut into slices: slices=" + config.slices());
            }
            Perceptron _ = perceptron.requireSlices(config.slices());
        }
        return new Training(weir, source, model, config, listener).run();
    }

    private static final class Training {
        private final Weir weir;
        private final Model model;
        private final TrainingConfig config;
        private final ExampleSource source;
        private final ProgressListener listener;
        private final RunSpec spec;
        private final Worker[] workers;
        private final CountDownLatch done;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final AtomicInteger newestPortion = new AtomicInteger();

        Training(Weir weir, ExampleSource source, Model model, TrainingConfig config, ProgressListener listener) {
            this.weir = weir;
            this.model = model;
            this.config = config;
            this.source = source;
            this.listener = listener;
            long byteCount = source.byteCount();
            this.spec = config.runSpec(PortionPlan.of(byteCount, config), model.mean());
            this.workers = new Worker[config.ownMembers()];
            this.done = new CountDownLatch(workers.length);
            for (int i = 0; i < workers.length; i++) {
                int member = config.firstMember(config.share().index()) + i;
                workers[i] = new Worker(this, PortionPlan.of(byteCount, config), member);
            }
        }

        TrainingResult run() {
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
            if (last.examples() == 0 && config.share().count() == 1) {
                throw new InputException(source.name() + ": expected examples, found none");
            }
            TrainingResult result = progress.result();
            listener.progress(last);
            return result;
        }

        private void joinWorkers() {
            boolean interrupted = false;
            for (Worker worker : workers) {
                while (worker.thread.isAlive()) {
                    try {
                        if (failed() && !worker.thread.join(GRACE)) {
                            worker.leave();
                        }
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
        }

        private double fraction() {
            int perPass = spec.portionCount() / config.passes();
            return (double) (newestPortion.get() % perPass) / perPass;
        }
    }

    private static final class Worker implements Runnable, PortionLoop.Ledger {
        private final Training training;
        private final Model model;
        private final TrainingConfig config;
        private final PortionPlan plan;
        private final int member;
        final Thread thread;

        final LatencyRecorder pulls = new LatencyRecorder();
        final LatencyRecorder pushes = new LatencyRecorder();
        final Counters counters;

        private volatile @Nullable Run run;

        /// With the other slices of the replica, if there are any.
        private volatile @Nullable ReplicaExchange exchange;

        /// Why the last life ended, if that was against its will.
        private @Nullable WeirException fenced;

        Worker(Training training, PortionPlan plan, int member) {
            this.training = training;
            this.model = training.model;
            this.config = training.config;
            this.plan = plan;
            this.member = member;
            this.counters = new Counters(config.passes());
            this.thread = new Thread(this, "weir-train-" + member);
        }

        @Override
        public void run() {
            try {
                live(null);
                for (int i = 0; fenced != null && !training.failed() && i < MAX_REJOINS; i++) {
                    live(fenced);
                }
                if (fenced != null) {
                    throw fenced;
                }
            } catch (Throwable t) {
                training.fail(t);
            } finally {
                training.done.countDown();
            }
        }

        /// One life of the worker, from joining to leaving.
        private void live(@Nullable WeirException before) {
            fenced = null;
            try (Run joined =
                    training.weir.join(new RunOptions(training.spec, member, config.continued() && before == null))) {
                run = joined;
                if (before != null) {
                    training.listener.rejoined(member, joined.generation(), before);
                }
                train(joined);
            } catch (WeirException e) {
                if (before != null && e.code() == ErrorCode.RUN_FINISHED) {
                    // The others have done the rest.
                    return;
                }
                if (!isShutOut(e) || !config.membership().rejoin()) {
                    throw e;
                }
                fenced = e;
            }
        }

        private static boolean isShutOut(WeirException e) {
            return e.code() == ErrorCode.FENCED;
        }

        /// Whether the servers know nothing more of the portion: another worker has done it, so this one was shut out.
        private static boolean isForgotten(WeirException e) {
            return e.code() == ErrorCode.UNKNOWN_WORKER;
        }

        private WeirException forgotten(Run joined, WeirException cause) {
            WeirException reason = new WeirException(
                    ErrorCode.FENCED,
                    "worker is out of the run, it was silent for too long and others have done its portion: run="
                            + joined.name() + ", worker=" + member + ", generation=" + joined.generation());
            reason.initCause(cause);
            return reason;
        }

        /// Ends the membership from another thread. Whatever the worker waits for then fails.
        void leave() {
            Run joined = run;
            if (joined != null) {
                joined.close();
            }
            ReplicaExchange open = exchange;
            if (open != null) {
                open.close();
            }
        }

        private void train(Run joined) {
            try {
                PortionLoop.Workplace place = new PortionLoop.Workplace(
                        training.weir, joined, createTables(joined), training.source, model, config, plan, this);
                if (config.slices() > 1 && model instanceof Perceptron perceptron) {
                    trainSlice(joined, place, perceptron);
                } else {
                    PortionLoop loop = PortionLoop.of(place, null);
                    loop.begin();
                    trainPortions(joined, joined.nextPortion(), loop);
                }
                if (training.failed()) {
                    return;
                }
                if (config.share().index() == 0 && config.share().count() > 1) {
                    joined.barrier();
                }
                joined.finish();
            } catch (WeirException e) {
                WeirException reason = isForgotten(e) ? forgotten(joined, e) : e;
                if (!isShutOut(reason) || !config.membership().rejoin()) {
                    training.fail(reason);
                }
                throw reason;
            } catch (Throwable t) {
                // Before the run is left, which may take long: the others should stop now.
                training.fail(t);
                throw t;
            }
        }

        /// Trains one slice of a replica. Its workers get portions together, so they are all there when one has its
        /// first.
        private void trainSlice(Run joined, PortionLoop.Workplace place, Perceptron perceptron) {
            Optional<Portion> first = joined.nextPortion();
            if (first.isPresent()) {
                try (ReplicaExchange open = ReplicaExchange.open(training.weir, perceptron, joined, config.batch())) {
                    exchange = open;
                    trainPortions(joined, first, PortionLoop.of(place, open));
                    if (!training.failed()) {
                        open.finish();
                    }
                }
            }
            if (!training.failed() && member % config.slices() == 0) {
                ReplicaExchange.dropTables(training.weir, joined.name());
            }
        }

        private void trainPortions(Run joined, Optional<Portion> first, PortionLoop loop) {
            Optional<Portion> taken = first;
            while (taken.isPresent() && !training.failed()) {
                Portion portion = taken.get();
                training.newestPortion.accumulateAndGet(portion.index(), Math::max);
                loop.train(portion);
                if (training.failed()) {
                    return;
                }
                taken = joined.nextPortion();
            }
        }

        private List<TableInfo> createTables(Run joined) {
            List<TableInfo> created = new ArrayList<>();
            for (TableSpec spec : model.tables()) {
                if (spec.shape() instanceof TableShape.Dense) {
                    DenseTable _ = joined.denseTable(spec);
                } else {
                    Table _ = joined.table(spec);
                }
                created.add(training.weir.describe(spec.name()).orElseThrow());
            }
            return created;
        }

        // ---- its ledger ----

        @Override
        public boolean isStopped() {
            return training.failed();
        }

        @Override
        public void pulled(long tookNs) {
            pulls.record(tookNs);
        }

        @Override
        public void pushed(long tookNs) {
            pushes.record(tookNs);
        }

        @Override
        public void trained(int pass, PortionLoop.Tally tally) {
            if (member % config.slices() == 0) {
                counters.add(pass, tally);
            }
        }

        @Override
        public void pause(long tookNs) {
            long now = System.nanoTime();
            long untilNs = now + config.slowdown().pauseNs(member, tookNs);
            for (; now - untilNs < 0 && !training.failed(); now = System.nanoTime()) {
                LockSupport.parkNanos(this, untilNs - now);
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

        synchronized void add(int pass, PortionLoop.Tally tally) {
            examples[pass] += tally.examples;
            losses[pass] += tally.loss;
            features += tally.features;
            batches += tally.batches;
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
        private final TrainingConfig config;
        private final long startNs = System.nanoTime();
        private final Histogram allPulls = new Histogram(3);
        private final Histogram allPushes = new Histogram(3);
        private long lastNs = startNs;
        private long lastExamples;
        private double lastLosses;

        Progress(Worker[] workers, TrainingConfig config) {
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
                    Arrays.stream(sum.examples).boxed().toList(),
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
