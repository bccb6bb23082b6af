package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#ftrl].
final class FtrlKernel extends LaneKernel {
    private final float inverseAlpha;
    private final float beta;
    private final float l1;
    private final float l2;

    FtrlKernel(float alpha, float beta, float l1, float l2) {
        this.inverseAlpha = 1 / requirePositive("alpha", alpha);
        this.beta = requireNonNegative("beta", beta);
        this.l1 = requireNonNegative("l1", l1);
        this.l2 = requireNonNegative("l2", l2);
        if (beta == 0 && l2 == 0) {
            throw new IllegalArgumentException("ftrl needs beta or l2 above 0: beta=0, l2=0");
        }
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    void initializeSlots(long row, int length, long slotStrideBytes) {
        float denominator = beta * inverseAlpha + l2;
        for (int i = 0; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            float w = MEMORY.get(FLOAT, row + offset);
            // The inverse of the weight's formula at n = 0. From 0, so that a weight of 0 does not give −0.
            float z = 0 - (w * denominator + Math.signum(w) * l1);
            MEMORY.set(FLOAT, row + offset + slotStrideBytes, z);
            MEMORY.set(FLOAT, row + offset + 2 * slotStrideBytes, 0);
        }
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
        float inverseAlpha = this.inverseAlpha;
        float beta = this.beta;
        float l1 = this.l1;
        float l2 = this.l2;

        // For linear models: an inner loop of one round would cost more than its float.
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                long weight = base + rowOffsets[i] + startBytes;
                element(weight, gradient, slotStrideBytes, inverseAlpha, beta, l1, l2);
                gradient += gradientStrideBytes;
            }
            return;
        }
        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j++) {
                long offset = (long) j * Float.BYTES;
                element(weight + offset, gradient + offset, slotStrideBytes, inverseAlpha, beta, l1, l2);
            }
            gradient += gradientStrideBytes;
        }
    }

    private static void element(
            long weight, long gradient, long slotStrideBytes, float inverseAlpha, float beta, float l1, float l2) {
        float g = MEMORY.get(FLOAT, gradient);
        float w = MEMORY.get(FLOAT, weight);
        float n = MEMORY.get(FLOAT, weight + 2 * slotStrideBytes);
        float q = n + g * g;
        float root = (float) Math.sqrt(q);
        float sigma = (root - (float) Math.sqrt(n)) * inverseAlpha;
        float z = (MEMORY.get(FLOAT, weight + slotStrideBytes) + g) - sigma * w;
        MEMORY.set(FLOAT, weight + slotStrideBytes, z);
        MEMORY.set(FLOAT, weight + 2 * slotStrideBytes, q);
        float shrunk = Math.min(Math.max(z, -l1), l1) - z;
        MEMORY.set(FLOAT, weight, shrunk / ((beta + root) * inverseAlpha + l2));
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
        float inverseAlpha = this.inverseAlpha;
        float beta = this.beta;
        float l1 = this.l1;
        float l2 = this.l2;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += NARROW.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(NARROW, MEMORY, gradient + offset, ORDER);
                var w = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset, ORDER);
                var n = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var q = n.add(g.mul(g));
                var root = q.sqrt();
                var sigma = root.sub(n.sqrt()).mul(inverseAlpha);
                var old = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var z = old.add(g).sub(sigma.mul(w));
                z.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                q.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var shrunk = z.max(-l1).min(l1).sub(z);
                shrunk.div(root.add(beta).mul(inverseAlpha).add(l2)).intoMemorySegment(MEMORY, weight + offset, ORDER);
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
        float inverseAlpha = this.inverseAlpha;
        float beta = this.beta;
        float l1 = this.l1;
        float l2 = this.l2;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += MIDDLE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + offset, ORDER);
                var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER);
                var n = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var q = n.add(g.mul(g));
                var root = q.sqrt();
                var sigma = root.sub(n.sqrt()).mul(inverseAlpha);
                var old = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var z = old.add(g).sub(sigma.mul(w));
                z.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                q.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var shrunk = z.max(-l1).min(l1).sub(z);
                shrunk.div(root.add(beta).mul(inverseAlpha).add(l2)).intoMemorySegment(MEMORY, weight + offset, ORDER);
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
        float inverseAlpha = this.inverseAlpha;
        float beta = this.beta;
        float l1 = this.l1;
        float l2 = this.l2;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            for (int j = 0; j < length; j += WIDE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(WIDE, MEMORY, gradient + offset, ORDER);
                var w = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset, ORDER);
                var n = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var q = n.add(g.mul(g));
                var root = q.sqrt();
                var sigma = root.sub(n.sqrt()).mul(inverseAlpha);
                var old = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var z = old.add(g).sub(sigma.mul(w));
                z.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                q.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var shrunk = z.max(-l1).min(l1).sub(z);
                shrunk.div(root.add(beta).mul(inverseAlpha).add(l2)).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }
}
