package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.wire.Limits;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WorkerEntryTest {
    @Test
    void remembersRefusalsAsFarBackAsAWindowReaches() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.advance(1, true);
        for (int number = 2; number < Limits.MAX_WINDOW + 1; number++) {
            entry.advance(number, false);
            assertThat(entry.wasRejected(1)).as("after %d", number).isTrue();
            assertThat(entry.wasRejected(number)).isFalse();
        }
        entry.advance(Limits.MAX_WINDOW + 1, false);
        assertThat(entry.wasRejected(1)).isFalse();
    }

    @Test
    void movesItsClockByTicksAndKeepsTheNumbersOfTheLastTwo() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.advance(3, false);
        assertThat(entry.clock()).isZero();
        assertThat(entry.numberAt(entry.clock())).isZero();
        entry.advance(5, false);
        entry.tick(0, 2);
        entry.advance(6, true);
        assertThat(entry.clock()).isEqualTo(2);
        assertThat(entry.numberAt(entry.clock())).isEqualTo(5);
        assertThat(entry.numberAt(1)).isZero();
        entry.advance(9, false);
        entry.tick(0, 3);
        assertThat(entry.clock()).isEqualTo(3);
        assertThat(entry.numberAt(3)).isEqualTo(9);
        assertThat(entry.numberAt(2)).isEqualTo(5);
        assertThat(entry.lastNumber()).isEqualTo(9);
    }

    @Test
    void keepsAClockForEachGroup() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.advance(1, false);
        entry.tick(0, 4);
        entry.advance(2, false);
        entry.tick(7, 9);
        assertThat(entry.clock(0)).isEqualTo(4);
        assertThat(entry.clock(7)).isEqualTo(9);
        assertThat(entry.clock(8)).isZero();
        assertThat(entry.numberAt(entry.clock())).as("of the first group").isEqualTo(1);
    }

    @Test
    void isUsedOnceSomethingWasDecidedSinceItBegan() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        assertThat(entry.isUsed()).isFalse();
        entry.advance(1, true);
        assertThat(entry.isUsed()).as("by a refused push").isTrue();
        entry.advance(2, false);
        entry.tick(0, 1);
        assertThat(entry.isUsed()).as("by a tick").isTrue();
        entry.open(2);
        assertThat(entry.isUsed()).as("a life that goes on").isTrue();
        entry.begin(7, 4);
        assertThat(entry.isUsed()).as("begun anew").isFalse();
        entry.open(3);
        assertThat(entry.isUsed()).isFalse();
        entry.advance(8, false);
        entry.tick(5, 1);
        assertThat(entry.isUsed()).as("by a tick of another group").isTrue();
    }

    @Test
    void beginsAnewWithTheSameNumberAndClockOnEveryShard() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.advance(4, true);
        entry.begin(9, 5);
        assertThat(entry.lastNumber()).isEqualTo(9);
        assertThat(entry.clock()).isEqualTo(5);
        assertThat(entry.numberAt(entry.clock())).isEqualTo(9);
        assertThat(entry.wasRejected(9)).isFalse();
        entry.begin(2, 1);
        assertThat(entry.lastNumber()).as("never back").isEqualTo(9);
        assertThat(entry.clock()).isEqualTo(5);
    }

    @Test
    void isFencedUntilANewGenerationComes() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.fence();
        entry.open(1);
        assertThat(entry.isFenced()).isTrue();
        entry.open(2);
        assertThat(entry.isFenced()).isFalse();
    }

    @Test
    void keepsItsPlaceUnderANewGeneration() {
        WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
        entry.advance(4, true);
        entry.tick(0, 1);
        entry.open(3);
        assertThat(entry.generation()).isEqualTo(3);
        assertThat(entry.lastNumber()).isEqualTo(4);
        assertThat(entry.clock()).isEqualTo(1);
        assertThat(entry.wasRejected(4)).isTrue();
    }

    @Test
    void agreesWithAMapOfAllDecisions() {
        for (long seed = 1; seed <= 200; seed++) {
            Random random = new Random(seed);
            WorkerEntry entry = new WorkerEntry(1, 0, 1, null);
            TreeMap<Long, Boolean> decisions = new TreeMap<>();
            long number = 0;
            for (int i = 0; i < 300; i++) {
                number += random.nextInt(10) == 0 ? 1 + random.nextInt(100) : 1;
                boolean rejected = random.nextInt(3) == 0;
                entry.advance(number, rejected);
                decisions.put(number, rejected);
                for (var decision :
                        decisions.tailMap(number - Limits.MAX_WINDOW + 1).entrySet()) {
                    assertThat(entry.wasRejected(decision.getKey()))
                            .as("seed=%d, last=%d, number=%d", seed, number, decision.getKey())
                            .isEqualTo(decision.getValue());
                }
            }
        }
    }

    @Test
    void isFoundAmongManyUntilItIsRemoved() {
        for (long seed = 1; seed <= 20; seed++) {
            Random random = new Random(seed);
            WorkerEntries entries = new WorkerEntries();
            TreeMap<Integer, WorkerEntry> expected = new TreeMap<>();
            for (int i = 0; i < 500; i++) {
                int id = random.nextInt(100);
                WorkerEntry present = expected.get(id);
                assertThat(entries.find(id % 7, id))
                        .as("seed=%d, step=%d", seed, i)
                        .isSameAs(present);
                if (present == null) {
                    expected.put(id, entries.add(new WorkerEntry(id % 7, id, 1, null)));
                } else {
                    entries.remove(present);
                    expected.remove(id);
                }
            }
            assertThat(entries.count()).as("seed=%d", seed).isEqualTo(expected.size());
            for (int id = 0; id < 100; id++) {
                assertThat(entries.find(id % 7, id))
                        .as("seed=%d, id=%d", seed, id)
                        .isSameAs(expected.get(id));
            }
        }
    }
}
