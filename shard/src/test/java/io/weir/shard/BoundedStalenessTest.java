package io.weir.shard;

import static io.weir.shard.RunOnShard.assertAcknowledged;
import static io.weir.shard.RunOnShard.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Which pulls of a run with bounded staleness wait inside the shard, for whom, and what ends their waiting.
class BoundedStalenessTest {
    private static RunSpec ssp(int workers, int staleness) {
        return RunSpec.of("r", workers).withConsistency(Consistency.ssp(staleness));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 10})
    void parksAPullExactlyWhenItIsFurtherAheadThanTheRunAllows(int staleness) {
        try (RunOnShard run = new RunOnShard(ssp(2, staleness)).join(0, 1)) {
            for (int slowest = 0; slowest < 4; slowest++) {
                if (slowest > 0) {
                    run.tick(1, slowest);
                }
                run.tick(0, slowest + staleness);
                assertThat(run.pull(0, slowest + staleness, 5))
                        .as("slowest=%d", slowest)
                        .isInstanceOf(Outcome.Rows.class);
                run.tick(0, slowest + staleness + 1);
                ParkedFrame parked = run.parked(0, slowest + staleness + 1, 5);
                assertThat(parked.isAnswered()).isFalse();
                assertThat(run.pull(1, slowest, 5))
                        .as("the slowest never waits")
                        .isInstanceOf(Outcome.Rows.class);
                parked.lose();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 10})
    void wakesAPullOnTheTickThatItWaitsFor(int staleness) {
        try (RunOnShard run = new RunOnShard(ssp(3, staleness)).join(0, 1, 2)) {
            int ahead = staleness + 2;
            run.tick(0, ahead);
            ParkedFrame parked = run.parked(0, ahead, 5);
            run.push(1, 0, 5, 1);
            run.tick(1, 2);
            run.push(2, 0, 5, 10);
            run.tick(2, 1);
            assertThat(parked.isAnswered()).as("2 is at 1").isFalse();
            run.push(2, 1, 5, 100);
            assertThat(parked.isAnswered()).as("a push is no tick").isFalse();
            run.tick(2, 2);
            assertThat(RunOnShard.floats(parked.answer())).containsExactly(-111);
        }
    }

    @Test
    void appliesPushesOnArrival() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.push(0, 0, 5, 1);
            run.push(0, 9, 5, 1);
            assertThat(run.row(5)).isEqualTo(-2);
        }
    }

    @Test
    void decidesThePushOfAPushPullAtOnceAlthoughItsRowsWait() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            DataFrame frame = DataFrame.pushPull(RunOnShard.TABLE, 1, new long[] {5}, 1)
                    .ofRun(run.spec.id())
                    .numbered(2, 1)
                    .atClock(1);
            ParkedFrame parked = ((Outcome.Waits) frame.sendTo(run.shard)).frame();
            assertThat(run.row(5)).isEqualTo(-1);
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 0, 1), -1).lastNumber())
                    .isEqualTo(2);
            ParkedFrame again = ((Outcome.Waits) frame.sendTo(run.shard)).frame();
            run.push(1, 0, 5, 10);
            run.tick(1, 1);
            for (ParkedFrame waiting : List.of(parked, again)) {
                assertThat(waiting.answer()).isEqualTo(new Outcome.Rows(1, 2, 1, List.of(-11f)));
            }
        }
    }

    @Test
    void waitsForWorkersThatHaveNotComeYet() {
        try (RunOnShard run = new RunOnShard(ssp(2, 1)).join(0)) {
            run.tick(0, 1);
            assertThat(run.pull(0, 1, 5)).isInstanceOf(Outcome.Rows.class);
            run.tick(0, 2);
            ParkedFrame parked = run.parked(0, 2, 5);
            run.join(1);
            assertThat(parked.isAnswered()).isFalse();
            run.tick(1, 1);
            assertThat(parked.isAnswered()).isTrue();
        }
    }

    @Test
    void letsPullsGoThatAreOutsideTheRunOrOfPortions() {
        RunSpec spec = ssp(2, 0).withPortionCount(3);
        try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
            int portion = WorkerId.PORTIONS + 2;
            run.shard.apply(Controls.open(spec.id(), portion, 1, -1, -1, false));
            DataFrame pull = DataFrame.pull(RunOnShard.TABLE, 1, 5).atClock(9);
            assertThat(pull.ofRun(spec.id()).from(portion, 1).sendTo(run.shard)).isInstanceOf(Outcome.Rows.class);
            assertThat(pull.ofRun(0).from(0, 0).sendTo(run.shard)).isInstanceOf(Outcome.Rows.class);
            assertThat(pull.ofRun(spec.id()).from(1, 1).sendTo(run.shard)).isInstanceOf(Outcome.Waits.class);
        }
    }

    @Test
    void neverLetsAnAsynchronousRunWait() {
        try (RunOnShard run = new RunOnShard(RunSpec.of("r", 3)).join(0)) {
            run.tick(0, 1000);
            assertThat(run.pull(0, 1000, 5)).isInstanceOf(Outcome.Rows.class);
        }
    }

    // ---- who is not waited for any more ----

    @Test
    void releasesTheOthersWhenTheSlowOneIsFenced() {
        try (RunOnShard run = new RunOnShard(ssp(3, 0)).join(0, 1, 2)) {
            run.tick(0, 1);
            run.tick(2, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.fence(1, 1);
            assertThat(parked.answer()).isInstanceOf(Outcome.Rows.class);
            assertRefused(run.push(1, 0, 5, 1), ErrorCode.FENCED, false, "worker=1", "join again");
            assertRefused(run.tick(1, 1), ErrorCode.FENCED, false);
            assertRefused(run.pull(1, 0, 5), ErrorCode.FENCED, false);
            assertThat(run.row(5)).isZero();
        }
    }

    @Test
    void refusesTheParkedPullOfAWorkerThatIsFenced() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.fence(1, 0);
            assertRefused(parked.answer(), ErrorCode.FENCED, false, "worker=0");
        }
    }

    @Test
    void refusesTheParkedPullOfAnEarlierLife() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.join(0);
            assertRefused(parked.answer(), ErrorCode.FENCED, false, "generation=1", "newest=2");
        }
    }

    @Test
    void releasesTheOthersWhenTheSlowOneLeavesOrIsDone() {
        for (boolean finished : new boolean[] {false, true}) {
            try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
                run.tick(0, 1);
                ParkedFrame parked = run.parked(0, 1, 5);
                run.close(1, finished);
                assertThat(parked.isAnswered()).isTrue();
            }
        }
    }

    @Test
    void letsGoOfAPullWhoseConnectionIsLost() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            parked.lose();
            run.tick(1, 1);
            assertThat(parked.isForgotten()).isTrue();
        }
    }

    @Test
    void answersAParkedPullOfADroppedTableWithThat() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.shard.apply(new Control.DropTable(RunOnShard.TABLE));
            run.tick(1, 1);
            assertRefused(parked.answer(), ErrorCode.UNKNOWN_TABLE, false, "tableId=1");
        }
    }

    // ---- joining, waiting for portions ----

    @Test
    void letsAFreshWorkerBeginAtTheSlowestClock() {
        try (RunOnShard run = new RunOnShard(ssp(2, 1)).join(0, 1)) {
            run.tick(0, 7);
            run.tick(1, 6);
            ParkedFrame parked = run.parked(0, 8, 5);
            run.askToJoin(-1, false);
            RunMessage.Entry entry = run.open(2);
            assertThat(entry.clock()).isEqualTo(6);
            run.tick(1, 7);
            assertThat(parked.isAnswered()).as("the new one is waited for").isFalse();
            // In the second phase it takes the greatest clock that any shard answered to all of them.
            run.shard.apply(Controls.open(run.spec.id(), 2, 1, 7, 12, false));
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 2, 1), -1))
                    .isEqualTo(new RunMessage.Entry(0, 7, 12, 12, false));
            assertThat(parked.isAnswered()).as("not before somebody looks").isTrue();
            assertAcknowledged(DataFrame.push(RunOnShard.TABLE, 1, new long[] {5}, 1)
                    .ofRun(run.spec.id())
                    .from(2, 1)
                    .numbered(13, 12)
                    .sendTo(run.shard));
        }
    }

    @Test
    void letsTheFirstWorkersBeginAtZeroHoweverLateTheyCome() {
        try (RunOnShard run = new RunOnShard(ssp(2, 3)).join(0)) {
            run.tick(0, 3);
            run.askToJoin(1, false);
            assertThat(run.open(1).clock()).isZero();
        }
    }

    @Test
    void waitsForNobodyWhoIsIdleUntilHeIsActiveAgain() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 5);
            ParkedFrame parked = run.parked(0, 5, 5);
            assertAcknowledged(run.tick(1, 0, DataLayout.FLAG_IDLE));
            assertThat(parked.isAnswered()).isTrue();
            run.tick(0, 8);
            assertThat(run.pull(0, 8, 5)).isInstanceOf(Outcome.Rows.class);
            assertAcknowledged(run.tick(1, 0, DataLayout.FLAG_ACTIVE));
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 1, 1), -1).clock())
                    .as("at the slowest clock of the others")
                    .isEqualTo(8);
            run.tick(0, 9);
            ParkedFrame next = run.parked(0, 9, 5);
            run.tick(1, 9);
            assertThat(next.isAnswered()).isTrue();
        }
    }

    @Test
    void keepsTheClockOfAnActiveWorkerThatIsAheadOfTheOthers() {
        try (RunOnShard run = new RunOnShard(ssp(2, 9)).join(0, 1)) {
            run.tick(1, 5);
            run.tick(1, 5, DataLayout.FLAG_IDLE);
            run.tick(0, 2);
            run.tick(1, 5, DataLayout.FLAG_ACTIVE);
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 1, 1), -1).clock())
                    .isEqualTo(5);
        }
    }

    @Test
    void keepsTheClocksOfGroupsApart() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            DataFrame pull = DataFrame.pull(RunOnShard.TABLE, 1, 5).ofRun(run.spec.id());
            run.tick(1, 3);
            assertThat(pull.atClock(3).sendTo(run.shard))
                    .as("0 itself has not ticked")
                    .isInstanceOf(Outcome.Waits.class);
            run.tick(0, 3);
            assertThat(pull.atClock(3).sendTo(run.shard)).isInstanceOf(Outcome.Rows.class);
            assertThat(pull.atClock(1).inGroup(4).sendTo(run.shard)).isInstanceOf(Outcome.Waits.class);
        }
    }

    // ---- limits ----

    @Test
    void refusesPullsBeyondWhatMayWait() {
        try (RunOnShard run = new RunOnShard(ssp(2, 0)).join(0, 1)) {
            run.tick(0, 1);
            long[] keys = new long[1 << 20];
            List<ParkedFrame> parked = new ArrayList<>();
            Outcome outcome;
            while ((outcome = run.pull(0, 1, keys)) instanceof Outcome.Waits waits) {
                parked.add(waits.frame());
                assertThat(parked).hasSizeLessThan(10);
            }
            assertThat(parked).hasSize(7);
            assertRefused(outcome, ErrorCode.BUSY, false, "limit=" + Shard.MAX_PARKED_BYTES);
            assertThat(run.pull(1, 0, 5)).as("others read on").isInstanceOf(Outcome.Rows.class);
            run.tick(1, 1);
            assertThat(parked).allSatisfy(each -> assertThat(each.isAnswered()).isTrue());
            run.tick(0, 2);
            run.parked(0, 2, keys).lose();
        }
    }

    @Test
    void namesWhoWaitsForWhom() {
        try (RunOnShard run = new RunOnShard(ssp(4, 1)).join(0, 1, 2, 3)) {
            run.tick(0, 4);
            run.tick(1, 3);
            run.tick(2, 2);
            run.parked(0, 4, 5);
            assertThat(run.status().waits()).containsExactly(new RunMessage.Wait(0, 1, 4, List.of(2, 3)));
        }
    }
}
