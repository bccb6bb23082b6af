package io.weir.client;

import io.weir.model.Compression;
import io.weir.model.TableSpec;
import java.util.concurrent.CompletableFuture;

/// One dense tensor, as a worker sees it: a run of floats, read and updated by stretches. Thread-safe.
///
/// Stretches may start anywhere; those that begin and end at blocks cost no copy on the server. A stretch larger than
/// a frame is several pushes, each applied whole.
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
    /// What a compression with feedback leaves out is kept in the view that this returns, in as many floats as were
    /// pushed through it. So keep the view and push through it alone. It is lost with the process: a worker that
    /// goes
    /// on where its last life stopped makes its pushes again from an empty residual. Those that a shard has are not
    /// applied again, those that it does not have are applied as they are made now, each once; only what the last
    /// life still owed is missing.
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
}
