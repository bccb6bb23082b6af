package io.weir.embedded;

import io.weir.client.internal.ReplyHandler;
import io.weir.client.internal.Request;
import io.weir.client.internal.ShardTransport;
import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.server.ServerNode;
import io.weir.server.ShardGate;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Enters the shards of this process directly: the sending thread does the shard's work if the shard is free, else the
/// thread that is inside does it. Answers wait in a list until a thread without locks tells the client. Thread-safe.
final class EmbeddedTransport implements ShardTransport {
    private static final long MAX_PARK_NS = 1_000_000;

    private final ServerNode node;
    private final Scratch[] scratches;
    private final ReplyHandler handler;
    private final long spinNs;
    private final ShardMap map;
    private final Message.Attach attach;
    private final AtomicReference<@Nullable EmbeddedTask> ready = new AtomicReference<>();
    private volatile @Nullable Thread waiter;

    EmbeddedTransport(ServerNode node, Scratch[] scratches, ReplyHandler handler, long spinNs) {
        this.node = node;
        this.scratches = scratches;
        this.handler = handler;
        this.spinNs = spinNs;
        this.map = new ShardMap(1, List.of(new ShardMap.Server(new ServerAddress("embedded", 1), node.shardCount())));
        this.attach = new Message.Attach(map.version(), map.hash(), 0, map.shardCount());
        node.attach(attach);
    }

    @Override
    public ShardMap map() {
        return map;
    }

    @Override
    public boolean checksums() {
        return false;
    }

    @Override
    public void send(Request request) {
        boolean data = FrameType.isData(request.type());
        Scratch scratch = scratches[data ? request.shard() : 0];
        EmbeddedTask task;
        if (request.attachment() instanceof EmbeddedTask present) {
            task = present;
        } else {
            task = new EmbeddedTask(this, handler, request, scratch);
            request.attach(task);
        }
        task.begin(scratch);
        if (data) {
            sendData(task);
        } else {
            sendControl(task);
        }
    }

    private void sendData(EmbeddedTask task) {
        ShardGate gate = node.gate(task.shard());
        if (gate == null) {
            task.refuse(0, ErrorCode.UNKNOWN_TABLE, false, 0, "there are no tables yet");
        } else if (gate.submit(task)) {
            return;
        } else {
            task.refuse(
                    0,
                    ErrorCode.BUSY,
                    false,
                    1,
                    "too many requests wait for the shard: shard=" + task.shard() + ", limit=" + ShardGate.MAX_QUEUED);
        }
        ready(task, Thread.currentThread());
    }

    private void sendControl(EmbeddedTask task) {
        try {
            node.handle(MessageCodec.decode(task.request().frame(), 0), attach, task);
        } catch (WeirException e) {
            task.refuse(e.code(), e.getMessage());
        }
    }

    /// A task has been through its shard. The sender will tell the client when it next polls; if another thread did
    /// the work, and nobody waits, somebody is sent.
    void ready(EmbeddedTask task, Thread sender) {
        boolean awaited = task.request().isAwaited();
        EmbeddedTask head;
        do {
            head = ready.get();
            task.nextReady = head;
        } while (!ready.compareAndSet(head, task));
        if (!sender.equals(Thread.currentThread())) {
            Thread waiting = waiter;
            if (waiting != null) {
                LockSupport.unpark(waiting);
            } else if (!awaited) {
                ForkJoinPool.commonPool().execute(this::poll);
            }
        }
    }

    @Override
    public void push() {}

    @Override
    public void settle() {
        poll();
    }

    @Override
    public void poll() {
        EmbeddedTask taken;
        while (ready.get() != null && (taken = ready.getAndSet(null)) != null) {
            EmbeddedTask ordered = null;
            while (taken != null) {
                EmbeddedTask next = taken.nextReady;
                taken.nextReady = ordered;
                ordered = taken;
                taken = next;
            }
            while (ordered != null) {
                EmbeddedTask next = ordered.nextReady;
                ordered.nextReady = null;
                ordered.tell();
                ordered = next;
            }
        }
    }

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    public boolean await(Waitable condition, long deadlineNs) {
        long since = System.nanoTime();
        while (true) {
            poll();
            if (condition.holds()) {
                return true;
            }
            long now = System.nanoTime();
            if (now - deadlineNs >= 0) {
                return false;
            }
            if (now - since < spinNs) {
                Thread.yield();
                continue;
            }
            Thread current = Thread.currentThread();
            waiter = current;
            condition.setWaiter(current);
            if (ready.get() == null && !condition.holds()) {
                LockSupport.parkNanos(Math.min(MAX_PARK_NS, deadlineNs - now));
            }
            condition.setWaiter(null);
            waiter = null;
        }
    }

    @Override
    public void resendLater(Resend resend, int delayMs) {
        Executor delayed = CompletableFuture.delayedExecutor(delayMs, TimeUnit.MILLISECONDS);
        delayed.execute(() -> {
            resend.run();
            poll();
        });
    }

    @Override
    public String trouble() {
        return "";
    }

    @Override
    public void close() {
        poll();
    }
}
