package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UsualTimeTest {
    private static final long MS = 1_000_000;

    private final UsualTime time = new UsualTime();

    @Test
    void believesTheFirstMeasurement() {
        assertThat(time.believed(7 * MS)).isEqualTo(7 * MS);
    }

    @Test
    void believesWhatChangesByLittle() {
        for (long ms : new long[] {2, 3, 5, 9, 4, 1, 2}) {
            assertThat(time.believed(ms * MS)).isEqualTo(ms * MS);
        }
    }

    @Test
    void doesNotTakeAStopOfTheProcessForWork() {
        for (int i = 0; i < 20; i++) {
            time.believed(2 * MS);
        }
        assertThat(time.believed(11_000 * MS)).isBetween(2 * MS, 2 * UsualTime.MOST * MS);
        assertThat(time.believed(2 * MS)).isEqualTo(2 * MS);
    }

    @Test
    void believesWorkThatHasBecomeLongerWithinAFewMeasurements() {
        for (int i = 0; i < 20; i++) {
            time.believed(MS);
        }
        int measurements = 1;
        while (time.believed(1000 * MS) < 1000 * MS) {
            measurements++;
        }
        assertThat(measurements).isLessThan(8);
    }

    @Test
    void goesOnAfterAMeasurementOfNothing() {
        assertThat(time.believed(0)).isZero();
        assertThat(time.believed(5 * MS)).isEqualTo(5 * MS);
    }
}
