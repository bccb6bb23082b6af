package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.model.ErrorCode;
import io.weir.model.TableShape;
import io.weir.model.WeirException;
import io.weir.train.ExampleSource.Share;
import io.weir.train.PassOrder.Findings;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One of those that compute losses and gradients of portions for Sandblaster's coordinator. Confined to its thread.
final class SandblasterWorker extends WorkerTeam.Member {
    /// Greatest key, so that a worker can hold a vector.
    private static final long MAX_KEY = (1L << 27) - 1;

    private final Sandblaster.Task task;
    private final SandblasterProgress progress;
    private final Learner learner;
    private final ExampleBatch batch = new ExampleBatch();
    private float[] weights = new float[0];
    private double[] gradient = new double[0];
    private double[] columns = new double[0];
    private float[] halves = new float[0];
    private @Nullable TableInfo weightsInfo;
    private @Nullable TableInfo sumsInfo;
    private long pulledPass = -1;

    SandblasterWorker(WorkerTeam team, int index, Sandblaster.Task task, SandblasterProgress progress) {
        super(team, index);
        this.task = task;
        this.progress = progress;
        this.learner = task.model().learner(task.source().name());
    }

    @Override
    void work(Run joined) {
        pulledPass = -1;
        Optional<Portion> taken = joined.nextPortion();
        while (taken.isPresent() && !team().failed()) {
            Portion portion = taken.get();
            switch (PassOrder.of(portion.arguments())) {
                case PassOrder.Look _ -> look(portion);
                case PassOrder.Gradients(ExactSum rounding) -> compute(joined, portion, rounding);
            }
            taken = joined.nextPortion();
        }
        if (!team().failed()) {
            joined.finish();
        }
    }

    private ExampleReader open(Portion portion) {
        return task.source().open(new Share(portion.index(), team().spec().portionCount()));
    }

    /// Finds the greatest key, and the greatest sum of absolute values of any feature.
    private void look(Portion portion) {
        double[] columns = this.columns;
        Arrays.fill(columns, 0);
        long maxKey = 0;
        long exampleCount = 0;
        long featureCount = 0;
        try (ExampleReader reader = open(portion)) {
            while (reader.next(batch, task.training().batch())) {
                exampleCount += batch.exampleCount();
                featureCount += batch.featureCount();
                float[] values = batch.values();
                for (int i = 0; i < batch.featureCount(); i++) {
                    long key = batch.isDense() ? i % batch.width() : batch.keys()[i];
                    if (key < 0 || key > MAX_KEY) {
                        throw new InputException(task.source().name()
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
        double bound = VectorRows.hasBias(task.model()) ? exampleCount : 0;
        for (double column : columns) {
            bound = Math.max(bound, column);
        }
        var _ = portion.claim();
        portion.finish(new Findings(maxKey, bound, exampleCount, featureCount).numbers());
    }

    /// Computes the portion's losses and gradients, and pushes the latter if nobody was first.
    private void compute(Run run, Portion portion, ExactSum rounding) {
        long startNs = System.nanoTime();
        if (pulledPass != portion.position() && !pullWeights(run)) {
            // Others have done the portion, and the training has ended: it is given up.
            return;
        }
        pulledPass = portion.position();
        TableInfo weightsTable = Objects.requireNonNull(weightsInfo);
        TableShape.Dense shape = (TableShape.Dense) weightsTable.spec().shape();
        VectorRows rows = VectorRows.ofLength(task.model(), shape.length());
        Arrays.fill(gradient, 0);
        double loss = 0;
        long count = 0;
        try (ExampleReader reader = open(portion)) {
            while (reader.next(batch, task.training().batch())) {
                loss += addGradients(rows);
                count += batch.exampleCount();
            }
        }
        pause(System.nanoTime() - startNs);
        if (portion.claim()) {
            putHalves(shape.blockLength(), rounding);
            push(portion, run.denseTable(Objects.requireNonNull(sumsInfo)));
        }
        portion.finish(loss);
        progress.computed(count, loss);
    }

    /// @return false if there are no weights any more
    private boolean pullWeights(Run run) {
        if (weightsInfo == null || sumsInfo == null) {
            weightsInfo = team().weir()
                    .describe(task.tableName(SandblasterTables.WEIGHTS))
                    .orElse(null);
            sumsInfo = team().weir()
                    .describe(task.tableName(SandblasterTables.SUMS))
                    .orElse(null);
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

    private double addGradients(VectorRows rows) {
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
    private void putHalves(int blockLength, ExactSum rounding) {
        for (int i = 0; i < gradient.length; i++) {
            int at = i / blockLength * 2 * blockLength + i % blockLength;
            halves[at] = rounding.high(gradient[i]);
            halves[at + blockLength] = rounding.low(gradient[i]);
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
}
