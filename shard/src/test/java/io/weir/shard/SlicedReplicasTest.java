package io.weir.shard;

import static io.weir.shard.RunOnShard.portion;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Workers that make one replica stand together: in portions, in steps, and as members.
class SlicedReplicasTest {
    private static final int ACTIVE = 1;
    private static final int FENCED = 4;
    private static final RunMessage.Portion NONE = new RunMessage.Portion(-1, 0, 0, 0);

    private static RunSpec asp(int workers, int slices, int portions) {
        return RunSpec.of("r", workers)
                .withSlices(slices)
                .withPortionCount(portions)
                .withSilence(Duration.ofSeconds(1));
    }

    private static RunSpec bsp(int workers, int slices, int portions) {
        return asp(workers, slices, portions).withConsistency(Consistency.bsp());
    }

    private static void assertFenced(Runnable asking, String... parts) {
        assertThatThrownBy(asking::run).isInstanceOfSatisfying(WeirException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.FENCED);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(e.getMessage()).contains(part));
        });
    }

    @Test
    void takesAPortionWhenAllItsWorkersAskAndIsDoneWhenAllAre() {
        try (RunOnShard run = new RunOnShard(asp(4, 2, 2)).join(0, 1, 2, 3)) {
            AskedAnswer first = run.nextPortion(2, -1);
            assertThat(first.isAnswered()).isFalse();
            assertThat(run.status().waits()).contains(new RunMessage.Wait(2, 4, 0, List.of(3)));
            RunMessage.Portion zero = new RunMessage.Portion(0, 1, 0, 0);
            assertThat(portion(run.nextPortion(3, -1))).isEqualTo(zero);
            assertThat(portion(first)).isEqualTo(zero);
            assertThat(run.status().members().stream().map(RunMessage.Member::portion))
                    .containsExactly(-1, -1, 0, 0);

            AskedAnswer second = run.nextPortion(2, 0);
            assertThat(second.isAnswered()).as("the other slice is at it still").isFalse();
            assertThat(run.status().portionsDone()).isZero();
            assertThat(portion(run.nextPortion(3, 0))).isEqualTo(new RunMessage.Portion(1, 1, 0, 0));
            assertThat(portion(second)).isEqualTo(new RunMessage.Portion(1, 1, 0, 0));
            assertThat(run.status().portionsDone()).isEqualTo(1);

            AskedAnswer waiting = run.nextPortion(0, -1);
            run.nextPortion(2, 1);
            assertThat(portion(run.nextPortion(3, 1))).isEqualTo(NONE);
            assertThat(portion(waiting)).as("nothing is left").isEqualTo(NONE);
        }
    }

    @Test
    void givesEachSliceAStreamOfItsOwn() {
        RunState state = new RunState(asp(4, 2, 3), 1, null);
        assertThat(state.mayHave(new WorkerId(1, WorkerId.PORTIONS + 5, 1))).isTrue();
        assertThat(state.mayHave(new WorkerId(1, WorkerId.PORTIONS + 6, 1))).isFalse();
    }

    @Test
    void givesALaterLifeOfOneWorkerThePortionAsTheNextGenerationOfItsSliceAlone() {
        try (RunOnShard run = new RunOnShard(asp(2, 2, 2)).join(0, 1)) {
            run.nextPortion(0, -1);
            run.nextPortion(1, -1);
            run.nextPortion(1, 0);
            run.join(1);
            assertThat(portion(run.nextPortion(1, -1)))
                    .as("it may not have pushed all of it")
                    .isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            assertThat(portion(run.nextPortion(0, -1))).isEqualTo(new RunMessage.Portion(0, 1, 0, 0));
        }
    }

    @Test
    void countsInAStepWholeOrNotAtAll() {
        try (RunOnShard run = new RunOnShard(bsp(4, 2, 9)).join(0, 1, 2, 3)) {
            for (int worker = 0; worker < 4; worker++) {
                run.nextPortion(worker, -1);
            }
            run.complete(0, 0, 0, false);
            run.complete(2, 0, 1, false);
            AskedAnswer answer = run.complete(3, 0, 1, false);
            assertThat(answer.isAnswered()).isFalse();
            run.close(1, false);
            assertThat(RunOnShard.closed(answer).contributors())
                    .as("the part of worker 0 is half of one")
                    .containsExactly(2, 3);
            assertThat(run.states()).containsExactly(FENCED, 2, ACTIVE, ACTIVE);
            assertThat(portion(run.nextPortion(2, -1)).position())
                    .as("once for both")
                    .isEqualTo(1);
        }
    }

    @Test
    void averagesOverReplicas() {
        try (RunOnShard run = new RunOnShard(bsp(4, 2, 0).withMean(true)).join(0, 1, 2, 3)) {
            run.push(0, 0, 5, 4f);
            run.push(1, 0, 6, 8f);
            run.push(2, 0, 5, 2f);
            for (int worker = 0; worker < 4; worker++) {
                run.tick(worker, 1);
            }
            float rate = run.row(5);
            run.closeStep(0, 0, 1, 2, 3);
            assertThat(run.row(5) - rate)
                    .isEqualTo((run.row(6) - rate) * 3f / 4f)
                    .isNotZero();
        }
    }

    @Test
    void fallsWithTheFirstOfItsWorkersAndFreesItsPortion() {
        try (RunOnShard run = new RunOnShard(asp(4, 2, 1)).join(0, 1, 2, 3)) {
            run.nextPortion(0, -1);
            run.nextPortion(1, -1);
            AskedAnswer third = run.nextPortion(2, -1);
            AskedAnswer fourth = run.nextPortion(3, -1);
            run.pass(999);
            run.heartbeat(0);
            run.heartbeat(2);
            run.heartbeat(3);
            run.pass(1);
            assertThat(run.states()).containsExactly(FENCED, FENCED, ACTIVE, ACTIVE);
            assertThat(portion(third)).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            assertThat(portion(fourth)).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            assertFenced(() -> run.heartbeat(1), "gave no sign of life");
            assertFenced(() -> run.heartbeat(0), "worker 1 of its replica is gone");
        }
    }

    @Test
    void takesPartAgainWhenAllItsWorkersAreBack() {
        try (RunOnShard run = new RunOnShard(bsp(4, 2, 9)).join(0, 1, 2, 3)) {
            for (int worker = 0; worker < 4; worker++) {
                run.nextPortion(worker, -1);
            }
            run.close(1, false);
            run.join(0);
            AskedAnswer waiting = run.nextPortion(0, -1);
            assertThat(waiting.isAnswered()).isFalse();
            assertThat(run.status().waits()).contains(new RunMessage.Wait(0, 4, 0, List.of(1, 2, 3)));
            run.complete(2, 0, 1, false);
            assertThat(RunOnShard.closed(run.complete(3, 0, 1, false)).contributors())
                    .as("nobody waits for half a replica")
                    .containsExactly(2, 3);
            run.join(1);
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(new RunMessage.Portion(0, 2, 0, 1));
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(0, 2, 0, 1));
        }
    }

    @Test
    void tellsWhoWaitsForTheRestOfItsReplicaForTooLong() {
        try (RunOnShard run = new RunOnShard(asp(2, 2, 1)).join(0, 1)) {
            run.close(1, false);
            run.join(0);
            AskedAnswer waiting = run.nextPortion(0, -1);
            for (int passed = 0; passed < 5_999; passed += 857) {
                run.pass(857);
                run.heartbeat(0);
                assertThat(waiting.isAnswered()).isFalse();
            }
            run.pass(1);
            assertThat(waiting.code()).isEqualTo(ErrorCode.RUN_MISMATCH);
            assertThat(waiting.text()).contains("gone=[1]", "waitedMs=6000");
        }
    }

    @Test
    void keepsTheWorkersThatTheRunBeganWith() {
        try (RunOnShard run = new RunOnShard(asp(2, 2, 1)).join(0, 1)) {
            for (int worker : new int[] {-1, 2}) {
                assertThatThrownBy(() -> run.askToJoin(worker, false))
                        .isInstanceOfSatisfying(
                                WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_MISMATCH))
                        .hasMessageContaining("keeps the workers that it began with");
            }
        }
    }
}
