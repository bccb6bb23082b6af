package io.weir.train;

import org.jspecify.annotations.Nullable;

/// Looks along a line for a step that meets the strong Wolfe conditions: with `φ(t)` the value at step `t`,
/// `φ(t) ≤ φ(0) + c₁ t φ'(0)` and `|φ'(t)| ≤ c₂ |φ'(0)|`.
///
/// Steps grow until they bracket such a point, then the bracket shrinks, each time to the minimum of the cubic through
/// values and slopes of its ends, kept away from the ends. Here every evaluation is a pass over the data, so the first
/// step should be good.
/// Source: Nocedal and Wright, *Numerical Optimization*, second edition (2006), algorithms 3.5 and 3.6, equation 3.59.
final class WolfeLineSearch {
    private static final double SUFFICIENT_DECREASE = 1e-4;
    private static final double CURVATURE = 0.9;

    /// A step grows at least and at most so many times.
    private static final double LEAST_GROWTH = 1.5;

    private static final double MOST_GROWTH = 10;

    /// How near to an end of the bracket the next step may be, as a part of it.
    private static final double MARGIN = 0.1;

    private final Line line;
    private final Point start;
    private int evaluationsLeft;

    /// What is minimised.
    interface Line {
        /// Value and slope at a step.
        Point at(double step);
    }

    /// A step, the value there, and the slope.
    record Point(double step, double value, double slope) {}

    private WolfeLineSearch(Line line, Point start, int evaluations) {
        this.line = line;
        this.start = start;
        this.evaluationsLeft = evaluations;
    }

    /// @param start at step 0; its slope is negative
    /// @param first step to try
    /// @param evaluations at most
    /// @return the point, which is the one that was evaluated last; null if none was found
    static @Nullable Point search(Line line, Point start, double first, int evaluations) {
        if (!(start.slope() < 0) || !(first > 0)) {
            throw new IllegalArgumentException(
                    "a line search goes down from its start: slope=" + start.slope() + ", step=" + first);
        }
        return new WolfeLineSearch(line, start, evaluations).grow(first);
    }

    private @Nullable Point grow(double first) {
        Point before = start;
        double step = first;
        while (evaluationsLeft > 0) {
            Point here = evaluate(step);
            if (!decreases(here) || (before.step() > 0 && here.value() >= before.value())) {
                return shrink(before, here);
            }
            if (isFlat(here)) {
                return here;
            }
            if (here.slope() >= 0) {
                return shrink(here, before);
            }
            double wanted = cubicMinimum(before, here);
            step = Double.isFinite(wanted) && wanted > here.step()
                    ? Math.clamp(wanted, LEAST_GROWTH * here.step(), MOST_GROWTH * here.step())
                    : MOST_GROWTH * here.step();
            before = here;
        }
        return null;
    }

    /// @param low the end with the lower value, which decreases sufficiently and slopes towards the other
    private @Nullable Point shrink(Point low, Point high) {
        while (evaluationsLeft > 0) {
            double from = Math.min(low.step(), high.step());
            double to = Math.max(low.step(), high.step());
            double margin = MARGIN * (to - from);
            double wanted = cubicMinimum(low, high);
            double step = Double.isFinite(wanted) ? Math.clamp(wanted, from + margin, to - margin) : (from + to) / 2;
            if (step <= from || step >= to) {
                return null;
            }
            Point here = evaluate(step);
            if (!decreases(here) || here.value() >= low.value()) {
                high = here;
                continue;
            }
            if (isFlat(here)) {
                return here;
            }
            if (here.slope() * (high.step() - low.step()) >= 0) {
                high = low;
            }
            low = here;
        }
        return null;
    }

    private Point evaluate(double step) {
        evaluationsLeft--;
        return line.at(step);
    }

    private boolean decreases(Point here) {
        return here.value() <= start.value() + SUFFICIENT_DECREASE * here.step() * start.slope();
    }

    private boolean isFlat(Point here) {
        return Math.abs(here.slope()) <= -CURVATURE * start.slope();
    }

    /// Where the cubic with the values and slopes of two points is least; NaN if it is nowhere.
    private static double cubicMinimum(Point a, Point b) {
        double d1 = a.slope() + b.slope() - 3 * (a.value() - b.value()) / (a.step() - b.step());
        double radicand = d1 * d1 - a.slope() * b.slope();
        double d2 = Math.signum(b.step() - a.step()) * Math.sqrt(radicand);
        return b.step() - (b.step() - a.step()) * (b.slope() + d2 - d1) / (b.slope() - a.slope() + 2 * d2);
    }
}
