package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.model.TableShape;
import io.weir.train.TrainingConfig.Transfer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/// Moves the parameters of a model between a learner and one table, whichever kind that is. Thread-safe if the table
/// is.
sealed interface ParameterLink {
    /// Reads the weights of `parameters`.
    void pull(Parameters parameters);

    /// Pushes the gradients of `parameters`, and waits until they are acknowledged.
    void push(Parameters parameters);

    /// Reads the weights of several tables. What is one round trip for one table is one for all of them.
    ///
    /// @param parameters of each table
    static void pull(Run run, List<ParameterLink> tables, List<Parameters> parameters) {
        if (tables.size() == 1) {
            tables.getFirst().pull(parameters.getFirst());
        } else {
            together(run, tables, parameters, ParameterLink::fetch);
        }
    }

    /// Pushes the gradients of several tables, in their order, and waits until all are acknowledged.
    ///
    /// @param parameters of each table
    static void push(Run run, List<ParameterLink> tables, List<Parameters> parameters) {
        if (tables.size() == 1) {
            tables.getFirst().push(parameters.getFirst());
        } else {
            together(run, tables, parameters, ParameterLink::send);
        }
    }

    private static void together(
            Run run,
            List<ParameterLink> tables,
            List<Parameters> parameters,
            BiFunction<ParameterLink, Parameters, CompletableFuture<Void>> begin) {
        CompletableFuture<?>[] begun = new CompletableFuture<?>[tables.size()];
        for (int i = 0; i < begun.length; i++) {
            begun[i] = begin.apply(tables.get(i), parameters.get(i));
        }
        run.await(CompletableFuture.allOf(begun));
    }

    /// Begins to read the weights of `parameters`.
    ///
    /// @param parameters not to be touched until the result completes
    CompletableFuture<Void> fetch(Parameters parameters);

    /// Begins to push the gradients of `parameters`, which are read before the call returns.
    CompletableFuture<Void> send(Parameters parameters);

    /// Begins to read the weights of `keys`, of which a dense table takes no notice: it gives all of itself.
    ///
    /// @param keys owned by the call until the result completes
    /// @param weights owned by the call until the result completes; of the tensor's length or longer for a dense
    /// table
    CompletableFuture<Void> fetch(long[] keys, float[] weights);

    /// Begins to push the gradients of `keys`, or of all of a dense table, which takes no notice of them.
    ///
    /// @param keys read before the call returns
    /// @param gradients read before the call returns; those of a dense table may be longer than its tensor
    CompletableFuture<Void> send(long[] keys, float[] gradients);

    /// The same table, and the same residual if it has one, with pushes that belong to a portion.
    ParameterLink within(Portion portion);

    /// A table as a worker of a run has it.
    static ParameterLink of(Run run, TableInfo table, Transfer transfer) {
        return table.spec().shape() instanceof TableShape.Dense
                ? new Tensor(run.denseTable(table).compressed(transfer.pushes(), transfer.pulls()))
                : new Rows(run.table(table).compressed(transfer.pushes(), transfer.pulls()));
    }

    /// Rows of an embedding table.
    record Rows(Table table) implements ParameterLink {
        @Override
        public ParameterLink within(Portion portion) {
            return new Rows(portion.table(table));
        }

        @Override
        public void pull(Parameters parameters) {
            table.pull(parameters.keys(), 0, parameters.keyCount(), parameters.weights(), 0);
        }

        @Override
        public void push(Parameters parameters) {
            table.push(parameters.keys(), 0, parameters.keyCount(), parameters.gradients(), 0);
        }

        @Override
        public CompletableFuture<Void> fetch(Parameters parameters) {
            return fetch(keys(parameters), parameters.weights());
        }

        @Override
        public CompletableFuture<Void> send(Parameters parameters) {
            return send(keys(parameters), Arrays.copyOf(parameters.gradients(), parameters.length()));
        }

        private static long[] keys(Parameters parameters) {
            return Arrays.copyOf(parameters.keys(), parameters.keyCount());
        }

        @Override
        public CompletableFuture<Void> fetch(long[] keys, float[] weights) {
            return table.pullAsync(keys, weights);
        }

        @Override
        public CompletableFuture<Void> send(long[] keys, float[] gradients) {
            return table.pushAsync(keys, gradients);
        }
    }

    /// A stretch of a dense table.
    record Tensor(DenseTable table) implements ParameterLink {
        @Override
        public ParameterLink within(Portion portion) {
            return new Tensor(portion.denseTable(table));
        }

        @Override
        public void pull(Parameters parameters) {
            table.pull(parameters.offset(), parameters.weights(), 0, parameters.length());
        }

        @Override
        public void push(Parameters parameters) {
            table.push(parameters.offset(), parameters.gradients(), 0, parameters.length());
        }

        @Override
        public CompletableFuture<Void> fetch(Parameters parameters) {
            return table.pullAsync(parameters.offset(), parameters.weights(), 0, parameters.length());
        }

        @Override
        public CompletableFuture<Void> send(Parameters parameters) {
            return table.pushAsync(parameters.offset(), parameters.gradients(), 0, parameters.length());
        }

        @Override
        public CompletableFuture<Void> fetch(long[] keys, float[] weights) {
            return table.pullAsync(0, weights, 0, Math.toIntExact(table.length()));
        }

        @Override
        public CompletableFuture<Void> send(long[] keys, float[] gradients) {
            return table.pushAsync(0, gradients, 0, Math.toIntExact(table.length()));
        }
    }
}
