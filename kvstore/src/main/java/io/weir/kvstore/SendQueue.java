package io.weir.kvstore;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// What a store has been asked to do and has not sent yet. One thread takes it from here to the client.
///
/// An operation is a few phases, one after the other. A phase of *data* is a number of slices; so many slices of
/// all operations together may be on their way, and when there is room the next one is taken from the operation
/// of the highest priority, of these the oldest. So something urgent waits for what is on its way, and for
/// nothing else. A phase that *waits* for other workers takes no room. Operations of one lane never overtake each
/// other. Thread-safe.
final class SendQueue implements AutoCloseable {
    /// Operations that may be there before who asks for one more waits.
    static final int MAX_OPERATIONS = 4096;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final PriorityQueue<Operation> ready = new PriorityQueue<>(SendQueue::compare);
    private final Deque<Slice> inFlight = new ArrayDeque<>();
    private final Set<Operation> all = Collections.newSetFromMap(new IdentityHashMap<>());
    private final int maxInFlight;
    private final Thread thread;
    private long sequence;
    private boolean working;
    private boolean closed;

    /// One step of an operation.
    ///
    /// @param data whether it moves values, so that its parts take room
    /// @param count of its parts
    /// @param start sends part `i`; its result says when it is through
    record Phase(boolean data, int count, IntFunction<CompletableFuture<?>> start) {
        static Phase data(int count, IntFunction<CompletableFuture<?>> start) {
            return new Phase(true, count, start);
        }

        static Phase wait(Callable<CompletableFuture<?>> start) {
            return new Phase(false, 1, i -> {
                try {
                    return start.call();
                } catch (RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw new IllegalStateException("a phase failed", e);
                }
            });
        }

        /// Something to be done by the thread of the queue.
        static Phase run(Runnable work) {
            return wait(() -> {
                work.run();
                return CompletableFuture.completedFuture(null);
            });
        }
    }

    /// Operations that follow each other. Guarded by the lock of the queue.
    static final class Lane {
        private final Deque<Operation> operations = new ArrayDeque<>();
    }

    /// A part of a phase that was sent.
    private static final class Slice {
        private final CompletableFuture<?> result;

        Slice(CompletableFuture<?> result) {
            this.result = result;
        }
    }

    private static final class Operation {
        private final Lane lane;
        private final int priority;
        private final long sequence;
        private final List<Phase> phases;
        private final CompletableFuture<Void> result = new CompletableFuture<>();
        private int phase;
        private int next;
        private int pending;
        private @Nullable Throwable failure;

        Operation(Lane lane, int priority, long sequence, List<Phase> phases) {
            this.lane = lane;
            this.priority = priority;
            this.sequence = sequence;
            this.phases = phases;
        }

        Phase present() {
            return phases.get(phase);
        }

        boolean isStarted() {
            return next == present().count() || failure != null;
        }
    }

    private static int compare(Operation a, Operation b) {
        return a.priority != b.priority
                ? Integer.compare(b.priority, a.priority)
                : Long.compare(a.sequence, b.sequence);
    }

    /// @param maxInFlight slices that may be on their way
    SendQueue(int maxInFlight) {
        this.maxInFlight = maxInFlight;
        thread = new Thread(this::work, "weir-kvstore");
        thread.setDaemon(true);
        thread.start();
    }

    // ---- what callers do ----

    /// Takes an operation on. Waits while there are too many.
    ///
    /// @param priority the higher goes first
    CompletableFuture<Void> submit(Lane lane, int priority, List<Phase> phases) {
        lock.lock();
        try {
            while (all.size() >= MAX_OPERATIONS && !closed) {
                changed.awaitUninterruptibly();
            }
            Operation operation = new Operation(lane, priority, sequence++, phases);
            if (closed) {
                operation.result.completeExceptionally(new IllegalStateException("the store is closed"));
                return operation.result;
            }
            all.add(operation);
            lane.operations.addLast(operation);
            if (lane.operations.size() == 1) {
                activate(operation);
            }
            changed.signalAll();
            return operation.result;
        } finally {
            lock.unlock();
        }
    }

    /// Lets the thread of the queue begin something, ahead of all slices.
    ///
    /// @return completes as what it began
    <T extends @Nullable Object> CompletableFuture<T> call(Callable<CompletableFuture<T>> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        lock.lock();
        try {
            if (closed) {
                result.completeExceptionally(new IllegalStateException("the store is closed"));
                return result;
            }
            tasks.addLast(() -> {
                try {
                    CompletableFuture<T> unused = work.call().whenComplete((value, failure) -> {
                        if (failure == null) {
                            result.complete(value);
                        } else {
                            result.completeExceptionally(causeOf(failure));
                        }
                    });
                } catch (Exception e) {
                    result.completeExceptionally(e);
                }
            });
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        return result;
    }

    /// Waits until nothing is left but operations that wait for other workers, or stand behind such.
    void awaitSettled() {
        lock.lock();
        try {
            while ((working || !tasks.isEmpty() || !ready.isEmpty() || !inFlight.isEmpty()) && !closed) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /// The results of all operations that are there.
    List<CompletableFuture<Void>> pending() {
        lock.lock();
        try {
            List<CompletableFuture<Void>> results = new ArrayList<>();
            for (Operation operation : all) {
                results.add(operation.result);
            }
            return results;
        } finally {
            lock.unlock();
        }
    }

    // ---- the thread ----

    private void work() {
        while (true) {
            Runnable next;
            lock.lock();
            try {
                next = null;
                working = false;
                while (next == null) {
                    if (!tasks.isEmpty()) {
                        next = tasks.pollFirst();
                    } else if (inFlight.size() < maxInFlight && !ready.isEmpty()) {
                        next = nextSlice();
                    } else if (!inFlight.isEmpty()) {
                        CompletableFuture<?> oldest = inFlight.element().result;
                        next = () -> workFor(oldest);
                    } else if (closed) {
                        return;
                    } else {
                        changed.signalAll();
                        changed.awaitUninterruptibly();
                    }
                }
                working = true;
            } finally {
                lock.unlock();
            }
            next.run();
        }
    }

    /// Whoever waits for a result of the client does the work of its connection meanwhile.
    private static void workFor(CompletableFuture<?> oldest) {
        try {
            Object unused = oldest.get();
        } catch (ExecutionException | CancellationException e) {
            // It ends its operation, where that is told.
            return;
        } catch (InterruptedException e) {
            throw new IllegalStateException("the thread of the store must not be interrupted", e);
        }
    }

    private Runnable nextSlice() {
        Operation operation = ready.element();
        int index = operation.next++;
        operation.pending++;
        if (operation.isStarted()) {
            ready.remove();
        }
        return () -> start(operation, index);
    }

    private void activate(Operation operation) {
        Phase phase = operation.present();
        operation.next = 0;
        if (phase.data() && phase.count() > 0) {
            ready.add(operation);
        } else {
            operation.next = phase.count();
            operation.pending = 1;
            tasks.addLast(() -> {
                if (phase.count() == 0) {
                    onDone(operation, null, null);
                } else {
                    start(operation, 0);
                }
            });
        }
        changed.signalAll();
    }

    private void start(Operation operation, int index) {
        Phase phase = operation.present();
        CompletableFuture<?> result;
        try {
            result = phase.start().apply(index);
        } catch (RuntimeException | Error e) {
            onDone(operation, null, e);
            return;
        }
        Slice slice = new Slice(result);
        if (phase.data()) {
            lock.lock();
            try {
                inFlight.addLast(slice);
            } finally {
                lock.unlock();
            }
        }
        CompletableFuture<?> unused = result.whenComplete((value, failure) -> onDone(operation, slice, failure));
    }

    private void onDone(Operation operation, @Nullable Slice slice, @Nullable Throwable failure) {
        boolean over = false;
        lock.lock();
        try {
            if (slice != null) {
                inFlight.remove(slice);
            }
            if (failure != null && operation.failure == null) {
                operation.failure = failure;
                ready.remove(operation);
            }
            operation.pending--;
            if (operation.pending == 0 && operation.isStarted()) {
                if (operation.failure == null && operation.phase + 1 < operation.phases.size()) {
                    operation.phase++;
                    activate(operation);
                } else {
                    over = true;
                    all.remove(operation);
                    operation.lane.operations.remove(operation);
                    Operation following = operation.lane.operations.peekFirst();
                    if (following != null) {
                        activate(following);
                    }
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (over && operation.failure != null) {
            operation.result.completeExceptionally(causeOf(operation.failure));
        } else if (over) {
            operation.result.complete(null);
        }
    }

    /// What a dependent stage wraps.
    static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return (failure instanceof CompletionException || failure instanceof ExecutionException) && cause != null
                ? cause
                : failure;
    }

    /// Takes nothing more on. What is there and not begun fails.
    @Override
    public void close() {
        List<Operation> left;
        lock.lock();
        try {
            closed = true;
            left = new ArrayList<>(all);
            all.clear();
            ready.clear();
            tasks.clear();
            inFlight.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (Operation operation : left) {
            operation.result.completeExceptionally(new IllegalStateException("the store is closed"));
        }
    }
}
