package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ActivationTest {
    @ParameterizedTest
    @EnumSource(Activation.class)
    void vectorAndScalarFormsAgreeBitForBit(Activation activation) {
        for (int length = 0; length <= 200; length++) {
            float[] sums = sums(length, length);
            float[] vector = sums.clone();
            float[] scalar = sums.clone();
            activation.apply(vector, length);
            activation.applyScalar(scalar, 0, length);
            assertThat(vector).as("length=%s", length).isEqualTo(scalar);

            float[] outputs = vector;
            vector = sums(-length, length);
            scalar = vector.clone();
            activation.multiplyByDerivative(outputs, vector, length);
            activation.multiplyByDerivativeScalar(outputs, scalar, 0, length);
            assertThat(vector).as("derivative, length=%s", length).isEqualTo(scalar);
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void isExactToAFewUnitsInTheLastPlace(Activation activation) {
        float[] sums = sums(3, 100_000);
        float[] outputs = sums.clone();
        activation.apply(outputs, outputs.length);
        for (int i = 0; i < sums.length; i++) {
            if (Math.abs(sums[i]) < 80) {
                double exact = value(activation, sums[i]);
                assertThat(Math.abs(outputs[i] - exact))
                        .as("x=%s", sums[i])
                        .isLessThanOrEqualTo(4 * 0x1p-24 * Math.abs(exact));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void theDerivativeIsThatOfTheFunction(Activation activation) {
        for (double x : new double[] {-20, -3, -0.7, -1e-3, 1e-3, 0.2, 1, 4, 30}) {
            float[] output = {(float) x};
            activation.apply(output, 1);
            float[] gradient = {2f};
            activation.multiplyByDerivative(output, gradient, 1);
            double step = 1e-6;
            double slope = (value(activation, x + step) - value(activation, x - step)) / (2 * step);
            assertThat(gradient[0]).as("x=%s", x).isCloseTo((float) (2 * slope), within(1e-6f));
        }
    }

    @Test
    void saturatesAtInfinityAndKeepsNaN() {
        float[] sums = {Float.NEGATIVE_INFINITY, -1e30f, 1e30f, Float.POSITIVE_INFINITY, Float.NaN};
        float[] tanh = sums.clone();
        Activation.TANH.apply(tanh, tanh.length);
        assertThat(tanh).containsExactly(-1f, -1f, 1f, 1f, Float.NaN);
        float[] sigmoid = sums.clone();
        Activation.SIGMOID.apply(sigmoid, sigmoid.length);
        assertThat(sigmoid[0]).isBetween(0f, 2e-38f);
        assertThat(sigmoid[1]).isEqualTo(sigmoid[0]);
        assertThat(sigmoid).endsWith(1f, 1f, Float.NaN);
        float[] relu = sums.clone();
        Activation.RELU.apply(relu, relu.length);
        assertThat(relu).containsExactly(0f, 0f, 1e30f, Float.POSITIVE_INFINITY, Float.NaN);
    }

    @Test
    void isNamedInSmallLetters() {
        for (Activation activation : Activation.values()) {
            assertThat(Activation.parse(activation.text())).isEqualTo(activation);
        }
        assertThat(Activation.TANH.text()).isEqualTo("tanh");
        assertThatThrownBy(() -> Activation.parse("gelu"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("activation must be relu, tanh or sigmoid: activation=gelu");
    }

    private static double value(Activation activation, double x) {
        return switch (activation) {
            case RELU -> Math.max(0, x);
            case TANH -> Math.tanh(x);
            case SIGMOID -> 1 / (1 + Math.exp(-x));
        };
    }

    /// Of all magnitudes from 1e-5 to 100, and a few that are not finite.
    private static float[] sums(long seed, int length) {
        Random random = new Random(seed);
        float[] sums = new float[length];
        for (int i = 0; i < length; i++) {
            sums[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(7) - 4));
        }
        float[] odd = {-0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE};
        if (length > 150) {
            System.arraycopy(odd, 0, sums, random.nextInt(100), odd.length);
        }
        return sums;
    }
}
