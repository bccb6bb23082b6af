package io.weir.simulator;

/// How often interesting things happened in histories. Confined.
@SuppressWarnings("EnumOrdinal") // Nobody sees the array, and nothing of it is kept.
public final class Tally {
    /// What is counted.
    public enum What {
        FRAMES,
        PUSHES,
        PUSH_PULLS,
        WAITS,
        TRANSFORMS,
        SUMS_CHECKED,
        PASSES,
        BACKUP_COPIES,
        COPIES_TOO_LATE,
        READS_CHECKED,
        STALENESS_CHECKED,
        FAULTS,
        CUTS,
        LATE_FRAMES,
        DUPLICATES,
        GAPS,
        BUSY,
        MEMORY_REFUSALS,
        WITHDRAWN,
        LATE_WITHDRAWN,
        ORDERED_REFUSALS,
        PARKED_PULLS,
        PAUSES,
        KILLS,
        RESTARTS,
        HALF_DELIVERED,
        FENCES,
        REJOINS,
        LATE_JOINS,
        LEAVES,
        LATE_BACKUPS,
        PORTIONS_TAKEN_OVER,
        TABLES_DROPPED,
        KEY_HASHES,
        KEYS_FORGOTTEN
    }

    private static final int COUNT = What.values().length;

    private final long[] counts = new long[COUNT];

    void add(What what) {
        add(what, 1);
    }

    void add(What what, long count) {
        counts[what.ordinal()] += count;
    }

    void addAll(Tally other) {
        for (int i = 0; i < COUNT; i++) {
            counts[i] += other.counts[i];
        }
    }

    /// How often it happened.
    public long of(What what) {
        return counts[what.ordinal()];
    }
}
