package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.ServerInfo;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A cluster as plainly as it can be written: maps of float arrays, one lock, scalar optimizers. What training
/// on a real one is compared with. Its tests train on rows alone, so dense tables and what nobody trains with are
/// refused.
final class ReferenceWeir implements Weir {
    private final Map<String, ReferenceTable> tables = new LinkedHashMap<>();
    private final Map<String, ReferenceRunState> runs = new HashMap<>();

    /// Lets the push with this number, from 1, fail. Later ones wait until the worker that made it has left its
    /// run.
    int failingPush;

    /// Pushes that have come in.
    int pushes;

    private boolean waitForLeaving;

    @Override
    public ShardMap shardMap() {
        return new ShardMap(1, List.of(new ShardMap.Server(ServerAddress.parse("localhost:1"), 1)));
    }

    @Override
    public synchronized Run join(RunOptions options) {
        ReferenceRunState run = runs.computeIfAbsent(options.spec().name(), _ -> new ReferenceRunState(options.spec()));
        if (!run.spec.equals(options.spec())) {
            throw new WeirException(
                    ErrorCode.RUN_MISMATCH, String.join(", ", options.spec().differencesTo(run.spec)));
        }
        if (run.isFinished()) {
            if (!options.continued()) {
                throw new WeirException(ErrorCode.RUN_FINISHED, "run is finished: run=" + run.spec.name());
            }
            run = new ReferenceRunState(options.spec());
            runs.put(options.spec().name(), run);
        }
        run.states[options.worker()] = RunStatus.State.ACTIVE;
        run.generations[options.worker()]++;
        return new ReferenceRun(run, options.worker(), run.generations[options.worker()]);
    }

    @Override
    public CompletableFuture<Run> joinAsync(RunOptions options) {
        return CompletableFuture.completedFuture(join(options));
    }

    @Override
    public synchronized List<String> runs() {
        return runs.keySet().stream().sorted().toList();
    }

    @Override
    public synchronized RunStatus runStatus(String name) {
        ReferenceRunState run = runs.get(name);
        if (run == null) {
            throw new WeirException(ErrorCode.UNKNOWN_RUN, "no such run: run=" + name);
        }
        List<RunStatus.Worker> workers = new ArrayList<>();
        for (int i = 0; i < run.states.length; i++) {
            workers.add(new RunStatus.Worker(i, run.states[i], run.generations[i], 0, 0, 0, run.held[i]));
        }
        int held = (int) Arrays.stream(run.held).filter(portion -> portion >= 0).count();
        return new RunStatus(run.spec, run.isFinished(), 0, held, run.done, workers, List.of());
    }

    @Override
    public synchronized TableInfo create(TableSpec spec) {
        ReferenceTable table =
                tables.computeIfAbsent(spec.name(), _ -> new ReferenceTable(this, spec, tables.size() + 1));
        if (!table.spec.equals(spec)) {
            throw new WeirException(
                    ErrorCode.TABLE_MISMATCH,
                    String.join(", ", spec.differencesTo(table.spec)) + ", table=" + spec.name());
        }
        return table.info();
    }

    @Override
    public synchronized Optional<TableInfo> describe(String name) {
        return Optional.ofNullable(tables.get(name)).map(ReferenceTable::info);
    }

    @Override
    public synchronized List<TableInfo> tables() {
        return tables.values().stream().map(ReferenceTable::info).toList();
    }

    @Override
    public synchronized boolean drop(String name) {
        return tables.remove(name) != null;
    }

    @Override
    public synchronized Table table(String name) {
        ReferenceTable table = tables.get(name);
        if (table == null) {
            throw new WeirException(ErrorCode.UNKNOWN_TABLE, "no such table: table=" + name);
        }
        return table;
    }

    @Override
    public DenseTable denseTable(String name) {
        throw new UnsupportedOperationException();
    }

    @Override
    public synchronized void scan(String table, Consumer<RowBatch> receiver) {
        ReferenceTable scanned = (ReferenceTable) table(table);
        int length = scanned.spec.valueLength();
        RowBatch batch = new RowBatch(7, length);
        int count = 0;
        for (var row : scanned.rows.entrySet()) {
            batch.keys()[count] = row.getKey();
            batch.pushCounts()[count] = row.getValue().pushes;
            System.arraycopy(row.getValue().values, 0, batch.values(), count * length, length);
            if (++count == batch.capacity()) {
                batch.setCount(count);
                receiver.accept(batch);
                count = 0;
            }
        }
        batch.setCount(count);
        if (count > 0) {
            receiver.accept(batch);
        }
    }

    @Override
    public synchronized void load(String table, RowBatch rows) {
        ReferenceTable loaded = (ReferenceTable) table(table);
        int length = rows.valueLength();
        for (int i = 0; i < rows.count(); i++) {
            Row row = new Row();
            row.pushes = rows.pushCounts()[i];
            row.values = Arrays.copyOfRange(rows.values(), i * length, (i + 1) * length);
            loaded.rows.put(rows.keys()[i], row);
        }
    }

    private synchronized void awaitLeaving() {
        long deadlineNs = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (waitForLeaving) {
            if (System.nanoTime() > deadlineNs) {
                throw new IllegalStateException("the worker whose push failed has not left its run");
            }
            try {
                wait(1000);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public void startProfile() {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<String> dumpProfile(boolean end) {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<ServerInfo> servers() {
        return List.of();
    }

    @Override
    public long memoryBytes() {
        return 0;
    }

    @Override
    public void close() {}

    private static final class Row {
        int pushes;
        float[] values = new float[0];
    }

    private static final class ReferenceTable implements Table {
        private final ReferenceWeir weir;
        private final TableSpec spec;
        private final int id;
        private final Map<Long, Row> rows = new HashMap<>();

        ReferenceTable(ReferenceWeir weir, TableSpec spec, int id) {
            this.weir = weir;
            this.spec = spec;
            this.id = id;
        }

        TableInfo info() {
            return new TableInfo(id, spec, 0, rows.size(), 0);
        }

        @Override
        public Table compressed(Compression pushes, Compression pulls) {
            if (pushes instanceof Compression.None && pulls instanceof Compression.None) {
                return this;
            }
            throw new IllegalStateException("nothing is compressed here");
        }

        @Override
        public TableSpec spec() {
            return spec;
        }

        @Override
        public void pull(long[] keys, int keysFrom, int count, float[] values, int rowsFrom) {
            int dim = spec.rowLength();
            synchronized (weir) {
                for (int i = 0; i < count; i++) {
                    Row row = rows.get(keys[keysFrom + i]);
                    for (int d = 0; d < dim; d++) {
                        values[rowsFrom + i * dim + d] = row == null
                                ? spec.initialRow().value(spec.seed(), keys[keysFrom + i], d)
                                : row.values[d];
                    }
                }
            }
        }

        @Override
        public void push(long[] keys, int keysFrom, int count, float[] gradients, int gradientsFrom) {
            int dim = spec.rowLength();
            synchronized (weir) {
                weir.awaitLeaving();
                if (++weir.pushes == weir.failingPush) {
                    weir.waitForLeaving = true;
                    throw new WeirException(ErrorCode.UNAVAILABLE, "server is gone: push=" + weir.pushes);
                }
                Map<Long, float[]> sums = new LinkedHashMap<>();
                for (int i = 0; i < count; i++) {
                    float[] sum = sums.computeIfAbsent(keys[keysFrom + i], _ -> new float[dim]);
                    for (int d = 0; d < dim; d++) {
                        sum[d] += gradients[gradientsFrom + i * dim + d];
                    }
                }
                sums.forEach(this::update);
            }
        }

        private void update(long key, float[] gradient) {
            int dim = gradient.length;
            Row row = rows.computeIfAbsent(key, _ -> {
                Row fresh = new Row();
                fresh.values = new float[spec.valueLength()];
                for (int d = 0; d < dim; d++) {
                    fresh.values[d] = spec.initialRow().value(spec.seed(), key, d);
                }
                return fresh;
            });
            row.pushes++;
            float[] v = row.values;
            for (int d = 0; d < dim; d++) {
                float g = gradient[d];
                switch (spec.optimizer()) {
                    case OptimizerSpec.Sgd o -> v[d] -= o.rate() * g;
                    case OptimizerSpec.Momentum o -> {
                        v[dim + d] = o.momentum() * v[dim + d] + g;
                        v[d] -= o.rate() * v[dim + d];
                    }
                    case OptimizerSpec.AdaGrad o -> {
                        v[dim + d] += g * g;
                        v[d] -= o.rate() * g / ((float) Math.sqrt(v[dim + d]) + o.epsilon());
                    }
                    case OptimizerSpec.Ftrl o -> ftrl(o, v, d, dim + d, 2 * dim + d, g);
                    default ->
                        throw new UnsupportedOperationException(spec.optimizer().text());
                }
            }
        }

        /// Slots `z` and `n`; McMahan et al., *Ad Click Prediction: a View from the Trenches*, KDD 2013,
        /// algorithm 1.
        private static void ftrl(OptimizerSpec.Ftrl o, float[] v, int w, int z, int n, float g) {
            float before = (float) Math.sqrt(v[n]);
            v[n] += g * g;
            float after = (float) Math.sqrt(v[n]);
            v[z] += g - (after - before) / o.alpha() * v[w];
            v[w] = Math.abs(v[z]) <= o.l1()
                    ? 0
                    : -(v[z] - Math.signum(v[z]) * o.l1()) / ((o.beta() + after) / o.alpha() + o.l2());
        }

        @Override
        public CompletableFuture<Void> pullAsync(long[] keys, float[] rows) {
            pull(keys, rows);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> pushAsync(long[] keys, float[] gradients) {
            push(keys, gradients);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void pushPull(long[] keys, float[] gradients, float[] rows) {
            push(keys, gradients);
            pull(keys, rows);
        }

        @Override
        public CompletableFuture<Void> pushPullAsync(long[] keys, float[] gradients, float[] rows) {
            pushPull(keys, gradients, rows);
            return CompletableFuture.completedFuture(null);
        }
    }

    /// Who belongs to a run and who holds which portion. Guarded by the cluster's lock.
    private static final class ReferenceRunState {
        final RunSpec spec;
        final RunStatus.State[] states;
        final int[] generations;
        final int[] held;
        final long[] positions;
        final TreeSet<Integer> free = new TreeSet<>();
        int done;

        ReferenceRunState(RunSpec spec) {
            this.spec = spec;
            this.states = new RunStatus.State[spec.startingWorkers()];
            this.generations = new int[states.length];
            this.held = new int[states.length];
            this.positions = new long[spec.portionCount()];
            Arrays.fill(states, RunStatus.State.MISSING);
            Arrays.fill(held, -1);
            for (int i = 0; i < positions.length; i++) {
                free.add(i);
            }
        }

        boolean isFinished() {
            return done == spec.portionCount()
                    && Arrays.stream(states).allMatch(state -> state == RunStatus.State.FINISHED);
        }
    }

    /// One worker of an asynchronous run.
    private final class ReferenceRun implements Run {
        private final ReferenceRunState run;
        private final int worker;
        private final int generation;
        private long clock;

        ReferenceRun(ReferenceRunState run, int worker, int generation) {
            this.run = run;
            this.worker = worker;
            this.generation = generation;
        }

        @Override
        public CompletableFuture<Void> membership() {
            return new CompletableFuture<>();
        }

        @Override
        public RunSpec spec() {
            return run.spec;
        }

        @Override
        public int worker() {
            return worker;
        }

        @Override
        public int generation() {
            return generation;
        }

        @Override
        public boolean isResumed() {
            return false;
        }

        @Override
        public long clock(int clockGroup) {
            return clock;
        }

        @Override
        public CompletableFuture<Boolean> tickAsync(int clockGroup) {
            clock++;
            return CompletableFuture.completedFuture(true);
        }

        @Override
        public void barrier() {}

        @Override
        public CompletableFuture<Void> barrierAsync() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public Optional<Portion> nextPortion() {
            synchronized (ReferenceWeir.this) {
                while (run.free.isEmpty() && run.done < run.spec.portionCount()) {
                    try {
                        ReferenceWeir.this.wait();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
                if (run.free.isEmpty()) {
                    return Optional.empty();
                }
                int portion = run.free.removeFirst();
                run.held[worker] = portion;
                return Optional.of(new ReferencePortion(this, portion));
            }
        }

        @Override
        public CompletableFuture<Optional<Portion>> nextPortionAsync() {
            return CompletableFuture.completedFuture(nextPortion());
        }

        @Override
        public Table table(TableSpec spec, int clockGroup) {
            create(spec);
            return ReferenceWeir.this.table(spec.name());
        }

        @Override
        public List<List<Double>> pass(double... arguments) {
            throw new UnsupportedOperationException();
        }

        @Override
        public CompletableFuture<List<List<Double>>> passAsync(double... arguments) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long passesBegun() {
            return 0;
        }

        @Override
        public void endPasses() {
            throw new UnsupportedOperationException();
        }

        @Override
        public DenseTable denseTable(TableSpec spec, int clockGroup) {
            throw new UnsupportedOperationException();
        }

        @Override
        public DenseTable denseTable(TableInfo info) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Table table(TableInfo info) {
            return ReferenceWeir.this.table(info.spec().name());
        }

        @Override
        public <T extends @Nullable Object> T await(CompletableFuture<T> result) {
            return result.join();
        }

        @Override
        public CompletableFuture<Void> finishAsync() {
            finish();
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void finish() {
            synchronized (ReferenceWeir.this) {
                run.states[worker] = RunStatus.State.FINISHED;
            }
        }

        @Override
        public void close() {
            synchronized (ReferenceWeir.this) {
                waitForLeaving = false;
                if (run.states[worker] == RunStatus.State.ACTIVE) {
                    run.states[worker] = RunStatus.State.LEFT;
                }
                if (run.held[worker] >= 0) {
                    run.free.add(run.held[worker]);
                    run.held[worker] = -1;
                }
                ReferenceWeir.this.notifyAll();
            }
        }
    }

    private final class ReferencePortion implements Portion {
        private final ReferenceRun holder;
        private final int index;

        ReferencePortion(ReferenceRun holder, int index) {
            this.holder = holder;
            this.index = index;
        }

        @Override
        public int index() {
            return index;
        }

        @Override
        public long position() {
            synchronized (ReferenceWeir.this) {
                return holder.run.positions[index];
            }
        }

        @Override
        public Table table(TableSpec spec) {
            return holder.table(spec);
        }

        @Override
        public Table table(Table ofRun) {
            return ofRun;
        }

        @Override
        public List<Double> arguments() {
            return List.of();
        }

        @Override
        public boolean claim() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void finish(double... results) {
            throw new UnsupportedOperationException();
        }

        @Override
        public DenseTable denseTable(TableSpec spec) {
            throw new UnsupportedOperationException();
        }

        @Override
        public DenseTable denseTable(DenseTable ofRun) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean tick(boolean last) {
            synchronized (ReferenceWeir.this) {
                holder.tick();
                holder.run.positions[index]++;
                if (last) {
                    holder.run.held[holder.worker] = -1;
                    holder.run.done++;
                    ReferenceWeir.this.notifyAll();
                }
                return true;
            }
        }

        @Override
        public CompletableFuture<Boolean> tickAsync(boolean last) {
            return CompletableFuture.completedFuture(tick(last));
        }
    }
}
