package io.weir.train;

import org.HdrHistogram.Histogram;

/// How long a kind of call took. Immutable.
///
/// @param count calls
/// @param p50Micros half of them took no longer
/// @param p99Micros 99 in 100 took no longer
/// @param p999Micros 999 in 1000 took no longer
/// @param maxMicros the longest
public record Latency(long count, double p50Micros, double p99Micros, double p999Micros, double maxMicros) {
    static Latency of(Histogram nanos) {
        return new Latency(
                nanos.getTotalCount(),
                nanos.getValueAtPercentile(50) / 1e3,
                nanos.getValueAtPercentile(99) / 1e3,
                nanos.getValueAtPercentile(99.9) / 1e3,
                nanos.getMaxValue() / 1e3);
    }
}
