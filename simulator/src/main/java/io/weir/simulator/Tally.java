package io.weir.simulator;

import java.util.EnumMap;
import java.util.Map;

/// How often interesting things happened in histories. Confined.
public final class Tally {
    /// What is counted.
    public enum What {
        FRAMES,
        PUSHES,
        READS_CHECKED,
        STALENESS_CHECKED,
        FAULTS,
        CUTS,
        LATE_FRAMES,
        DUPLICATES,
        GAPS,
        BUSY,
        MEMORY_REFUSALS,
        ORDERED_REFUSALS,
        PARKED_PULLS,
        PAUSES,
        KILLS,
        RESTARTS,
        HALF_DELIVERED,
        FENCES,
        REJOINS,
        LATE_JOINS,
        LATE_BACKUPS,
        PORTIONS_TAKEN_OVER,
        TABLES_DROPPED
    }

    private final Map<What, Long> counts = new EnumMap<>(What.class);

    void add(What what) {
        add(what, 1);
    }

    void add(What what, long count) {
        counts.merge(what, count, Long::sum);
    }

    void addAll(Tally other) {
        other.counts.forEach(this::add);
    }

    /// How often it happened.
    public long of(What what) {
        return counts.getOrDefault(what, 0L);
    }
}
