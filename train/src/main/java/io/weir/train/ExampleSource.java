package io.weir.train;

/// Where examples come from: a file, a generator. Thread-safe; it gives the same examples in the same order whenever it
/// is read.
public interface ExampleSource extends AutoCloseable {
    /// What to call it in messages: the file's name, or what generates it.
    String name();

    /// Bytes of it as text, uncompressed; near enough if that is not known. What is read with shares must be the same
    /// for all that read it.
    ///
    /// @throws InputException if the source cannot be read
    long byteCount();

    /// Opens the examples of `share`, in the order of the source.
    ///
    /// @throws InputException if the source cannot be read
    ExampleReader open(Share share);

    /// Gives up files. Readers must not be used after.
    @Override
    default void close() {}

    /// A stretch of the examples, near to the `count`-th part of them. The shares of all indices, one after the other,
    /// are the whole source. Immutable.
    ///
    /// @param index which stretch, from 0
    /// @param count how many there are
    record Share(int index, int count) {
        /// Everything.
        public static final Share ALL = new Share(0, 1);

        public Share {
            if (count < 1 || index < 0 || index >= count) {
                throw new IllegalArgumentException(
                        "share index must be from 0 to count - 1: index=" + index + ", count=" + count);
            }
        }

        /// Where this share begins in a source of `size`.
        long from(long size) {
            return at(size, index);
        }

        /// Where it ends.
        long to(long size) {
            return at(size, index + 1);
        }

        /// `size * place / count`, without going beyond a long.
        private long at(long size, long place) {
            return size / count * place + size % count * place / count;
        }
    }
}
