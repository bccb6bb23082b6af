package io.weir.benchmarks;

import io.weir.kernel.RecordLayout;
import io.weir.kernel.RowCopy;
import io.weir.kernel.UpdateKernel;
import io.weir.kernel.UpdateKernels;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.table.TableStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Pull and push of 1250 distinct keys at dim 16 with AdaGrad, through a [TableStore] and, as the reference,
/// bare: a gather from, and AdaGrad over, the same records in one segment, with the place of each row known
/// in advance. The bare records lie in pages of the usual size, those of a store in huge ones where the
/// system has them.
///
/// `rows` are spread over `stores`, as over the shards of a server, and a batch goes to one of them: 1250 of
/// 1 M rows in 8 stores is what a shard sees of a request of 10,000 keys. Batches are taken in turn from 512
/// different ones. Scores are rows.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 2,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class RowStoreBenchmark {
    private static final int DIM = 16;
    private static final int BATCH_KEYS = 1250;
    private static final int BATCH_COUNT = 512;
    private static final float RATE = 0.05f;
    private static final float EPSILON = 1e-8f;
    private static final long HUGE_PAGE_BYTES = 2 << 20;

    @Param({"1000000", "10000000"})
    public int rows;

    @Param({"1", "8"})
    public int stores;

    private final UpdateKernel kernel = UpdateKernels.adaGrad(RATE, EPSILON);
    private final Arena arena = Arena.ofShared();
    private TableStore[] tables = {};
    private MemorySegment frames = MemorySegment.NULL;
    private MemorySegment destination = MemorySegment.NULL;
    private MemorySegment bareRecords = MemorySegment.NULL;
    private long[][] bareOffsets = {};
    private long frameBytes;
    private int batch;

    @Setup(Level.Trial)
    public void fill() {
        MemoryBudget budget = new MemoryBudget(8L << 30);
        TableSpec spec = TableSpec.embedding("rows", DIM, new OptimizerSpec.AdaGrad(RATE, EPSILON));
        tables = new TableStore[stores];
        long[][] keysOf = new long[stores][rows];
        int[] counts = new int[stores];
        for (int i = 0; i < stores; i++) {
            tables[i] = new TableStore(spec, budget);
        }
        for (long i = 0; i < rows; i++) {
            long key = i * 0x9e3779b97f4a7c15L;
            int store = Keys.shardOf(key, stores);
            keysOf[store][counts[store]++] = key;
        }
        frameBytes = BATCH_KEYS * (Long.BYTES + DIM * (long) Float.BYTES);
        frames = arena.allocate(BATCH_COUNT * frameBytes, 64);
        destination = arena.allocate(BATCH_KEYS * (long) DIM * Float.BYTES, 64);
        for (int i = 0; i < stores; i++) {
            for (int start = 0; start < counts[i]; start += BATCH_KEYS) {
                int count = Math.min(BATCH_KEYS, counts[i] - start);
                MemorySegment.copy(keysOf[i], start, frames, ValueLayout.JAVA_LONG_UNALIGNED, 0, count);
                push(tables[i], 0, count);
            }
        }
        long recordBytes = RecordLayout.recordBytes(2L * DIM);
        MemorySegment bare = arena.allocate(rows * recordBytes, HUGE_PAGE_BYTES);
        bare.fill((byte) 1);
        bareRecords = bare;
        bareOffsets = new long[BATCH_COUNT][BATCH_KEYS];
        Random random = new Random(1);
        for (int b = 0; b < BATCH_COUNT; b++) {
            int store = b % stores;
            long[] keys = keysOf[store];
            for (int i = 0; i < BATCH_KEYS; i++) {
                int other = i + random.nextInt(counts[store] - i);
                long key = keys[other];
                keys[other] = keys[i];
                keys[i] = key;
                bareOffsets[b][i] = RecordLayout.rowOffset(random.nextInt(rows) * recordBytes);
                frames.set(ValueLayout.JAVA_LONG_UNALIGNED, b * frameBytes + (long) i * Long.BYTES, key);
            }
            for (int i = 0; i < BATCH_KEYS * DIM; i++) {
                long offset = b * frameBytes + BATCH_KEYS * (long) Long.BYTES + (long) i * Float.BYTES;
                frames.set(ValueLayout.JAVA_FLOAT_UNALIGNED, offset, random.nextFloat() - 0.5f);
            }
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        for (TableStore table : tables) {
            table.close();
        }
        arena.close();
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_KEYS)
    public void pull() {
        int b = nextBatch();
        tables[b % stores].pull(frames, b * frameBytes, BATCH_KEYS, destination, 0);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_KEYS)
    public void push() {
        int b = nextBatch();
        push(tables[b % stores], b * frameBytes, BATCH_KEYS);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_KEYS)
    public void barePull() {
        long[] offsets = bareOffsets[nextBatch()];
        RowCopy.gather(bareRecords, offsets, 0, BATCH_KEYS, DIM, destination, 0);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_KEYS)
    public void barePush() {
        int b = nextBatch();
        long gradientsOffset = b * frameBytes + BATCH_KEYS * (long) Long.BYTES;
        kernel.update(
                bareRecords, bareOffsets[b], 0, BATCH_KEYS, frames, gradientsOffset, DIM, DIM * (long) Float.BYTES);
    }

    private int nextBatch() {
        batch = (batch + 1) % BATCH_COUNT;
        return batch;
    }

    private void push(TableStore table, long keysOffset, int count) {
        long gradientsOffset = keysOffset + BATCH_KEYS * (long) Long.BYTES;
        if (table.check(frames, keysOffset, count, gradientsOffset) != CheckResult.OK) {
            throw new IllegalStateException("a benchmark's push must pass its check: failedRow=" + table.failedRow());
        }
        table.apply(frames, keysOffset, count, gradientsOffset);
    }
}
