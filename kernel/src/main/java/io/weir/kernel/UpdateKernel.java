package io.weir.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/// One optimizer, as a loop over the rows of a push. Immutable; a call touches only the rows it is given, which
/// must not be touched by another thread meanwhile.
///
/// Rows are given by the offsets of their weights in `records`; slot `k` of a row starts `(k + 1) ·
/// slotStrideBytes` after its weights. Gradients lie one after the other, `length` floats each, at any
/// alignment. All floats are little-endian. Segments must be native, stay open for the whole call, and not
/// overlap.
///
/// Arithmetic is 32-bit floating point in the order that each optimizer documents, without fused multiply-add,
/// so results do not depend on the machine. The scalar and the vector form agree bit for bit, save for the bits
/// within a NaN. Gradients are expected to be finite; other values go through the formula as they are.
///
/// Calls are checked whole before the first row is touched, and allocate nothing.
public abstract sealed class UpdateKernel permits LaneKernel, RowKernel {
    /// The least epsilon below a root: less than the root of every float above 0, so it alters no quotient
    /// whose sum of squares is not 0, and makes the others 0 instead of 0 / 0.
    static final float LEAST_EPSILON = 0x1p-75f;

    UpdateKernel() {}

    /// Plain gradient descent, no slots: `w ← w − rate · g`.
    ///
    /// Under asynchrony the order of pushes changes results by rounding only; a gradient of older weights is
    /// applied at full rate.
    public static UpdateKernel sgd(float rate) {
        return new SgdKernel(rate);
    }

    /// Heavy-ball momentum, slot `v` (from 0): `v ← momentum · v + g`, then `w ← w − rate · v`.
    ///
    /// A row's `v` decays once a push of that row, not once a step. Asynchrony adds momentum of its own: with
    /// many workers take a smaller one.
    /// Source: *Some methods of speeding up the convergence of iteration methods*, USSR Computational
    /// Mathematics and Mathematical Physics 4 (1964), the heavy ball, with the rate outside of `v`.
    public static UpdateKernel momentum(float rate, float momentum) {
        return new MomentumKernel(rate, momentum);
    }

    /// AdaGrad in its diagonal form, slot `a` (from 0):
    ///
    /// ```
    ///   a ← a + g · g
    ///   w ← w − (rate · g) / (√a + epsilon)
    /// ```
    ///
    /// An `epsilon` below 2⁻⁷⁵ counts as 2⁻⁷⁵, here and in Adam: the root of the smallest float above 0 is
    /// larger, so this alters no sum that matters, and a coordinate whose gradients have all been 0 keeps its
    /// weight instead of becoming 0 / 0.
    ///
    /// Sums of squares do not depend on who pushes first, save for rounding, which makes this optimizer the
    /// least sensitive one to stale gradients.
    /// Source: *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*, JMLR 12 (2011),
    /// figure 1, with `epsilon` outside of the root.
    public static UpdateKernel adaGrad(float rate, float epsilon) {
        return new AdaGradKernel(rate, epsilon);
    }

    /// Adam, slots `m` and `v` (from 0). With `t` the row's own push count, this push included:
    ///
    /// ```
    ///   m ← beta1 · m + (1 − beta1) · g
    ///   v ← beta2 · v + ((1 − beta2) · g) · g
    ///   w ← w − (rₜ · m) / (√v · sₜ + epsilon)      rₜ = rate / (1 − beta1ᵗ),  sₜ = 1 / √(1 − beta2ᵗ)
    /// ```
    ///
    /// `rₜ` and `sₜ` come from a table, worked out in double and rounded to float once. The result is algorithm
    /// 1 of the source with its two bias corrections multiplied out, not the variant with another `epsilon` of
    /// its section 2. Only pushed rows move: `m` and `v` of a row decay once a push of that row, and `t` is its
    /// own count, so a rare row is corrected as strongly as it needs to be. Stale gradients enter `m`, so
    /// asynchrony acts like a larger `beta1`.
    /// Source: *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.
    public static UpdateKernel adam(float rate, float beta1, float beta2, float epsilon) {
        return new AdamKernel(rate, beta1, beta2, epsilon);
    }

    /// FTRL-proximal by coordinate, slots `z` and `n`. With `i = 1 / alpha`, rounded once:
    ///
    /// ```
    ///   q ← n + g · g
    ///   z ← (z + g) − ((√q − √n) · i) · w
    ///   n ← q
    ///   w ← (min(max(z, −l1), l1) − z) / ((beta + √n) · i + l2)
    /// ```
    ///
    /// The weight is 0 exactly where `|z| ≤ l1`. It is stored, so a read costs nothing; the source works it out
    /// at each use. `w` on the right is the stored one, also when the gradient was computed from an older one.
    /// Source: *Ad Click Prediction: a View from the Trenches*, KDD 2013, algorithm 1.
    ///
    /// @throws IllegalArgumentException if `beta` and `l2` are both 0, which leaves a fresh weight undefined
    public static UpdateKernel ftrl(float alpha, float beta, float l1, float l2) {
        return new FtrlKernel(alpha, beta, l1, l2);
    }

    /// No optimizer, no slots: what is pushed is a delta, `w ← w + d`. The order of pushes changes results by rounding
    /// only.
    public static UpdateKernel add() {
        return new AssignmentKernel(AssignmentKernel.Operation.ADD);
    }

    /// No optimizer, no slots: `w ← d`. Under asynchrony the push that a shard applies last stays, row by row.
    public static UpdateKernel assign() {
        return new AssignmentKernel(AssignmentKernel.Operation.ASSIGN);
    }

    /// No optimizer, no slots: `w ← min(w, d)`, of `-0` and `0` the former. The order of pushes does not matter.
    public static UpdateKernel min() {
        return new AssignmentKernel(AssignmentKernel.Operation.MIN);
    }

    /// No optimizer, no slots: `w ← max(w, d)`, of `-0` and `0` the latter. The order of pushes does not matter.
    public static UpdateKernel max() {
        return new AssignmentKernel(AssignmentKernel.Operation.MAX);
    }

    /// Slots kept beside the weights of a row, each as long as the weights.
    public abstract int slotCount();

    /// Slots of a single float, kept once for the whole row, behind the others.
    public int rowSlotCount() {
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
            Reference.reachabilityFence(records);
            Reference.reachabilityFence(gradients);
        }
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
