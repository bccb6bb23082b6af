package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MatrixProductTest {
    private final MatrixProduct product = new MatrixProduct();

    @Test
    void agreesWithPlainLoopsBitForBitInEverySmallShape() {
        Random random = new Random(11);
        for (int rows = 0; rows <= 13; rows += 1) {
            for (int columns : new int[] {0, 1, 2, 10, 31, 32, 33, 65}) {
                for (int depth : new int[] {0, 1, 2, 7, 16}) {
                    checkAllForms(random, rows, columns, depth);
                }
            }
        }
    }

    @Test
    void agreesWithPlainLoopsBitForBitAcrossBlocks() {
        for (long seed = 1; seed <= 8; seed++) {
            Random random = new Random(seed);
            checkAllForms(random, 1 + random.nextInt(220), 1 + random.nextInt(1100), 1 + random.nextInt(600));
        }
        checkAllForms(new Random(9), 97, 513, 257);
    }

    private void checkAllForms(Random random, int rows, int columns, int depth) {
        for (boolean add : new boolean[] {false, true}) {
            float[] a = gaussian(random, rows * depth);
            float[] b = gaussian(random, depth * columns);
            float[] before = gaussian(random, rows * columns + 3);
            String what = "rows=" + rows + ", columns=" + columns + ", depth=" + depth + ", add=" + add;

            float[] expected = before.clone();
            MatrixProduct.multiplyScalar(a, depth, 1, b, columns, 1, expected, rows, columns, depth, add);
            float[] found = before.clone();
            product.multiply(a, b, found, rows, columns, depth, add);
            assertThat(found).as("A B %s", what).isEqualTo(expected);

            found = before.clone();
            product.multiplyTransposed(a, transposed(b, depth, columns), found, rows, columns, depth, add);
            assertThat(found).as("A Bt %s", what).isEqualTo(expected);

            found = before.clone();
            product.transposedMultiply(transposed(a, rows, depth), b, found, rows, columns, depth, add);
            assertThat(found).as("At B %s", what).isEqualTo(expected);
        }
    }

    /// The bound of the class comment, against sums in double, whose own error is 2^29 times smaller.
    @Test
    void staysWithinItsErrorBound() {
        Random random = new Random(5);
        int rows = 20;
        int columns = 40;
        int depth = 3000;
        float[] a = gaussian(random, rows * depth);
        float[] b = gaussian(random, depth * columns);
        float[] c = new float[rows * columns];
        product.multiply(a, b, c, rows, columns, depth, false);
        double unit = 0x1p-24;
        double factor = depth * unit / (1 - depth * unit);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                double magnitude = 0;
                for (int p = 0; p < depth; p++) {
                    double summand = (double) a[i * depth + p] * b[p * columns + j];
                    sum += summand;
                    magnitude += Math.abs(summand);
                }
                assertThat(Math.abs(c[i * columns + j] - sum)).isLessThanOrEqualTo(factor * magnitude);
            }
        }
    }

    @Test
    void refusesArraysThatAreTooShort() {
        assertThatThrownBy(() -> product.multiply(new float[5], new float[6], new float[4], 2, 2, 3, false))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("matrix must lie within its array: matrix=a, rows=2, columns=3, length=5");
        assertThatThrownBy(() -> product.multiplyTransposed(new float[6], new float[5], new float[4], 2, 2, 3, false))
                .hasMessage("matrix must lie within its array: matrix=b, rows=2, columns=3, length=5");
        assertThatThrownBy(() -> product.transposedMultiply(new float[6], new float[6], new float[3], 2, 2, 3, false))
                .hasMessage("matrix must lie within its array: matrix=c, rows=2, columns=2, length=3");
    }

    private static float[] transposed(float[] matrix, int rows, int columns) {
        float[] transposed = new float[matrix.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                transposed[j * rows + i] = matrix[i * columns + j];
            }
        }
        return Arrays.copyOf(transposed, rows * columns);
    }

    private static float[] gaussian(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
