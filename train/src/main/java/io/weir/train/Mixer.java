package io.weir.train;

import io.weir.model.Keys;

/// Random numbers as a function of a seed and a place, so that every place can be computed alone. SplitMix64; see
/// [Keys#mix].
final class Mixer {
    /// What the state advances by from number to number.
    static final long STEP = 0x9e3779b97f4a7c15L;

    /// Of [#sum], if its bits are uniform: each of the four numbers has a variance of `2^32 / 12`.
    static final double SUM_DEVIATION = Math.sqrt(4 * 0x1.0p32 / 12);

    private Mixer() {}

    /// The state of place `index` under `seed`.
    static long of(long seed, long index) {
        return Keys.mix(Keys.mix(seed + STEP) ^ (index * STEP + 1));
    }

    static long mix(long state) {
        return Keys.mix(state);
    }

    /// Uniform in `[0, 1)`, from the upper 53 bits.
    static double fraction(long bits) {
        return (bits >>> 11) * 0x1.0p-53;
    }

    /// From 0 to `bound - 1`, from the upper 32 bits.
    static int below(long bits, int bound) {
        return (int) (((bits >>> 32) * bound) >>> 32);
    }

    /// The sum of the four 16-bit numbers in `bits`, less the mean of such sums: nearly normal.
    static long sum(long bits) {
        return (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48) - 2 * 0xffff;
    }
}
