package io.weir.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;

/// One optimizer of [UpdateKernels], as a loop over the rows of a push. Confined to one thread at a time: some keep
/// room for the gradient of a row. A call touches only the rows it is given, which must not be touched by another
/// thread meanwhile.
///
/// Rows are given by the offsets of their weights in `records`; slot `k` of a row starts `(k + 1) ·
/// slotStrideBytes` after its weights, and slots of a single float follow the last of those. Gradients lie one
/// after the other, `length` floats each, at any alignment. All floats are little-endian. Segments must be
/// native, stay open for the whole call, and not overlap.
///
/// Arithmetic is 32-bit floating point in the order that each optimizer documents, without fused multiply-add,
/// so results do not depend on the machine. The scalar and the vector form agree bit for bit, save for the bits
/// within a NaN. Gradients are expected to be finite; other values go through the formula as they are.
///
/// Calls are checked whole before the first row is touched, and allocate nothing.
public abstract sealed class UpdateKernel permits LaneKernel, RowKernel, TunedKernel {
    /// The least epsilon below a root: less than the root of every float above 0, so it alters no quotient
    /// whose sum of squares is not 0, and makes the others 0 instead of 0 / 0.
    static final float LEAST_EPSILON = 0x1p-75f;

    UpdateKernel() {}

    /// Slots kept beside the weights of a row, each as long as the weights.
    public abstract int slotCount();

    /// Slots of a single float, kept once for the whole row, behind the others.
    public int rowSlotCount() {
        return 0;
    }

    /// Bytes outside the heap that this kernel holds for itself.
    public long scratchBytes() {
        return 0;
    }

    /// Floats of a row of `rowLength` weights with all its slots.
    public final int valueLength(int rowLength) {
        return Math.addExact(Math.multiplyExact(rowLength, 1 + slotCount()), rowSlotCount());
    }

    /// Applies one gradient to each of the rows `rowOffsets[from] … rowOffsets[from + count - 1]`, in that
    /// order.
    ///
    /// The caller has raised each row's push count before. A row that is listed twice is updated twice.
    ///
    /// @param rowOffsets offsets in bytes of the weights in `records`; a record header lies before each
    /// @param gradientsOffset offset in bytes of the gradient of row `from`
    /// @param length weights of a row to update, from its first; the length of a gradient
    /// @param slotStrideBytes bytes from the weights to the first slot, and from slot to slot
    /// @throws IndexOutOfBoundsException if a row or a gradient is not within its segment; nothing has changed
    /// then
    public final void update(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            MemorySegment gradients,
            long gradientsOffset,
            int length,
            long slotStrideBytes) {
        updateParts(records, rowOffsets, from, count, 0, gradients, gradientsOffset, length, slotStrideBytes);
    }

    /// As [#update], for a part of each row: the `length` weights that start `startBytes` after the row's
    /// first.
    ///
    /// The push count is that of the whole row. `rowOffsets` are still the starts of the rows.
    public final void updateParts(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            MemorySegment gradients,
            long gradientsOffset,
            int length,
            long slotStrideBytes) {
        apply(records, rowOffsets, from, count, startBytes, gradients, gradientsOffset, length, slotStrideBytes, true);
    }

    /// As [#updateParts], always in the scalar form: the oracle of the vector form.
    public final void updateScalar(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            MemorySegment gradients,
            long gradientsOffset,
            int length,
            long slotStrideBytes) {
        apply(records, rowOffsets, from, count, startBytes, gradients, gradientsOffset, length, slotStrideBytes, false);
    }

    private void apply(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            MemorySegment gradients,
            long gradientsOffset,
            int length,
            long slotStrideBytes,
            boolean vector) {
        long base = check(records, rowOffsets, from, count, startBytes, length, slotStrideBytes);
        long gradient = NativeMemory.address(gradients, gradientsOffset, (long) count * length * Float.BYTES, false);
        try {
            rows(base, rowOffsets, from, count, startBytes, gradient, length, slotStrideBytes, 1, vector);
        } finally {
            // With its scratch.
            Reference.reachabilityFence(this);
            Reference.reachabilityFence(records);
            Reference.reachabilityFence(gradients);
        }
    }

    /// This kernel, with a gradient that is worked on before, row by row, and a rate that moves:
    ///
    /// ```
    ///   g ← scale · g
    ///   g ← min(max(g, −clip), clip)            unless clip is 0
    ///   g ← g · (clipNorm / ‖g‖)                unless clipNorm is 0 or at least ‖g‖, which is in double
    ///   g ← g + decay · w                       unless decay is 0
    /// ```
    ///
    /// Costs a pass over the gradient, or two with `clipNorm` or `decay`, and one call a row. Where all of it is
    /// neutral the result is this kernel itself.
    ///
    /// @param rateFactor what the rate is multiplied with, or null
    /// @throws IllegalArgumentException if a factor is given for FTRL, whose weight is worked out anew at one
    /// `alpha`
    public UpdateKernel tuned(float scale, float clip, float clipNorm, float decay, @Nullable RateFactor rateFactor) {
        if (rateFactor != null && this instanceof FtrlKernel) {
            throw new IllegalArgumentException("ftrl has no schedule");
        }
        boolean neutral = scale == 1 && clip == 0 && clipNorm == 0 && decay == 0 && rateFactor == null;
        return neutral ? this : new TunedKernel(this, scale, clip, clipNorm, decay, rateFactor);
    }

    /// Sets the slots of a new row, whose weights already hold the initial row; the weights stay as they are.
    ///
    /// Slots become 0, save for `z` of FTRL, which becomes what the initial weight would be computed from.
    public final void initialize(MemorySegment records, long rowOffset, int length, long slotStrideBytes) {
        checkShape(0, length, slotStrideBytes);
        long bytes = bytesOfRow(0, length, slotStrideBytes);
        long row = NativeMemory.address(records, rowOffset, bytes, true);
        try {
            initializeSlots(row, length, slotStrideBytes);
        } finally {
            Reference.reachabilityFence(records);
        }
    }

    /// The update itself. `base` and `gradient` are addresses, and all arguments are checked.
    ///
    /// @param factor what a schedule multiplies the rate with; 1 without one
    /// @param vector whether lanes may be used; the results are the same
    abstract void rows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            int length,
            long slotStrideBytes,
            float factor,
            boolean vector);

    /// `row` is the address of the weights.
    void initializeSlots(long row, int length, long slotStrideBytes) {
        for (int slot = 0; slot < slotCount(); slot++) {
            long start = row + (slot + 1) * slotStrideBytes;
            for (int i = 0; i < length; i++) {
                NativeMemory.MEMORY.set(RecordLayout.FLOAT, start + (long) i * Float.BYTES, 0);
            }
        }
        for (int slot = 0; slot < rowSlotCount(); slot++) {
            NativeMemory.MEMORY.set(RecordLayout.FLOAT, rowSlot(row, slotStrideBytes) + (long) slot * Float.BYTES, 0);
        }
    }

    private long check(
            MemorySegment records,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            int length,
            long slotStrideBytes) {
        checkShape(startBytes, length, slotStrideBytes);
        long base = NativeMemory.address(records, true);
        long bytes = bytesOfRow(startBytes, length, slotStrideBytes);
        NativeMemory.checkRows(records.byteSize(), rowOffsets, from, count, RecordLayout.HEADER_BYTES, bytes);
        return base;
    }

    /// Bytes from the weights of a row to the last one that an update touches.
    private long bytesOfRow(long startBytes, int length, long slotStrideBytes) {
        long slots = startBytes + slotCount() * slotStrideBytes + (long) length * Float.BYTES;
        return rowSlotCount() == 0 ? slots : rowSlot(0, slotStrideBytes) + (long) rowSlotCount() * Float.BYTES;
    }

    /// Where the slots of a single float start, for the row whose weights start at `row`.
    final long rowSlot(long row, long slotStrideBytes) {
        return row + (1 + slotCount()) * slotStrideBytes;
    }

    private void checkShape(long startBytes, int length, long slotStrideBytes) {
        long partBytes = (long) length * Float.BYTES;
        boolean partFits = startBytes >= 0 && length >= 0 && startBytes <= MAX_STRIDE_BYTES - partBytes;
        boolean slotsApart = slotCount() + rowSlotCount() == 0
                || (slotStrideBytes >= startBytes + partBytes && slotStrideBytes <= MAX_STRIDE_BYTES);
        if (!partFits || !slotsApart) {
            throw new IllegalArgumentException("the part must lie within the weights of its row: startBytes="
                    + startBytes + ", length=" + length + ", slotStrideBytes=" + slotStrideBytes);
        }
    }

    /// Far above any row, low enough that sums of offsets cannot overflow.
    private static final long MAX_STRIDE_BYTES = 1L << 40;

    static float requirePositive(String name, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be above 0 and finite: " + name + "=" + value);
        }
        return value;
    }

    static float requireNonNegative(String name, float value) {
        if (!(value >= 0) || Float.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be 0 or more and finite: " + name + "=" + value);
        }
        return value;
    }

    static float requireFraction(String name, float value) {
        if (!(value >= 0) || !(value < 1)) {
            throw new IllegalArgumentException(name + " must be at least 0 and below 1: " + name + "=" + value);
        }
        return value;
    }
}
