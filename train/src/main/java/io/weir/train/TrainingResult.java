package io.weir.train;

import java.util.List;

/// What a training came to, over all workers of this process. Immutable.
///
/// @param examples trained on, all passes together
/// @param features of those examples, all together
/// @param batches pushed
/// @param seconds from opening the source to the last acknowledged push
/// @param passLogloss for each pass the mean loss of each example before it was learned from, natural logarithm; later
///     passes have seen their examples before
/// @param passExamples examples of each pass
/// @param pull latencies of the pulls
/// @param push latencies of the pushes, up to their acknowledgement
/// @param workers threads
public record TrainingResult(
        long examples,
        long features,
        long batches,
        double seconds,
        List<Double> passLogloss,
        List<Long> passExamples,
        Latency pull,
        Latency push,
        int workers) {
    public TrainingResult {
        passLogloss = List.copyOf(passLogloss);
        passExamples = List.copyOf(passExamples);
    }

    /// Examples over seconds.
    public double examplesPerSecond() {
        return examples / seconds;
    }

    /// The mean loss of each example of the first pass before it was learned from: progressive validation.
    public double progressiveLogloss() {
        return passLogloss.get(0);
    }
}
