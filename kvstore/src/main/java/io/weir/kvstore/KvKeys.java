package io.weir.kvstore;

import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.OptimizerSpec;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/// The keys of a store: which there are, and which tables they stand for at present, since a new optimizer gives each a
/// new one. Looking keys up is thread-safe; changes are guarded by the store, and wait for all workers.
final class KvKeys {
    /// Greatest clock group of a run.
    private static final int MAX_CLOCK_GROUP = 65_535;

    private final Run run;
    private final KvWorker worker;
    private final KvTables tables;
    private final int shardCount;
    private final Map<String, KvEntry> entries = new ConcurrentSkipListMap<>();
    private OptimizerSpec optimizer = KvOptimizer.replace();
    private Compression compression = Compression.none();
    private int version = 1;

    KvKeys(Weir weir, Run run, KvWorker worker) {
        this.run = run;
        this.worker = worker;
        this.tables = new KvTables(weir, run.name());
        this.shardCount = weir.shardMap().shardCount();
    }

    Collection<KvEntry> all() {
        return Collections.unmodifiableCollection(entries.values());
    }

    /// @throws IllegalArgumentException if it is not there
    /// @throws WeirException if an earlier push of it failed
    KvEntry get(KvKey key) {
        KvEntry entry = entries.get(key.path());
        if (entry == null) {
            requireKind(key);
            throw new IllegalArgumentException("key must be initialized first: key=" + key);
        }
        Throwable failure = entry.failure();
        if (failure instanceof WeirException refused) {
            throw new WeirException(
                    refused.code(),
                    "an earlier push of this key failed: key=" + key + "; " + refused.getMessage(),
                    refused);
        } else if (failure != null) {
            throw new IllegalStateException("an earlier push of this key failed: key=" + key + "; " + failure, failure);
        }
        return entry;
    }

    /// Fails if a push of any of them has failed.
    void throwFailures() {
        for (KvEntry entry : entries.values()) {
            KvEntry unused = get(entry.key());
        }
    }

    /// As [KvWorker#barrier], unless a push has failed.
    void barrier() {
        throwFailures();
        worker.barrier();
    }

    /// Makes keys, once.
    ///
    /// @return what they are now, in this order
    /// @throws IllegalArgumentException if one is there, or is of another kind than those that are
    List<KvEntry> make(List<KvTables.Initial> initials, KvPrecision precision) {
        throwFailures();
        for (KvTables.Initial initial : initials) {
            requireKind(initial.key());
            tables.requireName(initial.key());
            if (entries.containsKey(initial.key().path())) {
                throw new IllegalArgumentException("key is there already: key=" + initial.key());
            }
        }
        boolean rejoined = run.generation() > 1;
        boolean ready = rejoined;
        List<TableInfo> infos = new ArrayList<>();
        for (KvTables.Initial initial : initials) {
            TableInfo info = rejoined ? tables.newest(initial) : null;
            if (info != null) {
                infos.add(info);
            } else {
                ready = false;
            }
        }
        if (!ready) {
            if (run.worker() == 0) {
                for (KvTables.Initial initial : initials) {
                    tables.create(initial, version, optimizer);
                }
            }
            barrier();
            infos.clear();
            for (KvTables.Initial initial : initials) {
                infos.add(tables.require(initial, version));
            }
        }
        List<KvEntry> made = new ArrayList<>();
        for (int i = 0; i < initials.size(); i++) {
            KvTables.Initial initial = initials.get(i);
            made.add(add(initial.key(), infos.get(i), initial.shape(), precision));
        }
        return made;
    }

    private void requireKind(KvKey key) {
        for (KvEntry entry : entries.values()) {
            if (entry.key().isNumber() != key.isNumber()) {
                throw new IllegalArgumentException("keys of one store must all be numbers or all be strings: key=" + key
                        + ", present=" + entry.key());
            }
            return;
        }
    }

    private KvEntry add(KvKey key, TableInfo info, long[] shape, KvPrecision precision) {
        int group = clockGroup(info);
        for (KvEntry entry : entries.values()) {
            if (entry.clockGroup() == group && !entry.key().equals(key)) {
                throw new IllegalStateException("two keys have the same clock group: key=" + key + ", other="
                        + entry.key() + ", clockGroup=" + group);
            }
        }
        KvEntry entry = KvEntry.of(key, info, shape, precision, group, run, shardCount);
        entry.compress(compression);
        entries.put(key.path(), entry);
        return entry;
    }

    /// A clock group of the run for each table: 1 to 65,535, where all workers come to the same.
    private static int clockGroup(TableInfo info) {
        return 1 + Math.floorMod(info.id(), MAX_CLOCK_GROUP);
    }

    /// Gives all keys, those to come too, another optimizer.
    void setOptimizer(OptimizerSpec spec) {
        worker.awaitAll();
        boolean same = !entries.isEmpty();
        for (KvEntry entry : entries.values()) {
            same &= entry.info().spec().optimizer().equals(spec);
        }
        if (same && run.generation() > 1) {
            optimizer = spec;
            return;
        }
        barrier();
        optimizer = spec;
        if (entries.isEmpty()) {
            return;
        }
        int next = version + 1;
        if (run.worker() == 0) {
            for (KvEntry entry : entries.values()) {
                tables.change(entry, next, spec);
            }
        }
        barrier();
        version = next;
        for (KvEntry old : List.copyOf(entries.values())) {
            add(old.key(), tables.require(old.key(), next), old.shape(), old.precision());
        }
        if (run.worker() == 0) {
            tables.drop(next - 1, entries.values());
        }
    }

    /// From now on gradients are compressed so.
    void compress(Compression pushes) {
        worker.awaitSettled();
        compression = pushes;
        entries.values().forEach(entry -> entry.compress(pushes));
    }
}
