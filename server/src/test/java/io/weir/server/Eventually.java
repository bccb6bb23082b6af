package io.weir.server;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/// Waits for what other threads bring about.
final class Eventually {
    private static final Duration DEADLINE = Duration.ofSeconds(30);

    private Eventually() {}

    @SuppressWarnings("ThreadPriorityCheck") // The yield is a courtesy; nothing depends on it.
    static void await(String what, BooleanSupplier condition) {
        long deadlineNs = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw new AssertionError("did not happen within " + DEADLINE + ": " + what);
            }
            Thread.yield();
        }
    }
}
