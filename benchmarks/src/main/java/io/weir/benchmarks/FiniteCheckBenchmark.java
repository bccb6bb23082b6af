package io.weir.benchmarks;

import io.weir.kernel.FiniteCheck;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Microseconds to check the floats of a frame, next to copying them.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class FiniteCheckBenchmark {
    @Param({"64", "16384", "1048576"})
    public int floats;

    private final Arena arena = Arena.ofShared();
    private MemorySegment values = MemorySegment.NULL;
    private MemorySegment copy = MemorySegment.NULL;

    @Setup
    public void prepare() {
        values = arena.allocate((long) floats * Float.BYTES, 64);
        copy = arena.allocate((long) floats * Float.BYTES, 64);
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public long vector() {
        return FiniteCheck.firstNonFinite(values, 0, floats);
    }

    @Benchmark
    public long scalar() {
        return FiniteCheck.firstNonFiniteScalar(values, 0, floats);
    }

    @Benchmark
    public MemorySegment copy() {
        return copy.copyFrom(values);
    }
}
