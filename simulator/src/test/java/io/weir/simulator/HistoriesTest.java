package io.weir.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.shard.PlantedBug;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Histories with faults: the short form of `weir simulate`. `-Dweir.histories=300000` plays more.
class HistoriesTest {
    private static final long COUNT = Long.getLong("weir.histories", 5000);
    private static final long FROM = Long.getLong("weir.from", 1);
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    /// Within so many seeds each planted bug must be found.
    private static final long BUG_SEEDS = 20_000;

    @Test
    void keepAllPromises() {
        Campaign.Result result = new Campaign(FROM, COUNT, THREADS, null).run(played -> {});

        assertThat(result.failures())
                .as("seeds with broken promises: %s", result.failures())
                .isEmpty();
        assertThat(result.played()).isEqualTo(COUNT);
        assertThat(result.replayed()).isPositive();
        for (Tally.What what : Tally.What.values()) {
            assertThat(result.tally().of(what)).as("how often: %s", what).isPositive();
        }
    }

    /// Seeds that were failures once. 20019939: a fenced worker ticked what it had not pushed. 20043340: a life that
    /// nobody was told of began anew, and the next one took it for the one before. 20227442 and 20035492: the same.
    /// 20005254 and 20006417: who came back when all portions were done got no answer, and worker 0 waited for it.
    @ParameterizedTest
    @ValueSource(longs = {20019939, 20227442, 20035492, 20043340, 20005254, 20006417})
    void keepPromisesThatWereBroken(long seed) {
        assertThat(Simulator.play(seed, null, false).holds()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(PlantedBug.class)
    void findsAPlantedBug(PlantedBug bug) {
        boolean found = false;
        for (long seed = 1; seed <= BUG_SEEDS && !found; seed++) {
            found = !Simulator.play(seed, bug, false).holds();
        }
        assertThat(found).as("found within %s seeds: %s", BUG_SEEDS, bug).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void goesTheSameWayAgainToldOrNot(long seed) {
        Simulator.Outcome told = Simulator.play(seed, null, true);
        Simulator.Outcome untold = Simulator.play(seed, null, false);
        assertThat(told.hash()).isEqualTo(untold.hash());
        assertThat(told.trace()).hasSizeGreaterThan(100);
        assertThat(untold.trace()).isEqualTo(List.of());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void hasItsMeasure(long seed) {
        Scenario scenario = Scenario.of(seed);
        Tally tally = Simulator.play(seed, null, false).tally();
        assertThat(scenario.run().startingWorkers()).isGreaterThanOrEqualTo(3);
        assertThat(scenario.faults()).isGreaterThanOrEqualTo(5);
        assertThat(tally.of(Tally.What.PUSHES)).isGreaterThanOrEqualTo(150);
        assertThat(tally.of(Tally.What.FAULTS)).isEqualTo(scenario.faults());
    }
}
