package io.weir.kvstore;

import io.weir.client.RowBatch;
import io.weir.client.Weir;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/// What optimizers keep beside the values of a store, in a file.
///
/// Big-endian: `WEIRKVOS`, version int32, number of keys int32; of each key its path and its optimizer as strings
/// (length in bytes int16, UTF-8), the shape of its table as a string, floats of slots in a row int32, then rows,
/// each its key int64, its pushes int32 and its slots, with an int32 of 1 before each and of 0 after the last;
/// CRC32C of all that int32. A new file takes the place of an old one when it is whole.
final class OptimizerStates {
    private static final byte[] MAGIC = {'W', 'E', 'I', 'R', 'K', 'V', 'O', 'S'};
    private static final int VERSION = 1;

    /// Floats that are taken to the servers at a time: 4 MiB.
    private static final int LOAD_LENGTH = 1 << 20;

    private OptimizerStates() {}

    private static int slotLength(KvEntry entry) {
        return entry.info().spec().valueLength() - entry.info().spec().rowLength();
    }

    static void save(Path file, Weir weir, Collection<KvEntry> entries) throws IOException {
        Path whole = file.toAbsolutePath();
        Path part = whole.resolveSibling(whole.getFileName() + ".part");
        try {
            CRC32C crc = new CRC32C();
            try (DataOutputStream out = new DataOutputStream(
                    new CheckedOutputStream(new BufferedOutputStream(Files.newOutputStream(part), 1 << 16), crc))) {
                write(out, weir, entries);
                out.writeInt((int) crc.getValue());
            }
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(part, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            boolean unused = Files.deleteIfExists(part);
        }
    }

    private static void write(DataOutputStream out, Weir weir, Collection<KvEntry> entries) throws IOException {
        out.write(MAGIC);
        out.writeInt(VERSION);
        out.writeInt(entries.size());
        for (KvEntry entry : entries) {
            out.writeUTF(entry.key().path());
            out.writeUTF(entry.info().spec().optimizer().text());
            out.writeUTF(entry.info().spec().shape().toString());
            int slotLength = slotLength(entry);
            out.writeInt(slotLength);
            int rowLength = entry.info().spec().rowLength();
            FailingSink sink = rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    if (!entry.isDense() && rows.keys()[i] == KvTables.READY_ROW) {
                        continue;
                    }
                    out.writeInt(1);
                    out.writeLong(rows.keys()[i]);
                    out.writeInt(rows.pushCounts()[i]);
                    int from = i * rows.valueLength() + rowLength;
                    for (int j = 0; j < slotLength; j++) {
                        out.writeFloat(rows.values()[from + j]);
                    }
                }
            };
            sink.scan(weir, entry.info().spec().name());
            out.writeInt(0);
        }
    }

    /// Takes rows, and may fail.
    private interface FailingSink {
        void accept(RowBatch rows) throws IOException;

        default void scan(Weir weir, String table) throws IOException {
            try {
                weir.scan(table, rows -> {
                    try {
                        accept(rows);
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
            } catch (java.io.UncheckedIOException e) {
                throw e.getCause();
            }
        }
    }

    /// Reads the file twice: what is not whole, or of something else, changes nothing.
    static void load(Path file, Weir weir, Collection<KvEntry> entries) throws IOException {
        read(file, weir, entries, false);
        read(file, weir, entries, true);
    }

    private static void read(Path file, Weir weir, Collection<KvEntry> entries, boolean apply) throws IOException {
        Map<String, KvEntry> left = new TreeMap<>();
        entries.forEach(entry -> left.put(entry.key().path(), entry));
        CRC32C crc = new CRC32C();
        try (DataInputStream in = new DataInputStream(
                new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16), crc))) {
            byte[] magic = new byte[MAGIC.length];
            in.readFully(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new IOException("file has no optimizer states: file=" + file);
            }
            int version = in.readInt();
            if (version != VERSION) {
                throw new IOException("file must be of version " + VERSION + ": version=" + version + ", file=" + file);
            }
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                String path = in.readUTF();
                KvEntry entry = left.remove(path);
                requireSame(file, path, "key", entry == null ? "none" : path, path);
                if (entry == null) {
                    return;
                }
                requireSame(
                        file, path, "optimizer", entry.info().spec().optimizer().text(), in.readUTF());
                requireSame(file, path, "shape", entry.info().spec().shape().toString(), in.readUTF());
                requireSame(file, path, "slots", "" + slotLength(entry), "" + in.readInt());
                readRows(in, weir, entry, apply);
            }
            if (!left.isEmpty()) {
                throw new IllegalArgumentException(
                        "file lacks keys of the store: keys=" + left.keySet() + ", file=" + file);
            }
            int expected = (int) crc.getValue();
            if (in.readInt() != expected || in.read() >= 0) {
                throw new IOException("file is damaged: its checksum does not match: file=" + file);
            }
        } catch (EOFException e) {
            throw new IOException("file is damaged: it ends too early: file=" + file, e);
        }
    }

    private static void requireSame(Path file, String path, String what, String here, String there) {
        if (!here.equals(there)) {
            throw new IllegalArgumentException("optimizer states must be of the same store: key=" + path + ", " + what
                    + ": here=" + here + ", there=" + there + ", file=" + file);
        }
    }

    private static void readRows(DataInputStream in, Weir weir, KvEntry entry, boolean apply) throws IOException {
        int rowLength = entry.info().spec().rowLength();
        int valueLength = rowLength + slotLength(entry);
        RowBatch batch = new RowBatch(Math.max(1, LOAD_LENGTH / valueLength), valueLength);
        while (in.readInt() == 1) {
            int row = batch.count();
            batch.setCount(row + 1);
            batch.keys()[row] = in.readLong();
            batch.pushCounts()[row] = in.readInt();
            int from = row * valueLength + rowLength;
            for (int i = from; i < from + valueLength - rowLength; i++) {
                batch.values()[i] = in.readFloat();
            }
            if (batch.count() == batch.capacity()) {
                load(weir, entry, batch, apply);
            }
        }
        load(weir, entry, batch, apply);
    }

    /// Puts the present values beside the slots that were read.
    private static void load(Weir weir, KvEntry entry, RowBatch batch, boolean apply) {
        if (apply && batch.count() > 0) {
            String table = entry.info().spec().name();
            int rowLength = entry.info().spec().rowLength();
            for (int i = 0; i < batch.count(); i++) {
                if (entry.isDense()) {
                    io.weir.client.DenseTable dense = weir.denseTable(table);
                    long at = batch.keys()[i] * rowLength;
                    int count = (int) Math.min(rowLength, dense.length() - at);
                    dense.pull(at, batch.values(), i * batch.valueLength(), count);
                    Arrays.fill(
                            batch.values(), i * batch.valueLength() + count, i * batch.valueLength() + rowLength, 0);
                }
            }
            if (!entry.isDense()) {
                float[] values = weir.table(table).pull(Arrays.copyOf(batch.keys(), batch.count()));
                for (int i = 0; i < batch.count(); i++) {
                    System.arraycopy(values, i * rowLength, batch.values(), i * batch.valueLength(), rowLength);
                }
            }
            weir.load(table, batch);
        }
        batch.setCount(0);
    }
}
