package io.weir.model;

/// How several values for the same row, pushed together, become the one that the optimizer sees: those of a key that is
/// listed more than once in a push, and under BSP those of all workers of a step, worker by worker.
public enum Fold {
    /// Added in order of appearance.
    SUM,

    /// The last one to appear.
    LAST,

    /// The least, coordinate by coordinate; of `-0` and `0` that is `-0`.
    LEAST,

    /// The greatest, coordinate by coordinate; of `-0` and `0` that is `0`.
    GREATEST
}
