package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#rmsProp].
final class RmsPropKernel extends RowKernel {
    private final float rate;
    private final float rho;
    private final float epsilon;
    private final float momentum;
    private final boolean centered;

    RmsPropKernel(float rate, float rho, float epsilon, float momentum, boolean centered) {
        this.rate = requirePositive("rate", rate);
        this.rho = requireFraction("rho", rho);
        this.epsilon = requirePositive("epsilon", epsilon);
        this.momentum = requireFraction("momentum", momentum);
        this.centered = centered;
    }

    @Override
    public int slotCount() {
        return 1 + (centered ? 1 : 0) + (momentum > 0 ? 1 : 0);
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        long weight = row + startBytes;
        if (centered) {
            centered(weight, gradient, bound, length, slotStrideBytes, rate * factor);
        } else {
            plain(weight, gradient, bound, length, slotStrideBytes, rate * factor);
        }
    }

    /// This loop and the one of [#centered] begin alike. As one they would have to choose between vectors in the
    /// middle.
    private void plain(long weight, long gradient, int bound, int length, long slotStrideBytes, float rate) {
        float rho = this.rho;
        float rest = 1 - rho;
        float epsilon = this.epsilon;
        float momentum = this.momentum;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var a = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(rho)
                    .add(g.mul(rest).mul(g));
            a.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            var step = g.mul(rate).div(a.add(epsilon).sqrt());
            if (momentum > 0) {
                var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                        .mul(momentum)
                        .add(step);
                v.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
                FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER).sub(v).intoMemorySegment(MEMORY, w, ORDER);
            } else {
                FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                        .sub(step)
                        .intoMemorySegment(MEMORY, w, ORDER);
            }
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float a = get(w + slotStrideBytes) * rho + (g * rest) * g;
            put(w + slotStrideBytes, a);
            step(w, g * rate / root(a + epsilon), w + 2 * slotStrideBytes, momentum);
        }
    }

    private void centered(long weight, long gradient, int bound, int length, long slotStrideBytes, float rate) {
        float rho = this.rho;
        float rest = 1 - rho;
        float epsilon = this.epsilon;
        float momentum = this.momentum;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var a = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(rho)
                    .add(g.mul(rest).mul(g));
            a.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            var mean = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                    .mul(rho)
                    .add(g.mul(rest));
            mean.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            var variance = a.sub(mean.mul(mean)).max(0);
            var step = g.mul(rate).div(variance.add(epsilon).sqrt());
            if (momentum > 0) {
                var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 3 * slotStrideBytes, ORDER)
                        .mul(momentum)
                        .add(step);
                v.intoMemorySegment(MEMORY, w + 3 * slotStrideBytes, ORDER);
                FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER).sub(v).intoMemorySegment(MEMORY, w, ORDER);
            } else {
                FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER)
                        .sub(step)
                        .intoMemorySegment(MEMORY, w, ORDER);
            }
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float a = get(w + slotStrideBytes) * rho + (g * rest) * g;
            put(w + slotStrideBytes, a);
            float mean = get(w + 2 * slotStrideBytes) * rho + g * rest;
            put(w + 2 * slotStrideBytes, mean);
            float variance = Math.max(a - mean * mean, 0);
            step(w, g * rate / root(variance + epsilon), w + 3 * slotStrideBytes, momentum);
        }
    }

    private static void step(long w, float step, long velocity, float momentum) {
        if (momentum > 0) {
            float v = get(velocity) * momentum + step;
            put(velocity, v);
            put(w, get(w) - v);
        } else {
            put(w, get(w) - step);
        }
    }
}
