package io.weir.train;

import java.util.Arrays;

/// Draws ranks 0 to `count - 1`, rank `r` with a chance proportional to `(r + 1)^-exponent`, in constant time.
/// Immutable.
///
/// The alias method: every rank keeps a part of its own slot and gives the rest of it to one other rank. An entry holds
/// the kept part as a fraction of 2^32 above the other rank, so that a draw touches one word. Source: Vose, *A Linear
/// Algorithm for Generating Random Numbers with a Given Distribution*, IEEE Trans. Softw. Eng. 17 (1991).
final class ZipfRanks {
    private final long[] slots;

    ZipfRanks(int count, double exponent) {
        double[] shares = new double[count];
        for (int rank = 0; rank < count; rank++) {
            shares[rank] = StrictMath.pow(rank + 1.0, -exponent);
        }
        double scale = count / Arrays.stream(shares).sum();
        // Ranks whose share is below one slot from the front, the others from the back.
        int[] work = new int[count];
        int small = 0;
        int large = count;
        for (int rank = 0; rank < count; rank++) {
            shares[rank] *= scale;
            if (shares[rank] < 1) {
                work[small++] = rank;
            } else {
                work[--large] = rank;
            }
        }
        slots = new long[count];
        while (small > 0 && large < count) {
            int poor = work[--small];
            int rich = work[large];
            slots[poor] = entry(shares[poor], rich);
            shares[rich] -= 1 - shares[poor];
            if (shares[rich] < 1) {
                large++;
                work[small++] = rich;
            }
        }
        while (large < count) {
            int rank = work[large++];
            slots[rank] = entry(1, rank);
        }
        while (small > 0) {
            int rank = work[--small];
            slots[rank] = entry(1, rank);
        }
    }

    private static long entry(double kept, int other) {
        return Math.min(0xffffffffL, (long) (kept * 0x1.0p32)) << 32 | other;
    }

    /// The rank for 64 random bits.
    int rank(long bits) {
        int slot = Mixer.below(bits, slots.length);
        long entry = slots[slot];
        return (bits & 0xffffffffL) < entry >>> 32 ? slot : (int) entry;
    }
}
