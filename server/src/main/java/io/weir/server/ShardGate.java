package io.weir.server;

import io.weir.shard.Shard;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Lets one thread at a time into a shard. A thread that finds the gate free enters and does its own work; otherwise
/// the work joins a bounded queue, which the thread inside drains before it leaves. So nothing is handed from thread
/// to thread when nobody competes, and nobody waits when somebody does. Thread-safe.
///
/// The queue is a linked stack that is taken whole and reversed, which keeps the order of arrival: tasks of one
/// submitter run in the order it submitted them, and queued work runs before a newcomer's own.
public final class ShardGate {
    /// Most tasks that wait; a further one is refused.
    public static final int MAX_QUEUED = 1024;

    private final Shard shard;
    private final AtomicInteger inside = new AtomicInteger();
    private final AtomicReference<@Nullable ShardTask> queue = new AtomicReference<>();
    private final AtomicInteger queued = new AtomicInteger();

    public ShardGate(Shard shard) {
        this.shard = shard;
    }

    /// Enters if nobody is inside, and drains the queue first.
    ///
    /// @return the shard, to be used until [#leave], or null
    public @Nullable Shard tryEnter() {
        if (inside.get() != 0 || !inside.compareAndSet(0, 1)) {
            return null;
        }
        drain();
        return shard;
    }

    /// Leaves the shard, but not before the queue is empty.
    public void leave() {
        do {
            drain();
            inside.set(0);
        } while (queue.get() != null && inside.compareAndSet(0, 1));
    }

    /// Leaves a task for the thread inside; runs it at once if that thread has just left.
    ///
    /// @return false if too many wait
    public boolean offer(ShardTask task) {
        if (queued.incrementAndGet() > MAX_QUEUED) {
            queued.decrementAndGet();
            return false;
        }
        ShardTask head;
        do {
            head = queue.get();
            task.next = head;
        } while (!queue.compareAndSet(head, task));
        if (inside.get() == 0 && inside.compareAndSet(0, 1)) {
            leave();
        }
        return true;
    }

    /// Runs the task now if nobody is inside, else leaves it for the one who is.
    ///
    /// @return false if too many wait
    public boolean submit(ShardTask task) {
        Shard entered = tryEnter();
        if (entered == null) {
            return offer(task);
        }
        try {
            task.run(entered);
        } finally {
            leave();
        }
        return true;
    }

    /// Enters, waiting for its turn, and returns what `work` does. For control events, which are rare.
    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    public <T extends @Nullable Object> T call(Function<Shard, T> work) {
        Shard entered;
        while ((entered = tryEnter()) == null) {
            Thread.yield();
        }
        try {
            return work.apply(entered);
        } finally {
            leave();
        }
    }

    private void drain() {
        ShardTask taken = queue.get();
        while (taken != null) {
            taken = queue.getAndSet(null);
            ShardTask ordered = null;
            while (taken != null) {
                ShardTask next = taken.next;
                taken.next = ordered;
                ordered = taken;
                taken = next;
            }
            while (ordered != null) {
                ShardTask next = ordered.next;
                ordered.next = null;
                queued.decrementAndGet();
                ordered.run(shard);
                ordered = next;
            }
            taken = queue.get();
        }
    }
}
