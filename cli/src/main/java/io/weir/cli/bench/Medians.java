package io.weir.cli.bench;

import java.util.Arrays;
import java.util.List;

/// A contender's repetitions, summed up: each figure is the median over them. Immutable.
///
/// @param name of the contender
/// @param lowestRowsPerSecond of any repetition
/// @param highestRowsPerSecond of any repetition
public record Medians(
        String name,
        int repetitions,
        double rowsPerSecond,
        double lowestRowsPerSecond,
        double highestRowsPerSecond,
        double gigabytesPerSecond,
        double p50Micros,
        double p99Micros,
        double p999Micros) {

    /// Sums up repetitions of one contender, at least one.
    public static Medians of(String name, List<Measurement> repetitions) {
        double[] rows = sorted(
                repetitions.stream().mapToDouble(Measurement::rowsPerSecond).toArray());
        return new Medians(
                name,
                repetitions.size(),
                median(rows),
                rows[0],
                rows[rows.length - 1],
                median(repetitions.stream()
                        .mapToDouble(Measurement::gigabytesPerSecond)
                        .toArray()),
                percentile(repetitions, 50),
                percentile(repetitions, 99),
                percentile(repetitions, 99.9));
    }

    private static double percentile(List<Measurement> repetitions, double percentile) {
        return median(repetitions.stream()
                .mapToDouble(repetition -> repetition.percentileMicros(percentile))
                .toArray());
    }

    /// The middle value; between two middle ones, their mean.
    ///
    /// @param values at least one, in any order, unchanged
    static double median(double[] values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a median needs a value: count=0");
        }
        double[] sorted = sorted(values);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static double[] sorted(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }
}
