package io.weir.table;

import java.lang.foreign.MemorySegment;

/// Memory that grows at its end and never moves: reserved addresses, of which the first `committedBytes` are
/// taken from the budget. Confined to its store.
///
/// Growth goes in steps of a 32nd of what is there, of whole pages of the system, so that small stores stay
/// small. From a size on that the owner names, it goes in steps of one huge page, which makes random access
/// faster and is asked for before it is touched. What lies below is turned into huge pages as soon as it is
/// committed whole, so that a region never holds more than the budget knows.
final class MemoryRegion implements AutoCloseable {
    /// Unit of growth: a page of the system. Where that is larger, the last one is counted in part.
    static final long UNIT_BYTES = 4096;

    static final long SMALLEST_STEP_BYTES = 2 * UNIT_BYTES;
    static final long HUGE_PAGE_BYTES = AddressSpace.ALIGNMENT_BYTES;

    private static final int STEP_SHARE = 32;

    private final MemoryBudget budget;
    private final AddressSpace space;
    private final long hugeFromBytes;
    private long committedBytes;
    private long advisedBytes;

    /// @param reservedBytes the most that will ever be committed; costs addresses only
    /// @param hugeFromBytes size from which on it grows by huge pages
    MemoryRegion(MemoryBudget budget, long reservedBytes, long hugeFromBytes) {
        this.budget = budget;
        this.hugeFromBytes = hugeFromBytes;
        this.space = AddressSpace.reserve(roundUp(reservedBytes, HUGE_PAGE_BYTES));
    }

    /// All reserved addresses as one segment, valid until [#close]. Only committed bytes may be written.
    MemorySegment segment() {
        return space.segment();
    }

    long committedBytes() {
        return committedBytes;
    }

    /// Makes at least the first `bytes` usable, by one step or by no more than needed if the budget is short.
    ///
    /// @return false, with nothing changed, if the budget or the reservation does not allow it
    boolean tryCommit(long bytes) {
        if (bytes <= committedBytes) {
            return true;
        }
        long reservedBytes = space.segment().byteSize();
        if (bytes > reservedBytes) {
            return false;
        }
        long step = Math.max(committedBytes / STEP_SHARE, SMALLEST_STEP_BYTES);
        long stepped = roundUp(Math.max(bytes, committedBytes + step), UNIT_BYTES);
        if (bytes > hugeFromBytes) {
            stepped = roundUp(Math.max(bytes, committedBytes + 1), HUGE_PAGE_BYTES);
        } else {
            stepped = Math.min(stepped, hugeFromBytes);
        }
        return tryGrowTo(Math.min(stepped, reservedBytes)) || tryGrowTo(roundUp(bytes, UNIT_BYTES));
    }

    /// Gives back what lies beyond the first `bytes`, which must never have been written.
    void shrinkTo(long bytes) {
        if (advisedBytes > bytes) {
            // A huge page was made of what was there before and of what is given back now.
            long kept = roundUp(bytes, UNIT_BYTES);
            space.discard(kept, advisedBytes - kept);
            advisedBytes = bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        }
        budget.release(committedBytes - bytes);
        committedBytes = bytes;
    }

    @Override
    public void close() {
        space.close();
        budget.release(committedBytes);
        committedBytes = 0;
    }

    private boolean tryGrowTo(long bytes) {
        if (!budget.tryReserve(bytes - committedBytes)) {
            return false;
        }
        committedBytes = bytes;
        long whole = bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        if (whole > advisedBytes) {
            space.preferHugePages(advisedBytes, whole - advisedBytes);
            advisedBytes = whole;
        }
        return true;
    }

    private static long roundUp(long bytes, long unit) {
        return (bytes + unit - 1) / unit * unit;
    }
}
