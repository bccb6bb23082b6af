package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class MediansTest {
    @Test
    void takesTheMiddleValue() {
        assertThat(Medians.median(new double[] {5, 1, 3})).isEqualTo(3);
        assertThat(Medians.median(new double[] {5, 1, 3, 4})).isEqualTo(3.5);
        assertThat(Medians.median(new double[] {2})).isEqualTo(2);
    }

    @Test
    void leavesValuesInTheirOrder() {
        double[] values = {5, 1, 3};
        assertThat(Medians.median(values)).isEqualTo(3);
        assertThat(values).containsExactly(5, 1, 3);
    }

    @Test
    void sumsUpEachFigureOnItsOwn() {
        Medians medians = Medians.of("one", List.of(measurement(10, 30), measurement(30, 10), measurement(20, 20)));
        assertThat(medians.repetitions()).isEqualTo(3);
        assertThat(medians.rowsPerSecond()).isEqualTo(20);
        assertThat(medians.lowestRowsPerSecond()).isEqualTo(10);
        assertThat(medians.highestRowsPerSecond()).isEqualTo(30);
        assertThat(medians.gigabytesPerSecond()).isEqualTo(2);
        assertThat(medians.p50Micros()).isCloseTo(20, within(0.1));
        assertThat(medians.p999Micros()).isCloseTo(20, within(0.1));
    }

    /// Takes one second.
    private static Measurement measurement(long rows, long latencyMicros) {
        Histogram histogram = Measurement.newHistogram();
        Measurement.record(histogram, latencyMicros * 1000);
        return new Measurement(rows, rows * 100_000_000, 1_000_000_000, histogram);
    }
}
