package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class MatrixRowsTest {
    @Test
    void addsAndSumsRowsOfEveryLengthAsPlainLoopsDo() {
        for (int columns = 0; columns <= 70; columns++) {
            Random random = new Random(columns);
            int rows = random.nextInt(9);
            float[] matrix = gaussian(random, rows * columns + 5);
            float[] row = gaussian(random, columns + 3);

            float[] vector = matrix.clone();
            float[] scalar = matrix.clone();
            MatrixRows.add(vector, rows, columns, row);
            MatrixRows.addScalar(scalar, rows, columns, row);
            assertThat(vector).as("columns=%s", columns).isEqualTo(scalar);
            for (int i = 0; i < rows * columns; i++) {
                scalar[i] = matrix[i] + row[i % columns];
            }
            assertThat(vector).as("columns=%s", columns).isEqualTo(scalar);

            float[] sums = row.clone();
            float[] expected = row.clone();
            MatrixRows.sum(matrix, rows, columns, sums);
            MatrixRows.sumScalar(matrix, rows, columns, expected, 0);
            assertThat(sums).as("columns=%s", columns).isEqualTo(expected);
        }
    }

    @Test
    void refusesArraysThatAreTooShort() {
        assertThatThrownBy(() -> MatrixRows.add(new float[5], 2, 3, new float[3]))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("rows must lie within their array: rows=2, columns=3, length=5, rowLength=3");
        assertThatThrownBy(() -> MatrixRows.sum(new float[6], 2, 3, new float[2]))
                .hasMessage("rows must lie within their array: rows=2, columns=3, length=6, rowLength=2");
    }

    private static float[] gaussian(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
