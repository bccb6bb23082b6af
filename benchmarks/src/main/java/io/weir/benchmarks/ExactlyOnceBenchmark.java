package io.weir.benchmarks;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.shard.Control;
import io.weir.shard.Effects;
import io.weir.shard.Parked;
import io.weir.shard.Shard;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.table.TableStore;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.RunMessage;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What it costs a shard to apply each push exactly once: to find the worker's entry, compare numbers and generations,
/// and remember the decision.
///
/// An empty push does all of that and nothing else, so its time bounds the cost from above. The push of 10,000 rows at
/// dim 16 with AdaGrad through the shard stands beside the same rows through the table alone, which knows no order.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 2,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class ExactlyOnceBenchmark {
    private static final int DIM = 16;
    private static final int ROWS = 10_000;
    private static final int KEYS = 1_000_000;
    private static final int BATCHES = 64;
    private static final int WORKERS = 100;

    private final RunSpec run = RunSpec.of("run", WORKERS).withConsistency(Consistency.ssp(4));
    private final Silent silent = new Silent();
    private Shard shard = new Shard(0, 1, new MemoryBudget(1));
    private @Nullable TableStore store;
    private ByteBuffer empty = ByteBuffer.allocate(0);
    private MemorySegment emptyBytes = MemorySegment.NULL;
    private final ByteBuffer[] frames = new ByteBuffer[BATCHES];
    private final MemorySegment[] frameBytes = new MemorySegment[BATCHES];
    private long number;
    private int batch;

    @Setup(Level.Trial)
    public void open() {
        shard = new Shard(0, 1, new MemoryBudget(4L << 30));
        TableSpec spec = TableSpec.embedding("rows", DIM, new OptimizerSpec.AdaGrad(0.05f, 1e-8f));
        shard.apply(new Control.CreateTable(1, 0, spec));
        store = Objects.requireNonNull(shard.tableNamed("rows")).store();
        shard.apply(new Control.OpenRun(new RunMessage.OpenRun(run, 0, List.of())));
        for (int worker = 0; worker < WORKERS; worker++) {
            WorkerId id = new WorkerId(run.id(), worker, 1);
            shard.apply(new Control.OpenWorker(new RunMessage.OpenWorker(id, -1, -1, true)));
        }
        empty = frame(0, new SplittableRandom(1));
        emptyBytes = MemorySegment.ofBuffer(empty);
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < BATCHES; i++) {
            frames[i] = frame(ROWS, random);
            frameBytes[i] = MemorySegment.ofBuffer(frames[i]);
        }
    }

    private ByteBuffer frame(int rows, SplittableRandom random) {
        long payloadBytes = DataLayout.payloadBytes(FrameType.PUSH, DataLayout.LAYOUT_KEYS, rows, DIM, 0);
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payloadBytes);
        ByteBuffer frame = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
        FrameLayout.putHeader(frame, 0, length, FrameType.PUSH, 0, 1, DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, 0, run.id(), WORKERS / 2, 1);
        DataLayout.putTarget(frame, 0, 0, 0, 1, 1);
        DataLayout.putContent(frame, 0, DataLayout.LAYOUT_KEYS, rows, DIM, 0);
        int at = DataLayout.PAYLOAD_OFFSET;
        for (int i = 0; i < rows; i++, at += Long.BYTES) {
            frame.putLong(at, random.nextInt(KEYS));
        }
        for (int i = 0; i < rows * DIM; i++, at += Float.BYTES) {
            frame.putFloat(at, (float) random.nextDouble(-1, 1));
        }
        return frame;
    }

    @TearDown(Level.Trial)
    public void close() {
        shard.close();
    }

    /// A push without rows: order and nothing else.
    @Benchmark
    public void emptyPush() {
        DataLayout.putNumber(empty, 0, number + 1, number);
        number++;
        shard.accept(empty, emptyBytes, 0, silent);
    }

    /// A push without rows that was decided before.
    @Benchmark
    public void emptyPushAgain() {
        DataLayout.putNumber(empty, 0, Math.max(1, number), Math.max(0, number - 1));
        number = Math.max(1, number);
        shard.accept(empty, emptyBytes, 0, silent);
    }

    /// 10,000 rows through the shard.
    @Benchmark
    public void push() {
        batch = (batch + 1) % BATCHES;
        DataLayout.putNumber(frames[batch], 0, number + 1, number);
        number++;
        shard.accept(frames[batch], frameBytes[batch], 0, silent);
    }

    /// The same rows through the table alone.
    @Benchmark
    public void pushWithoutOrder() {
        batch = (batch + 1) % BATCHES;
        long keys = DataLayout.PAYLOAD_OFFSET;
        long gradients = keys + (long) ROWS * Long.BYTES;
        TableStore store = Objects.requireNonNull(this.store);
        if (store.check(frameBytes[batch], keys, ROWS, gradients) != CheckResult.OK) {
            throw new IllegalStateException("a push must fit");
        }
        store.apply(frameBytes[batch], keys, ROWS, gradients);
    }

    /// Counts answers, and refuses to be refused.
    private static final class Silent implements Effects {
        private long acknowledged;

        @Override
        public void beginRows(long requestId, long number, int count, int rowLength) {}

        @Override
        public void beginEncodedRows(
                long requestId, long number, int count, int rowLength, int valueType, int spanLength) {}

        @Override
        public void beginScan(long requestId, long cursor, int count, int valueLength) {}

        @Override
        public void beginPartials(long requestId, long firstBlock, int count) {}

        @Override
        public MemorySegment room(int bytes) {
            return MemorySegment.NULL;
        }

        @Override
        public long roomOffset() {
            return 0;
        }

        @Override
        public void filled(int bytes) {}

        @Override
        public void endRows() {}

        @Override
        public void acknowledge(long requestId, int shard, long number) {
            acknowledged++;
        }

        @Override
        public void refuse(long requestId, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
            throw new IllegalStateException(message + " after " + acknowledged);
        }

        @Override
        public Parked park(ByteBuffer frame, int at) {
            throw new IllegalStateException("a push does not wait");
        }
    }
}
