package io.weir.client;

import io.weir.model.Compression;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// One dense tensor, as a worker sees it: a run of floats, read and updated by stretches. Thread-safe.
///
/// Stretches may start anywhere; those that begin and end at blocks cost no copy on the server. A stretch larger than
/// a frame is several pushes, each applied whole.
///
/// **As a vector.** A table can be worked on where it lies, alone or with others: only scalars travel.
/// [VectorOperation] gives the formulas. Tables that take part together have the same length, block length and
/// placement ([io.weir.model.TableShape.Dense]). Operations that change the table are numbered, resent and applied
/// exactly once like pushes, in order with the pushes of the same worker; they change weights and leave the
/// optimizer's slots alone, and have no place in a synchronous run. Sums are reads: they see all that this worker has
/// had acknowledged. Each block is summed in double arithmetic in a fixed order, and the sums of the blocks are added
/// in order of the blocks, so the result has the same bits for any number of shards and servers.
public interface DenseTable {
    /// What the table is.
    TableSpec spec();

    /// Floats in the tensor.
    long length();

    /// Reads `count` floats from `offset` into `values[valuesFrom]` and on.
    void pull(long offset, float[] values, int valuesFrom, int count);

    /// Reads the whole tensor into `values`.
    default void pull(float[] values) {
        pull(0, values, 0, Math.toIntExact(length()));
    }

    /// Pushes gradients for `count` floats from `offset`, and waits until they are acknowledged.
    void push(long offset, float[] gradients, int gradientsFrom, int count);

    /// Pushes gradients for the whole tensor.
    default void push(float[] gradients) {
        push(0, gradients, 0, Math.toIntExact(length()));
    }

    /// As [#pull(long, float[], int, int)], without waiting for the servers.
    CompletableFuture<Void> pullAsync(long offset, float[] values, int valuesFrom, int count);

    /// As [#push(long, float[], int, int)], without waiting for the servers; `gradients` is read before it returns.
    CompletableFuture<Void> pushAsync(long offset, float[] gradients, int gradientsFrom, int count);

    /// Pushes gradients, then reads the same stretch, in one round trip.
    void pushPull(long offset, float[] gradients, int gradientsFrom, float[] values, int valuesFrom, int count);

    /// The same table with its pushes in fewer bits; see [Compression] for what each case loses and what it owes.
    ///
    /// What a compression with feedback leaves out is kept in the view that this returns, in as many floats as
    /// were pushed through it. So keep the view and push through it alone. It is lost with the process: a worker
    /// that goes on where its last life stopped makes its pushes again from an empty residual. Those that a shard
    /// has are not applied again, those that it does not have are applied as they are made now, each once; only
    /// what the last life still owed is missing.
    ///
    /// A push that is sent again is the same bytes: it applies exactly once, as any other.
    default DenseTable compressed(Compression pushes) {
        return compressed(pushes, Compression.none());
    }

    /// As [#compressed(Compression)], with pulls in fewer bits too.
    ///
    /// @param pulls one that rounds each value by itself
    /// @throws IllegalArgumentException if `pulls` has feedback, or `pushes` has and the table assigns, or keeps
    /// the least or greatest: what is left out can only be added later
    DenseTable compressed(Compression pushes, Compression pulls);

    // ---- as a vector ----

    /// Changes this table, `y`, as [VectorOperation] says, and waits until all shards have acknowledged it.
    ///
    /// @param a the scalar; not looked at where the formula has none
    /// @param other the table `x`, null where the formula has none; of the same connection
    /// @throws IllegalArgumentException if the operation changes nothing, or the scalar or the tables do not fit it
    default void transform(VectorOperation operation, double a, @Nullable DenseTable other) {
        transformAsync(operation, a, other).join();
    }

    /// As [#transform], without waiting for the servers.
    CompletableFuture<Void> transformAsync(VectorOperation operation, double a, @Nullable DenseTable other);

    /// Sums over this table, `y`, as [VectorOperation] says.
    ///
    /// @param other the table `x`, null where the formula has none; of the same connection
    /// @throws IllegalArgumentException if the operation is no sum, or the tables do not fit it
    default double reduce(VectorOperation operation, @Nullable DenseTable other) {
        return reduceAsync(operation, other).join();
    }

    /// As [#reduce], without waiting for the servers.
    CompletableFuture<Double> reduceAsync(VectorOperation operation, @Nullable DenseTable other);

    /// `Σ y · x`.
    default double dot(DenseTable x) {
        return reduce(VectorOperation.DOT, x);
    }

    /// As [#dot], without waiting.
    default CompletableFuture<Double> dotAsync(DenseTable x) {
        return reduceAsync(VectorOperation.DOT, x);
    }

    /// `√(Σ y²)`.
    default double norm() {
        return Math.sqrt(dot(this));
    }

    /// `Σ |y|`.
    default double norm1() {
        return reduce(VectorOperation.NORM1, null);
    }

    /// `y ← a`.
    default void fill(double a) {
        transform(VectorOperation.FILL, a, null);
    }

    /// `y ← y + a`.
    default void add(double a) {
        transform(VectorOperation.ADD, a, null);
    }

    /// `y ← a · y`.
    default void scale(double a) {
        transform(VectorOperation.SCALE, a, null);
    }

    /// `y ← x`.
    default void copy(DenseTable x) {
        transform(VectorOperation.COPY, 1, x);
    }

    /// `y ← y + a · x`.
    default void axpy(double a, DenseTable x) {
        transform(VectorOperation.AXPY, a, x);
    }

    /// As [#axpy], without waiting.
    default CompletableFuture<Void> axpyAsync(double a, DenseTable x) {
        return transformAsync(VectorOperation.AXPY, a, x);
    }

    /// `y ← y · x`, float by float.
    default void multiply(DenseTable x) {
        transform(VectorOperation.MULTIPLY, 0, x);
    }
}
