package io.weir.train;

/// What is minimised with L-BFGS, and for how long. Immutable.
///
/// @param c weight of the losses: the objective is `½‖w‖² + c · Σ loss`, or with `l1` `‖w‖₁ + c · Σ loss`
/// @param l1 whether the weights' absolute values count instead of their squares
/// @param history pairs of differences that the curvature is taken from, at most; fewer, but at least
///     [#LEAST_HISTORY], where they would take more than 256 MiB on the servers
/// @param maxPasses over the data, at most
/// @param tolerance ends the training when the norm of the gradient is so small, as a part of that at the start
public record LbfgsConfig(double c, boolean l1, int history, int maxPasses, double tolerance) {
    /// Pairs of differences unless told otherwise. A pass over the data costs much more than dot products.
    public static final int DEFAULT_HISTORY = 100;

    /// Pairs that are kept however long the vectors are, unless fewer are wanted.
    public static final int LEAST_HISTORY = 10;

    private static final long MOST_FLOATS = 64L << 20;

    /// Passes over the data unless told otherwise.
    public static final int DEFAULT_PASSES = 100;

    /// The tolerance unless told otherwise.
    public static final double DEFAULT_TOLERANCE = 1e-6;

    public LbfgsConfig {
        if (!(c > 0) || !Double.isFinite(c)) {
            throw new IllegalArgumentException("weight of the losses must be above 0 and finite: c=" + c);
        }
        if (history < 1 || history > 1000) {
            throw new IllegalArgumentException("history must be from 1 to 1000: history=" + history);
        }
        if (maxPasses < 2) {
            throw new IllegalArgumentException(
                    "there must be at least 2 passes, one of which only looks: maxPasses=" + maxPasses);
        }
        if (!(tolerance >= 0 && tolerance < 1)) {
            throw new IllegalArgumentException("tolerance must be from 0 to below 1: tolerance=" + tolerance);
        }
    }

    /// Pairs that are kept of vectors of this length.
    int historyOf(long length) {
        return (int) Math.min(history, Math.max(LEAST_HISTORY, MOST_FLOATS / (2 * length)));
    }

    /// `½‖w‖² + c · Σ loss`.
    public static LbfgsConfig l2(double c) {
        return new LbfgsConfig(c, false, DEFAULT_HISTORY, DEFAULT_PASSES, DEFAULT_TOLERANCE);
    }

    /// `‖w‖₁ + c · Σ loss`.
    public static LbfgsConfig l1(double c) {
        return new LbfgsConfig(c, true, DEFAULT_HISTORY, DEFAULT_PASSES, DEFAULT_TOLERANCE);
    }

    public LbfgsConfig withHistory(int history) {
        return new LbfgsConfig(c, l1, history, maxPasses, tolerance);
    }

    public LbfgsConfig withMaxPasses(int maxPasses) {
        return new LbfgsConfig(c, l1, history, maxPasses, tolerance);
    }

    public LbfgsConfig withTolerance(double tolerance) {
        return new LbfgsConfig(c, l1, history, maxPasses, tolerance);
    }
}
