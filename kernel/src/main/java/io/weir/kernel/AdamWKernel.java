package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#adamW].
final class AdamWKernel extends MomentKernel {
    private final float rate;
    private final float decay;
    private final BiasCorrection bias;

    AdamWKernel(float rate, float beta1, float beta2, float epsilon, float decay) {
        super(beta1, beta2, epsilon, LEAST_EPSILON);
        this.rate = requirePositive("rate", rate);
        this.decay = requireNonNegative("decay", decay);
        this.bias = new BiasCorrection(rate, beta1, beta2);
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        int t = pushCount(row);
        float rate = factor * bias.rate(t);
        float rootScale = bias.rootScale(t);
        float shrink = (factor * this.rate) * decay;
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = this.rest1;
        float rest2 = this.rest2;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long at = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var m = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at + slotStrideBytes, ORDER)
                    .mul(beta1)
                    .add(g.mul(rest1));
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at + 2 * slotStrideBytes, ORDER)
                    .mul(beta2)
                    .add(g.mul(rest2).mul(g));
            m.intoMemorySegment(MEMORY, at + slotStrideBytes, ORDER);
            v.intoMemorySegment(MEMORY, at + 2 * slotStrideBytes, ORDER);
            var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at, ORDER);
            var step = m.mul(rate).div(v.sqrt().mul(rootScale).add(epsilon));
            w.sub(w.mul(shrink)).sub(step).intoMemorySegment(MEMORY, at, ORDER);
        }
        for (; i < length; i++) {
            long at = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(at + slotStrideBytes) * beta1 + g * rest1;
            float v = get(at + 2 * slotStrideBytes) * beta2 + (g * rest2) * g;
            put(at + slotStrideBytes, m);
            put(at + 2 * slotStrideBytes, v);
            float w = get(at);
            float step = (m * rate) / (root(v) * rootScale + epsilon);
            put(at, (w - w * shrink) - step);
        }
    }
}
