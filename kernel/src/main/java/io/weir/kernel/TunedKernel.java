package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// See [UpdateKernel#tuned]: another kernel, row by row, with a gradient that was worked on first, or a rate
/// that moves. The gradient of one row at a time goes through a scratch, which is still in the cache when the
/// other kernel reads it.
final class TunedKernel extends UpdateKernel {
    private final UpdateKernel kernel;
    private final float scale;
    private final float clip;
    private final float clipNorm;
    private final float decay;
    private final @Nullable RateFactor rateFactor;
    private final boolean changesGradients;
    private final Scratch scratch = new Scratch();

    TunedKernel(
            UpdateKernel kernel,
            float scale,
            float clip,
            float clipNorm,
            float decay,
            @Nullable RateFactor rateFactor) {
        this.kernel = kernel;
        this.scale = requirePositive("scale", scale);
        this.clip = requireNonNegative("clip", clip) == 0 ? Float.POSITIVE_INFINITY : clip;
        this.clipNorm = requireNonNegative("clipNorm", clipNorm) == 0 ? Float.POSITIVE_INFINITY : clipNorm;
        this.decay = requireNonNegative("decay", decay);
        this.rateFactor = rateFactor;
        this.changesGradients = scale != 1 || clip != 0 || clipNorm != 0 || decay != 0;
    }

    @Override
    public int slotCount() {
        return kernel.slotCount();
    }

    @Override
    public int rowSlotCount() {
        return kernel.rowSlotCount();
    }

    @Override
    public long scratchBytes() {
        return scratch.bytes() + kernel.scratchBytes();
    }

    @Override
    void initializeSlots(long row, int length, long slotStrideBytes) {
        kernel.initializeSlots(row, length, slotStrideBytes);
    }

    @Override
    void rows(
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
        int bound = vector ? MIDDLE.loopBound(length) : 0;
        long prepared = scratch.address(length);
        long gradientBytes = (long) length * Float.BYTES;
        RateFactor rateFactor = this.rateFactor;
        for (int i = from; i < from + count; i++) {
            long row = base + rowOffsets[i];
            float ofRate = rateFactor == null ? factor : factor * rateFactor.at(RowKernel.pushCount(row));
            long g = gradient;
            if (changesGradients) {
                prepare(row + startBytes, gradient, prepared, bound, length);
                g = prepared;
            }
            kernel.rows(base, rowOffsets, i, 1, startBytes, g, length, slotStrideBytes, ofRate, vector);
            gradient += gradientBytes;
        }
    }

    /// Whether an update needs the whole gradient of a row.
    boolean takesNorm() {
        return clipNorm < Float.POSITIVE_INFINITY
                || kernel instanceof LambKernel
                || kernel instanceof LarsKernel
                || kernel instanceof GroupAdaGradKernel;
    }

    private void prepare(long weight, long gradient, long prepared, int bound, int length) {
        scaleAndClip(gradient, prepared, bound, length);
        float share = 1;
        if (clipNorm < Float.POSITIVE_INFINITY) {
            double norm = Math.sqrt(Norms.sumOfSquares(prepared, length));
            share = norm > clipNorm ? (float) (clipNorm / norm) : 1;
        }
        if (share != 1 || decay != 0) {
            shortenAndDecay(weight, prepared, bound, length, share);
        }
    }

    private void scaleAndClip(long gradient, long prepared, int bound, int length) {
        float scale = this.scale;
        float clip = this.clip;
        int i = 0;
        for (; i < bound; i += RowKernel.LANES) {
            long offset = (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + offset, ORDER);
            g.mul(scale).max(-clip).min(clip).intoMemorySegment(MEMORY, prepared + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            float g = RowKernel.get(gradient + offset) * scale;
            RowKernel.put(prepared + offset, Math.min(Math.max(g, -clip), clip));
        }
    }

    private void shortenAndDecay(long weight, long prepared, int bound, int length, float share) {
        float decay = this.decay;
        int i = 0;
        for (; i < bound; i += RowKernel.LANES) {
            long offset = (long) i * Float.BYTES;
            var penalty = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER)
                    .mul(decay);
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, prepared + offset, ORDER);
            g.mul(share).add(penalty).intoMemorySegment(MEMORY, prepared + offset, ORDER);
        }
        for (; i < length; i++) {
            long offset = (long) i * Float.BYTES;
            float penalty = RowKernel.get(weight + offset) * decay;
            RowKernel.put(prepared + offset, RowKernel.get(prepared + offset) * share + penalty);
        }
    }
}
