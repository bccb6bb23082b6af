package io.weir.client.internal;

import io.weir.client.Table;
import io.weir.model.Compression;
import io.weir.model.TableSpec;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/// An embedding table through a session. Checks what the caller can get wrong before anything is sent.
record ClientTable(Session session, TableView view) implements Table {
    @Override
    public TableSpec spec() {
        return view.spec();
    }

    @Override
    public Table compressed(Compression pushes, Compression pulls) {
        return new ClientTable(session, view.compressed(pushes, pulls));
    }

    @Override
    public void pull(long[] keys, int keysFrom, int count, float[] rows, int rowsFrom) {
        Objects.checkFromIndexSize(keysFrom, count, keys.length);
        requireRoom("rows", rows.length, rowsFrom, count);
        session.pull(view, keys, keysFrom, count, rows, rowsFrom);
    }

    @Override
    public CompletableFuture<Void> pullAsync(long[] keys, float[] rows) {
        requireRoom("rows", rows.length, 0, keys.length);
        return session.pullAsync(view, keys, rows);
    }

    @Override
    public void push(long[] keys, int keysFrom, int count, float[] gradients, int gradientsFrom) {
        Objects.checkFromIndexSize(keysFrom, count, keys.length);
        requireRoom("gradients", gradients.length, gradientsFrom, count);
        session.push(view, keys, keysFrom, count, gradients, gradientsFrom);
    }

    @Override
    public CompletableFuture<Void> pushAsync(long[] keys, float[] gradients) {
        requireExactly(gradients.length, keys.length);
        return session.pushAsync(view, keys, gradients);
    }

    @Override
    public void push(long[] keys, float[] gradients) {
        requireExactly(gradients.length, keys.length);
        session.push(view, keys, 0, keys.length, gradients, 0);
    }

    @Override
    public void pushPull(long[] keys, float[] gradients, float[] rows) {
        requireExactly(gradients.length, keys.length);
        requireRoom("rows", rows.length, 0, keys.length);
        if (view.pushes() != null) {
            // The push is the portion's, the pull the worker's.
            session.push(view, keys, 0, keys.length, gradients, 0);
            session.pull(view, keys, 0, keys.length, rows, 0);
            return;
        }
        session.pushPull(view, keys, gradients, rows);
    }

    @Override
    public CompletableFuture<Void> pushPullAsync(long[] keys, float[] gradients, float[] rows) {
        requireExactly(gradients.length, keys.length);
        requireRoom("rows", rows.length, 0, keys.length);
        if (view.pushes() != null) {
            return session.pushAsync(view, keys, gradients).thenCompose(done -> session.pullAsync(view, keys, rows));
        }
        return session.pushPullAsync(view, keys, gradients, rows);
    }

    private void requireRoom(String what, int length, int from, int count) {
        long expected = from + (long) count * rowLength();
        if (from < 0 || expected > length) {
            throw new IllegalArgumentException(what + " must have room for keyCount * dim floats: expected=" + expected
                    + ", actual=" + length + ", table=" + spec().name());
        }
    }

    private void requireExactly(int length, int count) {
        long expected = (long) count * rowLength();
        if (length != expected) {
            throw new IllegalArgumentException("gradient length must be keyCount * dim: expected=" + expected
                    + ", actual=" + length + ", table=" + spec().name());
        }
    }
}
