package io.weir.client.internal;

import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Beats on a thread, which is started when it is first needed. Thread-safe.
final class PulseThread implements Pulse {
    private @Nullable ScheduledExecutorService executor;
    private boolean closed;

    @Override
    public synchronized Beating every(int periodMs, Runnable beat) {
        if (closed) {
            throw new IllegalStateException("the connection is closed");
        }
        ScheduledExecutorService present = executor;
        if (present == null) {
            ScheduledThreadPoolExecutor made = new ScheduledThreadPoolExecutor(1, task -> {
                Thread thread = new Thread(task, "weir-heartbeat");
                thread.setDaemon(true);
                return thread;
            });
            made.setRemoveOnCancelPolicy(true);
            present = made;
            executor = made;
        }
        ScheduledFuture<?> beating = present.scheduleAtFixedRate(beat, periodMs, periodMs, TimeUnit.MILLISECONDS);
        return () -> beating.cancel(false);
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (executor != null) {
            executor.shutdownNow();
        }
    }
}
