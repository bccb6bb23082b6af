package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.INT;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import jdk.incubator.vector.FloatVector;

/// Copies rows between records and runs of consecutive floats, bit for bit.
///
/// A row is a run of `length` floats at an offset of its own: the weights, or weights and slots together, since
/// they lie side by side. Segments must be native, stay open for the whole call, and not overlap. Calls are
/// checked whole before the first byte is written, and allocate nothing.
public final class RowCopy {
    /// Runs of this many floats or more are left to the JDK's block copy, whose start-up cost they outweigh.
    private static final int BLOCK_LENGTH = 512;

    private RowCopy() {}

    /// Copies the rows `rowOffsets[from] … rowOffsets[from + count - 1]` to consecutive places.
    ///
    /// @param rowOffsets offsets in bytes in `records`; repeats are allowed
    /// @param length floats of one row
    /// @param destinationOffset offset in bytes in `destination` of the first row
    /// @throws IndexOutOfBoundsException if a row is not within `records` or the copies not within
    /// `destination`
    public static void gather(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            int length,
            MemorySegment destination,
            long destinationOffset) {
        gatherParts(records, rowOffsets, from, count, 0, length, destination, destinationOffset);
    }

    /// As [#gather], for the part of each row that starts `startBytes` after the row's offset.
    public static void gatherParts(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            int length,
            MemorySegment destination,
            long destinationOffset) {
        long base = check(records, rowOffsets, from, count, startBytes, length, false);
        long rowBytes = (long) length * Float.BYTES;
        long target = NativeMemory.address(destination, destinationOffset, count * rowBytes, true);
        try {
            gatherRows(base + startBytes, rowOffsets, from, count, length, target);
        } finally {
            Reference.reachabilityFence(records);
            Reference.reachabilityFence(destination);
        }
    }

    /// Copies consecutive runs to the rows `rowOffsets[from] … rowOffsets[from + count - 1]`, in that order:
    /// the inverse of [#gather].
    ///
    /// @throws IndexOutOfBoundsException if a row is not within `records` or the runs not within `source`
    public static void scatter(
            MemorySegment source,
            long sourceOffset,
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            int length) {
        scatterParts(source, sourceOffset, records, rowOffsets, from, count, 0, length);
    }

    /// As [#scatter], into the part of each row that starts `startBytes` after the row's offset.
    public static void scatterParts(
            MemorySegment source,
            long sourceOffset,
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            int length) {
        long base = check(records, rowOffsets, from, count, startBytes, length, true);
        long rowBytes = (long) length * Float.BYTES;
        long start = NativeMemory.address(source, sourceOffset, count * rowBytes, false);
        try {
            base += startBytes;
            for (int i = from; i < from + count; i++) {
                copyRow(start, base + rowOffsets[i], length);
                start += rowBytes;
            }
        } finally {
            Reference.reachabilityFence(records);
            Reference.reachabilityFence(source);
        }
    }

    /// As [#gather], one float at a time: the oracle, and the other side of the benchmark.
    public static void gatherScalar(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            int length,
            MemorySegment destination,
            long destinationOffset) {
        long base = check(records, rowOffsets, from, count, 0, length, false);
        long rowBytes = (long) length * Float.BYTES;
        long target = NativeMemory.address(destination, destinationOffset, count * rowBytes, true);
        try {
            for (int i = from; i < from + count; i++) {
                long row = base + rowOffsets[i];
                for (int j = 0; j < length; j++) {
                    long offset = (long) j * Float.BYTES;
                    MEMORY.set(INT, target + offset, MEMORY.get(INT, row + offset));
                }
                target += rowBytes;
            }
        } finally {
            Reference.reachabilityFence(records);
            Reference.reachabilityFence(destination);
        }
    }

    private static void gatherRows(long base, long[] rowOffsets, int from, int count, int length, long target) {
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                MEMORY.set(INT, target, MEMORY.get(INT, base + rowOffsets[i]));
                target += Float.BYTES;
            }
        } else if (length == MIDDLE.length()) {
            for (int i = from; i < from + count; i++) {
                FloatVector.fromMemorySegment(MIDDLE, MEMORY, base + rowOffsets[i], ORDER)
                        .intoMemorySegment(MEMORY, target, ORDER);
                target += (long) MIDDLE.length() * Float.BYTES;
            }
        } else if (length == WIDE.length()) {
            for (int i = from; i < from + count; i++) {
                FloatVector.fromMemorySegment(WIDE, MEMORY, base + rowOffsets[i], ORDER)
                        .intoMemorySegment(MEMORY, target, ORDER);
                target += (long) WIDE.length() * Float.BYTES;
            }
        } else {
            for (int i = from; i < from + count; i++) {
                copyRow(base + rowOffsets[i], target, length);
                target += (long) length * Float.BYTES;
            }
        }
    }

    private static void copyRow(long source, long target, int length) {
        if (length >= BLOCK_LENGTH) {
            MemorySegment.copy(MEMORY, source, MEMORY, target, (long) length * Float.BYTES);
            return;
        }
        int wideBound = WIDE.loopBound(length);
        int j = 0;
        for (; j < wideBound; j += WIDE.length()) {
            long offset = (long) j * Float.BYTES;
            FloatVector.fromMemorySegment(WIDE, MEMORY, source + offset, ORDER)
                    .intoMemorySegment(MEMORY, target + offset, ORDER);
        }
        int narrowBound = NARROW.loopBound(length);
        for (; j < narrowBound; j += NARROW.length()) {
            long offset = (long) j * Float.BYTES;
            FloatVector.fromMemorySegment(NARROW, MEMORY, source + offset, ORDER)
                    .intoMemorySegment(MEMORY, target + offset, ORDER);
        }
        for (; j < length; j++) {
            long offset = (long) j * Float.BYTES;
            MEMORY.set(INT, target + offset, MEMORY.get(INT, source + offset));
        }
    }

    private static long check(
            MemorySegment records, long[] rowOffsets, int from, int count, long startBytes, int length, boolean write) {
        if (startBytes < 0 || length < 0) {
            throw new IllegalArgumentException(
                    "a part of a row has no negative bounds: startBytes=" + startBytes + ", length=" + length);
        }
        long base = NativeMemory.address(records, write);
        long bytes = Math.addExact(startBytes, (long) length * Float.BYTES);
        NativeMemory.checkRows(records.byteSize(), rowOffsets, from, count, 0, bytes);
        return base;
    }
}
