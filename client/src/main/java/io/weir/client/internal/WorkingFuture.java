package io.weir.client.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A result whose waiting thread does the work of the connection itself instead of being woken by another. Thread-safe.
final class WorkingFuture<T extends @Nullable Object> extends CompletableFuture<T> implements ShardTransport.Waitable {
    private final ShardTransport transport;
    private final long deadlineNs;
    private volatile @Nullable Thread waiter;

    /// @param transport that brings it
    /// @param deadlineNs how long a thread that waits works before it only waits
    WorkingFuture(ShardTransport transport, long deadlineNs) {
        this.transport = transport;
        this.deadlineNs = deadlineNs;
    }

    @Override
    public boolean holds() {
        return isDone();
    }

    @Override
    public void setWaiter(@Nullable Thread thread) {
        waiter = thread;
    }

    @Override
    public boolean complete(T value) {
        boolean first = super.complete(value);
        LockSupport.unpark(waiter);
        return first;
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        boolean first = super.completeExceptionally(failure);
        LockSupport.unpark(waiter);
        return first;
    }

    @Override
    public T join() {
        work(System.nanoTime() + deadlineNs);
        return super.join();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        work(System.nanoTime() + deadlineNs);
        return super.get();
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        long untilNs = System.nanoTime() + unit.toNanos(timeout);
        work(untilNs);
        return super.get(Math.max(0, untilNs - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }

    private void work(long untilNs) {
        if (!isDone()) {
            transport.await(this, untilNs);
        }
    }
}
