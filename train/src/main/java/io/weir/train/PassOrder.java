package io.weir.train;

import java.util.List;

/// What Sandblaster's coordinator wants to know of each portion in a pass, as it goes to the workers with the portions:
/// in numbers. Immutable.
sealed interface PassOrder {
    double LOOK = 0;
    double GRADIENTS = 1;

    /// What there is at all: the answer is [Findings].
    record Look() implements PassOrder {}

    /// The gradients of all examples, as one push into the table of their sums; the answer is the sum of the losses.
    ///
    /// @param rounding of the gradients
    record Gradients(ExactSum rounding) implements PassOrder {}

    /// The same as numbers.
    default double[] numbers() {
        return switch (this) {
            case Look _ -> new double[] {LOOK};
            case Gradients(ExactSum rounding) -> new double[] {GRADIENTS, rounding.high(), rounding.low()};
        };
    }

    static PassOrder of(List<Double> numbers) {
        return numbers.getFirst() == LOOK ? new Look() : new Gradients(new ExactSum(numbers.get(1), numbers.get(2)));
    }

    /// What there is in the input, or in portions of it.
    ///
    /// @param maxKey the greatest
    /// @param bound which no sum of gradients exceeds in absolute value, of any feature
    record Findings(long maxKey, double bound, long exampleCount, long featureCount) {
        static final Findings NONE = new Findings(0, 0, 0, 0);

        double[] numbers() {
            return new double[] {(double) maxKey, bound, (double) exampleCount, (double) featureCount};
        }

        static Findings of(List<Double> numbers) {
            return new Findings(
                    numbers.get(0).longValue(),
                    numbers.get(1),
                    numbers.get(2).longValue(),
                    numbers.get(3).longValue());
        }

        /// Those of both.
        Findings and(Findings more) {
            return new Findings(
                    Math.max(maxKey, more.maxKey),
                    bound + more.bound,
                    exampleCount + more.exampleCount,
                    featureCount + more.featureCount);
        }
    }
}
