package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.INT;
import static io.weir.kernel.RecordLayout.LONG;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/// Looks for NaN and infinities in a run of floats.
///
/// The exponent of a float that is not finite is all ones: adding one to it carries into the sign, which is masked
/// away before. So two floats at a time are looked at as one word, the carries of a stretch are collected, and only a
/// stretch with one is looked at again. The compiler makes vectors of that loop; written with vectors it would be no
/// faster, and far slower before it is compiled.
public final class FiniteCheck {
    private static final long EXPONENTS = 0x7f8000007f800000L;
    private static final long ONE_MORE = 0x0080000000800000L;
    private static final long CARRIES = 0x8000000080000000L;
    private static final int WITHOUT_SIGN = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;

    /// Floats between two looks at the carries: short enough that a first find is near, long enough to cost
    /// nothing.
    private static final int STRETCH_LENGTH = 1024;

    private FiniteCheck() {}

    /// The index of the first of `count` floats that is NaN or infinite, or -1 if all are finite.
    ///
    /// @param values native memory, little-endian floats
    /// @param offset offset in bytes of the first float, at any alignment
    public static long firstNonFinite(MemorySegment values, long offset, long count) {
        long start = address(values, offset, count);
        try {
            long index = 0;
            while (count - index >= STRETCH_LENGTH) {
                if (!stretchIsFinite(start + index * Float.BYTES, STRETCH_LENGTH)) {
                    return scan(start, index, count);
                }
                index += STRETCH_LENGTH;
            }
            int rest = (int) (count - index) & -2;
            if (rest > 0 && stretchIsFinite(start + index * Float.BYTES, rest)) {
                index += rest;
            }
            return scan(start, index, count);
        } finally {
            Reference.reachabilityFence(values);
        }
    }

    /// As [#firstNonFinite], one float at a time: the oracle, and the other side of the benchmark.
    public static long firstNonFiniteScalar(MemorySegment values, long offset, long count) {
        long start = address(values, offset, count);
        try {
            return scan(start, 0, count);
        } finally {
            Reference.reachabilityFence(values);
        }
    }

    private static long address(MemorySegment values, long offset, long count) {
        return NativeMemory.address(values, offset, Math.multiplyExact(count, (long) Float.BYTES), false);
    }

    /// `length` is even.
    private static boolean stretchIsFinite(long start, int length) {
        long carries = 0;
        for (int i = 0; i < length / 2; i++) {
            carries |= (MEMORY.get(LONG, start + (long) i * Long.BYTES) & EXPONENTS) + ONE_MORE;
        }
        return (carries & CARRIES) == 0;
    }

    private static long scan(long start, long from, long count) {
        for (long i = from; i < count; i++) {
            if ((MEMORY.get(INT, start + i * Float.BYTES) & WITHOUT_SIGN) >= INFINITY) {
                return i;
            }
        }
        return -1;
    }
}
