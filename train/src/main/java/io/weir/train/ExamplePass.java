package io.weir.train;

/// One pass over an [ExampleSource]. Thread-safe.
public interface ExamplePass extends AutoCloseable {
    /// The reader with this index, 0 to `readerCount - 1`; each is asked for once and belongs to one thread.
    ExampleReader reader(int index);

    /// How much of the pass has been handed out, 0 to 1; NaN if that is not known.
    double fraction();

    /// Lets every reader end as if there were nothing more, also one that waits.
    void stop();

    /// Stops, and gives up files and threads. Readers must not be used after.
    @Override
    void close();

    /// Takes examples out of a pass. Confined to one thread.
    @FunctionalInterface
    interface ExampleReader {
        /// Replaces what is in `batch` by the next examples, as many as there are but at most `maxExamples`. Fewer
        /// come only at the end, and none after it.
        ///
        /// @return whether there is any example in `batch`
        /// @throws InputException if the source is broken
        boolean next(ExampleBatch batch, int maxExamples);
    }
}
