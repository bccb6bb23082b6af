package io.weir.train;

import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.zip.CRC32C;

/// The file of a [SavedModel], version 2, little-endian.
///
/// ```
///   head    magic "WEIRMODL" | version u16 | 0 u16 | header length u32
///   header  model text | scale f64 | tables u32 | tables x (table name text | optimizer text
///           | shape u8 | row length u32 | length u64 | initial row u8, f32, f32 | seed i64
///           | value length u32 | row count u64)
///   crc     u32 over head and header
///   block   rows u32 | rows x (key u64 | push count u32 | value length x f32) | crc u32 over the block
///   …       until all rows of the first table are there, then those of the next; nothing follows
/// ```
///
/// Version 1 has no scale; the scale of a model that is read from it is not known. In version 2 that is NaN.
///
/// A text is its length in bytes, u16, and UTF-8. The model is `logistic-regression(bias=b)`,
/// `softmax-regression(bias=b)` or `perceptron(layers=n-n-…,activation=a,dropout=d,seed=s)`. The shape is 0, an
/// embedding table with rows of that length, its length being 0; or 1, a dense table of that length in blocks of the
/// row length. The initial row is 0 zero, 1 constant (value), 2 uniform (low, high) or 3 normal (mean, deviation),
/// floats that are not needed being 0. Value length counts the weights of a row and their slots. Rows stand in
/// ascending unsigned order of their keys. A checksum is CRC32C.
final class SavedModelFile {
    private static final byte[] MAGIC = "WEIRMODL".getBytes(StandardCharsets.US_ASCII);
    private static final short VERSION = 2;
    private static final short WITHOUT_SCALE = 1;
    private static final int HEAD_BYTES = 16;
    private static final int MOST_HEADER_BYTES = 64 << 10;
    private static final int MOST_FLOATS = Integer.MAX_VALUE - 8;
    private static final int BLOCK_ROWS = 32 << 10;
    private static final int BLOCK_FLOATS = 1 << 18;
    private static final int LEAST_TABLE_BYTES = 50;
    private static final int EMBEDDING = 0;
    private static final int DENSE = 1;

    private SavedModelFile() {}

    static void write(SavedModel model, Path file) {
        WholeFile.write("model", file, true, out -> {
            writeTo(out, model);
            return model.rowCount();
        });
    }

    private static void writeTo(FileChannel out, SavedModel model) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(MOST_HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.put(MAGIC).putShort(VERSION).putShort((short) 0).putInt(0);
        putText(header, model.model().text());
        header.putDouble(model.scale().orElse(Double.NaN));
        header.putInt(model.tables().size());
        for (SavedTable table : model.tables()) {
            putTable(header, table);
        }
        header.putInt(HEAD_BYTES - Integer.BYTES, header.position() - HEAD_BYTES);
        putChecksum(header);
        writeFully(out, header);
        for (SavedTable table : model.tables()) {
            writeRows(out, table);
        }
    }

    private static void putTable(ByteBuffer header, SavedTable table) {
        TableSpec spec = table.spec();
        putText(header, spec.name());
        putText(header, spec.optimizer().text());
        if (spec.shape() instanceof TableShape.Dense dense) {
            header.put((byte) DENSE).putInt(spec.rowLength()).putLong(dense.length());
        } else {
            header.put((byte) EMBEDDING).putInt(spec.rowLength()).putLong(0);
        }
        putInitialRow(header, spec.initialRow());
        header.putLong(spec.seed()).putInt(table.valueLength()).putLong(table.rowCount());
    }

    private static void writeRows(FileChannel out, SavedTable table) throws IOException {
        int rowBytes = rowBytes(table.valueLength());
        int blockRows = Math.min(blockRows(table.valueLength()), table.rowCount());
        ByteBuffer block =
                ByteBuffer.allocate(2 * Integer.BYTES + blockRows * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < table.rowCount(); from += blockRows) {
            int rows = Math.min(blockRows, table.rowCount() - from);
            block.clear().putInt(rows);
            for (int row = from; row < from + rows; row++) {
                block.putLong(table.keys()[row]).putInt(table.pushCounts()[row]);
                for (int i = 0; i < table.valueLength(); i++) {
                    block.putFloat(table.values()[row * table.valueLength() + i]);
                }
            }
            putChecksum(block);
            writeFully(out, block);
        }
    }

    static SavedModel read(Path file) {
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            return new Reader(file, in).read();
        } catch (NoSuchFileException e) {
            throw new InputException("model file must exist: file=" + file, e);
        } catch (IOException e) {
            throw new InputException(file + ": cannot be read: " + e, e);
        }
    }

    /// Most rows of a block.
    private static int blockRows(int valueLength) {
        return Math.clamp(BLOCK_FLOATS / valueLength, 1, BLOCK_ROWS);
    }

    private static int rowBytes(int valueLength) {
        return Long.BYTES + Integer.BYTES + valueLength * Float.BYTES;
    }

    private static void putText(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putShort((short) bytes.length).put(bytes);
    }

    private static void putInitialRow(ByteBuffer out, InitialRow row) {
        switch (row) {
            case InitialRow.Zero _ -> out.put((byte) 0).putFloat(0).putFloat(0);
            case InitialRow.Constant c -> out.put((byte) 1).putFloat(c.value()).putFloat(0);
            case InitialRow.Uniform u -> out.put((byte) 2).putFloat(u.low()).putFloat(u.high());
            case InitialRow.Normal n -> out.put((byte) 3).putFloat(n.mean()).putFloat(n.deviation());
        }
    }

    private static void putChecksum(ByteBuffer out) {
        out.putInt(checksum(out, out.position()));
    }

    private static int checksum(ByteBuffer bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(0, length));
        return (int) crc.getValue();
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /// What the header says of a table.
    ///
    /// @param rowCountOffset where in the file the row count stands
    private record TableHeader(TableSpec spec, int valueLength, long rowCount, long rowCountOffset) {}

    /// Reads one file, checking each length against the bytes that are left before using it.
    private static final class Reader {
        private final Path file;
        private final FileChannel in;
        private final long size;
        // Offset in the file of what is being read.
        private long offset;

        Reader(Path file, FileChannel in) throws IOException {
            this.file = file;
            this.in = in;
            this.size = in.size();
        }

        SavedModel read() throws IOException {
            ByteBuffer head = bytes(HEAD_BYTES, "a head of 16 bytes");
            byte[] magic = new byte[MAGIC.length];
            head.get(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw broken(0, "expected a model file, beginning with WEIRMODL");
            }
            int version = head.getShort() & 0xffff;
            if (version != VERSION && version != WITHOUT_SCALE) {
                throw broken(8, "expected version 1 or 2, found " + version);
            }
            int reserved = head.getShort();
            if (reserved != 0) {
                throw broken(10, "expected 0, found " + reserved);
            }
            int headerLength = head.getInt();
            if (headerLength < 0 || headerLength > MOST_HEADER_BYTES) {
                throw broken(
                        12,
                        "expected a header length of at most " + MOST_HEADER_BYTES + ", found "
                                + Integer.toUnsignedString(headerLength));
            }
            offset = 0;
            in.position(0);
            ByteBuffer header = bytes(HEAD_BYTES + headerLength, "a header of " + headerLength + " bytes");
            checkChecksum(header, HEAD_BYTES + headerLength, 0);
            return readTables(header.position(HEAD_BYTES), version != WITHOUT_SCALE);
        }

        private SavedModel readTables(ByteBuffer header, boolean hasScale) throws IOException {
            String text = text(header, "model");
            OptionalDouble scale = hasScale ? scale(header) : OptionalDouble.empty();
            int tableCount = header.remaining() < Integer.BYTES ? -1 : header.getInt();
            if (tableCount < 1 || tableCount > header.remaining() / LEAST_TABLE_BYTES) {
                throw broken(
                        header.position(),
                        "expected a number of tables that fits the header, found "
                                + Integer.toUnsignedString(tableCount));
            }
            List<TableHeader> headers = new ArrayList<>();
            for (int i = 0; i < tableCount; i++) {
                headers.add(readTable(header));
            }
            if (header.hasRemaining()) {
                throw broken(header.position(), "expected the end of the header, found more");
            }
            List<TableSpec> specs = headers.stream().map(TableHeader::spec).toList();
            Model model;
            try {
                model = ModelText.parse(text, specs);
            } catch (IllegalArgumentException e) {
                throw broken(HEAD_BYTES, "expected a model: " + e.getMessage());
            }
            List<SavedTable> tables = new ArrayList<>();
            for (TableHeader table : headers) {
                tables.add(readRows(table));
            }
            if (offset < size) {
                throw broken(offset, "expected the end of the file, found " + (size - offset) + " bytes more");
            }
            return new SavedModel(model, scale, tables);
        }

        private OptionalDouble scale(ByteBuffer header) {
            double scale = header.remaining() < Double.BYTES ? Double.POSITIVE_INFINITY : header.getDouble();
            if (Double.isInfinite(scale)) {
                throw broken(header.position(), "expected a scale");
            }
            return Double.isNaN(scale) ? OptionalDouble.empty() : OptionalDouble.of(scale);
        }

        private TableHeader readTable(ByteBuffer header) {
            int from = header.position();
            String name = text(header, "table name");
            String optimizer = text(header, "optimizer");
            try {
                TableShape shape = shape(header.get(), header.getInt(), header.getLong());
                InitialRow initialRow = initialRow(header.get(), header.getFloat(), header.getFloat());
                TableSpec spec =
                        new TableSpec(name, shape, OptimizerSpec.parse(optimizer), initialRow, header.getLong());
                int valueLength = header.getInt();
                int expectedLength = spec.valueLength();
                if (valueLength != expectedLength) {
                    throw broken(
                            header.position() - Integer.BYTES,
                            "expected the value length " + expectedLength + " of "
                                    + spec.optimizer().text() + ", found " + valueLength);
                }
                return new TableHeader(spec, valueLength, header.getLong(), header.position() - Long.BYTES);
            } catch (IllegalArgumentException | BufferUnderflowException e) {
                throw broken(from, "expected a table specification: " + e.getMessage());
            }
        }

        private static TableShape shape(byte kind, int rowLength, long length) {
            if (kind == EMBEDDING && length == 0) {
                return new TableShape.Embedding(rowLength);
            } else if (kind == DENSE) {
                return new TableShape.Dense(length, rowLength);
            }
            throw new IllegalArgumentException("shape must be 0 or 1: found=" + kind + ", length=" + length);
        }

        private SavedTable readRows(TableHeader header) throws IOException {
            int valueLength = header.valueLength;
            long rowCount = header.rowCount;
            int rowBytes = rowBytes(valueLength);
            if (rowCount < 0 || rowCount > (size - offset) / rowBytes || rowCount > MOST_FLOATS / valueLength) {
                throw broken(
                        header.rowCountOffset,
                        "expected a row count that fits the " + (size - offset) + " bytes that follow, found "
                                + Long.toUnsignedString(rowCount));
            }
            long[] keys = new long[(int) rowCount];
            int[] pushCounts = new int[keys.length];
            float[] values = new float[keys.length * valueLength];
            int done = 0;
            while (done < keys.length) {
                long blockOffset = offset;
                int rows = bytes(Integer.BYTES, "a number of rows").getInt();
                if (rows < 1 || rows > keys.length - done || rows > blockRows(valueLength)) {
                    throw broken(
                            blockOffset,
                            "expected from 1 to " + Math.min(blockRows(valueLength), keys.length - done)
                                    + " rows, found " + Integer.toUnsignedString(rows));
                }
                in.position(blockOffset);
                offset = blockOffset;
                int blockBytes = Integer.BYTES + rows * rowBytes;
                ByteBuffer block = bytes(blockBytes, rows + " rows of " + rowBytes + " bytes");
                checkChecksum(block, blockBytes, blockOffset);
                block.position(Integer.BYTES);
                for (int row = done; row < done + rows; row++) {
                    keys[row] = block.getLong();
                    pushCounts[row] = block.getInt();
                    for (int i = 0; i < valueLength; i++) {
                        values[row * valueLength + i] = block.getFloat();
                    }
                    if (row > 0 && Long.compareUnsigned(keys[row - 1], keys[row]) >= 0) {
                        throw broken(
                                blockOffset + Integer.BYTES + (long) (row - done) * rowBytes,
                                "expected a key above the one before, found " + Long.toUnsignedString(keys[row]));
                    }
                }
                done += rows;
            }
            return new SavedTable(header.spec, keys, pushCounts, values);
        }

        private static InitialRow initialRow(byte kind, float first, float second) {
            return switch (kind) {
                case 0 -> new InitialRow.Zero();
                case 1 -> new InitialRow.Constant(first);
                case 2 -> new InitialRow.Uniform(first, second);
                case 3 -> new InitialRow.Normal(first, second);
                default -> throw new IllegalArgumentException("initial row must be from 0 to 3: found=" + kind);
            };
        }

        private String text(ByteBuffer header, String what) {
            int at = header.position();
            int length = header.remaining() < Short.BYTES ? -1 : header.getShort() & 0xffff;
            if (length < 0 || length > header.remaining()) {
                throw broken(at, "expected the " + what + ", found the end of the header");
            }
            byte[] bytes = new byte[length];
            header.get(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }

        /// The next `length` bytes, if they are there.
        private ByteBuffer bytes(int length, String what) throws IOException {
            if (length > size - offset) {
                throw broken(
                        offset, "expected " + what + ", found the end of the file after " + (size - offset) + " bytes");
            }
            ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                if (in.read(bytes) < 0) {
                    throw broken(offset + bytes.position(), "expected " + what + ", found the end of the file");
                }
            }
            offset += length;
            return bytes.flip();
        }

        private void checkChecksum(ByteBuffer bytes, int length, long from) throws IOException {
            int computed = checksum(bytes, length);
            long at = offset;
            int stored = bytes(Integer.BYTES, "a checksum").getInt();
            if (stored != computed) {
                throw broken(
                        at,
                        String.format(
                                "expected the checksum %08x of the bytes from offset %d, found %08x",
                                computed, from, stored));
            }
        }

        private InputException broken(long at, String message) {
            return new InputException(file + ": offset " + at + ": " + message);
        }
    }
}
