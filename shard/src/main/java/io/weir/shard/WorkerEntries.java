package io.weir.shard;

import io.weir.model.Keys;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The worker entries of a shard by run and worker: open addressing with linear probing, no allocation to look up.
/// Confined to the thread inside the shard.
final class WorkerEntries {
    private static final int INITIAL_CAPACITY = 16;

    private @Nullable WorkerEntry[] slots = new WorkerEntry[INITIAL_CAPACITY];
    private int count;

    @Nullable
    WorkerEntry find(long run, int worker) {
        int mask = slots.length - 1;
        for (int i = start(run, worker) & mask; ; i = (i + 1) & mask) {
            WorkerEntry entry = slots[i];
            if (entry == null || (entry.run == run && entry.worker == worker)) {
                return entry;
            }
        }
    }

    WorkerEntry add(WorkerEntry entry) {
        if ((count + 1) * 2 > slots.length) {
            rebuild(slots.length * 2, null);
        }
        place(entry);
        count++;
        return entry;
    }

    void remove(WorkerEntry entry) {
        rebuild(slots.length, entry);
        count--;
    }

    /// All entries, in no promised order.
    List<WorkerEntry> all() {
        List<WorkerEntry> entries = new ArrayList<>(count);
        for (WorkerEntry entry : slots) {
            if (entry != null) {
                entries.add(entry);
            }
        }
        return entries;
    }

    private void rebuild(int capacity, @Nullable WorkerEntry without) {
        @Nullable WorkerEntry[] old = slots;
        slots = new WorkerEntry[capacity];
        for (WorkerEntry entry : old) {
            if (entry != null && entry != without) {
                place(entry);
            }
        }
    }

    private void place(WorkerEntry entry) {
        int mask = slots.length - 1;
        int i = start(entry.run, entry.worker) & mask;
        while (slots[i] != null) {
            i = (i + 1) & mask;
        }
        slots[i] = entry;
    }

    private static int start(long run, int worker) {
        return (int) Keys.mix(run + worker);
    }
}
