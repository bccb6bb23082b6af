package io.weir.cli;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/// A stretch of numbers and the round ones among them that are written beside it. Immutable.
///
/// @param low shown at one end
/// @param high shown at the other end, above `low`
/// @param ticks ascending, from `low` to `high`, all with as many decimals as the distance between them needs
record ChartAxis(double low, double high, List<BigDecimal> ticks) {
    ChartAxis {
        if (!(low < high) || !Double.isFinite(high - low)) {
            throw new IllegalArgumentException("low must be below high, both finite: low=" + low + ", high=" + high);
        }
        ticks = List.copyOf(ticks);
    }

    /// The axis from `low` to `high`. Ticks are multiples of 1, 2 or 5 times a power of ten, of the smallest step that
    /// fits at most `steps` times.
    static ChartAxis of(double low, double high, int steps) {
        double least = (high - low) / steps;
        int exponent = (int) Math.floor(Math.log10(least));
        double digits = least / Math.pow(10, exponent);
        // Just above a round step is that step: the quotient may be a bit off.
        int factor = digits <= 1 + 1e-9 ? 1 : digits <= 2 + 1e-9 ? 2 : digits <= 5 + 1e-9 ? 5 : 10;
        BigDecimal step = BigDecimal.valueOf(factor).scaleByPowerOfTen(exponent);
        step = step.setScale(Math.max(0, factor == 10 ? -exponent - 1 : -exponent));

        double width = step.doubleValue();
        long first = (long) Math.ceil(low / width - 1e-9);
        long last = (long) Math.floor(high / width + 1e-9);
        List<BigDecimal> ticks = new ArrayList<>();
        for (long i = first; i <= last; i++) {
            ticks.add(step.multiply(BigDecimal.valueOf(i)));
        }
        return new ChartAxis(low, high, ticks);
    }

    /// Where `value` lies: 0 at `low`, 1 at `high`, outside of that beyond the ends.
    double at(double value) {
        return (value - low) / (high - low);
    }
}
