package io.weir.table;

import java.lang.foreign.MemorySegment;

/// Memory that grows at its end and never moves: reserved addresses, of which the first `committedBytes` are taken
/// from the budget. Confined to its store.
///
/// Growth goes in steps of a 32nd of what is there, from [#SMALLEST_STEP_BYTES] to [#HUGE_PAGE_BYTES]: small stores
/// stay small, large ones pay the budget rarely, and no step takes long. Every stretch of [#HUGE_PAGE_BYTES] becomes a
/// huge page as soon as it is committed whole, so what the system holds stays what the budget knows.
final class MemoryRegion implements AutoCloseable {
    /// Unit of growth: a page of the system. Where that is larger, the last one is counted in part.
    static final long UNIT_BYTES = 4096;

    static final long SMALLEST_STEP_BYTES = 2 * UNIT_BYTES;
    static final long HUGE_PAGE_BYTES = AddressSpace.ALIGNMENT_BYTES;

    private static final int STEP_SHARE = 32;

    private final MemoryBudget budget;
    private final AddressSpace space;
    private long committedBytes;
    private long hugeBytes;

    /// @param reservedBytes the most that will ever be committed; costs addresses only
    MemoryRegion(MemoryBudget budget, long reservedBytes) {
        this.budget = budget;
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
        long step = Math.clamp(committedBytes / STEP_SHARE, SMALLEST_STEP_BYTES, HUGE_PAGE_BYTES);
        long stepped = Math.max(roundUp(bytes, UNIT_BYTES), roundUp(committedBytes + step, UNIT_BYTES));
        if (step == HUGE_PAGE_BYTES) {
            stepped = roundUp(stepped, HUGE_PAGE_BYTES);
        }
        return tryGrowTo(Math.min(stepped, reservedBytes)) || tryGrowTo(roundUp(bytes, UNIT_BYTES));
    }

    /// Gives back what lies beyond the first `bytes`, which must never have been written.
    void shrinkTo(long bytes) {
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
        long touchedBytes = committedBytes;
        committedBytes = bytes;
        while (hugeBytes + HUGE_PAGE_BYTES <= bytes) {
            space.preferHugePages(hugeBytes, HUGE_PAGE_BYTES, hugeBytes < touchedBytes);
            hugeBytes += HUGE_PAGE_BYTES;
        }
        return true;
    }

    private static long roundUp(long bytes, long unit) {
        return (bytes + unit - 1) / unit * unit;
    }
}
