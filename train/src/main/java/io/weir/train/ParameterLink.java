package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.model.TableShape;

/// Moves the parameters of a model between a learner and one table, whichever kind that is. Thread-safe if the table
/// is.
sealed interface ParameterLink {
    /// Reads the weights of `parameters`.
    void pull(Parameters parameters);

    /// Pushes the gradients of `parameters`, and waits until they are acknowledged.
    void push(Parameters parameters);

    /// A table whose pushes belong to a portion.
    static ParameterLink of(Portion portion, TableInfo table) {
        return table.spec().shape() instanceof TableShape.Dense
                ? new Tensor(portion.denseTable(table))
                : new Rows(portion.table(table));
    }

    /// Rows of an embedding table.
    record Rows(Table table) implements ParameterLink {
        @Override
        public void pull(Parameters parameters) {
            table.pull(parameters.keys(), 0, parameters.keyCount(), parameters.weights(), 0);
        }

        @Override
        public void push(Parameters parameters) {
            table.push(parameters.keys(), 0, parameters.keyCount(), parameters.gradients(), 0);
        }
    }

    /// All of a dense table.
    record Tensor(DenseTable table) implements ParameterLink {
        @Override
        public void pull(Parameters parameters) {
            table.pull(0, parameters.weights(), 0, parameters.length());
        }

        @Override
        public void push(Parameters parameters) {
            table.push(0, parameters.gradients(), 0, parameters.length());
        }
    }
}
