package io.weir.kvstore;

import io.weir.client.LocalServers;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.ServerInfo;
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
import java.util.concurrent.CompletableFuture;
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
    private static final System.Logger LOG = System.getLogger(KvStore.class.getName());

    private final KvConfig config;
    private final LocalServers.@Nullable Opened servers;
    private final Weir weir;
    private final boolean ownsWeir;
    private final Run run;
    private final KvWorker worker;
    private final KvKeys keys;
    private volatile @Nullable KvUpdater updater;
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
        this.worker = new KvWorker(weir, run, config.client().deadline());
        this.keys = new KvKeys(weir, run, worker);
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
            worker.finish();
        } catch (WeirException e) {
            LOG.log(Level.DEBUG, "a store was closed without its servers", e);
        } finally {
            disconnect();
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
        worker.close();
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
        keys.barrier();
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
        List<KvEntry> made = keys.make(initials, precision);
        if (!config.type().isSynchronous()) {
            // So that a later life of this worker begins anew, rather than with the pushes of this one.
            boolean unused = worker.call(() -> run.tickAsync(made.get(0).clockGroup()));
        }
    }

    /// Shape of a key's value.
    public long[] shape(KvKey key) {
        return keys.get(key).shape();
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
        KvEntry entry = keys.get(key);
        CompletableFuture<Void> unused = pushAsync(entry, priority, entry.sum(values, true));
    }

    /// As [#push(KvKey, int, KvArray...)]; the values belong to the store until the result completes.
    ///
    /// @return completes when the push is applied: in a synchronous store, when its round is
    public CompletableFuture<Void> pushAsync(KvKey key, int priority, KvArray... values) {
        KvEntry entry = keys.get(key);
        return pushAsync(entry, priority, entry.sum(values, false));
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
                entry.requireFinite(stored);
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
        CompletableFuture<Void> result = worker.submit(entry.lane(), priority, phases);
        if (changes) {
            CompletableFuture<Void> unused = result.whenComplete((done, failure) -> {
                if (failure != null) {
                    entry.fail(SendQueue.causeOf(failure));
                }
            });
        }
        return result;
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
        KvEntry entry = keys.get(key);
        CompletableFuture<Void> unused = pushRows(entry, priority, entry.joined(values));
    }

    /// As [#push(KvKey, int, KvRows...)].
    ///
    /// @return completes when the push is applied: in a synchronous store, when its round is
    public CompletableFuture<Void> pushAsync(KvKey key, int priority, KvRows... values) {
        KvEntry entry = keys.get(key);
        return pushRows(entry, priority, entry.joined(values));
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
        worker.await(pullAsync(key, priority, outs));
    }

    /// As [#pull(KvKey, int, KvArray...)], without waiting; `outs` belong to the store until the result completes.
    public CompletableFuture<Void> pullAsync(KvKey key, int priority, KvArray... outs) {
        KvEntry entry = keys.get(key);
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
            entry.requireShape(out);
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
        worker.await(pushPullAsync(key, priority, List.of(value), List.of(out)));
    }

    /// Pushes the sum of the values and reads what comes of it into all of `outs`, as one operation.
    public CompletableFuture<Void> pushPullAsync(KvKey key, int priority, List<KvArray> values, List<KvArray> outs) {
        KvEntry entry = keys.get(key);
        KvArray sum = entry.sum(values.toArray(new KvArray[0]), false);
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
        KvEntry entry = keys.get(key);
        if (entry.isDense()) {
            throw new IllegalArgumentException("key has a dense value, not rows: key=" + key);
        }
        long[] shape = entry.shape();
        long[] ids = Arrays.stream(rowIds).sorted().distinct().toArray();
        for (long id : ids) {
            KvRows.requireRow(id, shape[0]);
        }
        KvRows rows =
                new KvRows(shape[0], (int) shape[1], ids, new float[Math.multiplyExact(ids.length, (int) shape[1])]);
        worker.await(submit(entry, priority, List.of(entry.pull(ids, rows.values())), false));
        return rows;
    }

    /// As [#rowSparsePull(KvKey, int, long[])], into a whole matrix, whose other rows become zeros.
    public void rowSparsePull(KvKey key, int priority, KvArray out, long[] rowIds) {
        keys.get(key).requireShape(out);
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
        keys.throwFailures();
        if (updater != null) {
            throw new IllegalArgumentException("a store has an updater or an optimizer: optimizer=" + spec.text());
        }
        keys.setOptimizer(spec);
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
        keys.compress(pushes);
    }

    // ---- optimizer states ----

    /// Writes what the optimizer keeps beside the values of all keys to a file, from all servers. To be called by one
    /// worker while none pushes, between two barriers, say.
    ///
    /// @throws IOException if the file cannot be written; an older one stays as it is
    public void saveOptimizerStates(Path file) throws IOException {
        keys.throwFailures();
        OptimizerStates.save(file, weir, keys.all());
    }

    /// Reads what [#saveOptimizerStates] wrote, back to all servers. The values stay as they are. To be called by one
    /// worker while none pushes, after all keys are there and the optimizer is set.
    ///
    /// @throws IOException if the file cannot be read, or is not whole; then nothing is changed
    /// @throws IllegalArgumentException if it is of other keys or another optimizer; then nothing is changed
    public void loadOptimizerStates(Path file) throws IOException {
        keys.throwFailures();
        OptimizerStates.load(file, weir, keys.all());
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
}
