package io.weir.kernel;

import java.lang.foreign.MemorySegment;

/// The one place where kernels step out of bounds-checked segments, and the checks that make it safe.
///
/// Loops read and write through one constant segment over the whole address space, by absolute address. To the
/// compiler its class, bounds and scope are constants: no loop depends on which kinds of segment other code of
/// the process has used, and no access pays for bounds and liveness again. In exchange every entry point
/// proves, before it touches anything, that the call stays inside the segments it was given: [#address] for a
/// contiguous range, [#checkRows] for a run of rows. A caller keeps its segments reachable to the end of the
/// call with [java.lang.ref.Reference#reachabilityFence], and must not have them closed by another thread
/// meanwhile.
final class NativeMemory {
    /// All addresses. Never leaves this package.
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private NativeMemory() {}

    /// The address of `offset` in `segment`, after checking that `bytes` from there on may be read or written.
    static long address(MemorySegment segment, long offset, long bytes, boolean write) {
        long base = address(segment, write);
        if ((offset | bytes) < 0 || offset > segment.byteSize() - bytes) {
            throw outOfBounds(segment, offset, bytes);
        }
        return base + offset;
    }

    /// The address of `segment`, after checking that this thread may read or write it at all.
    static long address(MemorySegment segment, boolean write) {
        if (!segment.isNative() || (write && segment.isReadOnly())) {
            throw new IllegalArgumentException("kernels need native memory" + (write ? " they may write" : "")
                    + ": native=" + segment.isNative() + ", readOnly=" + segment.isReadOnly());
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("segment is closed: byteSize=" + segment.byteSize());
        }
        if (!segment.isAccessibleBy(Thread.currentThread())) {
            throw new WrongThreadException("segment is confined to another thread: byteSize=" + segment.byteSize());
        }
        return segment.address();
    }

    /// Checks that each row offset is at least `before` and has `after` bytes behind it in a segment of
    /// `byteSize`.
    static void checkRows(long byteSize, long[] rowOffsets, int from, int count, long before, long after) {
        if ((from | count) < 0 || from > rowOffsets.length - count) {
            throw new IndexOutOfBoundsException("rows must lie within rowOffsets: from=" + from + ", count=" + count
                    + ", rowOffsets.length=" + rowOffsets.length);
        }
        // Free of branches: a negative difference anywhere leaves the sign bit set.
        long last = byteSize - after;
        long signs = last;
        for (int i = from; i < from + count; i++) {
            long rowOffset = rowOffsets[i];
            signs |= (rowOffset - before) | (last - rowOffset) | rowOffset;
        }
        if (count > 0 && signs < 0) {
            throw rowOutOfBounds(byteSize, rowOffsets, from, count, before, after);
        }
    }

    private static IndexOutOfBoundsException outOfBounds(MemorySegment segment, long offset, long bytes) {
        return new IndexOutOfBoundsException("range must lie within its segment: offset=" + offset + ", bytes=" + bytes
                + ", byteSize=" + segment.byteSize());
    }

    private static IndexOutOfBoundsException rowOutOfBounds(
            long byteSize, long[] rowOffsets, int from, int count, long before, long after) {
        int row = from;
        while (row < from + count - 1
                && rowOffsets[row] >= before
                && rowOffsets[row] >= 0
                && rowOffsets[row] <= byteSize - after) {
            row++;
        }
        return new IndexOutOfBoundsException("row must lie within the records: rowOffset=" + rowOffsets[row] + ", row="
                + row + ", bytesBefore=" + before + ", bytesAfter=" + after + ", byteSize=" + byteSize);
    }
}
