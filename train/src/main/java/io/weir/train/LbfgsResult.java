package io.weir.train;

import java.util.Collections;
import java.util.List;
import org.HdrHistogram.Histogram;

/// What a training with L-BFGS came to. Immutable.
///
/// @param objective where it ended
/// @param gradientNorm of the gradient there, or with L1 of the pseudo-gradient
/// @param dataPasses over the data, the first look included
/// @param iterations steps that were taken
/// @param converged whether the tolerance was met
/// @param examples of the data; without the coordinator those that this process computed gradients of
/// @param features of the data, 0 without the coordinator
/// @param portions that the data were cut into
/// @param seconds that it took
/// @param passLoss for each pass but the first look the mean loss of the examples there
/// @param workers of this process
public record LbfgsResult(
        double objective,
        double gradientNorm,
        int dataPasses,
        int iterations,
        boolean converged,
        long examples,
        long features,
        int portions,
        double seconds,
        List<Double> passLoss,
        int workers) {
    public LbfgsResult {
        passLoss = List.copyOf(passLoss);
    }

    /// The same as of any training: each pass looks at all examples. Latencies are not measured.
    public TrainingResult training() {
        Latency none = Latency.of(new Histogram(3));
        return new TrainingResult(
                examples * dataPasses,
                features * dataPasses,
                (long) portions * dataPasses,
                seconds,
                passLoss,
                Collections.nCopies(passLoss.size(), examples),
                none,
                none,
                workers);
    }
}
