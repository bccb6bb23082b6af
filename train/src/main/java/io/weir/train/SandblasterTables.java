package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The tables of a training with L-BFGS, in the hands of its coordinator: vectors beside the model's table, made for
/// the training and dropped with it, and the model's table itself. Confined to its thread.
final class SandblasterTables {
    /// The vector of the weights.
    static final String WEIGHTS = "w";

    /// The sums of gradients.
    static final String SUMS = "sums";

    private static final int STORED_ROWS = 4096;

    private final Weir weir;
    private final Run run;
    private final Sandblaster.Task task;
    private final VectorRows rows;
    private final TableSpec weights;
    private final List<String> names = new ArrayList<>();

    SandblasterTables(Weir weir, Run run, Sandblaster.Task task, VectorRows rows) {
        this.weir = weir;
        this.run = run;
        this.task = task;
        this.rows = rows;
        this.weights = dense(WEIGHTS);
    }

    private TableSpec dense(String vector) {
        return TableSpec.dense(task.tableName(vector), rows.length(), new OptimizerSpec.Add())
                .withPlacement(task.training().run());
    }

    private DenseTable create(TableSpec spec) {
        DenseTable table = run.denseTable(spec);
        names.add(spec.name());
        // Left over from a training that died.
        table.fill(0);
        return table;
    }

    DenseTable vector(String name) {
        return create(dense(name));
    }

    /// Sums of gradients in halves: blocks twice as long.
    DenseTable sums() {
        TableShape.Dense shape = (TableShape.Dense) weights.shape();
        return create(new TableSpec(
                task.tableName(SUMS),
                new TableShape.Dense(
                        2L * shape.blockLength() * shape.blockCount(), 2 * shape.blockLength(), shape.placement()),
                weights.optimizer(),
                weights.initialRow(),
                0));
    }

    /// Begins where the model's table is, if it is there.
    void begin() {
        String name = task.model().tables().getFirst().name();
        TableInfo there = weir.describe(name).orElse(null);
        if (there == null || there.rowCount() == 0) {
            return;
        }
        DenseTable w = run.denseTable(weights);
        int rowLength = rows.rowLength();
        weir.scan(name, batch -> {
            for (int i = 0; i < batch.count(); i++) {
                if (rows.has(batch.keys()[i])) {
                    w.push(rows.offsetOf(batch.keys()[i]), batch.values(), i * batch.valueLength(), rowLength);
                }
            }
        });
    }

    /// Stores the weights that are not 0 in the model's table, and those of rows that it had.
    void store() {
        TableSpec spec = task.model().tables().getFirst();
        weir.create(spec);
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
                weir.load(spec.name(), batch);
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
        return !task.model().tables().getFirst().initialRow().isZero();
    }

    void drop() {
        for (String name : names) {
            var _ = weir.drop(name);
        }
    }
}
