package io.weir.kernel;

/// See [UpdateKernels#rowwiseAdaGrad] and [UpdateKernels#groupAdaGrad].
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
        descend(weight, gradient, bound, length, rate);
    }
}
