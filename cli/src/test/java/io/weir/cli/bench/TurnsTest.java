package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
    private final List<String> order = new ArrayList<>();

    @Test
    void runsEveryContenderInEachRepetition() throws IOException {
        List<Medians> medians = Turns.run(List.of(contender("a"), contender("b")), 1, 2, 5);
        assertThat(order).containsExactly("a", "b", "a", "b", "a", "b");
        assertThat(medians).extracting(Medians::name).containsExactly("a", "b");
    }

    @Test
    void leavesWarmUpsOut() throws IOException {
        // Turns move 1, 2, 3, … rows; the first two are warm-ups.
        Medians medians = Turns.run(List.of(contender("a")), 2, 3, 5).get(0);
        assertThat(medians.repetitions()).isEqualTo(3);
        assertThat(medians.lowestRowsPerSecond()).isEqualTo(3e9);
        assertThat(medians.highestRowsPerSecond()).isEqualTo(5e9);
    }

    private Contender contender(String name) {
        return new Contender() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Measurement run(long durationNs) {
                order.add(name);
                return new Measurement(order.size(), 1, 1, Measurement.newHistogram());
            }

            @Override
            public void close() {}
        };
    }
}
