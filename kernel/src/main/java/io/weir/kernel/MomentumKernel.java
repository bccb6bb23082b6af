package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#momentum].
final class MomentumKernel extends LaneKernel {
    private final float rate;
    private final float momentum;

    MomentumKernel(float rate, float momentum) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
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
        float momentum = this.momentum;

        // For linear models: an inner loop of one round would cost more than its float.
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                long weight = base + rowOffsets[i] + startBytes;
                element(weight, gradient, slotStrideBytes, rate, momentum);
                gradient += gradientStrideBytes;
            }
            return;
        }
        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j++) {
                long offset = (long) j * Float.BYTES;
                element(weight + offset, gradient + offset, slotStrideBytes, rate, momentum);
            }
            gradient += gradientStrideBytes;
        }
    }

    private static void element(long weight, long gradient, long slotStrideBytes, float rate, float momentum) {
        float v = momentum * MEMORY.get(FLOAT, weight + slotStrideBytes) + MEMORY.get(FLOAT, gradient);
        MEMORY.set(FLOAT, weight + slotStrideBytes, v);
        MEMORY.set(FLOAT, weight, MEMORY.get(FLOAT, weight) - rate * v);
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
        float momentum = this.momentum;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += NARROW.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(NARROW, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var v = old.mul(momentum).add(g);
                v.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var w = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset, ORDER);
                w.sub(v.mul(rate)).intoMemorySegment(MEMORY, weight + offset, ORDER);
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
        float momentum = this.momentum;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += MIDDLE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var v = old.mul(momentum).add(g);
                v.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER);
                w.sub(v.mul(rate)).intoMemorySegment(MEMORY, weight + offset, ORDER);
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
        float momentum = this.momentum;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += WIDE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(WIDE, MEMORY, gradient + offset, ORDER);
                var old = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var v = old.mul(momentum).add(g);
                v.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                var w = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset, ORDER);
                w.sub(v.mul(rate)).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }
}
