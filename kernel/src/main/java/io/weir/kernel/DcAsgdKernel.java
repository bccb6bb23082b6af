package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#dcAsgd].
final class DcAsgdKernel extends RowKernel {
    private final float rate;
    private final float momentum;
    private final float lambda;

    DcAsgdKernel(float rate, float momentum, float lambda) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
        this.lambda = requireNonNegative("lambda", lambda);
    }

    @Override
    public int slotCount() {
        return 1 + (momentum > 0 ? 1 : 0);
    }

    @Override
    void initializeSlots(long row, int length, long slotStrideBytes) {
        super.initializeSlots(row, length, slotStrideBytes);
        for (int i = 0; i < length; i++) {
            long w = row + (long) i * Float.BYTES;
            put(w + slotStrideBytes, get(w));
        }
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float momentum = this.momentum;
        float lambda = this.lambda;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long at = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at, ORDER);
            var drift = w.sub(FloatVector.fromMemorySegment(MIDDLE, MEMORY, at + slotStrideBytes, ORDER));
            w.intoMemorySegment(MEMORY, at + slotStrideBytes, ORDER);
            var step = g.add(g.mul(lambda).mul(g).mul(drift)).mul(rate);
            if (momentum > 0) {
                var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at + 2 * slotStrideBytes, ORDER)
                        .mul(momentum)
                        .add(step);
                v.intoMemorySegment(MEMORY, at + 2 * slotStrideBytes, ORDER);
                w.sub(v).intoMemorySegment(MEMORY, at, ORDER);
            } else {
                w.sub(step).intoMemorySegment(MEMORY, at, ORDER);
            }
        }
        for (; i < length; i++) {
            long at = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float w = get(at);
            float drift = w - get(at + slotStrideBytes);
            put(at + slotStrideBytes, w);
            float step = (g + ((g * lambda) * g) * drift) * rate;
            if (momentum > 0) {
                float v = get(at + 2 * slotStrideBytes) * momentum + step;
                put(at + 2 * slotStrideBytes, v);
                put(at, w - v);
            } else {
                put(at, w - step);
            }
        }
    }
}
