package io.weir.train;

import io.weir.client.Table;

/// Where the weights of a linear model are read from: a table, or a [LrModel]. Thread-safe.
@FunctionalInterface
public interface Weights {
    /// Writes the weight of `keys[i]` into `weights[i]`, for the first `count`.
    void read(long[] keys, int count, float[] weights);

    /// The rows of a table of `dim` 1, pulled.
    static Weights of(Table table) {
        if (table.rowLength() != 1) {
            throw new IllegalArgumentException("a linear model needs rows of one weight: dim=" + table.rowLength()
                    + ", table=" + table.spec().name());
        }
        return (keys, count, weights) -> table.pull(keys, 0, count, weights, 0);
    }
}
