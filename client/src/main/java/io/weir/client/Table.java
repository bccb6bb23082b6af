package io.weir.client;

import io.weir.model.Compression;
import io.weir.model.TableSpec;
import java.util.concurrent.CompletableFuture;

/// Rows of one table, as a worker sees them. Thread-safe; calls do not wait for each other, but for a bound on the
/// number in flight.
///
/// Arrays are row-major: row `i` of `keys` is at `i * rowLength()`. Keys may be any 64-bit values in any order, with
/// repeats. A dense table has its own view, [DenseTable].
///
/// A call that waits does so at most for the connection's deadline, then throws a [io.weir.model.WeirException] with
/// `DEADLINE_EXCEEDED`. A push whose deadline passed is not lost: it stays in flight, and the exception, a
/// [PushPendingException], says when it is acknowledged. Callers never repeat a push themselves.
public interface Table {
    /// What the table is.
    TableSpec spec();

    /// Floats in a row.
    default int rowLength() {
        return spec().rowLength();
    }

    /// Reads the rows of `keys` into a new array, in the order of `keys`.
    ///
    /// @throws io.weir.model.WeirException if the servers refuse or cannot be reached in time
    default float[] pull(long[] keys) {
        float[] rows = new float[Math.multiplyExact(keys.length, rowLength())];
        pull(keys, rows);
        return rows;
    }

    /// Reads the rows of `keys` into `rows`, in the order of `keys`.
    ///
    /// A key without a row reads as the initial row of the table, which is not stored. Allocates nothing in steady
    /// state.
    ///
    /// @param keys read until the call returns, never changed
    /// @param rows receives `keys.length * rowLength()` floats
    /// @throws IllegalArgumentException if `rows` is too short
    /// @throws io.weir.model.WeirException if the servers refuse or cannot be reached in time
    default void pull(long[] keys, float[] rows) {
        pull(keys, 0, keys.length, rows, 0);
    }

    /// As [#pull(long[], float[])], over `count` keys from `keys[keysFrom]` into `rows` from `rows[rowsFrom]`.
    void pull(long[] keys, int keysFrom, int count, float[] rows, int rowsFrom);

    /// As [#pull(long[], float[])], without waiting for the servers.
    ///
    /// @param keys owned by the call until the result completes
    /// @param rows owned by the call until the result completes
    CompletableFuture<Void> pullAsync(long[] keys, float[] rows);

    /// Sends the gradients of `keys`, which go through the table's optimizer, and waits until every shard has
    /// acknowledged its part: applied, exactly once.
    ///
    /// Gradients of a repeated key are summed first, in order of appearance. On each shard the push is applied
    /// whole or not at all.
    ///
    /// @param gradients `keys.length * rowLength()` floats, all finite
    /// @throws IllegalArgumentException before anything is sent, if the length is wrong or a value is not finite
    /// @throws io.weir.model.WeirException if a shard refuses or cannot be reached in time
    default void push(long[] keys, float[] gradients) {
        push(keys, 0, keys.length, gradients, 0);
    }

    /// As [#push(long[], float[])], over `count` keys from `keys[keysFrom]` and gradients from
    /// `gradients[gradientsFrom]`.
    void push(long[] keys, int keysFrom, int count, float[] gradients, int gradientsFrom);

    /// As [#push(long[], float[])], without waiting for the servers. The arrays are read before the call returns and
    /// are then the caller's again.
    CompletableFuture<Void> pushAsync(long[] keys, float[] gradients);

    /// Pushes the gradients of `keys`, then reads the rows of the same keys, in one round trip.
    ///
    /// @param gradients as for [#push(long[], float[])]
    /// @param rows as for [#pull(long[], float[])]; may be the same array as `gradients`
    void pushPull(long[] keys, float[] gradients, float[] rows);

    /// As [#pushPull], without waiting for the servers.
    ///
    /// @param keys owned by the call until the result completes
    /// @param gradients read before the call returns
    /// @param rows owned by the call until the result completes
    CompletableFuture<Void> pushPullAsync(long[] keys, float[] gradients, float[] rows);

    /// The same table with its pushes in fewer bits; see [Compression] for what each case loses and what it owes.
    ///
    /// What a compression with feedback leaves out is kept in the view that this returns, in as many floats as were
    /// pushed through it, at most 256 MiB; beyond that the rows whose first push is longest ago lose theirs. So
    /// keep the view and push through it alone. It is lost with the process: a worker that goes
    /// on where its last life stopped makes its pushes again from an empty residual. Those that a shard has are not
    /// applied again, those that it does not have are applied as they are made now, each once; only what the last
    /// life still owed is missing.
    ///
    /// A push that is sent again is the same bytes: it applies exactly once, as any other.
    default Table compressed(Compression pushes) {
        return compressed(pushes, Compression.none());
    }

    /// As [#compressed(Compression)], with pulls in fewer bits too.
    ///
    /// @param pulls one that rounds each value by itself
    /// @throws IllegalArgumentException if `pulls` has feedback, or `pushes` has and the table assigns, or keeps
    /// the least or greatest: what is left out can only be added later
    Table compressed(Compression pushes, Compression pulls);
}
