package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;
import static io.weir.kernel.RecordLayout.HEADER_BYTES;
import static io.weir.kernel.RecordLayout.INT;
import static io.weir.kernel.RecordLayout.PUSH_COUNT_OFFSET;

import jdk.incubator.vector.FloatVector;

/// An optimizer row by row: whatever belongs to a row as a whole (its push count, a norm, a slot of one float)
/// is worked out first, then one loop with lanes of [Lanes#MIDDLE] and one without go over the floats.
///
/// The loop over rows stands here once, so its call of [#row] has as many targets as there are optimizers. No
/// vector passes through that call, and each optimizer's loops are compiled for themselves. No vector passes through
/// any method of ours either: where the compiler does not inline it, each one becomes an object on the heap. So
/// relatives share whole loops at most, as [#descend], and repeat the lines of others.
abstract sealed class RowKernel extends UpdateKernel
        permits AdaDeltaKernel,
                AssignmentKernel,
                DcAsgdKernel,
                GroupAdaGradKernel,
                LarsKernel,
                MomentKernel,
                NesterovKernel,
                RmsPropKernel,
                SgldKernel,
                SignumKernel {
    /// Floats that one step with lanes takes.
    static final int LANES = MIDDLE.length();

    static final long PUSH_COUNT_BEFORE_ROW = HEADER_BYTES - PUSH_COUNT_OFFSET;

    @Override
    final void rows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            int length,
            long slotStrideBytes,
            float factor,
            boolean vector) {
        int bound = vector ? MIDDLE.loopBound(length) : 0;
        long gradientBytes = (long) length * Float.BYTES;
        for (int i = from; i < from + count; i++) {
            row(base + rowOffsets[i], startBytes, gradient, bound, length, slotStrideBytes, factor);
            gradient += gradientBytes;
        }
    }

    /// Updates one row, or the part of it that starts `startBytes` after its first weight.
    ///
    /// @param row address of the first weight; its header lies before it
    /// @param gradient address of the gradient of the part
    /// @param bound floats to go over with lanes, a multiple of them
    /// @param length floats of the part
    /// @param factor what a schedule multiplies the rate with
    abstract void row(
            long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor);

    /// `w ← w − step · rate`, over a run of weights and one of steps.
    static void descend(long weight, long step, int bound, int length, float rate) {
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(FloatVector.fromMemorySegment(MIDDLE, MEMORY, step + (long) i * Float.BYTES, ORDER)
                            .mul(rate))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            put(w, get(w) - get(step + (long) i * Float.BYTES) * rate);
        }
    }

    static int pushCount(long row) {
        return MEMORY.get(INT, row - PUSH_COUNT_BEFORE_ROW);
    }

    static float get(long address) {
        return MEMORY.get(FLOAT, address);
    }

    static void put(long address, float value) {
        MEMORY.set(FLOAT, address, value);
    }

    static float root(float value) {
        return (float) Math.sqrt(value);
    }
}
