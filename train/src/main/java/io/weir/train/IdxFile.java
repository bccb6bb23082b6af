package io.weir.train;

import io.weir.train.LibsvmSource.Compression;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// A file of unsigned bytes in the idx format, as the MNIST images and labels are. Thread-safe.
///
/// ```
///   0 u8 | 0 u8 | type u8 | rank u8 | length of each dimension, `rank` x i32 big-endian | elements, the last dimension
///   running fastest
/// ```
///
/// The type of unsigned bytes is 8; others are refused. An *item* is what stands under one index of the first
/// dimension. A plain file is read where items are asked for; one compressed with gzip or zstd is taken into memory.
///
/// Source of the format: *The MNIST database of handwritten digits*, Y. LeCun, C. Cortes, C. J. C. Burges, 1998, "File
/// formats".
final class IdxFile implements AutoCloseable {
    private static final int MAGIC_BYTES = 4;
    private static final int UNSIGNED_BYTE = 8;
    private static final int BUFFER_BYTES = 64 << 10;
    private static final int MOST_BYTES_IN_MEMORY = Integer.MAX_VALUE - 8;

    private final Path file;
    private final int rank;
    private final int count;
    private final int itemBytes;
    private final long dataOffset;
    private final @Nullable FileChannel channel;
    private final byte[] content;

    private IdxFile(
            Path file, int[] lengths, int itemBytes, long dataOffset, @Nullable FileChannel channel, byte[] content) {
        this.file = file;
        this.rank = lengths.length;
        this.count = lengths[0];
        this.itemBytes = itemBytes;
        this.dataOffset = dataOffset;
        this.channel = channel;
        this.content = content;
    }

    /// Whether `file` begins as an idx file does, once it is uncompressed.
    ///
    /// @throws InputException if it is missing or cannot be read
    static boolean isIdx(Path file) {
        LibsvmSource.checked(file);
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream in = uncompressed(file)) {
            byte[] first = in.readNBytes(2);
            return first.length == 2 && first[0] == 0 && first[1] == 0;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /// Opens a file and checks that all it promises is there.
    ///
    /// @throws InputException naming the file, if it is missing, something else, cut short or too long
    static IdxFile open(Path file) {
        LibsvmSource.checked(file);
        try {
            if (Compression.of(file) != Compression.NONE) {
                try (InputStream in = uncompressed(file)) {
                    return inMemory(file, in);
                }
            }
            return seekable(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static IdxFile inMemory(Path file, InputStream in) throws IOException {
        int[] lengths = lengths(file, in);
        int itemBytes = itemBytes(file, lengths);
        long expected = (long) lengths[0] * itemBytes;
        if (expected > MOST_BYTES_IN_MEMORY) {
            throw broken(
                    file,
                    "expected at most " + MOST_BYTES_IN_MEMORY + " bytes in a compressed file, found " + expected
                            + "; unpack it first");
        }
        // Takes memory for what is there, whatever the header says.
        byte[] content = in.readNBytes((int) expected);
        requireSize(file, expected, content.length, in.read() >= 0);
        return new IdxFile(file, lengths, itemBytes, 0, null, content);
    }

    private static IdxFile seekable(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try (InputStream in = Files.newInputStream(file)) {
            int[] lengths = lengths(file, in);
            int itemBytes = itemBytes(file, lengths);
            long offset = MAGIC_BYTES + (long) lengths.length * Integer.BYTES;
            long expected = (long) lengths[0] * itemBytes;
            long found = channel.size() - offset;
            requireSize(file, expected, Math.min(found, expected), found > expected);
            return new IdxFile(file, lengths, itemBytes, offset, channel, new byte[0]);
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
    }

    private static InputStream uncompressed(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        try {
            return Compression.of(file).decompress(new BufferedInputStream(in, BUFFER_BYTES));
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    private static int[] lengths(Path file, InputStream in) throws IOException {
        byte[] magic = in.readNBytes(MAGIC_BYTES);
        if (magic.length < MAGIC_BYTES || magic[0] != 0 || magic[1] != 0) {
            throw broken(file, "expected an idx file, beginning with two bytes of 0");
        }
        int type = magic[2] & 0xff;
        int rank = magic[3] & 0xff;
        if (type != UNSIGNED_BYTE) {
            throw broken(file, "expected unsigned bytes, type 8, found type " + type);
        } else if (rank == 0) {
            throw broken(file, "expected at least one dimension, found none");
        }
        byte[] header = in.readNBytes(rank * Integer.BYTES);
        if (header.length < rank * Integer.BYTES) {
            throw broken(file, "expected the lengths of " + rank + " dimensions, found the end of the file");
        }
        int[] lengths = new int[rank];
        for (int i = 0; i < rank; i++) {
            lengths[i] = ByteBuffer.wrap(header).getInt(i * Integer.BYTES);
            if (lengths[i] < 1) {
                throw broken(
                        file,
                        "expected lengths of at least 1, found " + Integer.toUnsignedString(lengths[i])
                                + " in dimension " + i);
            }
        }
        return lengths;
    }

    private static int itemBytes(Path file, int[] lengths) {
        long bytes = 1;
        for (int i = 1; i < lengths.length; i++) {
            bytes *= lengths[i];
            if (bytes > MOST_BYTES_IN_MEMORY) {
                throw broken(file, "expected items of at most " + MOST_BYTES_IN_MEMORY + " bytes, found larger ones");
            }
        }
        return (int) bytes;
    }

    private static void requireSize(Path file, long expected, long found, boolean more) {
        if (found < expected) {
            throw broken(file, "expected " + expected + " bytes after the header, found " + found);
        } else if (more) {
            throw broken(file, "expected " + expected + " bytes after the header, found more");
        }
    }

    private static InputException broken(Path file, String message) {
        return new InputException(file + ": " + message);
    }

    private static InputException unreadable(Path file, IOException e) {
        return new InputException(file + ": cannot be read: " + e.getMessage(), e);
    }

    Path file() {
        return file;
    }

    /// Dimensions.
    int rank() {
        return rank;
    }

    /// Items.
    int count() {
        return count;
    }

    /// Bytes of an item.
    int itemBytes() {
        return itemBytes;
    }

    /// Reads items, as many as fit into `bytes`, from item `from`.
    ///
    /// @param bytes a whole number of items that are there
    /// @throws InputException if the file cannot be read any more
    void read(int from, byte[] bytes) {
        long offset = (long) from * itemBytes;
        FileChannel open = channel;
        if (open == null) {
            System.arraycopy(content, (int) offset, bytes, 0, bytes.length);
            return;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            while (buffer.hasRemaining()) {
                if (open.read(buffer, dataOffset + offset + buffer.position()) < 0) {
                    throw new EOFException("it was cut short while it was read");
                }
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }
}
