package io.weir.train;

/// Takes the examples out of an [ExampleSource], or out of a [Share][ExampleSource.Share] of it, in their order.
/// Confined to one thread.
public interface ExampleReader extends AutoCloseable {
    /// Replaces what is in `batch` by the next examples, as many as there are but at most `maxExamples`. Fewer come
    /// only at the end, and none after it.
    ///
    /// @return whether there is any example in `batch`
    /// @throws InputException if the source is broken
    boolean next(ExampleBatch batch, int maxExamples);

    /// Gives up files and threads.
    @Override
    void close();
}
