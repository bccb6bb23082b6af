package io.weir.kernel;

/// What the rate of an optimizer is multiplied with, by the push count of a row.
@FunctionalInterface
public interface RateFactor {
    /// @param pushCount of the row, the push that is being applied included; read as unsigned
    /// @return from 0 to 1
    float at(int pushCount);
}
