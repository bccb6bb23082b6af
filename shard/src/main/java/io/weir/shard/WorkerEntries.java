package io.weir.shard;

import io.weir.model.Keys;
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

    int count() {
        return count;
    }

    WorkerEntry add(WorkerEntry entry) {
        if ((count + 1) * 2 > slots.length) {
            enlarge();
        }
        place(entry);
        count++;
        return entry;
    }

    /// Takes out an entry that is there, and moves those behind it up that would not be found any more (Knuth, *The Art
    /// of Computer Programming* 3, 6.4, algorithm R).
    void remove(WorkerEntry entry) {
        int mask = slots.length - 1;
        int hole = start(entry.run, entry.worker) & mask;
        while (slots[hole] != entry) {
            hole = (hole + 1) & mask;
        }
        for (int i = (hole + 1) & mask; slots[i] != null; i = (i + 1) & mask) {
            WorkerEntry behind = slots[i];
            int wanted = start(behind.run, behind.worker) & mask;
            if (((i - wanted) & mask) >= ((i - hole) & mask)) {
                slots[hole] = behind;
                hole = i;
            }
        }
        slots[hole] = null;
        count--;
    }

    private void enlarge() {
        @Nullable WorkerEntry[] old = slots;
        slots = new WorkerEntry[old.length * 2];
        for (WorkerEntry entry : old) {
            if (entry != null) {
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
