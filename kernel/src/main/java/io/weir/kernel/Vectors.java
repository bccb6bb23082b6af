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

    /// What a run becomes, float by float.
    private interface Step {
        double of(double y, double x, double a);
    }

    /// `into ← a`.
    public static void fill(MemorySegment into, long intoOffset, double a, int length) {
        each(into, intoOffset, into, intoOffset, into, intoOffset, a, length, (y, x, s) -> s);
    }

    /// `into ← y + a`.
    public static void add(MemorySegment into, long intoOffset, MemorySegment y, long yOffset, double a, int length) {
        each(into, intoOffset, y, yOffset, y, yOffset, a, length, (v, x, s) -> v + s);
    }

    /// `into ← a · y`.
    public static void scale(MemorySegment into, long intoOffset, MemorySegment y, long yOffset, double a, int length) {
        each(into, intoOffset, y, yOffset, y, yOffset, a, length, (v, x, s) -> s * v);
    }

    /// `into ← y + a · x`.
    public static void axpy(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            double a,
            int length) {
        each(into, intoOffset, y, yOffset, x, xOffset, a, length, (v, w, s) -> v + s * w);
    }

    /// `into ← y · x`.
    public static void multiply(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            int length) {
        each(into, intoOffset, y, yOffset, x, xOffset, 0, length, (v, w, s) -> v * w);
    }

    /// `into` ← the pseudo-gradient of `f + a · ‖x‖₁`, where `y` is the gradient of `f` at `x`.
    public static void pseudoGradient(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            double a,
            int length) {
        each(into, intoOffset, y, yOffset, x, xOffset, a, length, Vectors::pseudo);
    }

    private static double pseudo(double gradient, double x, double a) {
        if (x != 0) {
            return gradient + a * Math.signum(x);
        }
        if (gradient + a < 0) {
            return gradient + a;
        }
        return gradient - a > 0 ? gradient - a : 0;
    }

    /// `into ← sign(y)`, or `sign(−x)` where `y` is 0.
    public static void orthant(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            int length) {
        each(
                into,
                intoOffset,
                y,
                yOffset,
                x,
                xOffset,
                0,
                length,
                (v, w, s) -> v != 0 ? Math.signum(v) : w == 0 ? 0 : -Math.signum(w));
    }

    /// `into ← y` where `y · a · x > 0`, otherwise 0.
    public static void align(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            double a,
            int length) {
        double sign = Math.signum(a);
        each(
                into,
                intoOffset,
                y,
                yOffset,
                x,
                xOffset,
                sign,
                length,
                (v, w, s) -> Math.signum(v) * Math.signum(w) * s > 0 ? v : 0);
    }

    private static void each(
            MemorySegment into,
            long intoOffset,
            MemorySegment y,
            long yOffset,
            MemorySegment x,
            long xOffset,
            double a,
            int length,
            Step step) {
        long bytes = (long) length * Float.BYTES;
        long target = NativeMemory.address(into, intoOffset, bytes, true);
        long first = NativeMemory.address(y, yOffset, bytes, false);
        long second = NativeMemory.address(x, xOffset, bytes, false);
        try {
            for (long at = 0; at < bytes; at += Float.BYTES) {
                double value = step.of(MEMORY.get(FLOAT, first + at), MEMORY.get(FLOAT, second + at), a);
                MEMORY.set(FLOAT, target + at, (float) value);
            }
        } finally {
            Reference.reachabilityFence(into);
            Reference.reachabilityFence(y);
            Reference.reachabilityFence(x);
        }
    }

    /// `Σ y · x`. Each product of two floats is exact in a double; the additions round, each by at most half a unit in
    /// the last place of its sum.
    public static double dot(MemorySegment y, long yOffset, MemorySegment x, long xOffset, int length) {
        return sum(y, yOffset, x, xOffset, length, (v, w, s) -> v * w);
    }

    /// `Σ |y|`.
    public static double norm1(MemorySegment y, long yOffset, int length) {
        return sum(y, yOffset, y, yOffset, length, (v, w, s) -> Math.abs(v));
    }

    private static double sum(MemorySegment y, long yOffset, MemorySegment x, long xOffset, int length, Step term) {
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
                s0 += term.of(MEMORY.get(FLOAT, first + at), MEMORY.get(FLOAT, second + at), 0);
                s1 += term.of(MEMORY.get(FLOAT, first + at + 4), MEMORY.get(FLOAT, second + at + 4), 0);
                s2 += term.of(MEMORY.get(FLOAT, first + at + 8), MEMORY.get(FLOAT, second + at + 8), 0);
                s3 += term.of(MEMORY.get(FLOAT, first + at + 12), MEMORY.get(FLOAT, second + at + 12), 0);
                s4 += term.of(MEMORY.get(FLOAT, first + at + 16), MEMORY.get(FLOAT, second + at + 16), 0);
                s5 += term.of(MEMORY.get(FLOAT, first + at + 20), MEMORY.get(FLOAT, second + at + 20), 0);
                s6 += term.of(MEMORY.get(FLOAT, first + at + 24), MEMORY.get(FLOAT, second + at + 24), 0);
                s7 += term.of(MEMORY.get(FLOAT, first + at + 28), MEMORY.get(FLOAT, second + at + 28), 0);
            }
            // What is left, fewer than eight floats, goes to the first sum.
            for (; at < bytes; at += Float.BYTES) {
                s0 += term.of(MEMORY.get(FLOAT, first + at), MEMORY.get(FLOAT, second + at), 0);
            }
        } finally {
            Reference.reachabilityFence(y);
            Reference.reachabilityFence(x);
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }
}
