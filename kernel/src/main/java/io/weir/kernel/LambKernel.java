package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#lamb].
final class LambKernel extends MomentKernel {
    private final float rate;
    private final float decay;
    private final float lower;
    private final float upper;
    private final BiasCorrection bias;

    /// The direction of one row, whose norm decides the length of the step.
    private final Scratch direction = new Scratch();

    LambKernel(float rate, float beta1, float beta2, float epsilon, float decay, float lower, float upper) {
        super(beta1, beta2, epsilon, LEAST_EPSILON);
        this.rate = requirePositive("rate", rate);
        this.decay = requireNonNegative("decay", decay);
        this.lower = requireNonNegative("lower", lower);
        this.upper = requireNonNegative("upper", upper);
        this.bias = new BiasCorrection(1, beta1, beta2);
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    public long scratchBytes() {
        return direction.bytes();
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        long weight = row + startBytes;
        long r = direction.address(length);
        direct(weight, gradient, r, pushCount(row), bound, length, slotStrideBytes);
        double weightNorm = Math.max(lower, Math.sqrt(Norms.sumOfSquares(weight, length)));
        if (upper > 0) {
            weightNorm = Math.min(upper, weightNorm);
        }
        double norm = Math.sqrt(Norms.sumOfSquares(r, length));
        double trust = weightNorm > 0 && norm > 0 ? weightNorm / norm : 1;
        float rate = (float) ((double) this.rate * factor * trust);
        descend(weight, r, bound, length, rate);
    }

    /// Moves the moments on, and writes Adam's direction with the weight decay to `r`.
    private void direct(long weight, long gradient, long r, int t, int bound, int length, long slotStrideBytes) {
        float scale = bias.rate(t);
        float rootScale = bias.rootScale(t);
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = this.rest1;
        float rest2 = this.rest2;
        float epsilon = this.epsilon;
        float decay = this.decay;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var m = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(beta1)
                    .add(g.mul(rest1));
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                    .mul(beta2)
                    .add(g.mul(rest2).mul(g));
            m.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            v.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            var adam = m.mul(scale).div(v.sqrt().mul(rootScale).add(epsilon));
            adam.add(FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER).mul(decay))
                    .intoMemorySegment(MEMORY, r + (long) i * Float.BYTES, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(w + slotStrideBytes) * beta1 + g * rest1;
            float v = get(w + 2 * slotStrideBytes) * beta2 + (g * rest2) * g;
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, v);
            float adam = (m * scale) / (root(v) * rootScale + epsilon);
            put(r + (long) i * Float.BYTES, adam + get(w) * decay);
        }
    }
}
