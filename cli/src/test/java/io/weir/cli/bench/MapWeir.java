package io.weir.cli.bench;

import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.ServerInfo;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.OptimizerSpec;
import io.weir.model.ShardMap;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A cluster of one map, for a single table with AdaGrad. Confined to one thread. It plays what a benchmark
/// calls, which has no runs and looks at no servers, and refuses the rest, so that a benchmark that begins to
/// call more is noticed.
final class MapWeir implements Weir {
    private final Map<Long, float[]> rows = new HashMap<>();
    private @Nullable TableSpec spec;
    private boolean spoiled;
    private boolean closed;

    /// From now on, a weight of each pull is wrong.
    void spoilPulls() {
        spoiled = true;
    }

    boolean isClosed() {
        return closed;
    }

    private TableSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("there is no table");
        }
        return spec;
    }

    /// Weights, then accumulators.
    private float[] row(long key) {
        TableSpec spec = spec();
        return rows.computeIfAbsent(key, missing -> {
            float[] row = new float[2 * spec.rowLength()];
            for (int i = 0; i < spec.rowLength(); i++) {
                row[i] = spec.initialRow().value(spec.seed(), missing, i);
            }
            return row;
        });
    }

    private void apply(float[] row, int position, float gradient) {
        OptimizerSpec.AdaGrad optimizer = (OptimizerSpec.AdaGrad) spec().optimizer();
        int slot = row.length / 2 + position;
        row[slot] += gradient * gradient;
        row[position] -= (optimizer.rate() * gradient) / ((float) Math.sqrt(row[slot]) + optimizer.epsilon());
    }

    private float weight(float[] row, int position) {
        return spoiled && position == row.length / 2 - 1 ? 1000 : row[position];
    }

    @Override
    public TableInfo create(TableSpec spec) {
        this.spec = spec;
        return new TableInfo(1, spec, 0, 0, 0);
    }

    @Override
    public List<TableInfo> tables() {
        return spec == null ? List.of() : List.of(new TableInfo(1, spec, 0, rows.size(), 0));
    }

    @Override
    public boolean drop(String name) {
        boolean dropped = spec != null;
        spec = null;
        rows.clear();
        return dropped;
    }

    @Override
    public Table table(String name) {
        return new MapTable();
    }

    @Override
    public DenseTable denseTable(String name) {
        return new MapDenseTable();
    }

    @Override
    public void close() {
        closed = true;
    }

    private final class MapTable implements Table {
        @Override
        public Table compressed(Compression pushes, Compression pulls) {
            throw new IllegalStateException("nothing is compressed here");
        }

        @Override
        public TableSpec spec() {
            return MapWeir.this.spec();
        }

        @Override
        public void pull(long[] keys, int keysFrom, int count, float[] values, int valuesFrom) {
            int length = rowLength();
            for (int i = 0; i < count; i++) {
                float[] row = row(keys[keysFrom + i]);
                for (int j = 0; j < length; j++) {
                    values[valuesFrom + i * length + j] = weight(row, j);
                }
            }
        }

        @Override
        public void push(long[] keys, int keysFrom, int count, float[] gradients, int gradientsFrom) {
            int length = rowLength();
            for (int i = 0; i < count; i++) {
                float[] row = row(keys[keysFrom + i]);
                for (int j = 0; j < length; j++) {
                    apply(row, j, gradients[gradientsFrom + i * length + j]);
                }
            }
        }

        @Override
        public CompletableFuture<Void> pullAsync(long[] keys, float[] values) {
            pull(keys, values);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> pushAsync(long[] keys, float[] gradients) {
            push(keys, gradients);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void pushPull(long[] keys, float[] gradients, float[] values) {
            push(keys, gradients);
            pull(keys, values);
        }

        @Override
        public CompletableFuture<Void> pushPullAsync(long[] keys, float[] gradients, float[] values) {
            pushPull(keys, gradients, values);
            return CompletableFuture.completedFuture(null);
        }
    }

    /// Weights, then accumulators, of the whole tensor.
    private final class MapDenseTable implements DenseTable {
        private final float[] tensor = new float[2 * Math.toIntExact(length())];

        @Override
        public DenseTable compressed(Compression pushes, Compression pulls) {
            throw new IllegalStateException("nothing is compressed here");
        }

        @Override
        public TableSpec spec() {
            return MapWeir.this.spec();
        }

        @Override
        public long length() {
            return ((TableShape.Dense) spec().shape()).length();
        }

        @Override
        public void pull(long offset, float[] values, int valuesFrom, int count) {
            for (int i = 0; i < count; i++) {
                values[valuesFrom + i] = weight(tensor, (int) offset + i);
            }
        }

        @Override
        public void push(long offset, float[] gradients, int gradientsFrom, int count) {
            for (int i = 0; i < count; i++) {
                apply(tensor, (int) offset + i, gradients[gradientsFrom + i]);
            }
        }

        @Override
        public CompletableFuture<Void> pullAsync(long offset, float[] values, int valuesFrom, int count) {
            pull(offset, values, valuesFrom, count);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> pushAsync(long offset, float[] gradients, int gradientsFrom, int count) {
            push(offset, gradients, gradientsFrom, count);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void pushPull(
                long offset, float[] gradients, int gradientsFrom, float[] values, int valuesFrom, int count) {
            push(offset, gradients, gradientsFrom, count);
            pull(offset, values, valuesFrom, count);
        }

        @Override
        public CompletableFuture<Void> transformAsync(VectorOperation operation, double a, @Nullable DenseTable other) {
            throw new UnsupportedOperationException("a map is no vector");
        }

        @Override
        public CompletableFuture<Double> reduceAsync(VectorOperation operation, @Nullable DenseTable other) {
            throw new UnsupportedOperationException("a map is no vector");
        }
    }

    @Override
    public Optional<TableInfo> describe(String name) {
        return tables().stream().findFirst();
    }

    @Override
    public long memoryBytes() {
        return 0;
    }

    @Override
    public ShardMap shardMap() {
        throw new UnsupportedOperationException("a map has no shards");
    }

    @Override
    public CompletableFuture<Run> joinAsync(RunOptions options) {
        throw new UnsupportedOperationException();
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
        throw new UnsupportedOperationException();
    }

    @Override
    public List<String> runs() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Run join(RunOptions options) {
        throw new UnsupportedOperationException("a map has no runs");
    }

    @Override
    public RunStatus runStatus(String name) {
        throw new UnsupportedOperationException("a map has no runs");
    }

    @Override
    public void scan(String table, Consumer<RowBatch> receiver) {
        throw new UnsupportedOperationException("a map is not scanned");
    }

    @Override
    public void load(String table, RowBatch rows) {
        throw new UnsupportedOperationException("a map is not loaded");
    }
}
