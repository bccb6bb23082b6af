package io.weir.kvstore;

import io.weir.client.LocalServers;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.ServerInfo;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.kvstore.SendQueue.Phase;
import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// A key-value store for training with data parallelism, with the verbs that users of MXNet know.
///
/// ```java
/// try (KvStore store = KvStore.create("dist_sync")) {
///     store.init(3, KvArray.full(1, 2, 3));
///     store.push(3, gradient);
///     store.pull(3, weights);
/// }
/// ```
///
/// In a synchronous store the pushes of one key make *rounds*: a round is one push of every worker. When all are
/// there, they are summed in the order of the ranks, and the optimizer runs once; without one, the sum becomes the
/// value. A second push of a worker belongs to the next round, whoever else is late. A pull reads the value after the
/// round of this worker's last push. In an asynchronous store each push is applied when it arrives.
///
/// Verbs with a result in their name's end, `…Async`, own their arrays until the result completes. A plain `push` has
/// read its value when it returns; if it fails later, every further call for its key says so. Operations of a key
/// follow each other; of several keys, those of a higher priority go first.
///
/// Thread-safe, but `init`, `setOptimizer` and `barrier` wait for all workers, which must call them in the same order.
public final class KvStore implements AutoCloseable {
    /// Slices on their way at a time: some 1 MiB, enough to keep a link busy, and no more for the urgent to wait for.
    private static final int MAX_SLICES = 8;

    private static final System.Logger LOG = System.getLogger(KvStore.class.getName());

    private final KvConfig config;
    private final LocalServers.@Nullable Opened servers;
    private final Weir weir;
    private final boolean ownsWeir;
    private final Run run;
    private final SendQueue queue;
    private final KvTables tables;
    private final Map<String, KvEntry> entries = new ConcurrentSkipListMap<>();
    private volatile @Nullable KvUpdater updater;
    private volatile OptimizerSpec optimizer = KvOptimizer.replace();
    private volatile Compression compression = Compression.none();
    private volatile int version = 1;
    private boolean closed;

    private KvStore(KvConfig config, LocalServers.@Nullable Opened servers, Weir weir, boolean ownsWeir) {
        this.config = config;
        this.servers = servers;
        this.weir = weir;
        this.ownsWeir = ownsWeir;
        RunSpec spec = RunSpec.of("kv/" + config.name(), config.workerCount())
                .withConsistency(config.type().isSynchronous() ? Consistency.bsp() : Consistency.asp())
                .withSilence(config.silence());
        this.run = weir.join(new RunOptions(spec, config.rank(), false));
        this.queue = new SendQueue(MAX_SLICES);
        this.tables = new KvTables(weir, spec.name());
    }

    // ---- opening and closing ----

    /// Opens a store of this type: `local`, `device`, or, with what `weir launch` puts into the environment,
    /// `dist_sync`, `dist_async` and their spellings for devices.
    public static KvStore create(String type) {
        return open(KvConfig.ofEnvironment(KvType.parse(type), System.getenv()));
    }

    /// Opens a store.
    public static KvStore open(KvConfig config) {
        if (config.type().isDistributed()) {
            Weir weir = Weir.connect(config.servers(), config.client());
            try {
                return new KvStore(config, null, weir, true);
            } catch (RuntimeException e) {
                weir.close();
                throw e;
            }
        }
        LocalServers.Opened servers = LocalServers.find().open();
        return new KvStore(config, servers, servers.connect(config.client()), true);
    }

    /// Opens a store over a connection that stays its owner's.
    public static KvStore open(KvConfig config, Weir weir) {
        return new KvStore(config, null, weir, false);
    }

    /// Waits for all that was asked for, says that this worker has done its part, and disconnects. If the servers
    /// cannot be reached, or this worker is out, it only disconnects.
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        try {
            for (CompletableFuture<Void> pending : queue.pending()) {
                awaitEnd(pending);
            }
            await(queue.call(run::finishAsync));
        } catch (WeirException e) {
            LOG.log(Level.DEBUG, "a store was closed without its servers", e);
        } finally {
            disconnect();
        }
    }

    /// Waits for the end of an operation, good or bad: who asked for it was told, or is by the failure of its key.
    private void awaitEnd(CompletableFuture<Void> pending) {
        try {
            await(pending);
        } catch (WeirException e) {
            if (!pending.isDone()) {
                throw e;
            }
        } catch (IllegalArgumentException | IllegalStateException e) {
            LOG.log(Level.DEBUG, "an operation failed before its store was closed", e);
        }
    }

    /// Disconnects as a worker does that is at its end before it has done its part.
    void abandon() {
        synchronized (this) {
            closed = true;
        }
        disconnect();
    }

    private void disconnect() {
        queue.close();
        run.close();
        if (ownsWeir) {
            weir.close();
        }
        if (servers != null) {
            servers.close();
        }
    }

    // ---- who ----

    /// The type, as users write it.
    public String type() {
        return config.type().text();
    }

    /// This worker, from 0.
    public int rank() {
        return run.worker();
    }

    /// Workers of the store.
    public int numWorkers() {
        return config.workerCount();
    }

    /// Workers that have left without finishing, or were silent for too long and are not waited for any more.
    public int numDeadNode() {
        int dead = 0;
        for (RunStatus.Worker worker : weir.runStatus(run.name()).workers()) {
            boolean gone = worker.state() == RunStatus.State.FENCED || worker.state() == RunStatus.State.LEFT;
            dead += gone ? 1 : 0;
        }
        return dead;
    }

    /// Whether the store can do this.
    public boolean isCapable(KvCapability capability) {
        return switch (capability) {
            case OPTIMIZER -> true;
        };
    }

    /// Waits until all workers wait here. What this worker pushed before has arrived by then.
    public void barrier() {
        throwFailures();
        queue.awaitSettled();
        await(queue.call(run::barrierAsync));
    }

    // ---- values ----

    /// As [#init(KvKey, KvArray)].
    public void init(long key, KvArray value) {
        init(KvKey.of(key), value);
    }

    /// As [#init(KvKey, KvArray)].
    public void init(String key, KvArray value) {
        init(KvKey.of(key), value);
    }

    /// Makes a key, once. Waits for all workers; the value of the one with rank 0 counts.
    ///
    /// @throws IllegalArgumentException if the key is there, or the store's keys are of another kind
    public void init(KvKey key, KvArray value) {
        init(key, value, KvPrecision.FLOAT32);
    }

    /// As [#init(KvKey, KvArray)], with a value that is pushed and pulled in fewer bits; all workers give the same
    /// ones. The servers keep it in 32, so that small steps add up.
    public void init(KvKey key, KvArray value, KvPrecision precision) {
        make(List.of(KvTables.Initial.of(key, value)), precision);
    }

    /// As [#init(KvKey, KvArray)], for several keys at once.
    public void initAll(List<KvKey> keys, List<KvArray> values) {
        if (keys.size() != values.size()) {
            throw new IllegalArgumentException(
                    "each key needs a value: keys=" + keys.size() + ", values=" + values.size());
        }
        List<KvTables.Initial> initials = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            initials.add(KvTables.Initial.of(keys.get(i), values.get(i)));
        }
        make(initials, KvPrecision.FLOAT32);
    }

    /// Makes a key whose value is a matrix that is pushed and pulled by rows.
    ///
    /// @param value the rows that are not zeros
    public void init(KvKey key, KvRows value) {
        make(List.of(KvTables.Initial.of(key, value)), KvPrecision.FLOAT32);
    }

    /// As [#init(KvKey, KvRows)].
    public void init(long key, KvRows value) {
        init(KvKey.of(key), value);
    }

    /// As [#init(KvKey, KvRows)].
    public void init(String key, KvRows value) {
        init(KvKey.of(key), value);
    }

    private synchronized void make(List<KvTables.Initial> initials, KvPrecision precision) {
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
        for (int i = 0; i < initials.size(); i++) {
            KvTables.Initial initial = initials.get(i);
            add(initial.key(), infos.get(i), initial.shape(), precision);
        }
        if (!config.type().isSynchronous()) {
            // So that a later life of this worker begins anew, rather than with the pushes of this one.
            boolean unused = await(queue.call(() -> run.tickAsync(clockGroup(infos.get(0)))));
        }
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

    private void add(KvKey key, TableInfo info, long[] shape, KvPrecision precision) {
        int group = clockGroup(info);
        for (KvEntry entry : entries.values()) {
            if (entry.clockGroup() == group && !entry.key().equals(key)) {
                throw new IllegalStateException("two keys have the same clock group: key=" + key + ", other="
                        + entry.key() + ", clockGroup=" + group);
            }
        }
        KvEntry entry = KvEntry.of(
                key, info, shape, precision, group, run, weir.shardMap().shardCount());
        entry.compress(compression);
        entries.put(key.path(), entry);
    }

    /// A clock group of the run for each table: 1 to 65,535, where all workers come to the same.
    private static int clockGroup(TableInfo info) {
        return 1 + Math.floorMod(info.id(), MAX_CLOCK_GROUP);
    }

    /// Greatest clock group of a run.
    private static final int MAX_CLOCK_GROUP = 65_535;

    private KvEntry entry(KvKey key) {
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

    private void throwFailures() {
        for (KvEntry entry : entries.values()) {
            KvEntry unused = entry(entry.key());
        }
    }

    /// Shape of a key's value.
    public long[] shape(KvKey key) {
        return entry(key).shape();
    }

    // ---- push ----

    /// As [#push(KvKey, int, KvArray...)], with priority 0.
    public void push(long key, KvArray... values) {
        push(KvKey.of(key), 0, values);
    }

    /// As [#push(KvKey, int, KvArray...)], with priority 0.
    public void push(String key, KvArray... values) {
        push(KvKey.of(key), 0, values);
    }

    /// Sums the values, in their order, and sends the sum. Does not wait until it is there; the values are the
    /// caller's again when this returns.
    ///
    /// @param priority what is pushed or pulled with a higher one goes first
    /// @throws IllegalArgumentException if the key is not there, a value has another shape, or is not finite
    public void push(KvKey key, int priority, KvArray... values) {
        KvEntry entry = entry(key);
        CompletableFuture<Void> unused = pushAsync(entry, priority, sum(entry, values, true));
    }

    /// As [#push(KvKey, int, KvArray...)]; the values belong to the store until the result completes.
    ///
    /// @return completes when the push is applied: in a synchronous store, when its round is
    public CompletableFuture<Void> pushAsync(KvKey key, int priority, KvArray... values) {
        KvEntry entry = entry(key);
        return pushAsync(entry, priority, sum(entry, values, false));
    }

    private CompletableFuture<Void> pushAsync(KvEntry entry, int priority, KvArray value) {
        return submit(entry, priority, pushPhases(entry, value), true);
    }

    private List<Phase> pushPhases(KvEntry entry, KvArray received) {
        List<Phase> phases = new ArrayList<>();
        KvUpdater function = updater;
        if (function != null) {
            KvArray stored = KvArray.zeros(entry.shape());
            phases.add(entry.pull(stored));
            phases.add(Phase.run(() -> {
                function.update(entry.key(), received, stored);
                requireFinite(entry.key(), stored);
            }));
            phases.add(entry.push(stored));
        } else {
            phases.add(entry.push(received));
        }
        closeRound(entry, phases);
        return phases;
    }

    /// Ends this worker's part of a round, and waits for the others'.
    private void closeRound(KvEntry entry, List<Phase> phases) {
        if (config.type().isSynchronous()) {
            phases.add(Phase.wait(() -> run.tickAsync(entry.clockGroup()).thenAccept(counted -> {
                if (!counted) {
                    throw new WeirException(
                            ErrorCode.LATE, "the round was closed without this worker: key=" + entry.key());
                }
            })));
        }
    }

    private CompletableFuture<Void> submit(KvEntry entry, int priority, List<Phase> phases, boolean changes) {
        CompletableFuture<Void> result = queue.submit(entry.lane(), priority, phases);
        if (changes) {
            CompletableFuture<Void> unused = result.whenComplete((done, failure) -> {
                if (failure != null) {
                    entry.fail(SendQueue.causeOf(failure));
                }
            });
        }
        return result;
    }

    /// @param own whether the result may not be one of the values
    private static KvArray sum(KvEntry entry, KvArray[] values, boolean own) {
        if (values.length == 0) {
            throw new IllegalArgumentException("there must be a value: key=" + entry.key());
        }
        if (!entry.isDense()) {
            throw new IllegalArgumentException("key has rows, not a dense value: key=" + entry.key());
        }
        for (KvArray value : values) {
            requireShape(entry, value);
        }
        KvArray sum = own || values.length > 1 ? values[0].copy() : values[0];
        for (int i = 1; i < values.length; i++) {
            sum.add(values[i]);
        }
        requireFinite(entry.key(), sum);
        return sum;
    }

    private static void requireShape(KvEntry entry, KvArray value) {
        if (!Arrays.equals(entry.shape(), value.shape())) {
            throw new IllegalArgumentException("value must have the shape of its key: key=" + entry.key()
                    + ", expected=" + Arrays.toString(entry.shape()) + ", actual=" + value.shapeText());
        }
    }

    private static void requireFinite(KvKey key, KvArray value) {
        long index = value.firstNotFinite();
        if (index >= 0) {
            throw new IllegalArgumentException(
                    "value must be finite: value=" + value.get(index) + ", index=" + index + ", key=" + key);
        }
    }

    /// As [#push(KvKey, int, KvRows...)], with priority 0.
    public void push(long key, KvRows... values) {
        push(KvKey.of(key), 0, values);
    }

    /// As [#push(KvKey, int, KvRows...)], with priority 0.
    public void push(String key, KvRows... values) {
        push(KvKey.of(key), 0, values);
    }

    /// Sums rows and sends them; others are not touched. Without any rows it changes nothing, but counts for the
    /// round. The values are the caller's again when this returns.
    public void push(KvKey key, int priority, KvRows... values) {
        KvEntry entry = entry(key);
        CompletableFuture<Void> unused = pushRows(entry, priority, joined(entry, values));
    }

    /// As [#push(KvKey, int, KvRows...)].
    ///
    /// @return completes when the push is applied: in a synchronous store, when its round is
    public CompletableFuture<Void> pushAsync(KvKey key, int priority, KvRows... values) {
        KvEntry entry = entry(key);
        return pushRows(entry, priority, joined(entry, values));
    }

    private CompletableFuture<Void> pushRows(KvEntry entry, int priority, KvRows value) {
        if (updater != null) {
            throw new IllegalArgumentException("an updater's values must be dense: key=" + entry.key());
        }
        List<Phase> phases = new ArrayList<>();
        phases.add(entry.push(value));
        closeRound(entry, phases);
        return submit(entry, priority, phases, true);
    }

    /// Each row once, summed in the order of the values: rows that repeat would else be in several slices.
    private static KvRows joined(KvEntry entry, KvRows[] values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("there must be a value: key=" + entry.key());
        }
        int most = 0;
        for (KvRows value : values) {
            requireRows(entry, value.rowCount(), value.rowLength());
            most += value.ids().length;
        }
        int rowLength = values[0].rowLength();
        long[] ids = new long[most];
        float[] floats = new float[Math.multiplyExact(most, rowLength)];
        int at = 0;
        for (KvRows value : values) {
            System.arraycopy(value.ids(), 0, ids, at, value.ids().length);
            System.arraycopy(value.values(), 0, floats, at * rowLength, value.values().length);
            at += value.ids().length;
        }
        KvRows sum = new KvRows(values[0].rowCount(), rowLength, ids, floats).distinct();
        for (int i = 0; i < sum.values().length; i++) {
            if (!Float.isFinite(sum.values()[i])) {
                throw new IllegalArgumentException("value must be finite: value=" + sum.values()[i] + ", row="
                        + sum.ids()[i / rowLength] + ", key=" + entry.key());
            }
        }
        return sum;
    }

    /// Sorted, each once.
    private static long[] distinct(long[] ids) {
        return Arrays.stream(ids).sorted().distinct().toArray();
    }

    private static void requireRows(KvEntry entry, long rowCount, int rowLength) {
        long[] shape = entry.shape();
        if (entry.isDense() || shape[0] != rowCount || shape[1] != rowLength) {
            throw new IllegalArgumentException("rows must have the shape of their key: key=" + entry.key()
                    + ", expected=" + Arrays.toString(shape) + (entry.isDense() ? " (dense)" : "") + ", actual=["
                    + rowCount + ", " + rowLength + "]");
        }
    }

    // ---- pull ----

    /// As [#pull(KvKey, int, KvArray...)], with priority 0.
    public void pull(long key, KvArray... outs) {
        pull(KvKey.of(key), 0, outs);
    }

    /// As [#pull(KvKey, int, KvArray...)], with priority 0.
    public void pull(String key, KvArray... outs) {
        pull(KvKey.of(key), 0, outs);
    }

    /// Reads a value into all of `outs`, after this worker's earlier pushes of the key, and waits for it.
    public void pull(KvKey key, int priority, KvArray... outs) {
        await(pullAsync(key, priority, outs));
    }

    /// As [#pull(KvKey, int, KvArray...)], without waiting; `outs` belong to the store until the result completes.
    public CompletableFuture<Void> pullAsync(KvKey key, int priority, KvArray... outs) {
        KvEntry entry = entry(key);
        return submit(entry, priority, pullPhases(entry, outs), false);
    }

    private static List<Phase> pullPhases(KvEntry entry, KvArray[] outs) {
        if (outs.length == 0) {
            throw new IllegalArgumentException("there must be somewhere to pull to: key=" + entry.key());
        }
        if (!entry.isDense()) {
            throw new IllegalArgumentException("rows are read by rowSparsePull: key=" + entry.key());
        }
        for (KvArray out : outs) {
            requireShape(entry, out);
        }
        List<Phase> phases = new ArrayList<>();
        phases.add(entry.pull(outs[0]));
        if (outs.length > 1) {
            phases.add(Phase.run(() -> {
                for (int i = 1; i < outs.length; i++) {
                    outs[i].copyFrom(outs[0]);
                }
            }));
        }
        return phases;
    }

    /// As [#pushPull(KvKey, int, KvArray, KvArray)], with priority 0.
    public void pushPull(long key, KvArray value, KvArray out) {
        pushPull(KvKey.of(key), 0, value, out);
    }

    /// As [#pushPull(KvKey, int, KvArray, KvArray)], with priority 0.
    public void pushPull(String key, KvArray value, KvArray out) {
        pushPull(KvKey.of(key), 0, value, out);
    }

    /// Pushes a value and reads what comes of it; the same array may be both.
    public void pushPull(KvKey key, int priority, KvArray value, KvArray out) {
        await(pushPullAsync(key, priority, List.of(value), List.of(out)));
    }

    /// Pushes the sum of the values and reads what comes of it into all of `outs`, as one operation.
    public CompletableFuture<Void> pushPullAsync(KvKey key, int priority, List<KvArray> values, List<KvArray> outs) {
        KvEntry entry = entry(key);
        KvArray sum = sum(entry, values.toArray(new KvArray[0]), false);
        List<Phase> phases = new ArrayList<>(pushPhases(entry, sum));
        phases.addAll(pullPhases(entry, outs.toArray(new KvArray[0])));
        return submit(entry, priority, phases, true);
    }

    /// Makes a key and reads what the worker with rank 0 gave it.
    public void broadcast(KvKey key, KvArray value, KvArray... outs) {
        init(key, value);
        pull(key, 0, outs);
    }

    /// As [#broadcast(KvKey, KvArray, KvArray...)].
    public void broadcast(long key, KvArray value, KvArray... outs) {
        broadcast(KvKey.of(key), value, outs);
    }

    /// As [#broadcast(KvKey, KvArray, KvArray...)].
    public void broadcast(String key, KvArray value, KvArray... outs) {
        broadcast(KvKey.of(key), value, outs);
    }

    /// As [#rowSparsePull(KvKey, int, long[])], with priority 0.
    public KvRows rowSparsePull(long key, long... rowIds) {
        return rowSparsePull(KvKey.of(key), 0, rowIds);
    }

    /// As [#rowSparsePull(KvKey, int, long[])], with priority 0.
    public KvRows rowSparsePull(String key, long... rowIds) {
        return rowSparsePull(KvKey.of(key), 0, rowIds);
    }

    /// Reads some rows, after this worker's earlier pushes of the key.
    ///
    /// @param rowIds in any order, repeats allowed
    /// @return each of them once, sorted
    public KvRows rowSparsePull(KvKey key, int priority, long[] rowIds) {
        KvEntry entry = entry(key);
        if (entry.isDense()) {
            throw new IllegalArgumentException("key has a dense value, not rows: key=" + key);
        }
        long[] shape = entry.shape();
        long[] ids = distinct(rowIds);
        for (long id : ids) {
            KvRows.requireRow(id, shape[0]);
        }
        KvRows rows =
                new KvRows(shape[0], (int) shape[1], ids, new float[Math.multiplyExact(ids.length, (int) shape[1])]);
        await(submit(entry, priority, List.of(entry.pull(ids, rows.values())), false));
        return rows;
    }

    /// As [#rowSparsePull(KvKey, int, long[])], into a whole matrix, whose other rows become zeros.
    public void rowSparsePull(KvKey key, int priority, KvArray out, long[] rowIds) {
        requireShape(entry(key), out);
        KvRows rows = rowSparsePull(key, priority, rowIds);
        out.fill(0);
        for (int i = 0; i < rows.ids().length; i++) {
            for (int j = 0; j < rows.rowLength(); j++) {
                out.set(rows.ids()[i] * rows.rowLength() + j, rows.values()[i * rows.rowLength() + j]);
            }
        }
    }

    // ---- what a push does ----

    /// From now on a push does what `spec` says, on the servers, for all keys that are there and those to come. Waits
    /// for all workers, and for the rounds under way; the choice of the one with rank 0 counts. Values stay,
    /// what an earlier optimizer kept beside them does not.
    public synchronized void setOptimizer(OptimizerSpec spec) {
        throwFailures();
        if (updater != null) {
            throw new IllegalArgumentException("a store has an updater or an optimizer: optimizer=" + spec.text());
        }
        for (CompletableFuture<Void> pending : queue.pending()) {
            await(pending);
        }
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

    /// From now on a push calls `function`. In a store of one process only: servers run no code that is sent to them.
    public synchronized void setUpdater(KvUpdater function) {
        if (config.type().isDistributed()) {
            throw new IllegalArgumentException(
                    "an updater is code, which servers do not take; use setOptimizer: type=" + type());
        }
        updater = null;
        setOptimizer(KvOptimizer.replace());
        updater = function;
    }

    /// From now on gradients go to the servers in fewer bits: `2bit` with its threshold; `1bit`, whose values are
    /// scaled by their mean size, or `1bit-compat` with a threshold, as MXNet has it; or `none`.
    ///
    /// @throws IllegalArgumentException if there is no such type, or the store is in one process
    public void setGradientCompression(String type, float threshold) {
        setGradientCompression(
                switch (type) {
                    case "none" -> Compression.none();
                    case "1bit" -> Compression.oneBit();
                    case "1bit-compat" -> Compression.oneBitCompat(threshold);
                    case "2bit" -> Compression.twoBit(threshold);
                    default ->
                        throw new IllegalArgumentException(
                                "compression must be one of none, 1bit, 1bit-compat, 2bit: type=" + type);
                });
    }

    /// From now on gradients of dense values in 32 bits go to the servers so. What is left out of a push is kept here
    /// and goes with the next; initial values and pulls are whole.
    ///
    /// @throws IllegalArgumentException if the store is in one process
    public synchronized void setGradientCompression(Compression pushes) {
        if (!config.type().isDistributed()) {
            throw new IllegalArgumentException(
                    "in one process nothing is sent that could be compressed: type=" + type());
        }
        queue.awaitSettled();
        compression = pushes;
        entries.values().forEach(entry -> entry.compress(pushes));
    }

    // ---- optimizer states ----

    /// Writes what the optimizer keeps beside the values of all keys to a file, from all servers. To be called by one
    /// worker while none pushes, between two barriers, say.
    ///
    /// @throws IOException if the file cannot be written; an older one stays as it is
    public void saveOptimizerStates(Path file) throws IOException {
        throwFailures();
        OptimizerStates.save(file, weir, entries.values());
    }

    /// Reads what [#saveOptimizerStates] wrote, back to all servers. The values stay as they are. To be called by one
    /// worker while none pushes, after all keys are there and the optimizer is set.
    ///
    /// @throws IOException if the file cannot be read, or is not whole; then nothing is changed
    /// @throws IllegalArgumentException if it is of other keys or another optimizer; then nothing is changed
    public void loadOptimizerStates(Path file) throws IOException {
        throwFailures();
        OptimizerStates.load(file, weir, entries.values());
    }

    // ---- commands to the servers ----

    /// Lets all servers begin to record what they spend their time on.
    public void startServerProfile() {
        weir.startProfile();
    }

    /// Lets all servers write what they have recorded to a file of their machine.
    ///
    /// @param end whether they are to record no longer
    /// @return the files, server by server, in the format of the JVM's flight recorder
    public List<String> dumpServerProfile(boolean end) {
        return weir.dumpProfile(end);
    }

    /// How the servers stand: memory, connections, pushes that came twice or late, pulls that wait.
    public List<ServerInfo> servers() {
        return weir.servers();
    }

    // ---- waiting ----

    /// Waits, and looks in between whether the servers are there.
    private <T extends @Nullable Object> T await(CompletableFuture<T> result) {
        while (true) {
            try {
                return result.get(config.client().deadline().toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                RunStatus unused = weir.runStatus(run.name());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new WeirException(ErrorCode.DEADLINE_EXCEEDED, "interrupted while waiting for the servers", e);
            } catch (ExecutionException e) {
                Throwable cause = SendQueue.causeOf(e);
                if (cause instanceof WeirException refused) {
                    throw refused.here();
                } else if (cause instanceof IllegalArgumentException wrong) {
                    throw new IllegalArgumentException(wrong.getMessage(), wrong);
                }
                throw new IllegalStateException(String.valueOf(cause.getMessage()), cause);
            }
        }
    }
}
