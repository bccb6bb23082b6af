package io.weir.client.internal;

import io.weir.client.DenseTable;
import io.weir.model.Compression;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.wire.FrameType;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A dense table through a session. Checks what the caller can get wrong before anything is sent.
record ClientDenseTable(Session session, TableView view) implements DenseTable {
    ClientDenseTable {
        if (!(view.spec().shape() instanceof TableShape.Dense)) {
            throw new IllegalArgumentException(
                    "table is not dense: table=" + view.spec().name());
        }
    }

    @Override
    public TableSpec spec() {
        return view.spec();
    }

    @Override
    public DenseTable compressed(Compression pushes, Compression pulls) {
        return new ClientDenseTable(session, view.compressed(pushes, pulls));
    }

    @Override
    public long length() {
        return view.spec().shape() instanceof TableShape.Dense dense ? dense.length() : 0;
    }

    @Override
    public void pull(long offset, float[] values, int valuesFrom, int count) {
        require(offset, "values", values, valuesFrom, count);
        session.stretch(FrameType.PULL, view, offset, count, null, 0, values, valuesFrom, "pull");
    }

    @Override
    public void push(long offset, float[] gradients, int gradientsFrom, int count) {
        require(offset, "gradients", gradients, gradientsFrom, count);
        requireWhole(offset, count);
        session.stretch(FrameType.PUSH, view, offset, count, gradients, gradientsFrom, null, 0, "push");
    }

    @Override
    public CompletableFuture<Void> pullAsync(long offset, float[] values, int valuesFrom, int count) {
        require(offset, "values", values, valuesFrom, count);
        return session.stretchAsync(FrameType.PULL, view, offset, count, null, 0, values, valuesFrom);
    }

    @Override
    public CompletableFuture<Void> pushAsync(long offset, float[] gradients, int gradientsFrom, int count) {
        require(offset, "gradients", gradients, gradientsFrom, count);
        requireWhole(offset, count);
        return session.stretchAsync(FrameType.PUSH, view, offset, count, gradients, gradientsFrom, null, 0);
    }

    @Override
    public void pushPull(long offset, float[] gradients, int gradientsFrom, float[] values, int valuesFrom, int count) {
        require(offset, "gradients", gradients, gradientsFrom, count);
        requireWhole(offset, count);
        require(offset, "values", values, valuesFrom, count);
        if (view.pushes() != null) {
            push(offset, gradients, gradientsFrom, count);
            pull(offset, values, valuesFrom, count);
            return;
        }
        session.stretch(
                FrameType.PUSH_PULL, view, offset, count, gradients, gradientsFrom, values, valuesFrom, "pushPull");
    }

    private void requireWhole(long offset, int count) {
        if (spec().optimizer().needsWholeRow() && (offset != 0 || count != length())) {
            throw new IllegalArgumentException(
                    "a push carries the whole tensor, for the optimizer needs all of its gradient: offset=" + offset
                            + ", count=" + count + ", length=" + length() + ", optimizer="
                            + spec().optimizer().text() + ", table=" + spec().name());
        }
    }

    @Override
    public void transform(VectorOperation operation, double a, @Nullable DenseTable other) {
        session.transform(view, operation, a, require(operation, true, a, other));
    }

    @Override
    public CompletableFuture<Void> transformAsync(VectorOperation operation, double a, @Nullable DenseTable other) {
        return session.transformAsync(view, operation, a, require(operation, true, a, other));
    }

    @Override
    public double reduce(VectorOperation operation, @Nullable DenseTable other) {
        return session.reduce(view, operation, require(operation, false, 0, other));
    }

    @Override
    public CompletableFuture<Double> reduceAsync(VectorOperation operation, @Nullable DenseTable other) {
        return session.reduceAsync(view, operation, require(operation, false, 0, other));
    }

    /// Id of the other table, 0 if none takes part.
    private int require(VectorOperation operation, boolean changing, double scalar, @Nullable DenseTable other) {
        if (operation.isChanging() != changing || operation.isBinary() != (other != null)) {
            throw new IllegalArgumentException("vector operation must fit the call: operation=" + operation
                    + ", changing=" + changing + ", other=" + (other != null) + ", table=" + spec().name());
        }
        if (other != null && !(other instanceof ClientDenseTable)) {
            throw new IllegalArgumentException("tables must belong to one connection: table=" + spec().name()
                    + ", other=" + other.spec().name());
        }
        TableView x = other instanceof ClientDenseTable table ? table.view() : view;
        Optional<String> fault =
                operation.faultOf(scalar).or(() -> operation.fault(view.spec(), view.id(), x.spec(), x.id()));
        if (fault.isPresent()) {
            throw new IllegalArgumentException(fault.get());
        }
        return other == null ? 0 : x.id();
    }

    private void require(long offset, String what, float[] array, int from, int count) {
        if (offset < 0 || count < 0 || offset > length() - count) {
            throw new IllegalArgumentException("stretch must lie inside the table: offset=" + offset + ", count="
                    + count + ", length=" + length() + ", table=" + spec().name());
        }
        if (from < 0 || from > array.length - count) {
            throw new IllegalArgumentException(what + " must hold the stretch: from=" + from + ", count=" + count
                    + ", actual=" + array.length + ", table=" + spec().name());
        }
    }
}
