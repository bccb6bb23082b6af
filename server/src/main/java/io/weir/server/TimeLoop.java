package io.weir.server;

import java.util.concurrent.locks.LockSupport;

/// Tells the shards of a server how time passes, so that runs notice who has fallen silent. Owns a thread.
///
/// Only time in which this process runs counts: after a pause of the whole machine nobody is taken for silent who could
/// not have been heard.
public final class TimeLoop implements AutoCloseable, Runnable {
    private static final int PERIOD_MS = 100;
    private static final long NS_PER_MS = 1_000_000;

    private final ServerNode node;
    private final Thread thread;
    private volatile boolean closed;

    private TimeLoop(ServerNode node) {
        this.node = node;
        this.thread = Thread.ofPlatform().name("weir-time").daemon().unstarted(this);
    }

    /// Starts the thread.
    public static TimeLoop start(ServerNode node) {
        TimeLoop loop = new TimeLoop(node);
        loop.thread.start();
        return loop;
    }

    @Override
    public void run() {
        long lastNs = System.nanoTime();
        while (!closed) {
            LockSupport.parkNanos(this, PERIOD_MS * NS_PER_MS);
            long nowNs = System.nanoTime();
            int passedMs = (int) Math.min(2L * PERIOD_MS, (nowNs - lastNs) / NS_PER_MS);
            if (passedMs >= PERIOD_MS / 2 && !closed) {
                lastNs = nowNs;
                node.timePassed(passedMs);
            }
        }
    }

    /// Ends the thread.
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
