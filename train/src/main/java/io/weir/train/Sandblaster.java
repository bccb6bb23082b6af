package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import io.weir.train.ExampleSource.Share;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/// Trains a linear model with L-BFGS on parameter servers, as *Sandblaster* does (Dean et al., *Large Scale Distributed
/// Deep Networks*, NIPS 2012, section 4.2). Thread-safe.
///
/// **The coordinator**, worker 0 of the run, never sees a parameter: weights, gradients, direction and history are
/// dense
/// tables that lie together on the shards, and it gives orders ([Lbfgs]) and gets dot products. Each evaluation is a
/// *pass* of the run: the input is cut into portions, many more than there are workers, which take one after the other;
/// near the end those that are still under way are given to a second worker, and the first to finish counts. A
/// portion's sum of gradients is one push, its sum of losses comes back with the end of the portion.
///
/// **The same bits** come out for any number of workers, processes, shards and servers, whoever was slow or died: a
/// portion is always computed in the same way, sums of gradients do not depend on their order ([ExactSum]), losses are
/// added in order of the portions.
///
/// The first pass only looks: for the greatest key, which says how long the vectors are, and for the greatest sum of
/// absolute values of any feature, which bounds every gradient.
public final class Sandblaster {
    /// Greatest key, so that a worker can hold a vector.
    static final long MAX_KEY = (1L << 27) - 1;

    /// A portion's bytes, about.
    private static final long PORTION_BYTES = 32 << 10;

    private static final int MOST_PORTIONS = 1024;

    /// Workers at one portion near the end of a pass.
    private static final int COPIES = 2;

    private static final int COORDINATOR = 0;

    private static final double LOOK = 0;
    private static final double GRADIENT = 1;

    /// How long the others may take to end when one has failed.
    private static final Duration GRACE = Duration.ofSeconds(1);

    /// What of a training is done in this process.
    public enum Part {
        /// The coordinator and workers.
        ALL,
        /// The coordinator alone; the workers are in other processes.
        COORDINATOR,
        /// Workers alone.
        WORKERS
    }

    private Sandblaster() {}

    /// Minimises the objective over `source` and stores the weights in the model's table; where there is no coordinator
    /// only lends a hand.
    ///
    /// If the model's table has rows already, it begins there. Of `training` the order of the examples, passes and
    /// consistency have no meaning here.
    ///
    /// @param part of which the coordinator must be in one process
    /// @param listener may throw to stop the training
    /// @return what came of it; without the coordinator without objective
    /// @throws IllegalArgumentException if the model is not linear
    /// @throws InputException if the source is broken or has no examples, or an index is too great
    /// @throws WeirException if the servers refuse, or cannot be reached in time
    public static LbfgsResult train(
            Weir weir,
            ExampleSource source,
            Model model,
            LbfgsConfig config,
            TrainingConfig training,
            Part part,
            ProgressListener listener) {
        return new Training(weir, source, model, config, training, part, listener).run();
    }

    /// Portions that an input of so many bytes is cut into, whoever works on it.
    static int portionCount(long byteCount) {
        return Math.clamp(byteCount / PORTION_BYTES, 1, MOST_PORTIONS);
    }

    /// The rows of a linear model as one vector: row `key` at `key * rowLength`, the bias last.
    ///
    /// @param rowCount the bias included
    private record Rows(int rowLength, int rowCount, boolean bias) {
        static Rows of(Model model, long maxKey) {
            boolean bias = hasBias(model);
            return new Rows(model.marginCount(), (int) maxKey + 1 + (bias ? 1 : 0), bias);
        }

        static boolean hasBias(Model model) {
            return switch (model) {
                case LogisticRegression lr -> lr.bias();
                case SoftmaxRegression softmax -> softmax.bias();
                case Perceptron _ ->
                    throw new IllegalArgumentException("L-BFGS trains linear models: model=" + model.text());
            };
        }

        long length() {
            return (long) rowLength * rowCount;
        }

        int offsetOf(long key) {
            return rowLength * (bias && key == Model.BIAS_KEY ? rowCount - 1 : (int) key);
        }

        long keyAt(int row) {
            return bias && row == rowCount - 1 ? Model.BIAS_KEY : row;
        }

        /// Pulls the vector and writes the rows of the first `count` of `keys` into `weights`; what it has no row of is
        /// 0.
        void read(DenseTable vector, long[] keys, int count, float[] weights) {
            float[] all = new float[Math.toIntExact(length())];
            vector.pull(all);
            for (int i = 0; i < count; i++) {
                if (has(keys[i])) {
                    System.arraycopy(all, offsetOf(keys[i]), weights, i * rowLength, rowLength);
                } else {
                    Arrays.fill(weights, i * rowLength, (i + 1) * rowLength, 0f);
                }
            }
        }

        /// Whether a row can be in a vector of these.
        boolean has(long key) {
            return (bias && key == Model.BIAS_KEY) || (key >= 0 && key < rowCount - (bias ? 1 : 0));
        }
    }

    private static final class Training {
        private final Weir weir;
        private final Model model;
        private final LbfgsConfig config;
        private final TrainingConfig training;
        private final ExampleSource source;
        private final ProgressListener listener;
        private final RunSpec spec;
        private final List<Member> members = new ArrayList<>();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final long startNs = System.nanoTime();
        private final CountDownLatch done;

        Training(
                Weir weir,
                ExampleSource source,
                Model model,
                LbfgsConfig config,
                TrainingConfig training,
                Part part,
                ProgressListener listener) {
            var _ = Rows.hasBias(model);
            this.weir = weir;
            this.model = model;
            this.config = config;
            this.training = training;
            this.source = source;
            this.listener = listener;
            this.spec = RunSpec.of(
                            training.run(),
                            1 + training.workers() * training.share().count())
                    .withSilence(training.membership().silence())
                    .withPasses(portionCount(source.byteCount()), COPIES);
            if (part != Part.WORKERS) {
                members.add(new Coordinator(this));
            }
            for (int i = 0; part != Part.COORDINATOR && i < training.workers(); i++) {
                members.add(new Worker(this, 1 + training.share().index() * training.workers() + i));
            }
            this.done = new CountDownLatch(members.size());
        }

        LbfgsResult run() {
            members.forEach(member -> member.thread.start());
            try {
                // One that has failed ends the others: they may be waiting for it.
                while (!done.await(training.progressInterval().toNanos(), TimeUnit.NANOSECONDS) && !failed()) {
                    listener.progress(snapshot());
                }
            } catch (InterruptedException e) {
                fail(new InterruptedException("training was interrupted"));
                Thread.currentThread().interrupt();
            } catch (RuntimeException | Error e) {
                fail(e);
            }
            joinMembers();
            Throwable failed = failure.get();
            if (failed instanceof RuntimeException e) {
                throw e;
            } else if (failed instanceof Error e) {
                throw e;
            } else if (failed != null) {
                throw new IllegalStateException(failed.getMessage(), failed);
            }
            listener.progress(snapshot());
            return result();
        }

        private void joinMembers() {
            boolean interrupted = false;
            for (Member member : members) {
                while (member.thread.isAlive()) {
                    try {
                        if (failed() && !member.thread.join(GRACE)) {
                            member.leave();
                        }
                        member.thread.join();
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

        void fail(Throwable thrown) {
            if (!failure.compareAndSet(null, thrown)) {
                Throwable first = failure.get();
                if (first != null && !first.equals(thrown)) {
                    first.addSuppressed(thrown);
                }
            }
        }

        /// Name of a table beside that of the model.
        String tableName(String vector) {
            return spec.name() + "/lbfgs/" + vector;
        }

        private @Nullable Coordinator coordinator() {
            return members.getFirst() instanceof Coordinator coordinator ? coordinator : null;
        }

        private ProgressListener.Snapshot snapshot() {
            Coordinator coordinator = coordinator();
            List<Double> losses = coordinator == null ? List.of() : coordinator.passLosses();
            double loss = losses.isEmpty() ? Double.NaN : losses.getLast();
            double seconds = (System.nanoTime() - startNs) / 1e9;
            long examples = 0;
            for (Member member : members) {
                examples += member.examples();
            }
            Latency none = Latency.of(new Histogram(3));
            return new ProgressListener.Snapshot(
                    examples,
                    seconds,
                    examples / seconds,
                    loss,
                    loss,
                    losses.size(),
                    config.maxPasses(),
                    Double.NaN,
                    none,
                    none);
        }

        private LbfgsResult result() {
            Coordinator coordinator = coordinator();
            Lbfgs.Outcome outcome = coordinator == null ? null : coordinator.outcome;
            double seconds = (System.nanoTime() - startNs) / 1e9;
            int workers = training.workers();
            if (coordinator == null || outcome == null) {
                long examples = 0;
                double losses = 0;
                for (Member member : members) {
                    examples += member.examples();
                    losses += member.losses();
                }
                return new LbfgsResult(
                        Double.NaN,
                        Double.NaN,
                        1,
                        0,
                        false,
                        examples,
                        0,
                        spec.portionCount(),
                        seconds,
                        List.of(losses / examples),
                        workers);
            }
            return new LbfgsResult(
                    outcome.objective(),
                    outcome.gradientNorm(),
                    1 + outcome.passes(),
                    outcome.iterations(),
                    outcome.converged(),
                    coordinator.exampleCount,
                    coordinator.featureCount,
                    spec.portionCount(),
                    seconds,
                    coordinator.passLosses(),
                    workers);
        }
    }

    /// One thread, and its place in the run.
    private abstract static class Member implements Runnable {
        final Training training;
        final int index;
        final Thread thread;
        private volatile @Nullable Run run;

        private long examples;
        private double losses;

        Member(Training training, int index) {
            this.training = training;
            this.index = index;
            this.thread = new Thread(this, "weir-train-" + index);
        }

        /// Counts examples that it has computed gradients of.
        synchronized void count(long more, double loss) {
            examples += more;
            losses += loss;
        }

        /// Examples that it has computed gradients of, all passes together.
        synchronized long examples() {
            return examples;
        }

        /// The sum of their losses.
        synchronized double losses() {
            return losses;
        }

        @Override
        public void run() {
            try {
                WeirException fenced = live(null);
                for (int i = 0; fenced != null && !training.failed() && i < Trainer.MAX_REJOINS; i++) {
                    fenced = live(fenced);
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

        /// One life, from joining to leaving.
        ///
        /// @param before why the last life ended, null for the first
        /// @return why it ended against its will, null if it is through
        private @Nullable WeirException live(@Nullable WeirException before) {
            boolean continued = training.training.continued() && before == null;
            try (Run joined = training.weir.join(new RunOptions(training.spec, index, continued))) {
                run = joined;
                if (before != null) {
                    training.listener.rejoined(index, joined.generation(), before);
                }
                work(joined);
                if (!training.failed()) {
                    joined.finish();
                }
                return null;
            } catch (WeirException e) {
                if (before != null && e.code() == ErrorCode.RUN_FINISHED) {
                    return null;
                }
                if (e.code() != ErrorCode.FENCED || !mayComeBack()) {
                    throw e;
                }
                return e;
            }
        }

        abstract void work(Run joined);

        abstract boolean mayComeBack();

        /// Ends the membership from another thread.
        void leave() {
            Run joined = run;
            if (joined != null) {
                joined.close();
            }
        }
    }

    // ---- the coordinator ----

    private static final class Coordinator extends Member {
        private final List<Double> losses = new ArrayList<>();
        private Lbfgs.@Nullable Outcome outcome;
        private long exampleCount;
        private long featureCount;

        Coordinator(Training training) {
            super(training, COORDINATOR);
        }

        synchronized List<Double> passLosses() {
            return List.copyOf(losses);
        }

        @Override
        boolean mayComeBack() {
            // What it knew of the curvature is lost with it.
            return false;
        }

        @Override
        void work(Run run) {
            try {
                minimize(run);
            } catch (Throwable t) {
                // The workers should stop now, and not when this one has left.
                training.fail(t);
                throw t;
            }
        }

        private void minimize(Run run) {
            double maxKey = 0;
            double bound = 0;
            for (List<Double> portion : run.pass(LOOK)) {
                maxKey = Math.max(maxKey, portion.get(0));
                bound += portion.get(1);
                exampleCount += portion.get(2).longValue();
                featureCount += portion.get(3).longValue();
            }
            if (exampleCount == 0) {
                throw new InputException(training.source.name() + ": expected examples, found none");
            }
            Rows rows = Rows.of(training.model, (long) maxKey);
            ExactSum exact = ExactSum.of(bound, training.spec.portionCount());
            Tables tables = new Tables(training, run, rows);
            try {
                DenseTable sums = tables.sums();
                Lbfgs lbfgs = new Lbfgs(training.config, tables::vector, (w, g) -> {
                    if (training.failed()) {
                        throw new IllegalStateException("another thread of the training has failed");
                    }
                    sums.fill(0);
                    double loss = 0;
                    for (List<Double> portion : run.pass(GRADIENT, exact.high(), exact.low())) {
                        loss += portion.getFirst();
                    }
                    g.transform(VectorOperation.SUM_HALVES, 0, sums);
                    synchronized (this) {
                        losses.add(loss / exampleCount);
                    }
                    training.listener.evaluated(
                            training.snapshot(), (keys, count, weights) -> rows.read(w, keys, count, weights));
                    return loss;
                });
                tables.begin();
                outcome = lbfgs.minimize(training.config.maxPasses() - 1);
                run.endPasses();
                tables.store();
            } finally {
                tables.drop();
            }
        }
    }

    /// The tables of a training, in the hands of the process that coordinates it.
    private static final class Tables {
        private static final int STORED_ROWS = 4096;

        private final Training training;
        private final Run run;
        private final Rows rows;
        private final TableSpec weights;
        private final List<String> names = new ArrayList<>();

        Tables(Training training, Run run, Rows rows) {
            this.training = training;
            this.run = run;
            this.rows = rows;
            this.weights = dense(training, "w", rows.length());
        }

        static TableSpec dense(Training training, String vector, long length) {
            return TableSpec.dense(training.tableName(vector), length, new OptimizerSpec.Add())
                    .withPlacement(training.spec.name());
        }

        private DenseTable create(TableSpec spec) {
            DenseTable table = run.denseTable(spec);
            names.add(spec.name());
            // Left over from a training that died.
            table.fill(0);
            return table;
        }

        DenseTable vector(String name) {
            return create(dense(training, name, rows.length()));
        }

        /// Sums of gradients in halves: blocks twice as long.
        DenseTable sums() {
            TableShape.Dense shape = (TableShape.Dense) weights.shape();
            return create(new TableSpec(
                    training.tableName("sums"),
                    new TableShape.Dense(
                            2L * shape.blockLength() * shape.blockCount(), 2 * shape.blockLength(), shape.placement()),
                    weights.optimizer(),
                    weights.initialRow(),
                    0));
        }

        /// Begins where the model's table is, if it is there.
        void begin() {
            String name = training.model.tables().getFirst().name();
            TableInfo there = training.weir.describe(name).orElse(null);
            if (there == null || there.rowCount() == 0) {
                return;
            }
            DenseTable w = run.denseTable(weights);
            int rowLength = rows.rowLength();
            training.weir.scan(name, batch -> {
                for (int i = 0; i < batch.count(); i++) {
                    if (rows.has(batch.keys()[i])) {
                        w.push(rows.offsetOf(batch.keys()[i]), batch.values(), i * batch.valueLength(), rowLength);
                    }
                }
            });
        }

        /// Stores the weights that are not 0 in the model's table, and those of rows that it had.
        void store() {
            TableSpec spec = training.model.tables().getFirst();
            training.weir.create(spec);
            float[] w = new float[Math.toIntExact(rows.length())];
            run.denseTable(weights).pull(w);
            int rowLength = rows.rowLength();
            int valueLength = rowLength * (1 + spec.optimizer().slotCount());
            RowBatch batch = new RowBatch(STORED_ROWS, valueLength);
            int count = 0;
            for (int row = 0; row < rows.rowCount(); row++) {
                if (isStored(w, row, rowLength)) {
                    batch.keys()[count] = rows.keyAt(row);
                    batch.pushCounts()[count] = 0;
                    Arrays.fill(batch.values(), count * valueLength, (count + 1) * valueLength, 0f);
                    System.arraycopy(w, row * rowLength, batch.values(), count * valueLength, rowLength);
                    count++;
                }
                if (count == STORED_ROWS || (row == rows.rowCount() - 1 && count > 0)) {
                    batch.setCount(count);
                    training.weir.load(spec.name(), batch);
                    count = 0;
                }
            }
        }

        private boolean isStored(float[] w, int row, int rowLength) {
            for (int i = 0; i < rowLength; i++) {
                if (w[row * rowLength + i] != 0) {
                    return true;
                }
            }
            return !training.model.tables().getFirst().initialRow().isZero();
        }

        void drop() {
            for (String name : names) {
                var _ = training.weir.drop(name);
            }
        }
    }

    // ---- the workers ----

    private static final class Worker extends Member {
        private final Learner learner;
        private final ExampleBatch batch = new ExampleBatch();
        private float[] weights = new float[0];
        private double[] gradient = new double[0];
        private double[] columns = new double[0];
        private float[] halves = new float[0];
        private @Nullable TableInfo weightsInfo;
        private @Nullable TableInfo sumsInfo;
        private long pulledPass = -1;

        Worker(Training training, int index) {
            super(training, index);
            this.learner = training.model.learner(training.source.name());
        }

        @Override
        boolean mayComeBack() {
            return training.training.membership().rejoin();
        }

        @Override
        void work(Run run) {
            pulledPass = -1;
            try {
                Optional<Portion> taken = run.nextPortion();
                while (taken.isPresent() && !training.failed()) {
                    Portion portion = taken.get();
                    if (portion.arguments().getFirst() == LOOK) {
                        look(portion);
                    } else {
                        compute(run, portion);
                    }
                    taken = run.nextPortion();
                }
            } catch (WeirException e) {
                if (e.code() != ErrorCode.FENCED || !mayComeBack()) {
                    training.fail(e);
                }
                throw e;
            } catch (Throwable t) {
                training.fail(t);
                throw t;
            }
        }

        private ExampleReader open(Portion portion) {
            return training.source.open(new Share(portion.index(), training.spec.portionCount()));
        }

        /// Finds the greatest key, and the greatest sum of absolute values of any feature.
        private void look(Portion portion) {
            double[] columns = this.columns;
            Arrays.fill(columns, 0);
            long maxKey = 0;
            long exampleCount = 0;
            long featureCount = 0;
            try (ExampleReader reader = open(portion)) {
                while (reader.next(batch, training.training.batch())) {
                    exampleCount += batch.exampleCount();
                    featureCount += batch.featureCount();
                    float[] values = batch.values();
                    for (int i = 0; i < batch.featureCount(); i++) {
                        long key = batch.isDense() ? i % batch.width() : batch.keys()[i];
                        if (key < 0 || key > MAX_KEY) {
                            throw new InputException(training.source.name()
                                    + ": L-BFGS keeps a weight for every index up to the greatest, which must be at"
                                    + " most " + MAX_KEY + ": index=" + Long.toUnsignedString(key));
                        }
                        maxKey = Math.max(maxKey, key);
                        if (key >= columns.length) {
                            columns = Arrays.copyOf(
                                    columns, (int) Math.min(MAX_KEY + 1, Math.max(key + 1, 2L * columns.length)));
                            this.columns = columns;
                        }
                        columns[(int) key] += Math.abs(values[i]);
                    }
                }
            }
            double bound = Rows.hasBias(training.model) ? exampleCount : 0;
            for (double column : columns) {
                bound = Math.max(bound, column);
            }
            var _ = portion.claim();
            portion.finish((double) maxKey, bound, (double) exampleCount, (double) featureCount);
        }

        /// Computes the portion's losses and gradients, and pushes the latter if nobody was first.
        private void compute(Run run, Portion portion) {
            long startNs = System.nanoTime();
            if (pulledPass != portion.position() && !pullWeights(run)) {
                // Others have done the portion, and the training has ended: it is given up.
                return;
            }
            pulledPass = portion.position();
            TableInfo weightsTable = Objects.requireNonNull(weightsInfo);
            TableShape.Dense shape = (TableShape.Dense) weightsTable.spec().shape();
            Rows rows = rowsOf(shape);
            Arrays.fill(gradient, 0);
            double loss = 0;
            long count = 0;
            try (ExampleReader reader = open(portion)) {
                while (reader.next(batch, training.training.batch())) {
                    loss += addGradients(rows);
                    count += batch.exampleCount();
                }
            }
            pause(System.nanoTime() - startNs);
            if (portion.claim()) {
                putHalves(shape.blockLength(), portion.arguments());
                push(portion, run.denseTable(Objects.requireNonNull(sumsInfo)));
            }
            portion.finish(loss);
            count(count, loss);
        }

        /// @return false if there are no weights any more
        private boolean pullWeights(Run run) {
            if (weightsInfo == null || sumsInfo == null) {
                weightsInfo = training.weir.describe(training.tableName("w")).orElse(null);
                sumsInfo = training.weir.describe(training.tableName("sums")).orElse(null);
            }
            TableInfo table = weightsInfo;
            if (table == null || sumsInfo == null) {
                return false;
            }
            TableShape.Dense shape = (TableShape.Dense) table.spec().shape();
            if (weights.length != shape.length()) {
                weights = new float[Math.toIntExact(shape.length())];
                gradient = new double[weights.length];
                halves = new float[Math.toIntExact(2L * shape.blockLength() * shape.blockCount())];
            }
            try {
                run.denseTable(table).pull(weights);
                return true;
            } catch (WeirException e) {
                if (e.code() != ErrorCode.UNKNOWN_TABLE) {
                    throw e;
                }
                return false;
            }
        }

        private Rows rowsOf(TableShape.Dense shape) {
            int rowLength = training.model.marginCount();
            return new Rows(rowLength, (int) (shape.length() / rowLength), Rows.hasBias(training.model));
        }

        private double addGradients(Rows rows) {
            learner.select(batch);
            Parameters parameters = learner.parameters().getFirst();
            int rowLength = rows.rowLength();
            for (int i = 0; i < parameters.keyCount(); i++) {
                System.arraycopy(
                        weights, rows.offsetOf(parameters.keys()[i]), parameters.weights(), i * rowLength, rowLength);
            }
            double loss = learner.lossAndGradients(1, 0);
            float[] gradients = parameters.gradients();
            for (int i = 0; i < parameters.keyCount(); i++) {
                int at = rows.offsetOf(parameters.keys()[i]);
                for (int j = 0; j < rowLength; j++) {
                    gradient[at + j] += gradients[i * rowLength + j];
                }
            }
            return loss;
        }

        /// The gradient in halves that add up exactly.
        private void putHalves(int blockLength, List<Double> arguments) {
            ExactSum exact = new ExactSum(arguments.get(1), arguments.get(2));
            for (int i = 0; i < gradient.length; i++) {
                int at = i / blockLength * 2 * blockLength + i % blockLength;
                halves[at] = exact.high(gradient[i]);
                halves[at + blockLength] = exact.low(gradient[i]);
            }
        }

        private void push(Portion portion, DenseTable sums) {
            try {
                portion.denseTable(sums).push(halves);
            } catch (WeirException e) {
                if (e.code() != ErrorCode.FENCED) {
                    throw e;
                }
                // Another worker was faster; the end of the portion shows it as well.
            }
        }

        /// Takes longer than it needs, if that is wanted.
        private void pause(long workNs) {
            long now = System.nanoTime();
            long untilNs = now + training.training.slowdown().pauseNs(index, workNs);
            for (; now - untilNs < 0 && !training.failed(); now = System.nanoTime()) {
                LockSupport.parkNanos(this, untilNs - now);
            }
        }
    }
}
