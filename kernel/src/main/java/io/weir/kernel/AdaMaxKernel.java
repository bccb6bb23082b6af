package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#adaMax].
final class AdaMaxKernel extends MomentKernel {
    private final BiasCorrection bias;

    AdaMaxKernel(float rate, float beta1, float beta2, float epsilon) {
        super(beta1, beta2, epsilon, Float.MIN_VALUE);
        this.bias = new BiasCorrection(requirePositive("rate", rate), beta1, 0);
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = factor * bias.rate(pushCount(row));
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = this.rest1;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var m = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(beta1)
                    .add(g.mul(rest1));
            var u = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                    .mul(beta2)
                    .max(g.abs());
            m.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            u.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(m.mul(rate).div(u.add(epsilon)))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(w + slotStrideBytes) * beta1 + g * rest1;
            float u = Math.max(get(w + 2 * slotStrideBytes) * beta2, Math.abs(g));
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, u);
            put(w, get(w) - (m * rate) / (u + epsilon));
        }
    }
}
