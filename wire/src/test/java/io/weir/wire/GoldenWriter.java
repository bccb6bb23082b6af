package io.weir.wire;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/// Writes the golden files that are not there yet. A file that is there is never touched: a released frame does not
/// change. Run on purpose, after `./mvnw -pl model,wire test-compile`:
///
/// ```
/// java -cp wire/target/test-classes:wire/target/classes:model/target/classes \
///     io.weir.wire.GoldenWriter wire/src/test/resources/golden/v1
/// ```
public final class GoldenWriter {
    private GoldenWriter() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            throw new IllegalArgumentException("one directory must be named: arguments=" + arguments.length);
        }
        write(Path.of(arguments[0]), Frames.examples(), System.out);
    }

    /// @throws IllegalStateException before anything is written, if a file is there with other bytes
    static void write(Path directory, Map<String, ByteBuffer> frames, PrintStream out) throws IOException {
        Map<Path, byte[]> missing = new TreeMap<>();
        for (Map.Entry<String, ByteBuffer> frame : frames.entrySet()) {
            byte[] bytes = Frames.bytes(frame.getValue());
            collect(missing, directory.resolve(frame.getKey() + ".bin"), bytes);
            collect(
                    missing,
                    directory.resolve(frame.getKey() + ".txt"),
                    text(frame.getValue()).getBytes(StandardCharsets.UTF_8));
        }
        for (Map.Entry<Path, byte[]> file : missing.entrySet()) {
            Files.write(file.getKey(), file.getValue(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            out.println("written: " + file.getKey().getFileName());
        }
    }

    private static void collect(Map<Path, byte[]> missing, Path file, byte[] bytes) throws IOException {
        if (!Files.exists(file)) {
            missing.put(file, bytes);
        } else if (!Arrays.equals(Files.readAllBytes(file), bytes)) {
            throw new IllegalStateException("golden file must not change: file=" + file.getFileName());
        }
    }

    /// The readable twin: what the frame says in `#` lines, then its bytes in hex, the header, the fields, the payload
    /// and the checksum each from a new line.
    static String text(ByteBuffer frame) {
        StringBuilder text = new StringBuilder();
        int type = FrameLayout.type(frame, 0);
        text.append("# type ").append(type).append(", request ").append(FrameLayout.requestId(frame, 0));
        text.append(", flags ").append(FrameLayout.flags(frame, 0)).append('\n');
        if (FrameType.isData(type)) {
            text.append("# run=").append(DataLayout.run(frame, 0));
            text.append(" worker=").append(DataLayout.worker(frame, 0));
            text.append(" generation=").append(DataLayout.generation(frame, 0));
            text.append(" number=").append(DataLayout.number(frame, 0));
            text.append(" previousNumber=").append(DataLayout.previousNumber(frame, 0));
            text.append(" clock=").append(DataLayout.clock(frame, 0));
            text.append(" clockGroup=").append(DataLayout.clockGroup(frame, 0)).append('\n');
            text.append("# shard=").append(DataLayout.shard(frame, 0));
            text.append(" shardEpoch=").append(DataLayout.shardEpoch(frame, 0));
            text.append(" mapVersion=").append(DataLayout.mapVersion(frame, 0));
            text.append(" tableId=").append(DataLayout.tableId(frame, 0));
            text.append(" valueType=").append(DataLayout.valueType(frame, 0));
            int reply = DataLayout.replyType(frame, 0);
            text.append(reply == ValueType.FLOAT32 ? "" : " replyType=" + reply);
            text.append(" layout=").append(DataLayout.layout(frame, 0));
            int kind = DataLayout.flags(frame, 0);
            text.append(kind == 0 ? "" : " flags=" + kind);
            text.append(" count=").append(DataLayout.count(frame, 0));
            text.append(" rowLength=").append(DataLayout.rowLength(frame, 0));
            text.append(" offset=").append(DataLayout.offset(frame, 0)).append('\n');
            if (FrameType.isVector(type)) {
                text.append("# operation=").append(VectorLayout.operation(frame, 0));
                text.append(" other=").append(VectorLayout.other(frame, 0));
                text.append(" scalar=").append(VectorLayout.scalar(frame, 0)).append('\n');
            }
        } else if (type == FrameType.ERROR) {
            text.append("# code=").append(ReplyLayout.code(frame, 0));
            text.append(" flags=").append(ReplyLayout.errorFlags(frame, 0));
            text.append(" retryAfterMs=")
                    .append(ReplyLayout.retryAfterMs(frame, 0))
                    .append('\n');
        } else if (Frames.isDataReply(type)) {
            text.append("# number/cursor=").append(ReplyLayout.number(frame, 0));
            text.append(" count/shard=").append(ReplyLayout.count(frame, 0));
            text.append(" rowLength/valueLength=").append(ReplyLayout.rowLength(frame, 0));
            if (type == FrameType.ENCODED_ROWS) {
                text.append(" valueType=").append(ReplyLayout.valueType(frame, 0));
                text.append(" spanLength=").append(ReplyLayout.spanLength(frame, 0));
            }
            text.append('\n');
        } else {
            text.append("# ").append(MessageCodec.decode(frame, 0)).append('\n');
        }
        int payload = FrameLayout.payloadOffset(frame, 0);
        int trailer = frame.capacity() - FrameLayout.TRAILER_BYTES;
        hex(text, frame, 0, FrameLayout.HEADER_BYTES);
        hex(text, frame, FrameLayout.HEADER_BYTES, payload);
        hex(text, frame, payload, trailer);
        hex(text, frame, trailer, frame.capacity());
        return text.toString();
    }

    private static void hex(StringBuilder text, ByteBuffer frame, int from, int to) {
        for (int i = from; i < to; i++) {
            text.append(String.format("%02x", frame.get(i)));
            text.append((i - from) % 16 == 15 || i == to - 1 ? '\n' : ' ');
        }
    }
}
