package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#add], [UpdateKernels#assign], [UpdateKernels#min] and [UpdateKernels#max].
final class AssignmentKernel extends RowKernel {
    enum Operation {
        ADD,
        ASSIGN,
        MIN,
        MAX
    }

    private final Operation operation;

    AssignmentKernel(Operation operation) {
        this.operation = operation;
    }

    @Override
    public int slotCount() {
        return 0;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        apply(operation, row + startBytes, gradient, bound, length);
    }

    /// A run of values into a run of weights, both given by their addresses.
    static void apply(Operation operation, long weight, long value, int bound, int length) {
        switch (operation) {
            case ADD -> add(weight, value, bound, length);
            case ASSIGN -> assign(weight, value, bound, length);
            case MIN -> min(weight, value, bound, length);
            case MAX -> max(weight, value, bound, length);
        }
    }

    private static void add(long weight, long delta, int bound, int length) {
        int i = 0;
        for (; i < bound; i += LANES) {
            long offset = (long) i * Float.BYTES;
            var d = FloatVector.fromMemorySegment(MIDDLE, MEMORY, delta + offset, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER)
                    .add(d)
                    .intoMemorySegment(MEMORY, weight + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            MEMORY.set(FLOAT, weight + offset, MEMORY.get(FLOAT, weight + offset) + MEMORY.get(FLOAT, delta + offset));
        }
    }

    private static void assign(long weight, long value, int bound, int length) {
        int i = 0;
        for (; i < bound; i += LANES) {
            long offset = (long) i * Float.BYTES;
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, value + offset, ORDER)
                    .intoMemorySegment(MEMORY, weight + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            MEMORY.set(FLOAT, weight + offset, MEMORY.get(FLOAT, value + offset));
        }
    }

    private static void min(long weight, long value, int bound, int length) {
        int i = 0;
        for (; i < bound; i += LANES) {
            long offset = (long) i * Float.BYTES;
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, value + offset, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER)
                    .min(v)
                    .intoMemorySegment(MEMORY, weight + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            float least = Math.min(MEMORY.get(FLOAT, weight + offset), MEMORY.get(FLOAT, value + offset));
            MEMORY.set(FLOAT, weight + offset, least);
        }
    }

    private static void max(long weight, long value, int bound, int length) {
        int i = 0;
        for (; i < bound; i += LANES) {
            long offset = (long) i * Float.BYTES;
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, value + offset, ORDER);
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER)
                    .max(v)
                    .intoMemorySegment(MEMORY, weight + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            float greatest = Math.max(MEMORY.get(FLOAT, weight + offset), MEMORY.get(FLOAT, value + offset));
            MEMORY.set(FLOAT, weight + offset, greatest);
        }
    }
}
