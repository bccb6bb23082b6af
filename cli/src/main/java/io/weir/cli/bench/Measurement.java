package io.weir.cli.bench;

import org.HdrHistogram.Histogram;

/// What one contender did in one repetition. The histogram is shared.
///
/// @param rows rows moved, or floats for a dense tensor
/// @param payloadBytes bytes of keys, weights and gradients moved, both ways together
/// @param elapsedNs from the first unit begun to the last one ended
/// @param latenciesNs of each unit, from its submission to its end
public record Measurement(long rows, long payloadBytes, long elapsedNs, Histogram latenciesNs) {
    /// Longest latency that is told apart, in nanoseconds: one minute.
    private static final long MAX_LATENCY_NS = 60_000_000_000L;

    /// A histogram with three significant digits, for latencies of up to a minute.
    static Histogram newHistogram() {
        return new Histogram(MAX_LATENCY_NS, 3);
    }

    /// Records a latency, a longer one than a histogram can tell apart as the longest that it can.
    static void record(Histogram histogram, long latencyNs) {
        histogram.recordValue(Math.min(latencyNs, MAX_LATENCY_NS));
    }

    /// Does unit after unit, each when the one before has ended, and records how long each takes.
    ///
    /// @return the units that were done
    static long repeat(long durationNs, long startNs, Histogram latenciesNs, Runnable unit) {
        long lastNs = startNs;
        long units = 0;
        while (lastNs - startNs < durationNs) {
            unit.run();
            units++;
            long nowNs = System.nanoTime();
            record(latenciesNs, nowNs - lastNs);
            lastNs = nowNs;
        }
        return units;
    }

    /// Rows in a second.
    public double rowsPerSecond() {
        return rows * 1e9 / elapsedNs;
    }

    /// Gigabytes of payload in a second, both ways together.
    public double gigabytesPerSecond() {
        return payloadBytes / (double) elapsedNs;
    }

    /// The latency that the given percentage of units stays within, in microseconds.
    public double percentileMicros(double percentile) {
        return latenciesNs.getValueAtPercentile(percentile) / 1e3;
    }
}
