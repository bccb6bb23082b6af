package io.weir.kvstore;

import io.weir.client.Run;
import io.weir.client.RunStatus;
import io.weir.client.Weir;
import io.weir.kvstore.SendQueue.Phase;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// A worker of a store: its place in the store's run, what it was asked for and has not done yet, and how it waits for
/// that. Thread-safe.
final class KvWorker implements AutoCloseable {
    /// Slices on their way at a time: some 1 MiB, enough to keep a link busy, and no more for the urgent to wait for.
    private static final int MAX_SLICES = 8;

    private static final System.Logger LOG = System.getLogger(KvWorker.class.getName());

    private final Weir weir;
    private final Run run;
    private final SendQueue queue = new SendQueue(MAX_SLICES);
    private final long deadlineNs;

    /// @param run that the worker has joined; it is closed with this
    /// @param deadline after which it looks whether the servers are there
    KvWorker(Weir weir, Run run, Duration deadline) {
        this.weir = weir;
        this.run = run;
        this.deadlineNs = deadline.toNanos();
    }

    /// As [SendQueue#submit].
    CompletableFuture<Void> submit(SendQueue.Lane lane, int priority, List<Phase> phases) {
        return queue.submit(lane, priority, phases);
    }

    /// Lets the queue's thread call the run, and waits for the answer.
    <T extends @Nullable Object> T call(Callable<CompletableFuture<T>> call) {
        return await(queue.call(call));
    }

    /// Waits until all workers wait here. What this worker pushed before has arrived by then.
    void barrier() {
        queue.awaitSettled();
        call(run::barrierAsync);
    }

    /// As [SendQueue#awaitSettled].
    void awaitSettled() {
        queue.awaitSettled();
    }

    /// Waits for all that was asked for.
    ///
    /// @throws WeirException if some of it fails
    void awaitAll() {
        for (CompletableFuture<Void> pending : queue.pending()) {
            await(pending);
        }
    }

    /// Waits for all that was asked for, good or bad, and says that this worker has done its part.
    void finish() {
        for (CompletableFuture<Void> pending : queue.pending()) {
            awaitEnd(pending);
        }
        call(run::finishAsync);
    }

    /// Waits for the end of an operation, good or bad: who asked for it was told, or is by the failure of its key.
    private void awaitEnd(CompletableFuture<Void> pending) {
        try {
            await(pending);
        } catch (WeirException e) {
            if (!pending.isDone()) {
                throw e;
            }
        } catch (IllegalArgumentException | IllegalStateException e) {
            LOG.log(Level.DEBUG, "an operation failed before its store was closed", e);
        }
    }

    /// Waits, and looks in between whether the servers are there.
    <T extends @Nullable Object> T await(CompletableFuture<T> result) {
        while (true) {
            try {
                return result.get(deadlineNs, TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                RunStatus unused = weir.runStatus(run.name());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new WeirException(ErrorCode.DEADLINE_EXCEEDED, "interrupted while waiting for the servers", e);
            } catch (ExecutionException e) {
                Throwable cause = SendQueue.causeOf(e);
                if (cause instanceof WeirException refused) {
                    throw refused.here();
                } else if (cause instanceof IllegalArgumentException wrong) {
                    throw new IllegalArgumentException(wrong.getMessage(), wrong);
                }
                throw new IllegalStateException(String.valueOf(cause.getMessage()), cause);
            }
        }
    }

    @Override
    public void close() {
        queue.close();
        run.close();
    }
}
