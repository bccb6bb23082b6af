package io.weir.train;

/// Where examples come from: a file, a generator. Thread-safe; each pass is opened anew.
public interface ExampleSource {
    /// What to call it in messages: the file's name, or what generates it.
    String name();

    /// Opens one pass for `readerCount` readers, which share the examples of `share`: each example goes to exactly
    /// one reader. With one reader the order is that of the source.
    ///
    /// @param pass 0 for the first; the same pass gives the same examples, and with one reader the same order
    /// @throws InputException if the source cannot be read
    ExamplePass open(int pass, int readerCount, Share share);

    /// The part of the examples that belongs to one process of several. The parts of all indices are disjoint and
    /// together complete. Immutable.
    ///
    /// @param index of the process, from 0
    /// @param count processes
    record Share(int index, int count) {
        /// Everything.
        public static final Share ALL = new Share(0, 1);

        public Share {
            if (count < 1 || index < 0 || index >= count) {
                throw new IllegalArgumentException(
                        "share index must be from 0 to count - 1: index=" + index + ", count=" + count);
            }
        }
    }
}
