package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#nesterov].
final class NesterovKernel extends RowKernel {
    private final float rate;
    private final float momentum;

    NesterovKernel(float rate, float momentum) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
    }

    @Override
    public int slotCount() {
        return 1;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float momentum = this.momentum;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(momentum)
                    .add(g);
            v.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                    .sub(g.add(v.mul(momentum)).mul(rate))
                    .intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float v = get(w + slotStrideBytes) * momentum + g;
            put(w + slotStrideBytes, v);
            put(w, get(w) - (g + v * momentum) * rate);
        }
    }
}
