package io.weir.benchmarks;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
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
import org.openjdk.jmh.annotations.Warmup;

/// Nanoseconds that the wire takes of a frame, one thread: the header of a push of 1250 rows of 16 floats, the
/// checksum over its payload of 90,000 bytes (GB/s are 90,000 divided by the nanoseconds), beside a bare copy of the
/// same bytes, and a control message of 8 tables.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class WireBenchmark {
    private static final int COUNT = 1250;
    private static final int DIM = 16;

    /// Where the frame lies.
    @Param({"heap", "direct"})
    public String memory = "";

    private final Checksum checksum = new Checksum();
    private ByteBuffer frame = ByteBuffer.allocate(0);
    private ByteBuffer copy = ByteBuffer.allocate(0);
    private ByteBuffer control = ByteBuffer.allocate(0);
    private Message.Tables tables = new Message.Tables(List.of());
    private long number;

    @Setup
    public void prepare() {
        long payloadBytes = DataLayout.payloadBytes(FrameType.PUSH, DataLayout.LAYOUT_KEYS, COUNT, DIM, 0);
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payloadBytes);
        frame = allocate(length);
        copy = allocate(length);
        for (int i = DataLayout.PAYLOAD_OFFSET; i < length; i++) {
            frame.put(i, (byte) (i * 31));
        }
        writeHeader();
        checksum.seal(frame, 0);

        TableSpec spec = TableSpec.embedding("ads/user.v1", DIM, new OptimizerSpec.AdaGrad(0.05f, 1e-8f));
        Message.Table table = new Message.Table(1, 0, 1_000_000, 1L << 28, spec);
        tables = new Message.Tables(List.of(table, table, table, table, table, table, table, table));
        control = allocate(4096);
        encodeMessage();
    }

    /// Writes header and fields of a push and seals them.
    @Benchmark
    public int sealHeader() {
        writeHeader();
        checksum.sealHeader(frame, 0);
        return frame.getInt(FrameLayout.HEADER_CRC_OFFSET);
    }

    /// Checks header, header checksum and all fields.
    @Benchmark
    public int checkHeader() {
        int payload = FrameLayout.checkHeader(frame, 0, frame.capacity(), Limits.MAX_FRAME_BYTES, true, checksum);
        DataLayout.check(frame, 0);
        return payload;
    }

    /// Computes the payload's checksum.
    @Benchmark
    public int checksumPayload() {
        return checksum.of(frame, DataLayout.PAYLOAD_OFFSET, FrameLayout.payloadBytes(frame, 0));
    }

    /// The reference of [#checksumPayload]: copies the same bytes.
    @Benchmark
    public ByteBuffer copyPayload() {
        return copy.put(
                DataLayout.PAYLOAD_OFFSET, frame, DataLayout.PAYLOAD_OFFSET, FrameLayout.payloadBytes(frame, 0));
    }

    /// Encodes and seals a list of 8 tables.
    @Benchmark
    public int encodeMessage() {
        return MessageCodec.encode(tables.type(), tables.toPayload(), 7, control, 0, checksum);
    }

    /// Decodes a list of 8 tables.
    @Benchmark
    public Message decodeMessage() {
        return MessageCodec.decode(control, 0);
    }

    private void writeHeader() {
        FrameLayout.putHeader(
                frame, 0, frame.capacity(), FrameType.PUSH, FrameLayout.FLAG_CHECKSUMS, number, DataLayout.FIELD_BYTES);
        DataLayout.putWorker(frame, 0, 42, 1, 1);
        DataLayout.putNumber(frame, 0, number + 1, number);
        DataLayout.putClock(frame, 0, number, 0);
        DataLayout.putTarget(frame, 0, 3, 0, 1, 1);
        DataLayout.putContent(frame, 0, DataLayout.LAYOUT_KEYS, COUNT, DIM, 0);
        number++;
    }

    private ByteBuffer allocate(int bytes) {
        ByteBuffer buffer = memory.equals("direct") ? ByteBuffer.allocateDirect(bytes) : ByteBuffer.allocate(bytes);
        return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }
}
