package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#adaGrad].
final class AdaGradKernel extends LaneKernel {
    private final float rate;
    private final float epsilon;

    AdaGradKernel(float rate, float epsilon) {
        this.rate = requirePositive("rate", rate);
        this.epsilon = Math.max(requireNonNegative("epsilon", epsilon), LEAST_EPSILON);
    }

    @Override
    public int slotCount() {
        return 1;
    }

    @Override
    void scalarRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float rate = this.rate * factor;
        float epsilon = this.epsilon;

        // For linear models: an inner loop of one round would cost more than its float.
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                long weight = base + rowOffsets[i] + startBytes;
                element(weight, gradient, slotStrideBytes, rate, epsilon);
                gradient += gradientStrideBytes;
            }
            return;
        }
        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j++) {
                long offset = (long) j * Float.BYTES;
                element(weight + offset, gradient + offset, slotStrideBytes, rate, epsilon);
            }
            gradient += gradientStrideBytes;
        }
    }

    private static void element(long weight, long gradient, long slotStrideBytes, float rate, float epsilon) {
        float g = MEMORY.get(FLOAT, gradient);
        float a = MEMORY.get(FLOAT, weight + slotStrideBytes) + g * g;
        MEMORY.set(FLOAT, weight + slotStrideBytes, a);
        float step = (rate * g) / ((float) Math.sqrt(a) + epsilon);
        MEMORY.set(FLOAT, weight, MEMORY.get(FLOAT, weight) - step);
    }

    @Override
    void narrowRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float rate = this.rate * factor;
        float epsilon = this.epsilon;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += NARROW.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(NARROW, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var a = old.add(g.mul(g));
                a.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var step = g.mul(rate).div(a.sqrt().add(epsilon));
                var w = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }

    @Override
    void middleRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float rate = this.rate * factor;
        float epsilon = this.epsilon;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += MIDDLE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var a = old.add(g.mul(g));
                a.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var step = g.mul(rate).div(a.sqrt().add(epsilon));
                var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }

    @Override
    void wideRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float rate = this.rate * factor;
        float epsilon = this.epsilon;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += WIDE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(WIDE, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var a = old.add(g.mul(g));
                a.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var step = g.mul(rate).div(a.sqrt().add(epsilon));
                var w = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }
}
