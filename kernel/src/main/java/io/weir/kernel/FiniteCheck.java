package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.INT;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Looks for NaN and infinities in a run of floats.
///
/// A float without its sign, read as an integer, is at least that of infinity exactly if it is not finite. So
/// lanes keep the largest such integer of a stretch, and only a stretch whose largest is too large is looked at
/// again.
public final class FiniteCheck {
    private static final VectorSpecies<Integer> SPECIES = Lanes.WIDE.withLanes(int.class);
    private static final int WITHOUT_SIGN = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;

    /// Floats between two looks at the lanes: short enough that a first find is near, long enough to cost
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
            int rest = SPECIES.loopBound((int) (count - index));
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

    /// `length` is a multiple of the lanes.
    private static boolean stretchIsFinite(long start, int length) {
        IntVector largest = IntVector.zero(SPECIES);
        for (int i = 0; i < length; i += SPECIES.length()) {
            largest = largest.max(
                    IntVector.fromMemorySegment(SPECIES, MEMORY, start + (long) i * Float.BYTES, Lanes.ORDER)
                            .and(WITHOUT_SIGN));
        }
        return largest.reduceLanes(VectorOperators.MAX) < INFINITY;
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
