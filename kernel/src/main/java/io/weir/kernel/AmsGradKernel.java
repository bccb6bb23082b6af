package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#amsGrad].
final class AmsGradKernel extends MomentKernel {
    private final BiasCorrection bias;

    AmsGradKernel(float rate, float beta1, float beta2, float epsilon) {
        super(beta1, beta2, epsilon, LEAST_EPSILON);
        this.bias = new BiasCorrection(requirePositive("rate", rate), beta1, beta2);
    }

    @Override
    public int slotCount() {
        return 3;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        int t = pushCount(row);
        float rate = factor * bias.rate(t);
        float rootScale = bias.rootScale(t);
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = this.rest1;
        float rest2 = this.rest2;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
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
            var greatest = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 3 * slotStrideBytes, ORDER)
                    .max(v);
            m.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            v.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            greatest.intoMemorySegment(MEMORY, w + 3 * slotStrideBytes, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(m.mul(rate).div(greatest.sqrt().mul(rootScale).add(epsilon)))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(w + slotStrideBytes) * beta1 + g * rest1;
            float v = get(w + 2 * slotStrideBytes) * beta2 + (g * rest2) * g;
            float greatest = Math.max(get(w + 3 * slotStrideBytes), v);
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, v);
            put(w + 3 * slotStrideBytes, greatest);
            put(w, get(w) - (m * rate) / (root(greatest) * rootScale + epsilon));
        }
    }
}
