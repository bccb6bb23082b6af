package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#adaDelta].
final class AdaDeltaKernel extends RowKernel {
    private final float rate;
    private final float rho;
    private final float epsilon;

    AdaDeltaKernel(float rate, float rho, float epsilon) {
        this.rate = requirePositive("rate", rate);
        this.rho = requireFraction("rho", rho);
        this.epsilon = requirePositive("epsilon", epsilon);
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float rho = this.rho;
        float rest = 1 - rho;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var a = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(rho)
                    .add(g.mul(rest).mul(g));
            var d = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER);
            var step = d.add(epsilon).sqrt().div(a.add(epsilon).sqrt()).mul(g);
            a.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            d.mul(rho).add(step.mul(rest).mul(step)).intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(step.mul(rate))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float a = get(w + slotStrideBytes) * rho + (g * rest) * g;
            float d = get(w + 2 * slotStrideBytes);
            float step = root(d + epsilon) / root(a + epsilon) * g;
            put(w + slotStrideBytes, a);
            put(w + 2 * slotStrideBytes, d * rho + (step * rest) * step);
            put(w, get(w) - step * rate);
        }
    }
}
