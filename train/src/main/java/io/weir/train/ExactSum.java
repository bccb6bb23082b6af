package io.weir.train;

/// How the gradient sums of portions are rounded before they are pushed, so that their sum has the same bits in
/// whatever order they come: each becomes a multiple of one power of two, and what is left over a multiple of a
/// smaller one, both so large that all partial sums of each kind have at most 24 bits and are exact in 32-bit
/// floats. Immutable.
///
/// Source: Demmel and Nguyen, *Fast Reproducible Floating-Point Summation*, ARITH 2013, with two levels, whose powers
/// follow from a bound that is known beforehand.
///
/// @param high power of two that the first parts are multiples of
/// @param low likewise, of the second parts
record ExactSum(double high, double low) {
    /// Bits of a float, less one for what rounding adds.
    private static final int BITS = 23;

    /// @param bound no sum of any of the parts is greater than this, in absolute value
    /// @param count parts
    static ExactSum of(double bound, int count) {
        double high = powerAbove(bound, BITS);
        return new ExactSum(high, powerAbove(0.5 * count * high, BITS));
    }

    /// The least power of two of which `value` is at most `2^bits` times.
    private static double powerAbove(double value, int bits) {
        int exponent = value == 0 ? 0 : Math.getExponent(value) + 1;
        return Math.scalb(1.0, Math.max(exponent - bits, Float.MIN_EXPONENT));
    }

    float high(double value) {
        return (float) (Math.rint(value / high) * high);
    }

    /// What [#high] leaves.
    float low(double value) {
        return (float) (Math.rint((value - high(value)) / low) * low);
    }
}
