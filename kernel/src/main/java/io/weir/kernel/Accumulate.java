package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import io.weir.kernel.AssignmentKernel.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import jdk.incubator.vector.FloatVector;

/// Folds runs of floats into one, coordinate by coordinate, so that the order of additions is the order of the calls.
public final class Accumulate {
    private Accumulate() {}

    /// `into[i] ← into[i] + from[i]` for `length` floats. The runs must be native memory and not overlap.
    ///
    /// @param intoOffset offset in bytes of the first sum, at any alignment
    /// @param fromOffset offset in bytes of the first summand, at any alignment
    public static void add(MemorySegment into, long intoOffset, MemorySegment from, long fromOffset, int length) {
        long bytes = (long) length * Float.BYTES;
        long sum = NativeMemory.address(into, intoOffset, bytes, true);
        long summand = NativeMemory.address(from, fromOffset, bytes, false);
        try {
            int wideBound = WIDE.loopBound(length);
            int i = 0;
            for (; i < wideBound; i += WIDE.length()) {
                long offset = (long) i * Float.BYTES;
                var added = FloatVector.fromMemorySegment(WIDE, MEMORY, summand + offset, ORDER);
                FloatVector.fromMemorySegment(WIDE, MEMORY, sum + offset, ORDER)
                        .add(added)
                        .intoMemorySegment(MEMORY, sum + offset, ORDER);
            }
            int narrowBound = NARROW.loopBound(length);
            for (; i < narrowBound; i += NARROW.length()) {
                long offset = (long) i * Float.BYTES;
                var added = FloatVector.fromMemorySegment(NARROW, MEMORY, summand + offset, ORDER);
                FloatVector.fromMemorySegment(NARROW, MEMORY, sum + offset, ORDER)
                        .add(added)
                        .intoMemorySegment(MEMORY, sum + offset, ORDER);
            }
            addScalar(sum, summand, i, length);
        } finally {
            Reference.reachabilityFence(into);
            Reference.reachabilityFence(from);
        }
    }

    /// `into[i] ← min(into[i], from[i])`, otherwise as [#add]. Of `-0` and `0` the former is less.
    public static void least(MemorySegment into, long intoOffset, MemorySegment from, long fromOffset, int length) {
        fold(Operation.MIN, into, intoOffset, from, fromOffset, length, MIDDLE.loopBound(length));
    }

    /// `into[i] ← max(into[i], from[i])`, otherwise as [#add]. Of `-0` and `0` the latter is greater.
    public static void greatest(MemorySegment into, long intoOffset, MemorySegment from, long fromOffset, int length) {
        fold(Operation.MAX, into, intoOffset, from, fromOffset, length, MIDDLE.loopBound(length));
    }

    /// As [#add], one float at a time: the oracle.
    public static void addScalar(MemorySegment into, long intoOffset, MemorySegment from, long fromOffset, int length) {
        fold(Operation.ADD, into, intoOffset, from, fromOffset, length, 0);
    }

    /// @param bound floats to go over with lanes
    private static void fold(
            Operation operation,
            MemorySegment into,
            long intoOffset,
            MemorySegment from,
            long fromOffset,
            int length,
            int bound) {
        long bytes = (long) length * Float.BYTES;
        long target = NativeMemory.address(into, intoOffset, bytes, true);
        long source = NativeMemory.address(from, fromOffset, bytes, false);
        try {
            AssignmentKernel.apply(operation, target, source, bound, length);
        } finally {
            Reference.reachabilityFence(into);
            Reference.reachabilityFence(from);
        }
    }

    private static void addScalar(long sum, long summand, int from, int length) {
        for (int i = from; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            MEMORY.set(FLOAT, sum + offset, MEMORY.get(FLOAT, sum + offset) + MEMORY.get(FLOAT, summand + offset));
        }
    }
}
