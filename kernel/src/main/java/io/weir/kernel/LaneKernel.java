package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.WIDE;

/// The optimizers that tables of clicks and words live on, with a loop for each width of lanes: four loops an
/// optimizer, which pays at short rows. The others are [RowKernel]s.
abstract sealed class LaneKernel extends UpdateKernel
        permits SgdKernel, MomentumKernel, AdaGradKernel, AdamKernel, FtrlKernel {
    /// Rows of one pass where a row needs several: records of dim 100 with two slots then fill about 64 KiB.
    private static final int RUN_ROWS = 48;

    @Override
    final void rows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            int length,
            long slotStrideBytes,
            float factor,
            boolean vector) {
        long stride = (long) length * Float.BYTES;
        if (!vector) {
            scalarRows(base, rowOffsets, from, count, startBytes, gradient, stride, length, slotStrideBytes, factor);
            return;
        }
        int wide = WIDE.loopBound(length);
        int middle = MIDDLE.loopBound(length - wide);
        int narrow = NARROW.loopBound(length - wide - middle);
        int rest = length - wide - middle - narrow;
        long wideBytes = (long) wide * Float.BYTES;
        long middleBytes = (long) middle * Float.BYTES;
        long narrowBytes = (long) narrow * Float.BYTES;
        // One pass for each width of lanes that the length needs, over few enough rows that the second pass finds them
        // in the cache; where one pass does it all, over all rows.
        boolean onePass = wide == length || middle == length || narrow == length || rest == length;
        int runRows = onePass ? count : RUN_ROWS;
        for (int i = 0; i < count; i += runRows) {
            int first = from + i;
            int rows = Math.min(runRows, count - i);
            long start = startBytes;
            long g = gradient + i * stride;
            if (wide > 0) {
                wideRows(base, rowOffsets, first, rows, start, g, stride, wide, slotStrideBytes, factor);
                start += wideBytes;
                g += wideBytes;
            }
            if (middle > 0) {
                middleRows(base, rowOffsets, first, rows, start, g, stride, middle, slotStrideBytes, factor);
                start += middleBytes;
                g += middleBytes;
            }
            if (narrow > 0) {
                narrowRows(base, rowOffsets, first, rows, start, g, stride, narrow, slotStrideBytes, factor);
                start += narrowBytes;
                g += narrowBytes;
            }
            if (rest > 0) {
                scalarRows(base, rowOffsets, first, rows, start, g, stride, rest, slotStrideBytes, factor);
            }
        }
    }

    /// The loop without lanes. `base` and `gradient` are addresses, gradients lie `gradientStrideBytes` apart,
    /// and all arguments are checked.
    ///
    /// This loop and the three below are methods of their own, each with one shape of vector: the compiler
    /// keeps vectors in registers only while everything a method inlines stays within its limits. One loop cannot
    /// serve all three widths: it would take the width as an argument, which is a constant only where the loop is
    /// inlined.
    abstract void scalarRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor);

    /// The same results by the lanes of [Lanes#NARROW]; `length` is a multiple of them.
    abstract void narrowRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor);

    /// The same results by the lanes of [Lanes#MIDDLE]; `length` is a multiple of them.
    abstract void middleRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor);

    /// The same results by the lanes of [Lanes#WIDE]; `length` is a multiple of them.
    abstract void wideRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor);
}
