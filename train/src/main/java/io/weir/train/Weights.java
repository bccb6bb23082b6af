package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;

/// Where the weights of one table of a model are read from: a table, or a model that was saved. Thread-safe.
@FunctionalInterface
public interface Weights {
    /// Writes the weights of the rows of the first `count` of `keys`, one row after the other. Of a dense table `keys`
    /// are always all its blocks in their order, and what fills up the last one may be left out.
    void read(long[] keys, int count, float[] weights);

    /// The rows of a table of `dim` 1, pulled.
    static Weights of(Table table) {
        if (table.rowLength() != 1) {
            throw new IllegalArgumentException("a linear model needs rows of one weight: dim=" + table.rowLength()
                    + ", table=" + table.spec().name());
        }
        return (keys, count, weights) -> table.pull(keys, 0, count, weights, 0);
    }

    /// What a table of any shape holds, pulled.
    static Weights of(Weir weir, TableSpec spec) {
        if (spec.shape() instanceof TableShape.Dense dense) {
            DenseTable table = weir.denseTable(spec.name());
            int length = Math.toIntExact(dense.length());
            return (keys, count, weights) -> table.pull(0, weights, 0, length);
        }
        Table table = weir.table(spec.name());
        return (keys, count, weights) -> table.pull(keys, 0, count, weights, 0);
    }
}
