package io.weir.model;

import java.util.Objects;

/// How the values of a push, or the rows that a pull reads, travel. What a push loses comes back later or is bounded;
/// each case says which. Immutable.
///
/// Some cases have *error feedback*: what was left out of a push is kept on the worker, the residual `r`, and goes with
/// the next one. With gradient `g`: `r ← r + g`, then `r` is encoded, decoded again to `c`, and `r ← r − c`. So the sum
/// of all that was sent is the sum of all gradients less the last residual: nothing is lost, it comes late. Source:
/// *1-Bit Stochastic Gradient Descent and its Application to Data-Parallel Distributed Training of Speech DNNs*,
/// INTERSPEECH 2014; its analysis: *Sparsified SGD with Memory*, NeurIPS 2018.
///
/// The text form, which [#parse] reads: `none`, `bf16`, `fp16`, `int8`, `2bit(0.5)`, `1bit`, `1bit-compat(0)`,
/// `topk(0.01)`, `randomk(0.01,7)`.
public sealed interface Compression {
    /// As they are: 32-bit floats.
    record None() implements Compression {
        @Override
        public String text() {
            return "none";
        }
    }

    /// bfloat16: the upper half of a float, rounded to nearest, ties to even. Error of a normal value `v` at most
    /// `|v| / 2⁸`. A finite value never becomes infinite: beyond the greatest one it becomes that.
    record Bfloat16() implements Compression {
        @Override
        public String text() {
            return "bf16";
        }
    }

    /// IEEE 754 binary16, rounded to nearest, ties to even. Error of a value `v` at most `|v| / 2¹¹`, and at most
    /// `2⁻²⁵` below `2⁻¹⁴`. Finite values beyond ±65504 become ±65504.
    record Float16() implements Compression {
        @Override
        public String text() {
            return "fp16";
        }
    }

    /// 8 bits, and a scale for each span of values: `s = max|v| / 127`, `q = round(v / s)`, read as `q · s`. Error at
    /// most `s / 2` and a rounding of it. A span is a row of 16 floats or more, as many shorter rows as make at
    /// most 64 floats, or 256 floats of a tensor.
    record Int8() implements Compression {
        @Override
        public String text() {
            return "int8";
        }
    }

    /// 2 bits a value, with error feedback, as MXNet's `2bit`: `r ≥ t` sends `t`, `r ≤ −t` sends `−t`, anything else 0.
    /// While gradients stay within `±t` so does the residual; of a greater one the rest is sent `t` by `t`.
    ///
    /// @param threshold `t`, above 0
    record TwoBit(float threshold) implements Compression {
        public TwoBit {
            if (!(threshold > 0) || !Float.isFinite(threshold)) {
                throw new IllegalArgumentException(
                        "threshold of 2 bits must be finite and above 0: threshold=" + threshold);
            }
        }

        @Override
        public boolean hasFeedback() {
            return true;
        }

        @Override
        public String text() {
            return "2bit(" + CompressionText.number(threshold) + ")";
        }
    }

    /// 1 bit a value and a scale for each span, with error feedback: the sign, times the mean `|r|` of the span.
    /// Spans are those of [Int8]. What is left of a span of `d` values has `‖r‖² − ‖r‖₁² / d` of its squares; no
    /// value of it exceeds the greatest one before. A span of zeros changes nothing.
    record OneBit() implements Compression {
        @Override
        public boolean hasFeedback() {
            return true;
        }

        @Override
        public String text() {
            return "1bit";
        }
    }

    /// 1 bit a value, with error feedback, as MXNet's `1bit`: `r > t` sends 1, anything else −1, whatever the size of
    /// the gradients; a gradient of 0 moves the weights too. For those who need the same numbers; otherwise
    /// [OneBit].
    ///
    /// @param threshold `t`, finite
    record OneBitCompat(float threshold) implements Compression {
        public OneBitCompat {
            if (!Float.isFinite(threshold)) {
                throw new IllegalArgumentException("threshold of 1 bit must be finite: threshold=" + threshold);
            }
        }

        @Override
        public boolean hasFeedback() {
            return true;
        }

        @Override
        public String text() {
            return "1bit-compat(" + CompressionText.number(threshold) + ")";
        }
    }

    /// The greatest values of each frame and where they stand, with error feedback: `k = ⌈fraction · d⌉` of `d`, of
    /// equal ones the first. What is left has at most `1 − k / d` of the squares.
    ///
    /// @param fraction above 0, at most 1
    record TopK(double fraction) implements Compression {
        public TopK {
            requireFraction(fraction);
        }

        @Override
        public boolean hasFeedback() {
            return true;
        }

        @Override
        public String text() {
            return "topk(" + CompressionText.number(fraction) + ")";
        }
    }

    /// Values of each frame at random, and where they stand, with error feedback: `k = ⌈fraction · d⌉` of `d`, every
    /// choice of `k` as likely as any other. They are sent as they are, not scaled up, since the feedback sends the
    /// rest later; what is left has `1 − k / d` of the squares on average.
    ///
    /// @param fraction above 0, at most 1
    /// @param seed of the choices: the same calls with the same seed send the same
    record RandomK(double fraction, long seed) implements Compression {
        public RandomK {
            requireFraction(fraction);
        }

        @Override
        public boolean hasFeedback() {
            return true;
        }

        @Override
        public String text() {
            return "randomk(" + CompressionText.number(fraction) + "," + seed + ")";
        }
    }

    static Compression none() {
        return new None();
    }

    static Compression bf16() {
        return new Bfloat16();
    }

    static Compression fp16() {
        return new Float16();
    }

    static Compression int8() {
        return new Int8();
    }

    static Compression twoBit(float threshold) {
        return new TwoBit(threshold);
    }

    static Compression oneBit() {
        return new OneBit();
    }

    static Compression oneBitCompat(float threshold) {
        return new OneBitCompat(threshold);
    }

    static Compression topK(double fraction) {
        return new TopK(fraction);
    }

    static Compression randomK(double fraction, long seed) {
        return new RandomK(fraction, seed);
    }

    /// Whether what is left out of a push is kept, and goes with the next.
    default boolean hasFeedback() {
        return false;
    }

    /// Whether rows may be read so: only what rounds each value by itself.
    default boolean isForPulls() {
        return !hasFeedback();
    }

    /// This one, if rows may be read so.
    ///
    /// @throws IllegalArgumentException otherwise
    default Compression requiredForPulls() {
        if (!isForPulls()) {
            throw new IllegalArgumentException("rows can be pulled as none, bf16, fp16 or int8: compression=" + text());
        }
        return this;
    }

    /// The text form.
    String text();

    /// Reads the text form.
    ///
    /// @throws IllegalArgumentException if it is none
    static Compression parse(String text) {
        Objects.requireNonNull(text, "text");
        return CompressionText.parse(text);
    }

    private static void requireFraction(double fraction) {
        if (!(fraction > 0) || fraction > 1) {
            throw new IllegalArgumentException(
                    "fraction of the values must be above 0 and at most 1: fraction=" + fraction);
        }
    }
}
