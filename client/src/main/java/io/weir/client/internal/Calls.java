package io.weir.client.internal;

import io.weir.client.PushPendingException;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.Message;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// The calls of one session that are under way: how many at a time, how long their answers are waited for, and why no
/// further one is begun. Thread-safe.
final class Calls {
    private final ShardTransport transport;
    private final RequestPool pool;
    private final long deadlineNs;
    private final int maxInFlight;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final ShardTransport.Waitable room = new Condition(this::hasRoom);

    /// Ticks and control messages under way, which are not among the calls that a caller may have.
    private final AtomicInteger beside = new AtomicInteger();

    private volatile @Nullable WeirException broken;
    private volatile long heardNs;
    private volatile long silenceNs;
    private volatile boolean closed;

    /// @param deadlineNs how long an answer is waited for
    /// @param maxInFlight calls that may be under way at a time; a further one waits
    Calls(ShardTransport transport, RequestPool pool, long deadlineNs, int maxInFlight) {
        this.transport = transport;
        this.pool = pool;
        this.deadlineNs = deadlineNs;
        this.maxInFlight = maxInFlight;
    }

    /// Something that nobody needs to be woken for.
    private record Condition(BooleanSupplier test) implements ShardTransport.Waitable {
        @Override
        public boolean holds() {
            return test.getAsBoolean();
        }

        @Override
        public void setWaiter(@Nullable Thread thread) {}
    }

    private boolean hasRoom() {
        return inFlight.get() < maxInFlight;
    }

    // ---- the beginning ----

    /// Begins a call when there is room for one more.
    ///
    /// @param rows where rows of the answer go, from `rowsFrom` on
    /// @param future completes with the call; null if the caller waits in [#finish]
    Call begin(float @Nullable [] rows, int rowsFrom, int rowLength, @Nullable CompletableFuture<Void> future) {
        if (closed) {
            throw new IllegalStateException("the connection is closed");
        }
        requireUnbroken();
        long untilNs = System.nanoTime() + deadlineNs;
        while (inFlight.incrementAndGet() > maxInFlight) {
            inFlight.decrementAndGet();
            if (!transport.await(room, untilNs)) {
                throw timedOut("an earlier request");
            }
        }
        Call call = pool.takeCall();
        call.begin(rows, rowsFrom, rowLength, future, inFlight);
        return call;
    }

    /// Begins a call of the session's own, beside those that a caller may have. Never waits.
    Call beginBeside(CompletableFuture<Void> future) {
        Call call = pool.takeCall();
        beside.incrementAndGet();
        call.begin(null, 0, 0, future, beside);
        return call;
    }

    /// Every further call fails with this.
    void breakWith(WeirException reason) {
        broken = reason;
    }

    /// @throws WeirException if there is a reason that no further call is begun
    void requireUnbroken() {
        WeirException reason = broken;
        if (reason != null) {
            throw reason.here();
        }
    }

    /// No call begins from now on.
    void close() {
        closed = true;
    }

    boolean isClosed() {
        return closed;
    }

    /// Waits until one more number fits the stream's window, and keeps the stream locked. If that takes too long, the
    /// call is over, but for what it has sent already.
    @SuppressWarnings("LockNotBeforeTry") // The caller unlocks, in a finally block.
    void lockWithRoom(WorkerStream numbering, Call call) {
        long untilNs = System.nanoTime() + deadlineNs;
        while (true) {
            if (!numbering.hasRoom() && !transport.await(new Condition(numbering::hasRoom), untilNs)) {
                throw givenUp(call, timedOut("an earlier push"));
            }
            numbering.lock().lock();
            if (numbering.hasRoom() && !numbering.isEnded()) {
                return;
            }
            numbering.lock().unlock();
            if (numbering.isEnded()) {
                throw givenUp(call, new WeirException(ErrorCode.UNAVAILABLE, "the connection was closed"));
            }
        }
    }

    /// Ends a call that cannot be sent whole, but for what it has sent already.
    private static WeirException givenUp(Call call, WeirException failure) {
        call.failed(failure);
        CompletableFuture<Void> unused = call.abandon();
        call.started();
        return failure;
    }

    // ---- the end ----

    /// Waits for a call that is sent whole and gives it back.
    ///
    /// @param what it is, for the message of an error
    /// @param numbered whether what it sent goes on being sent when nobody waits any more
    @Nullable
    Message finish(Call call, String what, boolean numbered) {
        call.started();
        if (!call.isDone()) {
            transport.poll();
        }
        boolean done = call.isDone() || transport.await(call, System.nanoTime() + deadlineNs);
        while (!done && mayWaitOn()) {
            done = transport.await(call, System.nanoTime() + deadlineNs);
        }
        if (!done) {
            CompletableFuture<Void> handle = call.abandon();
            transport.settle();
            throw numbered ? new PushPendingException(timeoutText(what), handle) : timedOut(what);
        }
        Message reply = call.reply();
        WeirException failure = call.failure();
        pool.give(call);
        if (failure != null) {
            throw failure.here();
        }
        return reply;
    }

    /// A call is sent whole, and its future tells the end. Called without locks.
    void finishAsync(Call call) {
        sent(call);
        transport.settle();
    }

    /// As [#finishAsync], but leaves what was sent where it is. May be called from where an answer arrives.
    void sent(Call call) {
        if (call.started()) {
            pool.give(call);
        }
    }

    // ---- waiting ----

    /// A result that does the work of the connection when somebody waits for it.
    <T extends @Nullable Object> WorkingFuture<T> future() {
        return new WorkingFuture<>(transport, deadlineNs);
    }

    /// A result that does the work of the connection when somebody waits for it, and ends as `outcome` does.
    <T extends @Nullable Object> CompletableFuture<T> working(CompletableFuture<T> outcome) {
        WorkingFuture<T> result = future();
        CompletableFuture<T> unused = outcome.whenComplete((value, failure) -> {
            if (failure == null) {
                result.complete(value);
            } else {
                result.completeExceptionally(causeOf(failure));
            }
        });
        return result;
    }

    /// Waits for a result, at most for the deadline, or in a run as long as its servers live.
    <T extends @Nullable Object> T await(CompletableFuture<T> result, String what) {
        ShardTransport.Waitable done = new Condition(result::isDone);
        transport.settle();
        while (!transport.await(done, System.nanoTime() + deadlineNs)) {
            if (!mayWaitOn()) {
                throw timedOut(what);
            }
        }
        try {
            return result.join();
        } catch (CompletionException e) {
            if (causeOf(e) instanceof WeirException refused) {
                throw refused.here();
            }
            throw e;
        }
    }

    /// Waits until the condition holds.
    ///
    /// @return false if the deadline passed before
    boolean awaitCondition(BooleanSupplier condition) {
        return transport.await(new Condition(condition), System.nanoTime() + deadlineNs);
    }

    /// Moves what was sent on its way. Called without locks.
    void settle() {
        transport.settle();
    }

    /// What a dependent stage wraps.
    static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }

    /// Whether a call that has passed its deadline waits for other workers and not for a server: the run's home shard
    /// was heard since, no server is out of reach, and this worker is a member.
    private boolean mayWaitOn() {
        long heard = heardNs;
        return heard != 0
                && System.nanoTime() - heard < Math.max(deadlineNs, silenceNs)
                && transport.trouble().isEmpty()
                && broken == null;
    }

    /// The home shard of the run has answered. From the first time on a call may wait for other workers longer than for
    /// the deadline.
    ///
    /// @param silenceMs how long the run bears a worker's silence; the home shard may be silent for as long
    void heard(int silenceMs) {
        silenceNs = silenceMs * 1_000_000L;
        heardNs = System.nanoTime() | 1;
    }

    private WeirException timedOut(String what) {
        return new WeirException(
                transport.trouble().isEmpty() ? ErrorCode.DEADLINE_EXCEEDED : ErrorCode.UNAVAILABLE, timeoutText(what));
    }

    private String timeoutText(String what) {
        String trouble = transport.trouble();
        return what + " was not answered within the deadline: deadlineMs=" + deadlineNs / 1_000_000
                + (trouble.isEmpty() ? "" : "; " + trouble);
    }
}
