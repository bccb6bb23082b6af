package io.weir.cli.bench;

/// What one unit of a benchmark is.
public enum BenchMode {
    /// One pull of a batch.
    PULL,
    /// One push of a batch.
    PUSH,
    /// A pull, then a push of the same batch.
    STEP,
    /// A dense tensor pushed and pulled whole, in one call. Counts floats where the others count rows.
    DENSE,
    /// One pull of one key.
    SMALL,
    /// As [#DENSE], by a key-value store with one worker whose rounds are synchronous.
    KV;

    /// Whether a unit is a tensor, and no batch of rows.
    boolean isDense() {
        return this == DENSE || this == KV;
    }
}
