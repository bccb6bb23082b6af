package io.weir.train;

import io.weir.train.ExampleSource.Share;
import java.util.Arrays;

/// How well a model scores labelled examples. Immutable.
///
/// @param examples scored
/// @param positives of them with label 1
/// @param logloss mean of `-ln p` of the label that is there, from the margin and so never infinite
/// @param auc the chance that a positive example scores above a negative one, ties counting half; NaN unless there are
///     both. Exact
/// @param accuracy fraction of examples whose label is what is predicted: 1 if the probability is above 0.5, else 0
public record Evaluation(long examples, long positives, double logloss, double auc, double accuracy) {
    private static final int BATCH = 1024;

    /// Scores every example of `source`, one pass in its order. Keeps 8 bytes an example.
    ///
    /// @param bias whether the model has a weight under [Model#BIAS_KEY]
    /// @throws InputException if the source is broken, has no examples, or one without a label
    public static Evaluation of(ExampleSource source, Weights weights, boolean bias) {
        Scores scores = new Scores();
        Scorer scorer = Scorer.of(weights, bias, source.name());
        ExampleBatch batch = new ExampleBatch();
        try (ExampleReader reader = source.open(Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                double[] margins = scorer.margins(batch);
                for (int i = 0; i < batch.exampleCount(); i++) {
                    if (batch.labels()[i] == ExampleBatch.UNLABELLED) {
                        throw new InputException(source.name()
                                + ": expected a label, found an example without one: example=" + (scores.count() + 1));
                    }
                    scores.add(margins[i], batch.labels()[i] == 1);
                }
            }
        }
        return scores.evaluation();
    }

    /// Margins and their labels, collected until all are there. Confined.
    static final class Scores {
        private final Margins positives = new Margins();
        private final Margins negatives = new Margins();
        private double loss;
        private long right;

        void add(double margin, boolean positive) {
            // Adding 0 makes -0.0 a 0.0, which sorting would put apart.
            (positive ? positives : negatives).add(margin + 0.0);
            loss += LogisticLoss.loss(margin, positive);
            right += (margin > 0) == positive ? 1 : 0;
        }

        long count() {
            return (long) positives.count + negatives.count;
        }

        Evaluation evaluation() {
            return new Evaluation(count(), positives.count, loss / count(), areaUnderCurve(), (double) right / count());
        }

        /// Counts, for each positive, the negatives below it and half of those level with it (Mann and Whitney's U).
        private double areaUnderCurve() {
            double[] ups = positives.sorted();
            double[] downs = negatives.sorted();
            long twice = 0;
            int below = 0;
            int notAbove = 0;
            for (double up : ups) {
                while (below < downs.length && downs[below] < up) {
                    below++;
                }
                while (notAbove < downs.length && downs[notAbove] <= up) {
                    notAbove++;
                }
                twice += (long) below + notAbove;
            }
            return twice / 2.0 / ups.length / downs.length;
        }
    }

    private static final class Margins {
        private double[] margins = new double[1024];
        private int count;

        void add(double margin) {
            if (count == margins.length) {
                margins = Arrays.copyOf(margins, Math.multiplyExact(count, 2));
            }
            margins[count++] = margin;
        }

        double[] sorted() {
            double[] sorted = Arrays.copyOf(margins, count);
            Arrays.parallelSort(sorted);
            return sorted;
        }
    }
}
