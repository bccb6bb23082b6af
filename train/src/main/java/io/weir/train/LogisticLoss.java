package io.weir.train;

/// The probability and loss of a margin `z = w · x`, in strict double arithmetic, so that every machine computes the
/// same bits.
final class LogisticLoss {
    private LogisticLoss() {}

    /// `1 / (1 + e^-z)`, without overflow.
    static double probability(double margin) {
        if (margin >= 0) {
            return 1 / (1 + StrictMath.exp(-margin));
        }
        double e = StrictMath.exp(margin);
        return e / (1 + e);
    }

    /// `-ln p` of the label that is there, computed from the margin: finite and exact also where the probability
    /// itself would round to 0 or 1, so nothing is clamped.
    static double loss(double margin, boolean positive) {
        double against = positive ? -margin : margin;
        return against > 0
                ? against + StrictMath.log1p(StrictMath.exp(-against))
                : StrictMath.log1p(StrictMath.exp(against));
    }
}
