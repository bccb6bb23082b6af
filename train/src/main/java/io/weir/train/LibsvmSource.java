package io.weir.train;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/// Examples of a libsvm file, plain or compressed with gzip or zstd, which its first bytes tell. Thread-safe. The
/// lines are described in [LibsvmParser].
///
/// The text is cut into chunks at line ends. A share of a plain file is a stretch of its bytes, and holds the
/// lines that begin there, so it is read without the rest. A compressed file, or one that is no regular file, is
/// read as a whole by decompressing in a further thread; for shares of it, it is decompressed once into a
/// temporary file, which goes when the source is closed or the process ends.
public final class LibsvmSource implements ExampleSource {
    private static final int CHUNK_BYTES = 256 << 10;
    private static final int STREAM_CHUNK_BYTES = 64 << 10;
    private static final int STREAM_CHUNKS = 4;
    private static final int READ_BYTES = 64 << 10;
    private static final int LEAST_READ_BYTES = 4 << 10;
    private static final int MOST_LINE_BYTES = 256 << 20;

    private final Path file;
    private final boolean labelsOptional;
    private final int classCount;
    private final float scale;
    private final LabelKinds kinds = new LabelKinds();
    private @Nullable Text text;

    private LibsvmSource(Path file, boolean labelsOptional, int classCount, double scale) {
        this.file = file;
        this.labelsOptional = labelsOptional;
        this.classCount = classCount;
        this.scale = (float) scale;
    }

    /// The examples of `file`, each with its label.
    ///
    /// @throws InputException if the file is missing, or no file
    public static LibsvmSource of(Path file) {
        return new LibsvmSource(checked(file), false, 0, 1);
    }

    /// The examples of `file`, whose lines may begin with a label or with the first feature.
    ///
    /// @throws InputException if the file is missing, or no file
    public static LibsvmSource withOptionalLabels(Path file) {
        return new LibsvmSource(checked(file), true, 0, 1);
    }

    /// The examples of `file`, whose labels are the numbers of classes.
    ///
    /// @param labelsOptional whether lines may begin with the first feature
    /// @param classCount labels are from 0 to `classCount - 1`
    /// @param scale what values are multiplied by
    /// @throws InputException if the file is missing, or no file
    public static LibsvmSource ofClasses(Path file, boolean labelsOptional, int classCount, double scale) {
        if (classCount < 1) {
            throw new IllegalArgumentException("there must be at least one class: classCount=" + classCount);
        }
        return new LibsvmSource(checked(file), labelsOptional, classCount, scale);
    }

    static Path checked(Path file) {
        if (!Files.exists(file)) {
            throw new InputException("data file must exist: file=" + file);
        } else if (Files.isDirectory(file)) {
            throw new InputException("data file must be a file: directory=" + file);
        } else if (!Files.isReadable(file)) {
            throw new InputException("data file must be readable: file=" + file);
        }
        return file;
    }

    @Override
    public String name() {
        return file.toString();
    }

    @Override
    public long byteCount() {
        return text().size;
    }

    @Override
    public ExampleReader open(Share share) {
        try {
            return share.count() == 1 && !isPlain() ? new StreamReader() : new StretchReader(text(), share);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private synchronized boolean isPlain() throws IOException {
        return text != null || (Files.isRegularFile(file) && Compression.of(file) == Compression.NONE);
    }

    /// The text, where any byte of it can be read.
    private synchronized Text text() {
        Text there = text;
        if (there == null) {
            try {
                there = new Text(isPlain() ? FileChannel.open(file, StandardOpenOption.READ) : decompressed());
            } catch (IOException e) {
                throw unreadable(e);
            }
            text = there;
        }
        return there;
    }

    /// A temporary file that has no name any more when it is complete, so that nothing has to clear it away.
    private FileChannel decompressed() throws IOException {
        Path temporary = Files.createTempFile("weir-", ".svm");
        FileChannel channel = FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try (InputStream in = decompressing(Files.newInputStream(file))) {
            Files.delete(temporary);
            byte[] bytes = new byte[READ_BYTES];
            for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, read);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
            return channel;
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            Files.deleteIfExists(temporary);
            throw e;
        }
    }

    private InputStream decompressing(InputStream in) throws IOException {
        try {
            return Compression.of(file).decompress(new BufferedInputStream(in, READ_BYTES));
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /// Gives up the file, and the temporary one. Readers must not be used after.
    @Override
    public synchronized void close() {
        Text there = text;
        text = null;
        if (there != null) {
            try {
                there.channel.close();
            } catch (IOException e) {
                throw unreadable(e);
            }
        }
    }

    private InputException unreadable(IOException e) {
        return new InputException(file + ": cannot be read: " + e.getMessage(), e);
    }

    private void checkLineLength(int length) {
        if (length > MOST_LINE_BYTES) {
            throw new InputException(
                    file + ": expected lines of at most " + MOST_LINE_BYTES + " bytes, found a longer one");
        }
    }

    private InputException empty() {
        return new InputException(file + ": expected examples, found none");
    }

    /// How a file is compressed, by its first bytes.
    enum Compression {
        NONE,
        GZIP,
        ZSTD;

        private static final int ZSTD_MAGIC = 0xfd2fb528;
        private static final int ZSTD_SKIPPABLE = 0x184d2a50;

        static Compression of(Path file) throws IOException {
            if (!Files.isRegularFile(file)) {
                return NONE;
            }
            try (InputStream in = Files.newInputStream(file)) {
                byte[] first = in.readNBytes(4);
                if (first.length >= 2 && (first[0] & 0xff) == 0x1f && (first[1] & 0xff) == 0x8b) {
                    return GZIP;
                }
                if (first.length == 4) {
                    int magic = (first[0] & 0xff) | (first[1] & 0xff) << 8 | (first[2] & 0xff) << 16 | first[3] << 24;
                    if (magic == ZSTD_MAGIC || (magic & 0xfffffff0) == ZSTD_SKIPPABLE) {
                        return ZSTD;
                    }
                }
                return NONE;
            }
        }

        InputStream decompress(InputStream in) throws IOException {
            return switch (this) {
                case NONE -> in;
                case GZIP -> new GZIPInputStream(in, READ_BYTES);
                case ZSTD -> new ZstdInputStream(in);
            };
        }
    }

    /// Whole lines, from `bytes[from]` to `limit`, with the padding that the parser wants.
    private static final class Chunk {
        byte[] bytes = new byte[0];
        int from;
        int limit;
        // Lines of the file before this chunk, or -1 and then the chunk's place in the file.
        long linesBefore = -1;
        long fileOffset;

        void reserve(int length) {
            if (bytes.length < length + LibsvmParser.PADDING) {
                bytes = Arrays.copyOf(bytes, Math.max(length + LibsvmParser.PADDING, bytes.length + bytes.length / 2));
            }
        }

        /// Gives the last line of a file an end if it has none.
        void endLastLine() {
            if (limit > from && bytes[limit - 1] != '\n') {
                reserve(limit + 1);
                bytes[limit++] = '\n';
            }
        }
    }

    private abstract class Reader implements ExampleReader {
        private final LibsvmParser parser = new LibsvmParser(kinds, labelsOptional, classCount);
        private final Chunk chunk = new Chunk();
        private final boolean whole;
        private boolean ended;
        private boolean hadExample;

        /// @param whole whether the file must have examples
        Reader(boolean whole) {
            this.whole = whole;
        }

        /// Replaces what is in `chunk` by the next one; false if there is none.
        abstract boolean nextChunk(Chunk chunk) throws IOException;

        @Override
        public boolean next(ExampleBatch batch, int maxExamples) {
            batch.clear();
            while (batch.exampleCount() < maxExamples && !ended) {
                if (chunk.from == chunk.limit && !fetch()) {
                    break;
                }
                try {
                    chunk.from = parser.parse(chunk.bytes, chunk.from, chunk.limit, batch, maxExamples);
                } catch (LibsvmParser.LineException e) {
                    throw located(e);
                }
            }
            if (scale != 1) {
                batch.scale(scale);
            }
            hadExample |= batch.exampleCount() > 0;
            if (ended && whole && !hadExample) {
                throw empty();
            }
            return batch.exampleCount() > 0;
        }

        private boolean fetch() {
            try {
                ended = !nextChunk(chunk);
                return !ended;
            } catch (IOException e) {
                throw unreadable(e);
            }
        }

        private InputException located(LibsvmParser.LineException e) {
            int lineStart = e.position;
            while (lineStart > 0 && chunk.bytes[lineStart - 1] != '\n') {
                lineStart--;
            }
            try {
                long line = 1 + linesBefore(chunk) + countLines(chunk.bytes, 0, lineStart);
                return new InputException(
                        file + ":" + line + ": " + e.getMessage() + " (column " + (e.position - lineStart + 1) + ")",
                        e);
            } catch (IOException unreadable) {
                return unreadable(unreadable);
            }
        }
    }

    private static long countLines(byte[] bytes, int from, int to) {
        long count = 0;
        for (int i = from; i < to; i++) {
            if (bytes[i] == '\n') {
                count++;
            }
        }
        return count;
    }

    /// Lines of the file before `chunk.bytes[0]`.
    private long linesBefore(Chunk chunk) throws IOException {
        if (chunk.linesBefore >= 0) {
            return chunk.linesBefore;
        }
        Text read = text();
        byte[] bytes = new byte[READ_BYTES];
        long count = 0;
        for (long at = 0; at < chunk.fileOffset; ) {
            int length = read.readFully(bytes, 0, (int) Math.min(chunk.fileOffset - at, bytes.length), at);
            if (length == 0) {
                break;
            }
            count += countLines(bytes, 0, length);
            at += length;
        }
        return count;
    }

    /// Text as bytes, any of which can be read at any time. Thread-safe.
    private static final class Text {
        final FileChannel channel;
        final long size;

        Text(FileChannel channel) throws IOException {
            this.channel = channel;
            this.size = channel.size();
        }

        /// @return how many bytes were there, fewer than `count` only at the end
        int readFully(byte[] bytes, int from, int count, long offset) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, from, count);
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position() - from) < 0) {
                    break;
                }
            }
            return buffer.position() - from;
        }
    }

    /// The lines that begin in a stretch of bytes.
    private final class StretchReader extends Reader {
        private final Text text;
        private final long end;
        private long at;

        StretchReader(Text text, Share share) {
            super(share.count() == 1);
            this.text = text;
            this.at = share.from(text.size);
            this.end = share.to(text.size);
        }

        @Override
        boolean nextChunk(Chunk chunk) throws IOException {
            do {
                if (at >= end) {
                    return false;
                }
                long to = Math.min(end, at + CHUNK_BYTES);
                read(at, to, chunk);
                at = to;
            } while (chunk.from == chunk.limit);
            return true;
        }

        @Override
        public void close() {}

        /// The lines that begin in the bytes `start` to `to - 1`.
        private void read(long start, long to, Chunk chunk) throws IOException {
            // One byte more in front tells whether a line begins with the first byte of the stretch.
            long offset = Math.max(0, start - 1);
            int stretchEnd = (int) (to - offset);
            chunk.fileOffset = offset;
            chunk.reserve(stretchEnd + LEAST_READ_BYTES);
            int length = text.readFully(chunk.bytes, 0, stretchEnd, offset);
            int from = 0;
            if (start > 0) {
                while (from < length && chunk.bytes[from] != '\n') {
                    from++;
                }
                from++;
            }
            chunk.from = Math.min(from, length);
            chunk.limit = length;
            if (from >= stretchEnd) {
                // No line begins here: the stretch lies within one line, or ends with one.
                chunk.from = chunk.limit;
                return;
            }
            int scanned = length - 1;
            while (true) {
                while (scanned < length && chunk.bytes[scanned] != '\n') {
                    scanned++;
                }
                if (scanned < length) {
                    chunk.limit = scanned + 1;
                    return;
                }
                checkLineLength(length);
                int wanted = Math.max(LEAST_READ_BYTES, length / 2);
                chunk.reserve(length + wanted);
                int more = text.readFully(chunk.bytes, length, wanted, offset + length);
                if (more == 0) {
                    chunk.limit = length;
                    chunk.endLastLine();
                    return;
                }
                length += more;
            }
        }
    }

    /// Decompresses in a thread of its own, a few chunks ahead of the reader.
    private final class StreamReader extends Reader {
        private final InputStream in;
        private final ChunkQueue queue = new ChunkQueue(STREAM_CHUNKS);
        private final Thread thread = new Thread(this::run, "weir-decompress");

        StreamReader() throws IOException {
            super(true);
            in = decompressing(Files.newInputStream(file));
            thread.setDaemon(true);
            thread.start();
        }

        private void run() {
            try {
                cut();
                queue.end(null);
            } catch (IOException | InputException e) {
                queue.end(e);
            } catch (RuntimeException | Error e) {
                queue.end(new IOException(e.toString(), e));
            }
        }

        private void cut() throws IOException {
            byte[] rest = new byte[0];
            int restLength = 0;
            long lines = 0;
            Chunk chunk = queue.takeFree();
            while (chunk != null) {
                checkLineLength(restLength);
                int wanted = Math.max(STREAM_CHUNK_BYTES, restLength);
                chunk.reserve(restLength + wanted);
                System.arraycopy(rest, 0, chunk.bytes, 0, restLength);
                int read = in.readNBytes(chunk.bytes, restLength, wanted);
                int length = restLength + read;
                chunk.from = 0;
                chunk.limit = length;
                chunk.linesBefore = lines;
                if (read < wanted) {
                    chunk.endLastLine();
                } else {
                    while (chunk.limit > 0 && chunk.bytes[chunk.limit - 1] != '\n') {
                        chunk.limit--;
                    }
                }
                restLength = Math.max(0, length - chunk.limit);
                rest = Arrays.copyOfRange(chunk.bytes, length - restLength, length);
                if (chunk.limit > 0) {
                    lines += countLines(chunk.bytes, 0, chunk.limit);
                    queue.put(chunk);
                    chunk = queue.takeFree();
                }
                if (read < wanted) {
                    return;
                }
            }
        }

        @Override
        boolean nextChunk(Chunk chunk) throws IOException {
            return queue.exchange(chunk);
        }

        @Override
        public void close() {
            queue.stop();
            boolean interrupted = false;
            while (true) {
                try {
                    thread.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            try {
                in.close();
            } catch (IOException e) {
                throw unreadable(e);
            }
        }
    }

    /// Hands chunks from the decompressing thread to the reader and empty ones back. Thread-safe, bounded.
    private static final class ChunkQueue {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final ArrayDeque<Chunk> free = new ArrayDeque<>();
        private final ArrayDeque<Chunk> ready = new ArrayDeque<>();
        private boolean ended;
        private boolean stopped;
        private @Nullable Exception failure;

        ChunkQueue(int chunkCount) {
            for (int i = 0; i < chunkCount; i++) {
                free.add(new Chunk());
            }
        }

        /// An empty chunk, or null after a stop.
        @Nullable
        Chunk takeFree() {
            lock.lock();
            try {
                while (free.isEmpty() && !stopped) {
                    changed.awaitUninterruptibly();
                }
                return stopped ? null : free.poll();
            } finally {
                lock.unlock();
            }
        }

        void put(Chunk chunk) {
            lock.lock();
            try {
                ready.add(chunk);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void end(@Nullable Exception failure) {
            lock.lock();
            try {
                this.failure = failure;
                ended = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void stop() {
            lock.lock();
            try {
                stopped = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /// Puts the next chunk's content into `into`, giving the queue the array that was there; false at the end.
        boolean exchange(Chunk into) throws IOException {
            lock.lock();
            try {
                while (ready.isEmpty() && !ended && !stopped) {
                    changed.awaitUninterruptibly();
                }
                Chunk next = stopped ? null : ready.poll();
                if (next == null) {
                    if (!stopped && failure instanceof IOException e) {
                        throw e;
                    } else if (!stopped && failure instanceof InputException e) {
                        throw e;
                    }
                    return false;
                }
                byte[] bytes = into.bytes;
                into.bytes = next.bytes;
                into.from = next.from;
                into.limit = next.limit;
                into.linesBefore = next.linesBefore;
                next.bytes = bytes;
                free.add(next);
                changed.signalAll();
                return true;
            } finally {
                lock.unlock();
            }
        }
    }
}
