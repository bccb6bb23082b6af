package io.weir.shard;

import static io.weir.shard.RunOnShard.portion;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.wire.RunMessage;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Who gets which portion of the input, and how far each has come.
class RunPortionsTest {
    private static final RunMessage.Portion NONE = new RunMessage.Portion(-1, 0, 0, 0);

    private static RunSpec asp(int workers, int portions) {
        return RunSpec.of("r", workers).withPortionCount(portions).withSilence(Duration.ofSeconds(1));
    }

    private static RunSpec bsp(int workers, int portions) {
        return asp(workers, portions).withConsistency(Consistency.bsp());
    }

    // ---- streams of their own ----

    @Test
    void handsOutTheLowestPortionThatIsFree() {
        try (RunOnShard run = new RunOnShard(asp(3, 4)).join(0, 1)) {
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(new RunMessage.Portion(0, 1, 0, 0));
            assertThat(portion(run.nextPortion(0, -1))).isEqualTo(new RunMessage.Portion(1, 1, 0, 0));
            assertThat(portion(run.nextPortion(0, -1)))
                    .as("it has it still")
                    .isEqualTo(new RunMessage.Portion(1, 1, 0, 0));
            assertThat(portion(run.nextPortion(1, 0)).index()).isEqualTo(2);
            assertThat(portion(run.nextPortion(1, 0)).index())
                    .as("the same answer again")
                    .isEqualTo(2);
            assertThat(run.status().portionsHeld()).isEqualTo(2);
            assertThat(run.status().portionsDone()).isEqualTo(1);
        }
    }

    @Test
    void letsWorkersWaitWhilePortionsMayComeBack() {
        try (RunOnShard run = new RunOnShard(asp(3, 2)).join(0, 1, 2)) {
            run.nextPortion(0, -1);
            run.nextPortion(1, -1);
            AskedAnswer waiting = run.nextPortion(2, -1);
            AskedAnswer again = run.nextPortion(2, -1);
            assertThat(waiting.isAnswered()).isFalse();
            assertThat(run.status().waits()).contains(new RunMessage.Wait(2, 4, 0, List.of(0, 1)));
            run.close(0, false);
            for (AskedAnswer answer : List.of(waiting, again)) {
                assertThat(portion(answer))
                        .as("whoever takes it over is its next generation")
                        .isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            }
            AskedAnswer last = run.nextPortion(1, 1);
            assertThat(last.isAnswered()).isFalse();
            assertThat(portion(run.nextPortion(2, 0))).isEqualTo(NONE);
            assertThat(portion(last)).isEqualTo(NONE);
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(NONE);
        }
    }

    @Test
    void namesWhomASynchronousRunWaitsForBeforeItHandsOutPortions() {
        try (RunOnShard run = new RunOnShard(bsp(3, 9)).join(0, 1, 2)) {
            run.nextPortion(1, -1);
            assertThat(run.status().waits()).containsExactly(new RunMessage.Wait(1, 4, 0, List.of(0, 2)));
            run.nextPortion(0, -1);
            assertThat(run.status().waits())
                    .containsExactly(
                            new RunMessage.Wait(0, 4, 0, List.of(2)), new RunMessage.Wait(1, 4, 0, List.of(2)));
        }
    }

    @Test
    void takesThePortionOfASilentWorkerToTheNextOne() {
        try (RunOnShard run = new RunOnShard(asp(2, 1)).join(0, 1)) {
            run.nextPortion(0, -1);
            AskedAnswer waiting = run.nextPortion(1, -1);
            run.pass(999);
            run.heartbeat(1);
            assertThat(waiting.isAnswered()).isFalse();
            run.pass(1);
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
        }
    }

    @Test
    void givesALaterLifeThePortionThatItHadAsItsNextGeneration() {
        try (RunOnShard run = new RunOnShard(asp(1, 2)).join(0)) {
            run.nextPortion(0, -1);
            run.join(0);
            RunMessage.Portion again = portion(run.nextPortion(0, -1));
            assertThat(again).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
        }
    }

    @Test
    void isFinishedWhenAllPortionsAreDoneAndNobodyIsAMemberAnyMore() {
        try (RunOnShard run = new RunOnShard(asp(2, 1)).join(0, 1)) {
            run.nextPortion(0, -1);
            run.nextPortion(0, 0);
            run.close(1, false);
            assertThat(run.status().finished()).isFalse();
            run.close(0, true);
            assertThat(run.status().finished()).isTrue();
        }
    }

    @Test
    void beginsAllPortionsAnewInTheNextLifeOfTheRunUnderLaterGenerations() {
        try (RunOnShard run = new RunOnShard(asp(1, 1)).join(0)) {
            run.nextPortion(0, -1);
            run.nextPortion(0, 0);
            run.close(0, true);
            run.askToJoin(0, true);
            run.open(0);
            assertThat(portion(run.nextPortion(0, -1))).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
        }
    }

    @Test
    void refusesToHandOutWhatARunDoesNotHave() {
        try (RunOnShard run = new RunOnShard(asp(1, 0)).join(0)) {
            assertThatThrownBy(() -> run.nextPortion(0, -1))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .hasMessageContaining("no portions");
        }
    }

    // ---- as steps ----

    @Test
    void handsOutPortionsOfASynchronousRunOnlyWhenNobodyCanAskAnyMore() {
        try (RunOnShard run = new RunOnShard(bsp(3, 5)).join(2, 1)) {
            AskedAnswer second = run.nextPortion(2, -1);
            AskedAnswer first = run.nextPortion(1, -1);
            assertThat(second.isAnswered()).as("one has not joined yet").isFalse();
            run.join(0);
            assertThat(second.isAnswered()).as("one has not asked yet").isFalse();
            AskedAnswer third = run.nextPortion(0, -1);
            assertThat(List.of(
                            portion(third).index(),
                            portion(first).index(),
                            portion(second).index()))
                    .as("in the order of the workers")
                    .containsExactly(0, 1, 2);
        }
    }

    /// The others have their last answer, and one of them waits at the barrier for the one that comes back.
    @Test
    void tellsWhoComesBackWhenAllIsDoneThatNothingIsLeft() {
        try (RunOnShard run = new RunOnShard(bsp(2, 1)).join(0, 1)) {
            run.close(1, false);
            assertThat(portion(run.nextPortion(0, -1)).index()).isZero();
            assertThat(RunOnShard.closed(run.complete(0, 0, 0, true)).counted()).isTrue();
            assertThat(portion(run.nextPortion(0, 0))).isEqualTo(NONE);
            AskedAnswer atBarrier = run.barrier(0, 0);
            run.join(1);
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(NONE);
            run.close(1, true);
            assertThat(atBarrier.isAnswered()).isTrue();
        }
    }

    @Test
    void movesAPortionOnOnlyByPartsThatCounted() {
        try (RunOnShard run = new RunOnShard(bsp(2, 3).withBackupWorkers(1)).join(0, 1, 2)) {
            for (int worker = 0; worker < 3; worker++) {
                run.nextPortion(worker, -1);
            }
            run.complete(0, 0, 0, false);
            run.complete(2, 0, 2, false);
            assertThat(RunOnShard.closed(run.complete(1, 0, 1, false)).counted())
                    .isFalse();
            assertThat(portion(run.nextPortion(0, -1))).isEqualTo(new RunMessage.Portion(0, 1, 1, 1));
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(new RunMessage.Portion(1, 1, 0, 1));
            assertThat(portion(run.nextPortion(2, -1))).isEqualTo(new RunMessage.Portion(2, 1, 1, 1));
        }
    }

    @Test
    void doesNotWaitWithAStepForThoseWithoutAPortion() {
        try (RunOnShard run = new RunOnShard(bsp(2, 1)).join(0, 1)) {
            AskedAnswer waiting = run.nextPortion(1, -1);
            assertThat(portion(run.nextPortion(0, -1)).index()).isZero();
            assertThat(RunOnShard.closed(run.complete(0, 0, 0, false)).contributors())
                    .containsExactly(0);
            assertThat(waiting.isAnswered()).isFalse();
            assertThat(RunOnShard.closed(run.complete(0, 1, 0, true)).counted()).isTrue();
            AskedAnswer done = run.nextPortion(0, 0);
            assertThat(portion(done)).isEqualTo(NONE);
            assertThat(portion(waiting)).isEqualTo(NONE);
            assertThat(run.status().portionsDone()).isEqualTo(1);
        }
    }

    @Test
    void waitsWithAStepForThoseWhoMayAskForAPortionBeforeIt() {
        try (RunOnShard run = new RunOnShard(bsp(2, 3)).join(0, 1)) {
            run.nextPortion(0, -1);
            run.nextPortion(1, -1);
            run.complete(0, 0, 0, false);
            run.complete(1, 0, 1, true);
            AskedAnswer other = run.complete(0, 1, 0, false);
            assertThat(other.isAnswered())
                    .as("worker 1 begins a portion at this step or at the next one: not as its question comes in time")
                    .isFalse();
            assertThat(run.status().waits()).contains(new RunMessage.Wait(0, 2, 1, List.of(1)));
            assertThat(portion(run.nextPortion(1, 1))).isEqualTo(new RunMessage.Portion(2, 1, 0, 1));
            run.complete(1, 1, 2, false);
            assertThat(RunOnShard.closed(other).contributors()).containsExactly(0, 1);
        }
    }

    @Test
    void letsTheNextHolderGoOnWhereThePartsCounted() {
        try (RunOnShard run = new RunOnShard(bsp(2, 1)).join(0, 1)) {
            AskedAnswer waiting = run.nextPortion(1, -1);
            run.nextPortion(0, -1);
            run.complete(0, 0, 0, false);
            run.complete(0, 1, 0, false);
            run.close(0, false);
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(0, 2, 2, 2));
        }
    }

    @Test
    void doesNotCountAPartOfAnEarlierLife() {
        try (RunOnShard run = new RunOnShard(bsp(2, 2)).join(0, 1)) {
            run.nextPortion(0, -1);
            run.nextPortion(1, -1);
            run.complete(0, 0, 0, true);
            run.join(0);
            RunMessage.Portion again = portion(run.nextPortion(0, -1));
            assertThat(again.index()).isZero();
            assertThat(again.position()).isZero();
            AskedAnswer other = run.complete(1, 0, 1, false);
            assertThat(other.isAnswered()).isFalse();
            run.complete(0, 0, 0, true);
            assertThat(RunOnShard.closed(other).contributors()).containsExactly(0, 1);
            assertThat(run.status().portionsDone()).isEqualTo(1);
        }
    }
}
