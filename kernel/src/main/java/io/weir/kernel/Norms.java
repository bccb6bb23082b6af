package io.weir.kernel;

import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

/// Sums of squares, for norms.
///
/// In double, so that no float overflows and the error stays below one part in 2⁴⁰ for a million floats. Eight
/// sums go side by side, by position, and are added in one order: the bits do not depend on the machine, nor on
/// lanes.
final class Norms {
    private Norms() {}

    /// `Σ x²` over the `length` floats at `address`.
    static double sumOfSquares(long address, int length) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        double e = 0;
        double f = 0;
        double g = 0;
        double h = 0;
        int i = 0;
        for (; i + 8 <= length; i += 8) {
            long x = address + (long) i * Float.BYTES;
            a += square(x);
            b += square(x + 4);
            c += square(x + 8);
            d += square(x + 12);
            e += square(x + 16);
            f += square(x + 20);
            g += square(x + 24);
            h += square(x + 28);
        }
        for (; i < length; i++) {
            a += square(address + (long) i * Float.BYTES);
        }
        return ((a + b) + (c + d)) + ((e + f) + (g + h));
    }

    private static double square(long address) {
        double value = MEMORY.get(FLOAT, address);
        return value * value;
    }
}
