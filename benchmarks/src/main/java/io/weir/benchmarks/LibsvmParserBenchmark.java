package io.weir.benchmarks;

import io.weir.train.CtrGenerator;
import io.weir.train.ExampleBatch;
import io.weir.train.ExampleReader;
import io.weir.train.ExampleSource;
import io.weir.train.KeyIndexer;
import io.weir.train.LibsvmSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/// Features read from a libsvm file, and keys numbered, in a microsecond, one thread: a click stream of 40 features a
/// row over a million indices, in batches of 1024 rows.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class LibsvmParserBenchmark {
    private static final int ROWS = 64 << 10;
    private static final int NONZEROS = 40;
    private static final int BATCH = 1024;

    /// `1`: every value is 1; `decimal`: four digits after the point.
    @Param({"1", "decimal"})
    public String values = "1";

    private Path folder = Path.of("");
    private Path file = Path.of("");
    private final ExampleBatch batch = new ExampleBatch();
    private final KeyIndexer indexer = new KeyIndexer();

    @Setup(Level.Trial)
    public void write() throws IOException {
        folder = Files.createTempDirectory("weir-libsvm");
        file = folder.resolve("ctr.txt");
        new CtrGenerator(ROWS, 1_000_000, NONZEROS, 1).write(file, 1);
        if (values.equals("decimal")) {
            Files.writeString(file, Files.readString(file).replace(":1", ":0.1234"));
        }
    }

    @TearDown(Level.Trial)
    public void delete() throws IOException {
        Files.delete(file);
        Files.delete(folder);
    }

    @Benchmark
    @OperationsPerInvocation(ROWS * NONZEROS)
    public long parse() {
        long examples = 0;
        try (ExampleReader reader = LibsvmSource.of(file).open(ExampleSource.Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                examples += batch.exampleCount();
            }
        }
        return examples;
    }

    @Benchmark
    @OperationsPerInvocation(ROWS * NONZEROS)
    public long parseAndNumberKeys() {
        long unique = 0;
        try (ExampleReader reader = LibsvmSource.of(file).open(ExampleSource.Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                indexer.index(batch.keys(), batch.featureCount());
                unique += indexer.uniqueCount();
            }
        }
        return unique;
    }
}
