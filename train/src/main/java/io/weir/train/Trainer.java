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
/// A worker takes a batch, pulls the parameters that it needs, computes its gradients and pushes them; what they do is
/// the table's optimizer's affair.
///
/// Workers are threads, each its own member of the run, and take the input portion by portion from the run's home
/// shard. A minibatch counts once, also when the worker or its process dies and another one takes the portion over:
/// whoever holds a portion reads the same batches from the same stretch of the source, and goes on at the portion's
/// position.
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

    private static final class Worker implements Runnable {
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

        /// Why the last life ended, if that was against its will.
        private @Nullable WeirException fenced;

        private final UsualTime usualTime = new UsualTime();

        /// What the last batch took. The pull, which may have waited for other workers, counts as the push did.
        private long workNs;

        private ExampleBatch batch = new ExampleBatch();
        private ExampleBatch following = new ExampleBatch();
        private final Learner learner;

        Worker(Training training, PortionPlan plan, int member) {
            this.training = training;
            this.model = training.model;
            this.config = training.config;
            this.plan = plan;
            this.member = member;
            this.counters = new Counters(config.passes());
            this.learner = model.learner(training.source.name());
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
                trainPortions(joined);
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
        }

        private void trainPortions(Run joined) {
            try {
                List<TableInfo> tables = createTables(joined);
                Optional<Portion> taken = joined.nextPortion();
                while (taken.isPresent() && !training.failed()) {
                    Portion portion = taken.get();
                    training.newestPortion.accumulateAndGet(portion.index(), Math::max);
                    trainPortion(portion, links(portion, tables));
                    if (training.failed()) {
                        return;
                    }
                    taken = joined.nextPortion();
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

        private static List<ParameterLink> links(Portion portion, List<TableInfo> tables) {
            return tables.stream()
                    .map(table -> ParameterLink.of(portion, table))
                    .toList();
        }

        /// Trains on the rest of a portion. Reads one batch ahead, to know of each whether it is the last.
        private void trainPortion(Portion portion, List<ParameterLink> links) {
            int pass = plan.passOf(portion.index());
            try (ExampleReader reader = plan.open(training.source, portion.index())) {
                for (long done = portion.position(); done > 0 && reader.next(batch, config.batch()); done--) {
                    // Somebody has trained on it.
                }
                boolean more = reader.next(batch, config.batch());
                if (!more) {
                    while (!portion.tick(true) && !training.failed()) {
                        // A synchronous step was closed without this worker.
                    }
                }
                while (more && !training.failed()) {
                    more = reader.next(following, config.batch());
                    long draw = Mixer.of(portion.index(), portion.position());
                    double loss = step(links, draw);
                    pause();
                    while (!portion.tick(!more)) {
                        if (training.failed()) {
                            return;
                        }
                        // A synchronous step was closed without this worker: the batch belongs to the next one.
                        loss = step(links, draw);
                        pause();
                    }
                    counters.add(pass, batch.exampleCount(), batch.featureCount(), loss);
                    ExampleBatch learned = batch;
                    batch = following;
                    following = learned;
                }
            }
        }

        /// Takes longer than it needs, if that is wanted.
        private void pause() {
            long now = System.nanoTime();
            long untilNs = now + config.slowdown().pauseNs(member, workNs);
            for (; now - untilNs < 0 && !training.failed(); now = System.nanoTime()) {
                LockSupport.parkNanos(this, untilNs - now);
            }
        }

        /// Learns from one batch and returns the sum of its losses.
        private double step(List<ParameterLink> links, long draw) {
            learner.select(batch);
            List<Parameters> parameters = learner.parameters();
            long start = System.nanoTime();
            for (int i = 0; i < links.size(); i++) {
                links.get(i).pull(parameters.get(i));
            }
            long pulled = System.nanoTime();
            double loss = learner.lossAndGradients(model.mean() ? 1.0 / batch.exampleCount() : 1, draw);
            long computed = System.nanoTime();
            for (int i = 0; i < links.size(); i++) {
                links.get(i).push(parameters.get(i));
            }
            long pushed = System.nanoTime();
            pushes.record(pushed - computed);
            pulls.record(pulled - start);
            workNs = usualTime.believed(pushed - pulled + (pushed - computed));
            return loss;
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
