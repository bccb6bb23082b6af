package io.weir.client.internal;

import io.weir.client.TableInfo;
import org.jspecify.annotations.Nullable;

/// Refuses gradients that are NaN or infinite before anything is sent, and says where they stand. Without state.
final class GradientCheck {
    private GradientCheck() {}

    /// @throws IllegalArgumentException naming key, position and table of the first value that is not finite
    static void requireFiniteRows(
            TableInfo table, long[] keys, int from, int count, float[] gradients, int gradientsFrom) {
        int rowLength = table.spec().rowLength();
        int i = firstNonFinite(gradients, gradientsFrom, count * rowLength);
        if (i >= 0) {
            throw notFinite(
                    gradients[gradientsFrom + i],
                    "key=" + keys[from + i / rowLength] + ", position=" + i % rowLength,
                    table);
        }
    }

    /// @param gradients null where there are none to check
    /// @throws IllegalArgumentException naming offset and table of the first value that is not finite
    static void requireFiniteStretch(
            TableInfo table, long offset, int count, float @Nullable [] gradients, int gradientsFrom) {
        int i = gradients == null ? -1 : firstNonFinite(gradients, gradientsFrom, count);
        if (gradients != null && i >= 0) {
            throw notFinite(gradients[gradientsFrom + i], "offset=" + (offset + i), table);
        }
    }

    private static IllegalArgumentException notFinite(float value, String place, TableInfo table) {
        return new IllegalArgumentException("gradient must be finite: value=" + value + ", " + place + ", table="
                + table.spec().name());
    }

    /// The first of `length` values from `from` on that is not finite, counted from there, or -1.
    private static int firstNonFinite(float[] values, int from, int length) {
        if (areFinite(values, from, length)) {
            return -1;
        }
        int i = 0;
        while (Float.isFinite(values[from + i])) {
            i++;
        }
        return i;
    }

    /// Whether all values are finite. `0 · x` is a zero for a finite `x` and NaN otherwise; several sums, so that one
    /// addition need not wait for the other.
    private static boolean areFinite(float[] values, int from, int length) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        float e = 0;
        float f = 0;
        float g = 0;
        float h = 0;
        int bound = from + (length & -8);
        int i = from;
        for (; i < bound; i += 8) {
            a += values[i] * 0f;
            b += values[i + 1] * 0f;
            c += values[i + 2] * 0f;
            d += values[i + 3] * 0f;
            e += values[i + 4] * 0f;
            f += values[i + 5] * 0f;
            g += values[i + 6] * 0f;
            h += values[i + 7] * 0f;
        }
        for (; i < from + length; i++) {
            a += values[i] * 0f;
        }
        return a + b + c + d + e + f + g + h == 0;
    }
}
