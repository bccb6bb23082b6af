package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.HEADER_BYTES;
import static io.weir.kernel.RecordLayout.KEY_OFFSET;
import static io.weir.kernel.RecordLayout.LONG;

/// See [UpdateKernels#sgld].
final class SgldKernel extends RowKernel {
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;

    private final float rate;
    private final long seed;

    SgldKernel(float rate, long seed) {
        this.rate = requirePositive("rate", rate);
        this.seed = seed;
    }

    @Override
    public int slotCount() {
        return 0;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float half = rate / 2;
        double deviation = Math.sqrt(rate);
        long key = MEMORY.get(LONG, row - (HEADER_BYTES - KEY_OFFSET));
        long push = mix(mix(mix(seed + GOLDEN) ^ key) + pushCount(row));
        long weight = row + startBytes;
        int first = (int) (startBytes / Float.BYTES);
        for (int i = 0; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float noise = (float) (deviation * normal(push, first + i));
            put(w, (get(w) - get(gradient + (long) i * Float.BYTES) * half) + noise);
        }
    }

    /// A standard normal number for each position, by the method that [UpdateKernels#sgld] names. Positions come
    /// in pairs: a point of the unit disc gives two.
    private static double normal(long push, int position) {
        long bits = mix(push + GOLDEN * ((position >>> 1) + 1L));
        double x;
        double y;
        double square;
        do {
            x = coordinate(bits);
            bits = mix(bits + GOLDEN);
            y = coordinate(bits);
            bits = mix(bits + GOLDEN);
            square = x * x + y * y;
        } while (square >= 1 || square == 0);
        return ((position & 1) == 0 ? x : y) * Math.sqrt(-2 * StrictMath.log(square) / square);
    }

    /// From -1 to below 1, in steps of 2⁻⁵².
    private static double coordinate(long bits) {
        return (bits >> 11) * 0x1p-52;
    }

    /// The finalizer of SplitMix64; Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA
    /// 2014.
    private static long mix(long bits) {
        long x = (bits ^ (bits >>> 30)) * 0xbf58476d1ce4e5b9L;
        x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
        return x ^ (x >>> 31);
    }
}
