package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/// Runs of floats as vectors: each new float is computed in double arithmetic and rounded once, each sum is kept in
/// doubles and added in a fixed order. So the results depend on nothing but the floats.
///
/// Runs are little-endian floats in native memory, at any alignment; `into` may be `y` or `x` themselves, but must not
/// overlap them otherwise. Offsets are in bytes. No vector form is given: the loops are free of branches where that
/// matters, and bound by memory.
public final class Vectors {
    /// Sums that run beside each other, so that one addition need not wait for the other. Part of the result: float
    /// `i` goes to sum `i mod 8`, the up to seven last ones to sum 0, and at the end the eight are added two by
    /// two.
    private static final int SUMS = 8;

    private Vectors() {}

    /// What each float becomes, from those at its place in `y` and `x` and a scalar `a`.
    public enum Formula {
        /// `a`.
        FILL,
        /// `y + a`.
        ADD,
        /// `a · y`.
        SCALE,
        /// `y + a · x`.
        AXPY,
        /// `y · x`.
        MULTIPLY,
        /// The pseudo-gradient of `f + a · ‖x‖₁`, where `y` is the gradient of `f` at `x`.
        PSEUDO_GRADIENT,
        /// `sign(y)`, or `sign(−x)` where `y` is 0.
        ORTHANT,
        /// `y` where `y · a · x > 0`, otherwise 0.
        ALIGN
    }

    /// `into` ← what `formula` makes of `y`, `x` and `a`, float by float. A formula without `x` wants a run there all
    /// the same, and looks at none of its floats; `y` will do.
    public static void transform(
            Formula formula,
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            double a,
            int length) {
        long bytes = (long) length * Float.BYTES;
        long target = NativeMemory.address(into, intoOffset, bytes, true);
        long first = NativeMemory.address(y, yOffset, bytes, false);
        long second = NativeMemory.address(x, xOffset, bytes, false);
        try {
            switch (formula) {
                case FILL -> fill(target, a, bytes);
                case ADD -> add(target, first, a, bytes);
                case SCALE -> scale(target, first, a, bytes);
                case AXPY -> axpy(target, first, second, a, bytes);
                case MULTIPLY -> multiply(target, first, second, bytes);
                case PSEUDO_GRADIENT -> pseudoGradient(target, first, second, a, bytes);
                case ORTHANT -> orthant(target, first, second, bytes);
                case ALIGN -> align(target, first, second, Math.signum(a), bytes);
            }
        } finally {
            Reference.reachabilityFence(into);
            Reference.reachabilityFence(y);
            Reference.reachabilityFence(x);
        }
    }

    // Each formula has a loop of its own, over addresses that were checked. A loop that all share would call its
    // formula for each float, which takes several times as long as the formula.

    private static void fill(long into, double a, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, a);
        }
    }

    private static void add(long into, long y, double a, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, get(y + at) + a);
        }
    }

    private static void scale(long into, long y, double a, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, a * get(y + at));
        }
    }

    private static void axpy(long into, long y, long x, double a, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, get(y + at) + a * get(x + at));
        }
    }

    private static void multiply(long into, long y, long x, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, get(y + at) * get(x + at));
        }
    }

    private static void pseudoGradient(long into, long y, long x, double a, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            put(into + at, pseudoGradient(get(y + at), get(x + at), a));
        }
    }

    private static double pseudoGradient(double gradient, double x, double a) {
        if (x != 0) {
            return gradient + a * Math.signum(x);
        }
        if (gradient + a < 0) {
            return gradient + a;
        }
        return gradient - a > 0 ? gradient - a : 0;
    }

    private static void orthant(long into, long y, long x, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            double v = get(y + at);
            double w = get(x + at);
            put(into + at, v != 0 ? Math.signum(v) : w == 0 ? 0 : -Math.signum(w));
        }
    }

    private static void align(long into, long y, long x, double sign, long bytes) {
        for (long at = 0; at < bytes; at += Float.BYTES) {
            double v = get(y + at);
            put(into + at, Math.signum(v) * Math.signum(get(x + at)) * sign > 0 ? v : 0);
        }
    }

    private static double get(long address) {
        return MEMORY.get(FLOAT, address);
    }

    private static void put(long address, double value) {
        MEMORY.set(FLOAT, address, (float) value);
    }

    /// `Σ y · x`. Each product of two floats is exact in a double; the additions round, each by at most half a unit in
    /// the last place of its sum.
    public static double dot(MemorySegment y, long yOffset, MemorySegment x, long xOffset, int length) {
        return sum(y, yOffset, x, xOffset, length, (v, w) -> v * w);
    }

    /// `Σ |y|`.
    public static double norm1(MemorySegment y, long yOffset, int length) {
        return sum(y, yOffset, y, yOffset, length, (v, w) -> Math.abs(v));
    }

    /// What is added up. There are two, few enough for the compiler to inline both into the loop that they share.
    private interface Term {
        double of(double y, double x);
    }

    private static double sum(MemorySegment y, long yOffset, MemorySegment x, long xOffset, int length, Term term) {
        long bytes = (long) length * Float.BYTES;
        long first = NativeMemory.address(y, yOffset, bytes, false);
        long second = NativeMemory.address(x, xOffset, bytes, false);
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        try {
            long bound = (long) (length & -SUMS) * Float.BYTES;
            long at = 0;
            for (; at < bound; at += SUMS * (long) Float.BYTES) {
                s0 += term.of(MEMORY.get(FLOAT, first + at), MEMORY.get(FLOAT, second + at));
                s1 += term.of(MEMORY.get(FLOAT, first + at + 4), MEMORY.get(FLOAT, second + at + 4));
                s2 += term.of(MEMORY.get(FLOAT, first + at + 8), MEMORY.get(FLOAT, second + at + 8));
                s3 += term.of(MEMORY.get(FLOAT, first + at + 12), MEMORY.get(FLOAT, second + at + 12));
                s4 += term.of(MEMORY.get(FLOAT, first + at + 16), MEMORY.get(FLOAT, second + at + 16));
                s5 += term.of(MEMORY.get(FLOAT, first + at + 20), MEMORY.get(FLOAT, second + at + 20));
                s6 += term.of(MEMORY.get(FLOAT, first + at + 24), MEMORY.get(FLOAT, second + at + 24));
                s7 += term.of(MEMORY.get(FLOAT, first + at + 28), MEMORY.get(FLOAT, second + at + 28));
            }
            // What is left, fewer than eight floats, goes to the first sum.
            for (; at < bytes; at += Float.BYTES) {
                s0 += term.of(MEMORY.get(FLOAT, first + at), MEMORY.get(FLOAT, second + at));
            }
        } finally {
            Reference.reachabilityFence(y);
            Reference.reachabilityFence(x);
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }
}
