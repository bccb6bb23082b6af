package io.weir.kernel;

/// What Adam and its relatives multiply rate and root with, by the push count `t` of a row: `rₜ = rate / (1 −
/// beta1ᵗ)` and `sₜ = 1 / √(1 − beta2ᵗ)`. Worked out in double and rounded to float once; the first ones are
/// kept in a table. Immutable.
final class BiasCorrection {
    /// Push counts with a table entry, at most. Later counts are worked out where they occur, unless the table
    /// ends earlier because both corrections have reached their limits as floats.
    private static final int MAX_TABLE_LENGTH = 1 << 16;

    /// `rₜ` and `sₜ` by push count, equally long; entry 0 stands for a row whose count was never raised. Read
    /// only.
    final float[] rates;

    final float[] rootScales;

    private final float rate;
    private final boolean tableReachesLimits;

    /// `beta1` and `beta2` to the powers 1, 2, 4, 8, …
    private final double[] squares1 = new double[Integer.SIZE];

    private final double[] squares2 = new double[Integer.SIZE];

    BiasCorrection(float rate, float beta1, float beta2) {
        this.rate = rate;
        squares1[0] = beta1;
        squares2[0] = beta2;
        for (int i = 1; i < Integer.SIZE; i++) {
            squares1[i] = squares1[i - 1] * squares1[i - 1];
            squares2[i] = squares2[i - 1] * squares2[i - 1];
        }
        int tableLength = 2;
        while (tableLength < MAX_TABLE_LENGTH && !atLimits(tableLength - 1)) {
            tableLength++;
        }
        tableReachesLimits = atLimits(tableLength - 1);
        rates = new float[tableLength];
        rootScales = new float[tableLength];
        for (int t = 0; t < tableLength; t++) {
            rates[t] = rateAt(Math.max(1, t));
            rootScales[t] = rootScaleAt(Math.max(1, t));
        }
    }

    private boolean atLimits(int t) {
        return rateAt(t) == rate && rootScaleAt(t) == 1;
    }

    /// `rₜ` for the unsigned push count `t`.
    float rate(int t) {
        return Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t);
    }

    /// `sₜ` for the unsigned push count `t`.
    float rootScale(int t) {
        return Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
    }

    /// As [#rate], for a count that the table does not have.
    float lateRate(int t) {
        return tableReachesLimits ? rate : rateAt(t);
    }

    /// As [#rootScale], for a count that the table does not have.
    float lateRootScale(int t) {
        return tableReachesLimits ? 1 : rootScaleAt(t);
    }

    private float rateAt(int t) {
        return (float) (rate / (1 - power(squares1, t)));
    }

    private float rootScaleAt(int t) {
        return (float) (1 / Math.sqrt(1 - power(squares2, t)));
    }

    /// By squares rather than [Math#pow], which may differ between machines in the last bit.
    private static double power(double[] squares, int exponent) {
        double power = 1;
        for (int rest = exponent; rest != 0; rest &= rest - 1) {
            power *= squares[Integer.numberOfTrailingZeros(rest)];
        }
        return power;
    }
}
