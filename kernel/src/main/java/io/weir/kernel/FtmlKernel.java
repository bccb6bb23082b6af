package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#ftml].
final class FtmlKernel extends MomentKernel {
    private final BiasCorrection bias;

    FtmlKernel(float rate, float beta1, float beta2, float epsilon) {
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
        float inverseRate = 1 / (factor * bias.rate(t));
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
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(beta2)
                    .add(g.mul(rest2).mul(g));
            var d = v.sqrt().mul(rootScale).add(epsilon).mul(inverseRate);
            var sigma = d.sub(FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                    .mul(beta1));
            var z = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 3 * slotStrideBytes, ORDER)
                    .mul(beta1)
                    .add(g.mul(rest1))
                    .sub(sigma.mul(FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)));
            v.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            d.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            z.intoMemorySegment(MEMORY, w + 3 * slotStrideBytes, ORDER);
            z.neg().div(d).intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float v = get(w + slotStrideBytes) * beta2 + (g * rest2) * g;
            float d = (root(v) * rootScale + epsilon) * inverseRate;
            float sigma = d - get(w + 2 * slotStrideBytes) * beta1;
            float z = (get(w + 3 * slotStrideBytes) * beta1 + g * rest1) - sigma * get(w);
            put(w + slotStrideBytes, v);
            put(w + 2 * slotStrideBytes, d);
            put(w + 3 * slotStrideBytes, z);
            put(w, -z / d);
        }
    }
}
