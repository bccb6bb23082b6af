package io.weir.table;

import java.util.concurrent.atomic.AtomicLong;

/// The cap, in bytes, on what all tables of a server may hold together. Thread-safe.
///
/// Stores reserve before they touch memory, and give back when they close.
public final class MemoryBudget {
    private final long capBytes;
    private final AtomicLong used = new AtomicLong();

    public MemoryBudget(long capBytes) {
        if (capBytes < 1) {
            throw new IllegalArgumentException("memory cap must be at least 1 byte: capBytes=" + capBytes);
        }
        this.capBytes = capBytes;
    }

    /// Takes `bytes` out of the budget, or nothing at all.
    ///
    /// @return whether they were there
    public boolean tryReserve(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("reserved bytes must be 0 or more: bytes=" + bytes);
        }
        long seen = used.get();
        while (bytes <= capBytes - seen) {
            if (used.compareAndSet(seen, seen + bytes)) {
                return true;
            }
            seen = used.get();
        }
        return false;
    }

    /// Gives back what [#tryReserve] took.
    public void release(long bytes) {
        if (bytes < 0 || used.addAndGet(-bytes) < 0) {
            throw new IllegalStateException("released bytes must have been reserved: bytes=" + bytes);
        }
    }

    public long usedBytes() {
        return used.get();
    }

    public long capBytes() {
        return capBytes;
    }
}
