package io.weir.benchmarks;

import io.weir.kernel.RowCopy;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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

/// Rows copied in a microsecond, one thread, in and out of records with one slot: in cache and out of it.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class RowCopyBenchmark {
    private static final int BATCH_ROWS = 1024;

    @Param({"1", "8", "16", "64"})
    public int dim;

    @Param({"1024", "1048576"})
    public int rows;

    private RandomRecords records = new RandomRecords(1, 1, 1);
    private MemorySegment copies = MemorySegment.NULL;

    @Setup
    public void prepare() {
        records.close();
        records = new RandomRecords(2 * dim, rows, BATCH_ROWS);
        copies = records.gradients(dim);
    }

    @TearDown
    public void close() {
        records.close();
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_ROWS)
    public void gather() {
        RowCopy.gather(records.records, records.rowOffsets, records.nextBatch(), BATCH_ROWS, dim, copies, 0);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_ROWS)
    public void gatherScalar() {
        RowCopy.gatherScalar(records.records, records.rowOffsets, records.nextBatch(), BATCH_ROWS, dim, copies, 0);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_ROWS)
    public void scatter() {
        RowCopy.scatter(copies, 0, records.records, records.rowOffsets, records.nextBatch(), BATCH_ROWS, dim);
    }
}
