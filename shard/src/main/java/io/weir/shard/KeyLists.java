package io.weir.shard;

import io.weir.table.MemoryBudget;
import io.weir.wire.KeyListHash;
import io.weir.wire.Limits;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Key lists that workers sent and may send again as their hash. Nothing depends on them: a list that is not here is
/// sent again. So they take only memory that is free, and give it back when anything else needs it. Confined to the
/// thread inside the shard.
///
/// Each worker has at most [Limits#MAX_KEPT_KEY_LISTS] lists of [Limits#MAX_KEPT_KEY_BYTES]; the oldest give way. Its
/// client counts along and so knows, but for what happens beside, which are here.
final class KeyLists {
    /// What a list takes beside its keys, about.
    static final int LIST_BYTES = 128;

    private final MemoryBudget budget;
    private final Map<WorkerEntry, Kept> keptOf = new HashMap<>();
    private final KeyListHash asked = new KeyListHash();

    /// The lists of one worker, oldest first.
    private static final class Kept {
        final LinkedHashMap<KeyListHash, long[]> lists = new LinkedHashMap<>();

        /// Bytes of keys.
        long keyBytes;

        long bytes() {
            return keyBytes + (long) lists.size() * LIST_BYTES;
        }
    }

    KeyLists(MemoryBudget budget) {
        this.budget = budget;
    }

    /// The list whose hash stands at `at`, if it has `count` keys, or null.
    ///
    /// @return shared; not to be changed
    long @Nullable [] find(WorkerEntry entry, ByteBuffer frame, int at, int count) {
        Kept kept = keptOf.get(entry);
        if (kept == null) {
            return null;
        }
        asked.read(frame, at);
        long[] keys = kept.lists.get(asked);
        return keys != null && keys.length == count ? keys : null;
    }

    /// Keeps the list of `count` keys from `at`, if there is memory.
    void keep(WorkerEntry entry, ByteBuffer frame, int at, int count) {
        long keyBytes = (long) count * Long.BYTES;
        if (keyBytes > Limits.MAX_KEPT_KEY_BYTES) {
            return;
        }
        asked.set(frame, at, count);
        Kept kept = keptOf.computeIfAbsent(entry, any -> new Kept());
        if (kept.lists.containsKey(asked)) {
            return;
        }
        while (kept.keyBytes + keyBytes > Limits.MAX_KEPT_KEY_BYTES || kept.lists.size() == Limits.MAX_KEPT_KEY_LISTS) {
            Iterator<long[]> oldest = kept.lists.values().iterator();
            long oldestBytes = (long) oldest.next().length * Long.BYTES;
            oldest.remove();
            kept.keyBytes -= oldestBytes;
            budget.release(oldestBytes + LIST_BYTES);
        }
        if (budget.tryReserve(keyBytes + LIST_BYTES)) {
            long[] keys = new long[count];
            for (int i = 0; i < count; i++) {
                keys[i] = frame.getLong(at + i * Long.BYTES);
            }
            kept.lists.put(asked.copy(), keys);
            kept.keyBytes += keyBytes;
        }
    }

    /// Forgets the lists of a worker.
    void forget(WorkerEntry entry) {
        Kept kept = keptOf.remove(entry);
        if (kept != null) {
            budget.release(kept.bytes());
        }
    }

    /// Forgets all lists.
    ///
    /// @return whether that freed memory
    boolean forgetAll() {
        long bytes = 0;
        for (Kept kept : keptOf.values()) {
            bytes += kept.bytes();
        }
        keptOf.clear();
        budget.release(bytes);
        return bytes > 0;
    }
}
