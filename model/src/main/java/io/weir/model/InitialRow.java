package io.weir.model;

/// What a row reads as before its first push: a function of the table's seed, the key and the position in the row, so
/// that every replica and every restart computes the same bits. Immutable.
public sealed interface InitialRow {
    /// All zeros.
    record Zero() implements InitialRow {}

    /// The same value everywhere.
    record Constant(float value) implements InitialRow {
        public Constant {
            requireFinite("value", value);
        }
    }

    /// Uniform in `[low, high)`.
    record Uniform(float low, float high) implements InitialRow {
        public Uniform {
            requireFinite("low", low);
            requireFinite("high", high);
            if (!(low < high)) {
                throw new IllegalArgumentException("uniform low must be below high: low=" + low + ", high=" + high);
            }
        }
    }

    /// Normal with the given mean and standard deviation. No draw is farther from the mean than 6 deviations, and all
    /// within those must be finite.
    record Normal(float mean, float deviation) implements InitialRow {
        public Normal {
            requireFinite("mean", mean);
            requireFinite("deviation", deviation);
            if (!(deviation > 0)) {
                throw new IllegalArgumentException("normal deviation must be above 0: deviation=" + deviation);
            }
            if (Math.abs((double) mean) + 6.0 * deviation > Float.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "normal must be finite up to 6 deviations: mean=" + mean + ", deviation=" + deviation);
            }
        }
    }

    /// The value at `position` of the row of `key`. Deterministic on every platform.
    ///
    /// Uniform values are the upper 24 bits of a mixed counter; normal ones are Box and Muller's, *A Note on the
    /// Generation of Random Normal Deviates*, Ann. Math. Statist. 29 (1958), in strict double arithmetic.
    default float value(long seed, long key, int position) {
        if (this instanceof Constant c) {
            return c.value();
        } else if (this instanceof Uniform u) {
            float value = (float) (u.low() + ((double) u.high() - u.low()) * fraction(seed, key, position, 0));
            return value < u.high() ? value : u.low();
        } else if (this instanceof Normal n) {
            double radius = StrictMath.sqrt(-2.0 * StrictMath.log(1.0 - fraction(seed, key, position, 0)));
            double angle = 2.0 * StrictMath.PI * fraction(seed, key, position, 1);
            return (float) (n.mean() + n.deviation() * radius * StrictMath.cos(angle));
        }
        return 0f;
    }

    /// `zero`, `constant(value)`, `uniform(low,high)` or `normal(mean,deviation)`, as [#parse] reads it.
    default String text() {
        return InitialRowText.format(this);
    }

    /// Reads the form of [#text].
    ///
    /// @throws IllegalArgumentException if the text is none of these, or its numbers are out of range
    static InitialRow parse(String text) {
        return InitialRowText.parse(text);
    }

    /// Whether every row starts as zeros, so that fresh memory needs no filling.
    default boolean isZero() {
        return this instanceof Zero || (this instanceof Constant c && Float.floatToRawIntBits(c.value()) == 0);
    }

    private static double fraction(long seed, long key, int position, int draw) {
        long row = Keys.mix(Keys.mix(seed + 0x9e3779b97f4a7c15L) ^ key);
        long bits = Keys.mix(row + 0x9e3779b97f4a7c15L * (2L * position + draw + 1));
        return (bits >>> 40) * 0x1.0p-24;
    }

    private static void requireFinite(String name, float value) {
        if (!Float.isFinite(value)) {
            throw new IllegalArgumentException("initial row " + name + " must be finite: " + name + "=" + value);
        }
    }
}
