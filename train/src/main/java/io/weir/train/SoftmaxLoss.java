package io.weir.train;

/// The cross entropy of the probabilities `p_i = e^(z_i) / Σ e^(z_j)` of margins `z`, in strict double arithmetic, so
/// that every machine computes the same bits.
final class SoftmaxLoss {
    private SoftmaxLoss() {}

    /// `label`, if it is one of `count` classes.
    ///
    /// @param source name of the examples
    /// @throws InputException if it is not
    static int requireLabel(int label, int count, String source) {
        if (label == ExampleBatch.UNLABELLED) {
            throw new InputException(source + ": expected labels, found an example without one");
        } else if (label < 0 || label >= count) {
            throw new InputException(source + ": labels must be from 0 to " + (count - 1) + ": label=" + label);
        }
        return label;
    }

    /// `-ln p` of the class `label`, finite for all finite margins, and puts `p_i`, less 1 for the label, in the place
    /// of each margin: that is its gradient.
    ///
    /// @param from where the margins begin in `margins`
    /// @param count how many there are
    static double lossAndGradient(double[] margins, int from, int count, int label) {
        double loss = probabilities(margins, from, count, label);
        margins[from + label] -= 1;
        return loss;
    }

    /// Puts the probability of each class in the place of its margin.
    ///
    /// @return `-ln p` of the class `label`
    static double probabilities(double[] margins, int from, int count, int label) {
        double greatest = margins[from + greatest(margins, from, count)];
        double own = margins[from + label];
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            margins[i] = StrictMath.exp(margins[i] - greatest);
            sum += margins[i];
        }
        for (int i = from; i < from + count; i++) {
            margins[i] /= sum;
        }
        return StrictMath.log(sum) + (greatest - own);
    }

    /// The class with the greatest margin, the first of several.
    static int greatest(double[] margins, int from, int count) {
        int greatest = 0;
        for (int i = 1; i < count; i++) {
            if (margins[from + i] > margins[from + greatest]) {
                greatest = i;
            }
        }
        return greatest;
    }
}
