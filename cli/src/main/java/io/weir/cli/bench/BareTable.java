package io.weir.cli.bench;

import io.weir.kernel.RecordLayout;
import io.weir.kernel.RowCopy;
import io.weir.kernel.UpdateKernel;
import io.weir.kernel.UpdateKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// One flat table off heap, the fastest that is known to us: the ordinal of a record is all it takes to find it. No
/// index, no checks but those of the kernels. Confined to one thread at a time; its memory is given back when it is
/// collected.
///
/// A record of an embedding table is a header of 16 bytes, the weights and the accumulators, as in a table of Weir. A
/// tensor is its weights, then its accumulators. Memory is in huge pages where the system has them.
final class BareTable {
    static final float RATE = 0.05f;
    static final float EPSILON = 1e-8f;
    private static final int HUGE_PAGE_BYTES = 2 << 20;
    private static final int MADV_HUGEPAGE = 14;
    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x2 | 0x20;

    /// Rows whose records fit the first-level cache together with their gradients, at dim 16.
    private static final int TOUCHED_ROWS = 128;

    private static final int CACHE_LINE_BYTES = 64;

    private final MemorySegment memory;
    private final UpdateKernel kernel = UpdateKernels.adaGrad(RATE, EPSILON);
    private final int length;
    private final long recordBytes;
    private final long slotStrideBytes;
    /// Keeps the reads of [#touch] from being left out as useless.
    @SuppressWarnings("UnusedVariable")
    private int touched;

    private BareTable(long bytes, int length, long recordBytes, long slotStrideBytes) {
        this.memory = map(bytes);
        this.length = length;
        this.recordBytes = recordBytes;
        this.slotStrideBytes = slotStrideBytes;
    }

    /// An embedding table. Weight `j` of record `i` is [#initialWeight].
    static BareTable embedding(int recordCount, int dim) {
        long rowBytes = (long) dim * Float.BYTES;
        long recordBytes = (RecordLayout.HEADER_BYTES + 2 * rowBytes + 15) & -16;
        BareTable table = new BareTable(recordCount * recordBytes, dim, recordBytes, rowBytes);
        for (int i = 0; i < recordCount; i++) {
            for (int j = 0; j < dim; j++) {
                table.memory.set(
                        ValueLayout.JAVA_FLOAT, table.rowOffset(i) + (long) j * Float.BYTES, initialWeight(i, j));
            }
        }
        return table;
    }

    /// A tensor. Weight `j` is [#initialWeight] of `(0, j)`.
    static BareTable dense(int length) {
        long bytes = (long) length * Float.BYTES;
        BareTable table = new BareTable(RecordLayout.HEADER_BYTES + 2 * bytes, length, Float.BYTES, bytes);
        for (int j = 0; j < length; j++) {
            table.memory.set(ValueLayout.JAVA_FLOAT, table.rowOffset(j), initialWeight(0, j));
        }
        return table;
    }

    static float initialWeight(int ordinal, int position) {
        return ordinal % 100_000 + position * 0.25f;
    }

    private static MemorySegment map(long bytes) {
        Linker linker = Linker.nativeLinker();
        MethodHandle mmap = handle(
                linker,
                "mmap",
                FunctionDescriptor.of(
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        MethodHandle madvise = handle(
                linker,
                "madvise",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        if (!System.getProperty("os.name").equals("Linux")) {
            return Arena.ofAuto().allocate(bytes, 64);
        }
        try {
            // The range is ours alone: the segment covers it from its first huge page on and ends within it. It is
            // never unmapped, since a reference process holds one table for its whole life.
            long mappedBytes = bytes + HUGE_PAGE_BYTES;
            MemorySegment start = (MemorySegment)
                    mmap.invokeExact(MemorySegment.NULL, mappedBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (start.address() == -1) {
                throw new OutOfMemoryError("no memory for the table of the reference: bytes=" + mappedBytes);
            }
            long aligned = (start.address() + HUGE_PAGE_BYTES - 1) & -HUGE_PAGE_BYTES;
            MemorySegment segment = MemorySegment.ofAddress(aligned).reinterpret(bytes);
            int _ = (int) madvise.invokeExact(segment, bytes, MADV_HUGEPAGE);
            return segment;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a call of the C library failed", e);
        }
    }

    private static MethodHandle handle(Linker linker, String name, FunctionDescriptor descriptor) {
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /// Offset in bytes of the weights of a record.
    long rowOffset(long ordinal) {
        return ordinal * recordBytes + RecordLayout.HEADER_BYTES;
    }

    /// Turns ordinals into offsets of rows, in place.
    void toRowOffsets(long[] ordinals, int from, int to) {
        long recordBytes = this.recordBytes;
        for (int i = from; i < to; i++) {
            ordinals[i] = ordinals[i] * recordBytes + RecordLayout.HEADER_BYTES;
        }
    }

    /// Copies the rows at `rowOffsets[from …]` to consecutive places.
    void gather(long[] rowOffsets, int from, int count, MemorySegment destination, long destinationOffset) {
        RowCopy.gather(memory, rowOffsets, from, count, length, destination, destinationOffset);
    }

    /// Applies consecutive gradients to the rows at `rowOffsets[from …]`.
    void update(long[] rowOffsets, int from, int count, MemorySegment gradients, long gradientsOffset) {
        long rowBytes = (long) length * Float.BYTES;
        for (int done = 0; done < count; ) {
            int part = Math.min(TOUCHED_ROWS, count - done);
            touch(rowOffsets, from + done, part);
            kernel.update(
                    memory,
                    rowOffsets,
                    from + done,
                    part,
                    gradients,
                    gradientsOffset + done * rowBytes,
                    length,
                    slotStrideBytes);
            done += part;
        }
    }

    /// Reads something of each cache line of each record, so that all of them come at once: the update that follows
    /// would wait for them a few at a time.
    private void touch(long[] rowOffsets, int from, int count) {
        MemorySegment memory = this.memory;
        long bytes = recordBytes - RecordLayout.HEADER_BYTES;
        int sum = 0;
        if (bytes == 2 * CACHE_LINE_BYTES) {
            for (int i = from; i < from + count; i++) {
                long offset = rowOffsets[i];
                sum += memory.get(ValueLayout.JAVA_INT, offset)
                        + memory.get(ValueLayout.JAVA_INT, offset + CACHE_LINE_BYTES)
                        + memory.get(ValueLayout.JAVA_INT, offset + 2 * CACHE_LINE_BYTES - Integer.BYTES);
            }
        } else {
            for (int i = from; i < from + count; i++) {
                for (long line = 0; line < bytes; line += CACHE_LINE_BYTES) {
                    sum += memory.get(ValueLayout.JAVA_INT, rowOffsets[i] + line);
                }
            }
        }
        touched += sum;
    }

    /// Copies `count` floats of a tensor.
    void copyStretch(long position, int count, MemorySegment destination, long destinationOffset) {
        MemorySegment.copy(memory, rowOffset(position), destination, destinationOffset, (long) count * Float.BYTES);
    }

    /// Applies gradients to `count` floats of a tensor.
    void updateStretch(long[] offset, long position, int count, MemorySegment gradients, long gradientsOffset) {
        offset[0] = rowOffset(position);
        kernel.update(memory, offset, 0, 1, gradients, gradientsOffset, count, slotStrideBytes);
    }

    /// Copies one row into an array.
    void copyRow(long ordinal, float[] rows, int rowsFrom) {
        MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, rowOffset(ordinal), rows, rowsFrom, length);
    }

    /// Weights of a record, or of a tensor.
    int length() {
        return length;
    }
}
