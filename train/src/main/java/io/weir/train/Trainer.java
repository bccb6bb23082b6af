package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
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
        private final WorkerTeam team;
        private final Model model;
        private final TrainingConfig config;
        private final ExampleSource source;
        private final ProgressListener listener;
        private final Worker[] workers;
        private final AtomicInteger newestPortion = new AtomicInteger();

        Training(Weir weir, ExampleSource source, Model model, TrainingConfig config, ProgressListener listener) {
            this.model = model;
            this.config = config;
            this.source = source;
            this.listener = listener;
            long byteCount = source.byteCount();
            this.team = new WorkerTeam(
                    weir, config.runSpec(PortionPlan.of(byteCount, config), model.mean()), config, listener);
            this.workers = new Worker[config.ownMembers()];
            for (int i = 0; i < workers.length; i++) {
                int member = config.firstMember(config.share().index()) + i;
                workers[i] = new Worker(this, PortionPlan.of(byteCount, config), member);
            }
        }

        TrainingResult run() {
            Progress progress = new Progress(workers, config);
            team.run(
                    List.of(workers),
                    WorkerTeam.OneFailed.OTHERS_END,
                    () -> listener.progress(progress.snapshot(fraction())));
            ProgressListener.Snapshot last = progress.snapshot(1);
            if (last.examples() == 0 && config.share().count() == 1) {
                throw new InputException(source.name() + ": expected examples, found none");
            }
            TrainingResult result = progress.result();
            listener.progress(last);
            return result;
        }

        private double fraction() {
            int perPass = team.spec().portionCount() / config.passes();
            return (double) (newestPortion.get() % perPass) / perPass;
        }
    }

    private static final class Worker extends WorkerTeam.Member implements PortionLoop.Ledger {
        private final Training training;
        private final Model model;
        private final TrainingConfig config;
        private final PortionPlan plan;

        final LatencyRecorder pulls = new LatencyRecorder();
        final LatencyRecorder pushes = new LatencyRecorder();
        final Counters counters;

        /// With the other slices of the replica, if there are any.
        private volatile @Nullable ReplicaExchange exchange;

        Worker(Training training, PortionPlan plan, int member) {
            super(training.team, member);
            this.training = training;
            this.model = training.model;
            this.config = training.config;
            this.plan = plan;
            this.counters = new Counters(config.passes());
        }

        /// Whether the servers know nothing more of the portion: another worker has done it, so this one was shut out.
        private static boolean isForgotten(WeirException e) {
            return e.code() == ErrorCode.UNKNOWN_WORKER;
        }

        private WeirException forgotten(Run joined, WeirException cause) {
            WeirException reason = new WeirException(
                    ErrorCode.FENCED,
                    "worker is out of the run, it was silent for too long and others have done its portion: run="
                            + joined.name() + ", worker=" + index() + ", generation=" + joined.generation());
            reason.initCause(cause);
            return reason;
        }

        @Override
        void leave() {
            super.leave();
            ReplicaExchange open = exchange;
            if (open != null) {
                open.close();
            }
        }

        @Override
        void work(Run joined) {
            try {
                train(joined);
            } catch (WeirException e) {
                throw isForgotten(e) ? forgotten(joined, e) : e;
            }
        }

        private void train(Run joined) {
            PortionLoop.Workplace place = new PortionLoop.Workplace(
                    team().weir(), joined, createTables(joined), training.source, model, config, plan, this);
            if (config.slices() > 1 && model instanceof Perceptron perceptron) {
                trainSlice(joined, place, perceptron);
            } else {
                PortionLoop loop = PortionLoop.of(place, null);
                loop.begin();
                trainPortions(joined, joined.nextPortion(), loop);
            }
            if (isStopped()) {
                return;
            }
            if (config.share().index() == 0 && config.share().count() > 1) {
                joined.barrier();
            }
            joined.finish();
        }

        /// Trains one slice of a replica. Its workers get portions together, so they are all there when one has its
        /// first.
        private void trainSlice(Run joined, PortionLoop.Workplace place, Perceptron perceptron) {
            Optional<Portion> first = joined.nextPortion();
            if (first.isPresent()) {
                try (ReplicaExchange open = ReplicaExchange.open(team().weir(), perceptron, joined, config.batch())) {
                    exchange = open;
                    trainPortions(joined, first, PortionLoop.of(place, open));
                    if (!isStopped()) {
                        open.finish();
                    }
                }
            }
            if (!isStopped() && index() % config.slices() == 0) {
                ReplicaExchange.dropTables(team().weir(), joined.name());
            }
        }

        private void trainPortions(Run joined, Optional<Portion> first, PortionLoop loop) {
            Optional<Portion> taken = first;
            while (taken.isPresent() && !isStopped()) {
                Portion portion = taken.get();
                training.newestPortion.accumulateAndGet(portion.index(), Math::max);
                loop.train(portion);
                if (isStopped()) {
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
                created.add(team().weir().describe(spec.name()).orElseThrow());
            }
            return created;
        }

        // ---- its ledger ----

        @Override
        public boolean isStopped() {
            return team().failed();
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
            if (index() % config.slices() == 0) {
                counters.add(pass, tally);
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
