package io.weir.kernel;

import static io.weir.kernel.Lanes.WIDE;

import java.util.Locale;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// What a unit of a network makes of the sum that comes in. Element by element; the vector forms equal the scalar ones
/// bit for bit, on every machine.
///
/// Powers of e are `e^x = 2^n · (1 + r · q(r))` with `n` the whole number nearest to `x · log2 e`, `r = x − n · ln 2`
/// (`ln 2` in two parts, so that `r` is exact to a float), and `1 + r · q(r)` the Taylor series of `e^r` up to `r^7`,
/// which leaves out less than `6e-9` for `|r| ≤ ln 2 / 2`. `e^x − 1` is then `2^n · r · q(r) + (2^n − 1)`, which is
/// exact to a few units in the last place near 0 as well.
public enum Activation {
    /// `max(0, x)`.
    RELU,
    /// `(e^x − e^−x) / (e^x + e^−x)`, computed as `−m / (m + 2)` with `m = e^(−2|x|) − 1`, and the sign of x.
    TANH,
    /// `1 / (1 + e^−x)`.
    SIGMOID;

    private static final float LOG2_E = 1.442695f;
    // 355 / 512, so that its products with small whole numbers are exact.
    private static final float MINUS_LN2_HIGH = -0x1.63p-1f;
    private static final float MINUS_LN2_LOW = 2.12194440e-4f;

    /// Adding it leaves a float of a magnitude below 2^22 rounded to a whole number, in the lowest bits.
    private static final float ROUNDER = 0x1.8p23f;

    private static final int EXPONENT_SHIFT = 23;
    private static final int EXPONENT_OF_ONE = 127 << EXPONENT_SHIFT;

    /// `e^x` is a normal float for all x up to this magnitude.
    private static final float LARGEST = 87f;

    private static final float C2 = 1f / 2;
    private static final float C3 = 1f / 6;
    private static final float C4 = 1f / 24;
    private static final float C5 = 1f / 120;
    private static final float C6 = 1f / 720;
    private static final float C7 = 1f / 5040;

    /// The activation of this name, in small letters.
    ///
    /// @throws IllegalArgumentException if there is none
    public static Activation parse(String text) {
        for (Activation activation : values()) {
            if (activation.text().equals(text)) {
                return activation;
            }
        }
        throw new IllegalArgumentException("activation must be relu, tanh or sigmoid: activation=" + text);
    }

    /// `relu`, `tanh` or `sigmoid`.
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Replaces the first `count` of `values`, the sums that come in, by what goes out.
    public void apply(float[] values, int count) {
        int bound = WIDE.loopBound(count);
        switch (this) {
            case RELU -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    FloatVector.fromArray(WIDE, values, i).max(0f).intoArray(values, i);
                }
            }
            case TANH -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    tanh(FloatVector.fromArray(WIDE, values, i)).intoArray(values, i);
                }
            }
            case SIGMOID -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    sigmoid(FloatVector.fromArray(WIDE, values, i)).intoArray(values, i);
                }
            }
        }
        applyScalar(values, bound, count);
    }

    /// As [#apply], one float at a time, from index `from` to before `to`: the oracle.
    void applyScalar(float[] values, int from, int to) {
        for (int i = from; i < to; i++) {
            float x = values[i];
            values[i] = switch (this) {
                case RELU -> Math.max(x, 0f);
                case TANH -> tanh(x);
                case SIGMOID -> sigmoid(x);
            };
        }
    }

    /// Multiplies the first `count` of `gradients`, those of what goes out, by the derivative where `outputs` went out,
    /// so that they are those of what came in. The derivative of relu is 0 where nothing went out.
    public void multiplyByDerivative(float[] outputs, float[] gradients, int count) {
        int bound = WIDE.loopBound(count);
        switch (this) {
            case RELU -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    var out = FloatVector.fromArray(WIDE, outputs, i);
                    var gradient = FloatVector.fromArray(WIDE, gradients, i);
                    FloatVector.zero(WIDE)
                            .blend(gradient, out.compare(VectorOperators.GT, 0f))
                            .intoArray(gradients, i);
                }
            }
            case TANH -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    var out = FloatVector.fromArray(WIDE, outputs, i);
                    var gradient = FloatVector.fromArray(WIDE, gradients, i);
                    gradient.mul(FloatVector.broadcast(WIDE, 1f).sub(out.mul(out)))
                            .intoArray(gradients, i);
                }
            }
            case SIGMOID -> {
                for (int i = 0; i < bound; i += WIDE.length()) {
                    var out = FloatVector.fromArray(WIDE, outputs, i);
                    var gradient = FloatVector.fromArray(WIDE, gradients, i);
                    gradient.mul(out.mul(FloatVector.broadcast(WIDE, 1f).sub(out)))
                            .intoArray(gradients, i);
                }
            }
        }
        multiplyByDerivativeScalar(outputs, gradients, bound, count);
    }

    /// As [#multiplyByDerivative], one float at a time, from index `from` to before `to`: the oracle.
    void multiplyByDerivativeScalar(float[] outputs, float[] gradients, int from, int to) {
        for (int i = from; i < to; i++) {
            float out = outputs[i];
            float gradient = gradients[i];
            gradients[i] = switch (this) {
                case RELU -> out > 0f ? gradient : 0f;
                case TANH -> gradient * (1f - out * out);
                case SIGMOID -> gradient * (out * (1f - out));
            };
        }
    }

    private static float tanh(float x) {
        float exponent = Math.max(Math.abs(x) * -2f, -LARGEST);
        float rounded = Math.fma(exponent, LOG2_E, ROUNDER);
        float power = power(rounded);
        float minusOne = Math.fma(power, series(exponent, rounded - ROUNDER), power - 1f);
        float out = -minusOne / (minusOne + 2f);
        return x < 0f ? -out : out;
    }

    private static float sigmoid(float x) {
        float exponent = Math.min(Math.max(-x, -LARGEST), LARGEST);
        float rounded = Math.fma(exponent, LOG2_E, ROUNDER);
        float power = power(rounded);
        return 1f / (Math.fma(power, series(exponent, rounded - ROUNDER), power) + 1f);
    }

    /// `2^n` of a whole number to which [#ROUNDER] was added.
    private static float power(float rounded) {
        return Float.intBitsToFloat((Float.floatToRawIntBits(rounded) << EXPONENT_SHIFT) + EXPONENT_OF_ONE);
    }

    /// `r · q(r)`.
    private static float series(float exponent, float whole) {
        float r = Math.fma(whole, MINUS_LN2_LOW, Math.fma(whole, MINUS_LN2_HIGH, exponent));
        float q = Math.fma(r, C7, C6);
        q = Math.fma(r, q, C5);
        q = Math.fma(r, q, C4);
        q = Math.fma(r, q, C3);
        q = Math.fma(r, q, C2);
        q = Math.fma(r, q, 1f);
        return r * q;
    }

    private static FloatVector tanh(FloatVector x) {
        var exponent = x.abs().mul(-2f).max(-LARGEST);
        var rounded = exponent.fma(LOG2_E, ROUNDER);
        var power = power(rounded);
        var minusOne = power.fma(series(exponent, rounded.sub(ROUNDER)), power.sub(1f));
        var out = minusOne.neg().div(minusOne.add(2f));
        return out.blend(out.neg(), x.compare(VectorOperators.LT, 0f));
    }

    private static FloatVector sigmoid(FloatVector x) {
        var exponent = x.neg().max(-LARGEST).min(LARGEST);
        var rounded = exponent.fma(LOG2_E, ROUNDER);
        var power = power(rounded);
        var added = power.fma(series(exponent, rounded.sub(ROUNDER)), power).add(1f);
        return FloatVector.broadcast(WIDE, 1f).div(added);
    }

    private static FloatVector power(FloatVector rounded) {
        return rounded.reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                .add(EXPONENT_OF_ONE)
                .reinterpretAsFloats();
    }

    private static FloatVector series(FloatVector exponent, FloatVector whole) {
        var high = whole.fma(FloatVector.broadcast(WIDE, MINUS_LN2_HIGH), exponent);
        var r = whole.fma(FloatVector.broadcast(WIDE, MINUS_LN2_LOW), high);
        var q = r.fma(C7, C6);
        q = r.fma(q, FloatVector.broadcast(WIDE, C5));
        q = r.fma(q, FloatVector.broadcast(WIDE, C4));
        q = r.fma(q, FloatVector.broadcast(WIDE, C3));
        q = r.fma(q, FloatVector.broadcast(WIDE, C2));
        q = r.fma(q, FloatVector.broadcast(WIDE, 1f));
        return r.mul(q);
    }
}
