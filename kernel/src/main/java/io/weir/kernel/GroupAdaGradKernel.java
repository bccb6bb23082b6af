package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernel#rowwiseAdaGrad] and [UpdateKernel#groupAdaGrad].
final class GroupAdaGradKernel extends RowKernel {
    private final float rate;
    private final float epsilon;
    private final boolean epsilonWithin;

    /// @param epsilonWithin whether `epsilon` is added below the root
    GroupAdaGradKernel(float rate, float epsilon, boolean epsilonWithin) {
        this.rate = requirePositive("rate", rate);
        this.epsilon = epsilonWithin
                ? requirePositive("epsilon", epsilon)
                : Math.max(requireNonNegative("epsilon", epsilon), LEAST_EPSILON);
        this.epsilonWithin = epsilonWithin;
    }

    @Override
    public int slotCount() {
        return 0;
    }

    @Override
    public int rowSlotCount() {
        return 1;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        long sum = rowSlot(row, slotStrideBytes);
        float a = (float) (get(sum) + Norms.sumOfSquares(gradient, length) / length);
        put(sum, a);
        float root = epsilonWithin ? root(a + epsilon) : root(a) + epsilon;
        float rate = (this.rate * factor) / root;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER)
                            .mul(rate))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            put(w, get(w) - get(gradient + (long) i * Float.BYTES) * rate);
        }
    }
}
