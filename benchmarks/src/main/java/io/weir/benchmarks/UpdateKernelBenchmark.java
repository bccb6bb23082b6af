package io.weir.benchmarks;

import io.weir.kernel.UpdateKernel;
import io.weir.kernel.UpdateKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
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

/// Rows updated in a microsecond, one thread: every optimizer, in cache and out of it, scalar next to vector.
///
/// `before=everything` first runs all optimizers at many lengths, and touches segments of every kind, in the
/// same process: compiled loops must not depend on what else the process has done.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class UpdateKernelBenchmark {
    private static final int BATCH_ROWS = 1024;

    @Param({
        "sgd",
        "momentum",
        "adagrad",
        "adam",
        "ftrl",
        "nesterov",
        "rowwise_adagrad",
        "adadelta",
        "rmsprop",
        "adamw",
        "adamax",
        "nadam",
        "amsgrad",
        "ftml",
        "signum",
        "sgld",
        "lars",
        "lamb",
        "dcasgd",
        "adagrad_tuned"
    })
    public String optimizer = "sgd";

    @Param({"1", "8", "16", "64"})
    public int dim;

    @Param({"1024", "1048576"})
    public int rows;

    @Param({"nothing", "everything"})
    public String before = "nothing";

    private UpdateKernel kernel = UpdateKernels.sgd(1);
    private RandomRecords records = new RandomRecords(1, 1, 1);
    private MemorySegment gradients = MemorySegment.NULL;

    @Setup
    public void prepare() {
        if (before.equals("everything")) {
            runEverything();
        }
        records.close();
        kernel = kernel(optimizer);
        records = new RandomRecords(kernel.valueLength(dim), rows, BATCH_ROWS);
        gradients = records.gradients(dim);
    }

    @TearDown
    public void close() {
        records.close();
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_ROWS)
    public void vector() {
        kernel.update(
                records.records,
                records.rowOffsets,
                records.nextBatch(),
                BATCH_ROWS,
                gradients,
                0,
                dim,
                (long) dim * Float.BYTES);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_ROWS)
    public void scalar() {
        kernel.updateScalar(
                records.records,
                records.rowOffsets,
                records.nextBatch(),
                BATCH_ROWS,
                0,
                gradients,
                0,
                dim,
                (long) dim * Float.BYTES);
    }

    private static UpdateKernel kernel(String optimizer) {
        return switch (optimizer) {
            case "sgd" -> UpdateKernels.sgd(0.05f);
            case "momentum" -> UpdateKernels.momentum(0.05f, 0.9f);
            case "adagrad" -> UpdateKernels.adaGrad(0.1f, 1e-8f);
            case "adam" -> UpdateKernels.adam(0.001f, 0.9f, 0.999f, 1e-8f);
            case "ftrl" -> UpdateKernels.ftrl(0.1f, 1, 0.01f, 0);
            case "nesterov" -> UpdateKernels.nesterov(0.05f, 0.9f);
            case "rowwise_adagrad" -> UpdateKernels.rowwiseAdaGrad(0.1f, 1e-8f);
            case "adadelta" -> UpdateKernels.adaDelta(1, 0.9f, 1e-5f);
            case "rmsprop" -> UpdateKernels.rmsProp(0.001f, 0.9f, 1e-8f, 0, false);
            case "adamw" -> UpdateKernels.adamW(0.001f, 0.9f, 0.999f, 1e-8f, 0.01f);
            case "adamax" -> UpdateKernels.adaMax(0.002f, 0.9f, 0.999f, 1e-8f);
            case "nadam" -> UpdateKernels.nadam(0.001f, 0.9f, 0.999f, 1e-8f, 0.004f);
            case "amsgrad" -> UpdateKernels.amsGrad(0.001f, 0.9f, 0.999f, 1e-8f);
            case "ftml" -> UpdateKernels.ftml(0.0025f, 0.6f, 0.999f, 1e-8f);
            case "signum" -> UpdateKernels.signum(0.01f, 0.9f, 0);
            case "sgld" -> UpdateKernels.sgld(0.01f, 1);
            case "lars" -> UpdateKernels.lars(0.1f, 0.9f, 0.001f, 1e-8f, 0);
            case "lamb" -> UpdateKernels.lamb(0.001f, 0.9f, 0.999f, 1e-6f, 0, 0, 0);
            case "dcasgd" -> UpdateKernels.dcAsgd(0.01f, 0, 0.04f);
            case "adagrad_tuned" -> UpdateKernels.adaGrad(0.1f, 1e-8f).tuned(0.5f, 1, 0, 0.01f, null);
            default -> throw new IllegalArgumentException("no such optimizer: optimizer=" + optimizer);
        };
    }

    private static void runEverything() {
        int rowCount = 256;
        for (int round = 0; round < 400; round++) {
            for (String name : List.of("sgd", "momentum", "adagrad", "adam", "ftrl")) {
                UpdateKernel kernel = kernel(name);
                for (int length : new int[] {1, 3, 4, 8, 12, 16, 31, 100}) {
                    try (RandomRecords other = new RandomRecords(kernel.valueLength(length), rowCount, rowCount)) {
                        MemorySegment gradients = otherKind(round, other.gradients(length));
                        long stride = (long) length * Float.BYTES;
                        kernel.update(other.records, other.rowOffsets, 0, rowCount, gradients, 0, length, stride);
                        kernel.updateScalar(
                                other.records, other.rowOffsets, 0, rowCount, 0, gradients, 0, length, stride);
                    }
                }
            }
        }
    }

    /// The same floats in another kind of native segment; on the way they pass through two kinds of array.
    private static MemorySegment otherKind(int round, MemorySegment gradients) {
        MemorySegment bytes =
                MemorySegment.ofArray(new byte[(int) gradients.byteSize()]).copyFrom(gradients);
        MemorySegment floats = MemorySegment.ofArray(new float[(int) gradients.byteSize() / Float.BYTES])
                .copyFrom(bytes);
        MemorySegment target =
                switch (round % 3) {
                    case 0 -> MemorySegment.ofBuffer(ByteBuffer.allocateDirect((int) gradients.byteSize()));
                    case 1 -> Arena.ofAuto().allocate(gradients.byteSize());
                    default -> gradients;
                };
        return target.copyFrom(floats);
    }
}
