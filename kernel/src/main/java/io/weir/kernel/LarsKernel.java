package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#lars].
final class LarsKernel extends RowKernel {
    private final float rate;
    private final float momentum;
    private final float eta;
    private final float epsilon;
    private final float decay;

    LarsKernel(float rate, float momentum, float eta, float epsilon, float decay) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
        this.eta = requirePositive("eta", eta);
        this.epsilon = requireNonNegative("epsilon", epsilon);
        this.decay = requireNonNegative("decay", decay);
    }

    @Override
    public int slotCount() {
        return 1;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        long weight = row + startBytes;
        double weightNorm = Math.sqrt(Norms.sumOfSquares(weight, length));
        double gradientNorm = Math.sqrt(Norms.sumOfSquares(gradient, length));
        double trust = weightNorm > 0 && gradientNorm > 0
                ? eta * weightNorm / (gradientNorm + decay * weightNorm + epsilon)
                : 1;
        float rate = (float) ((double) this.rate * factor * trust);
        float momentum = this.momentum;
        float decay = this.decay;
        int i = 0;
        for (; i < bound; i += LANES) {
            long at = weight + (long) i * Float.BYTES;
            var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at, ORDER);
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER)
                    .add(w.mul(decay));
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, at + slotStrideBytes, ORDER)
                    .mul(momentum)
                    .add(g.mul(rate));
            v.intoMemorySegment(MEMORY, at + slotStrideBytes, ORDER);
            w.sub(v).intoMemorySegment(MEMORY, at, ORDER);
        }
        for (; i < length; i++) {
            long at = weight + (long) i * Float.BYTES;
            float w = get(at);
            float g = get(gradient + (long) i * Float.BYTES) + w * decay;
            float v = get(at + slotStrideBytes) * momentum + g * rate;
            put(at + slotStrideBytes, v);
            put(at, w - v);
        }
    }
}
