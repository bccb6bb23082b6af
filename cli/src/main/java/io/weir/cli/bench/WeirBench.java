package io.weir.cli.bench;

import io.weir.client.DenseTable;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.InitialRow;
import io.weir.model.TableSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Runs one benchmark: draws batches, fills a table, verifies what it reads, and lets Weir and the references take
/// turns.
public final class WeirBench {
    /// Name of the table that is created and dropped.
    public static final String TABLE = "weir-bench";

    private static final Duration START_DEADLINE = Duration.ofMinutes(2);
    private static final int PRELOAD_LENGTH = 10_000;
    private static final float INITIAL_BOUND = 0.01f;

    private WeirBench() {}

    /// Runs the benchmark.
    ///
    /// @param connect makes the connection that is measured, to a server with `config.shardCount()` shards; the
    ///     connection is closed at the end
    /// @throws IOException if a reference cannot run
    /// @throws IllegalStateException if a pulled value is not what was pushed
    public static BenchResult run(BenchConfig config, Supplier<Weir> connect) throws IOException {
        // The requests for a tensor carry no keys, but contenders still take batches in turn.
        ZipfBatches batches = config.mode().isDense()
                ? ZipfBatches.draw(1, 1, 0, 1, config.seed())
                : ZipfBatches.draw(
                        config.keyCount(), config.batchLength(), config.zipf(), config.batchCount(), config.seed());
        int unitFloats = config.mode().isDense() ? config.denseLength() : config.batchLength() * config.dim();
        float[] gradients = gradients(unitFloats, config.seed());
        try (Weir weir = connect.get();
                @Nullable ServerProcess server = config.embedded() ? null : startReference(config)) {
            weir.drop(TABLE);
            Contender contender =
                    switch (config.mode()) {
                        case DENSE -> prepareDense(weir, config, gradients);
                        case KV -> KvContender.prepare(weir, config, gradients);
                        case PULL, PUSH, STEP, SMALL -> prepareRows(weir, config, batches, gradients);
                    };
            List<Contender> contenders = new ArrayList<>();
            contenders.add(contender);
            try {
                contenders.addAll(references(config, server, batches, gradients));
                List<Medians> medians = Turns.run(
                        contenders,
                        config.warmups(),
                        config.repetitions(),
                        config.duration().toNanos());
                return server == null
                        ? new BenchResult(config, medians.get(0), null, medians.get(1), null)
                        : new BenchResult(config, medians.get(0), medians.get(1), medians.get(2), medians.get(3));
            } finally {
                contenders.forEach(Contender::close);
                weir.drop(TABLE);
            }
        }
    }

    /// Starts the process of [BareServer] that fits.
    static ServerProcess startReference(BenchConfig config) throws IOException {
        List<String> arguments = config.mode().isDense()
                ? List.of("dense", Integer.toString(config.denseLength()))
                : List.of("embedding", Integer.toString(config.keyCount()), Integer.toString(config.dim()));
        return ServerProcess.start(BareServer.class.getName(), List.of(), arguments, START_DEADLINE);
    }

    /// With a server: bare socket, bare loop, stream. Without: bare loop.
    static List<Contender> references(
            BenchConfig config, @Nullable ServerProcess server, ZipfBatches batches, float[] gradients)
            throws IOException {
        BenchMode mode = config.mode();
        if (server == null) {
            BareTable table = mode.isDense()
                    ? BareTable.dense(config.denseLength())
                    : BareTable.embedding(config.keyCount(), config.dim());
            return List.of(new BareEmbedded(mode, table, batches, gradients));
        }
        List<Contender> references = new ArrayList<>();
        for (boolean works : new boolean[] {false, true}) {
            BarePlan plan = BarePlan.of(mode, works, config.batchLength(), config.dim(), config.denseLength());
            references.add(new BareContender(
                    works ? "bare loop" : "bare socket", server.port(), plan, batches, gradients, config.inFlight()));
        }
        references.add(new BareContender("stream", server.port(), BarePlan.stream(), batches, gradients, 8));
        return references;
    }

    private static Contender prepareRows(Weir weir, BenchConfig config, ZipfBatches batches, float[] gradients) {
        TableSpec spec = TableSpec.embedding(TABLE, config.dim(), config.optimizer())
                .withInitialRow(new InitialRow.Uniform(-INITIAL_BOUND, INITIAL_BOUND), config.seed());
        weir.create(spec);
        Table table = weir.table(TABLE);
        preload(table, config, batches);
        return WeirContender.of(config.mode(), table, batches, gradients, config.inFlight());
    }

    /// Pushes every row once, in shuffled order, then pulls all of them and compares.
    private static void preload(Table table, BenchConfig config, ZipfBatches batches) {
        int dim = config.dim();
        int[] order = batches.preloadOrder(config.seed());
        float[] rows = new float[Math.min(PRELOAD_LENGTH, order.length) * dim];
        for (int from = 0; from < order.length; from += PRELOAD_LENGTH) {
            long[] keys = preloadKeys(order, from);
            for (int i = 0; i < keys.length; i++) {
                for (int j = 0; j < dim; j++) {
                    rows[i * dim + j] = preloadGradient(keys[i], j);
                }
            }
            table.push(keys, 0, keys.length, rows, 0);
        }
        TableSpec spec = table.spec();
        for (int from = 0; from < order.length; from += PRELOAD_LENGTH) {
            long[] keys = preloadKeys(order, from);
            table.pull(keys, 0, keys.length, rows, 0);
            for (int i = 0; i < keys.length; i++) {
                for (int j = 0; j < dim; j++) {
                    float initial = spec.initialRow().value(spec.seed(), keys[i], j);
                    float expected = initial - adaGradStep(preloadGradient(keys[i], j));
                    verify("key", keys[i], j, expected, rows[i * dim + j]);
                }
            }
        }
    }

    private static long[] preloadKeys(int[] order, int from) {
        long[] keys = new long[Math.min(PRELOAD_LENGTH, order.length - from)];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = ZipfBatches.keyOf(order[from + i]);
        }
        return keys;
    }

    private static float preloadGradient(long key, int position) {
        return (((key >>> (position & 31)) & 1) == 0 ? 1 : -1) * (1 + (position & 7)) * 0.125f;
    }

    /// What the first gradient takes off a weight.
    static float adaGradStep(float gradient) {
        return (BareTable.RATE * gradient) / ((float) Math.sqrt(gradient * gradient) + BareTable.EPSILON);
    }

    private static Contender prepareDense(Weir weir, BenchConfig config, float[] gradients) {
        weir.create(TableSpec.dense(TABLE, config.denseLength(), config.optimizer()));
        DenseTable table = weir.denseTable(TABLE);
        float[] values = new float[gradients.length];
        table.push(gradients);
        table.pull(values);
        for (int i = 0; i < values.length; i++) {
            verify("position", i, 0, -adaGradStep(gradients[i]), values[i]);
        }
        return WeirContender.ofDense(table, gradients, config.inFlight());
    }

    static void verify(String what, long which, int position, float expected, float actual) {
        if (Float.floatToIntBits(expected) != Float.floatToIntBits(actual)) {
            throw new IllegalStateException("a pulled value must be what was pushed: expected=" + expected + ", actual="
                    + actual + ", " + what + "=" + which + ", position=" + position);
        }
    }

    /// Gradients of one unit, none of them 0, from -0.5 to 0.5.
    private static float[] gradients(int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] gradients = new float[length];
        for (int i = 0; i < length; i++) {
            gradients[i] = ((random.nextInt(1 << 23) << 1 | 1) - (1 << 23)) * 0x1p-24f;
        }
        return gradients;
    }
}
