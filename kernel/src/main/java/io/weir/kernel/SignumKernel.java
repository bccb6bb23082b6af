package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// See [UpdateKernels#signum].
final class SignumKernel extends RowKernel {
    private final float rate;
    private final float momentum;
    private final float shrink;

    SignumKernel(float rate, float momentum, float shrink) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
        this.shrink = requireNonNegative("shrink", shrink);
    }

    @Override
    public int slotCount() {
        return momentum > 0 ? 1 : 0;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float shrink = rate * this.shrink;
        long weight = row + startBytes;
        long direction = gradient;
        if (momentum > 0) {
            average(weight + slotStrideBytes, gradient, bound, length);
            direction = weight + slotStrideBytes;
        }
        int i = 0;
        for (; i < bound; i += LANES) {
            long at = weight + (long) i * Float.BYTES;
            var m = FloatVector.fromMemorySegment(MIDDLE, MEMORY, direction + (long) i * Float.BYTES, ORDER);
            var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at, ORDER);
            var step = FloatVector.zero(MIDDLE)
                    .blend(rate, m.compare(VectorOperators.GT, 0))
                    .blend(-rate, m.compare(VectorOperators.LT, 0));
            w.sub(w.mul(shrink)).sub(step).intoMemorySegment(MEMORY, at, ORDER);
        }
        for (; i < length; i++) {
            long at = weight + (long) i * Float.BYTES;
            float m = get(direction + (long) i * Float.BYTES);
            float w = get(at);
            float step = m > 0 ? rate : m < 0 ? -rate : 0;
            put(at, (w - w * shrink) - step);
        }
    }

    private void average(long slot, long gradient, int bound, int length) {
        float momentum = this.momentum;
        float rest = 1 - momentum;
        int i = 0;
        for (; i < bound; i += LANES) {
            long m = slot + (long) i * Float.BYTES;
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, m, ORDER)
                    .mul(momentum)
                    .add(FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER)
                            .mul(rest))
                    .intoMemorySegment(MEMORY, m, ORDER);
        }
        for (; i < length; i++) {
            long m = slot + (long) i * Float.BYTES;
            put(m, get(m) * momentum + get(gradient + (long) i * Float.BYTES) * rest);
        }
    }
}
