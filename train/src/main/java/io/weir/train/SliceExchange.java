package io.weir.train;

/// How the slices of a replica give each other what one of them cannot compute alone. Confined to the thread of its
/// slice; all slices make the same calls in the same order.
///
/// Matrices are row-major with a row for each example. A slice has a stretch of the columns, which are units of a
/// layer, counted from 1 for the first one that is computed.
interface SliceExchange {
    /// There is one slice, which has everything: in the same arrays, so that nothing is to be done.
    SliceExchange NONE = new SliceExchange() {
        @Override
        public void gather(int layer, float[] own, float[] all, int examples) {}

        @Override
        public void beginSum(int layer, float[] parts, int examples) {}

        @Override
        public void endSum(int layer, float[] parts, float[] own, int examples) {}
    };

    /// Puts the columns of all slices together.
    ///
    /// @param own columns of this slice
    /// @param all receives all columns; the same array as `own` if there is one slice
    void gather(int layer, float[] own, float[] all, int examples);

    /// Begins to add up, over all slices, matrices of all columns. What does not need the sum can be computed before
    /// [#endSum].
    ///
    /// @param parts what this slice adds to each column; not changed before [#endSum]
    void beginSum(int layer, float[] parts, int examples);

    /// Waits for the sum.
    ///
    /// @param parts as given to [#beginSum]
    /// @param own receives this slice's columns of the sum, added in the order of slices; the same array as
    ///     `parts` if there is one slice
    void endSum(int layer, float[] parts, float[] own, int examples);
}
