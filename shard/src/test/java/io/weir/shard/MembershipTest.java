package io.weir.shard;

import static io.weir.shard.RunOnShard.assertAcknowledged;
import static io.weir.shard.RunOnShard.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Who belongs to a run: joining, silence, fencing, the records of it, runs that begin anew, barriers.
class MembershipTest {
    private static final int SILENCE_MS = 1000;

    private static RunSpec asp(int workers) {
        return RunSpec.of("r", workers).withSilence(Duration.ofMillis(SILENCE_MS));
    }

    private static void refuses(ThrowingCallable call, ErrorCode code, String... parts) {
        assertThatThrownBy(call).isInstanceOfSatisfying(WeirException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(e.getMessage()).contains(part));
        });
    }

    // ---- silence ----

    @Test
    void fencesWhoeverGivesNoSignOfLifeAndSaysSo() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1, 2)) {
            run.pass(SILENCE_MS - 1);
            run.heartbeat(0);
            run.heartbeat(2);
            assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.ACTIVE, HomeRun.ACTIVE);
            run.pass(1);
            assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.FENCED, HomeRun.ACTIVE);
            assertThat(run.heartbeat(0).gone()).containsExactly(new RunMessage.Gone(1, 1));
            refuses(() -> run.heartbeat(1), ErrorCode.FENCED, "worker=1", "no sign of life for 1000 ms", "join again");
            assertRefused(run.push(1, 0, 5, 1), ErrorCode.FENCED, false, "worker=1");
        }
    }

    @Test
    void takesTicksAndQuestionsForSignsOfLifeButNotPushes() {
        try (RunOnShard run = new RunOnShard(asp(4)).join(0, 1, 2, 3)) {
            for (int round = 1; round < 6; round++) {
                run.pass(SILENCE_MS / 2);
                run.tick(0, round);
                run.push(1, 0, 5, 1);
                run.barrier(2, 0);
                run.heartbeat(3);
            }
            assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.FENCED, HomeRun.ACTIVE, HomeRun.ACTIVE);
        }
    }

    @Test
    void givesUpWhoNeverComesAfterSixSilencesFromTheFirstJoin() {
        try (RunOnShard run = new RunOnShard(asp(2))) {
            run.pass(100 * SILENCE_MS);
            run.join(0);
            for (int i = 0; i < 12; i++) {
                assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.MISSING);
                run.heartbeat(0);
                run.pass(i < 11 ? SILENCE_MS / 2 : SILENCE_MS / 2 - 1);
            }
            assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.MISSING);
            run.heartbeat(0);
            run.pass(1);
            assertThat(run.states()).containsExactly(HomeRun.ACTIVE, HomeRun.FENCED);
            assertThat(run.heartbeat(0).gone()).containsExactly(new RunMessage.Gone(1, 0));
            run.join(1);
            assertThat(run.states()).as("it may come later").containsExactly(HomeRun.ACTIVE, HomeRun.ACTIVE);
        }
    }

    @Test
    void countsEachRecordAndGivesItOnlyToThoseWhoDoNotKnowIt() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1, 2)) {
            assertThat(run.heartbeat(0, 0)).isEqualTo(new RunMessage.Members(0, List.of()));
            run.close(1, false);
            RunMessage.Members record = run.heartbeat(0, 0);
            assertThat(record).isEqualTo(new RunMessage.Members(1, List.of(new RunMessage.Gone(1, 1))));
            assertThat(run.heartbeat(0, 1)).isEqualTo(new RunMessage.Members(1, List.of()));
            run.close(2, true);
            assertThat(run.heartbeat(0, 1))
                    .isEqualTo(
                            new RunMessage.Members(2, List.of(new RunMessage.Gone(1, 1), new RunMessage.Gone(2, 1))));
        }
    }

    @Test
    void releasesPullsThatWaitWhenTimePasses() {
        RunSpec spec = asp(2).withConsistency(Consistency.ssp(0));
        try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.pass(SILENCE_MS - 1);
            run.heartbeat(0);
            assertThat(parked.isAnswered()).isFalse();
            run.pass(1);
            assertThat(parked.answer()).isInstanceOf(Outcome.Rows.class);
        }
    }

    // ---- records and tombstones ----

    @Test
    void takesNobodyBackByAnOlderRecord() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1, 2)) {
            run.fence(5, 1);
            run.fence(3, 2);
            run.shard.apply(Controls.members(run.spec.id(), 4));
            assertRefused(run.push(1, 0, 5, 1), ErrorCode.FENCED, false);
            assertRefused(run.push(2, 0, 5, 1), ErrorCode.FENCED, false);
            assertAcknowledged(run.push(0, 0, 5, 1));
        }
    }

    @Test
    void letsALaterGenerationOfAFencedWorkerIn() {
        try (RunOnShard run = new RunOnShard(asp(2)).join(0, 1)) {
            run.push(1, 0, 5, 1);
            run.pass(SILENCE_MS);
            run.join(1);
            run.fence(9, 0);
            assertThat(run.id(1).generation()).isEqualTo(2);
            assertAcknowledged(run.push(1, 0, 5, 1));
            // What was told of its first generation does not touch the second.
            run.shard.apply(Controls.members(run.spec.id(), 10, new RunMessage.Gone(1, 1)));
            assertAcknowledged(run.push(1, 0, 5, 1));
        }
    }

    @Test
    void neverOpensAClosedGenerationAgain() {
        RunSpec spec = asp(1).withPortionCount(1);
        try (RunOnShard run = new RunOnShard(spec).join(0)) {
            run.close(0, false);
            refuses(
                    () -> run.shard.apply(Controls.open(spec.id(), 0, 1)),
                    ErrorCode.FENCED,
                    "was silent for too long or has left",
                    "worker=0",
                    "generation=1");
            run.shard.apply(Controls.open(spec.id(), 0, 2));
            refuses(() -> run.shard.apply(Controls.open(spec.id(), 0, 1)), ErrorCode.FENCED, "generation=1");

            int portion = WorkerId.PORTIONS;
            run.shard.apply(Controls.open(spec.id(), portion, 3, -1, -1, false));
            run.shard.apply(Controls.close(spec.id(), portion, 3, true));
            for (int generation = 1; generation <= 3; generation++) {
                int old = generation;
                refuses(
                        () -> run.shard.apply(Controls.open(spec.id(), portion, old, -1, -1, false)),
                        ErrorCode.FENCED,
                        "was silent for too long or has left",
                        "portion=0",
                        "generation=" + old,
                        "newest=3");
            }
        }
    }

    @Test
    void doesNotOpenAGenerationThatIsKnownToBeGone() {
        RunSpec spec = asp(2);
        try (RunOnShard run = new RunOnShard(spec).join(0)) {
            run.shard.apply(Controls.members(spec.id(), 1, new RunMessage.Gone(1, 2)));
            refuses(() -> run.shard.apply(Controls.open(spec.id(), 1, 2)), ErrorCode.FENCED, "generation=2");
            run.shard.apply(Controls.open(spec.id(), 1, 3));
        }
    }

    @Test
    void doesNotOpenTheSameGenerationOfAFencedWorkerAgain() {
        try (RunOnShard run = new RunOnShard(asp(1)).join(0)) {
            run.fence(1, 0);
            refuses(() -> run.shard.apply(Controls.open(run.spec.id(), 0, 1)), ErrorCode.FENCED, "generation=1");
        }
    }

    // ---- lives ----

    @Test
    void resumesAWorkerOnlyIfItWasOpenEverywhere() {
        try (RunOnShard run = new RunOnShard(asp(1))) {
            assertThat(run.askToJoin(0, false).resumed()).isFalse();
            run.open(0);
            assertThat(run.askToJoin(0, false).resumed())
                    .as("no sign of life yet")
                    .isFalse();
            run.open(0);
            run.heartbeat(0);
            assertThat(run.askToJoin(0, false).resumed()).isTrue();
            run.open(0);
            run.heartbeat(0);
            run.close(0, false);
            assertThat(run.askToJoin(0, false).resumed()).as("it left").isFalse();
            run.open(0);
            run.heartbeat(0);
            run.pass(SILENCE_MS);
            assertThat(run.askToJoin(0, false).resumed()).as("it was fenced").isFalse();
        }
    }

    /// What is to be done again is known for the first clock group alone.
    @Test
    void resumesNoWorkerThatTickedInOtherClockGroups() {
        try (RunOnShard run = new RunOnShard(asp(1)).join(0)) {
            run.heartbeat(0);
            assertAcknowledged(run.tick(0, 1));
            assertThat(run.askToJoin(0, false).resumed()).isTrue();
            run.open(0);
            run.heartbeat(0);
            assertAcknowledged(run.tickInGroup(0, 7, 1));
            assertThat(run.askToJoin(0, false).resumed()).isFalse();
        }
    }

    @Test
    void tellsWhoWaitedWhyItIsOut() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1, 2)) {
            AskedAnswer silent = run.barrier(0, 0);
            AskedAnswer left = run.barrier(1, 0);
            run.close(1, false);
            run.pass(SILENCE_MS);
            assertThat(left.code()).isEqualTo(ErrorCode.FENCED);
            assertThat(left.text()).contains("worker=1", "why=it left");
            assertThat(silent.code()).isEqualTo(ErrorCode.FENCED);
            assertThat(silent.text()).contains("worker=0", "gave no sign of life for");
        }
    }

    @Test
    void refusesWhatAnEarlierLifeAsksAndWhatItWaitedFor() {
        try (RunOnShard run = new RunOnShard(asp(2)).join(0, 1)) {
            AskedAnswer waiting = run.barrier(0, 0);
            WorkerId old = run.id(0);
            run.join(0);
            assertThat(waiting.code()).isEqualTo(ErrorCode.FENCED);
            assertThat(waiting.text()).contains("worker=0", "a newer generation has taken over");
            AskedAnswer answer = new AskedAnswer();
            refuses(
                    () -> run.shard.ask(new RunMessage.Heartbeat(0, old, 0), answer),
                    ErrorCode.FENCED,
                    "worker=0",
                    "generation=1",
                    "a newer generation has taken over");
            refuses(
                    () -> run.shard.ask(new RunMessage.Heartbeat(0, new WorkerId(run.spec.id(), 0, 7), 0), answer),
                    ErrorCode.UNKNOWN_WORKER,
                    "generation=7");
            assertThat(answer.isAnswered()).isFalse();
        }
    }

    @Test
    void givesTheNextIndexToWhoAsksForAny() {
        try (RunOnShard run = new RunOnShard(asp(2)).join(0, 1)) {
            assertThat(run.askToJoin(-1, false).worker()).isEqualTo(2);
            assertThat(run.askToJoin(-1, false).worker()).isEqualTo(3);
            run.open(2);
            run.close(2, false);
            assertThat(run.askToJoin(-1, false).worker()).as("one that left").isEqualTo(2);
            refuses(() -> run.askToJoin(9, false), ErrorCode.RUN_MISMATCH, "worker=9", "workers=4");
        }
    }

    @Test
    void beginsAFinishedRunAnewOnRequest() {
        RunSpec spec = asp(1).withConsistency(Consistency.bsp());
        try (RunOnShard run = new RunOnShard(spec).join(0)) {
            run.complete(0, 0);
            run.closeStep(0, 0);
            run.barrier(0, 0);
            run.push(0, 1, 5, 100);
            run.close(0, true);
            assertThat(run.status().finished()).isTrue();
            refuses(() -> run.askToJoin(0, false), ErrorCode.RUN_FINISHED, "run=r");
            RunMessage.JoinRunReply again = run.askToJoin(0, true);
            assertThat(again).isEqualTo(new RunMessage.JoinRunReply(0, 2, false, 1, 0, 0, List.of()));
            run.open(0);
            run.heartbeat(0);
            assertThat(run.budget.usedBytes()).as("nothing is held any more").isLessThan(1 << 16);
            assertThat(run.status().closedSteps()).isZero();
            run.push(0, 0, 5, 1);
            run.closeStep(0, 0);
            assertThat(run.row(5)).isEqualTo(-1);
            refuses(() -> run.shard.apply(Controls.openRun(spec, 0)), ErrorCode.FENCED, "life=0", "newest=1");
        }
    }

    @Test
    void forgetsTheClocksOfAnEarlierLifeOfTheRun() {
        RunSpec spec = asp(2).withConsistency(Consistency.ssp(0));
        try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
            run.tick(0, 50);
            run.tick(1, 50);
            run.close(0, true);
            run.close(1, true);
            run.askToJoin(0, true);
            assertThat(run.open(0).clock()).isZero();
            run.join(1);
            run.tick(0, 1);
            ParkedFrame parked = run.parked(0, 1, 5);
            run.tick(1, 1);
            assertThat(parked.isAnswered()).isTrue();
        }
    }

    // ---- barriers ----

    @Test
    void opensABarrierWhenAllAreThere() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1)) {
            AskedAnswer first = run.barrier(0, 0);
            AskedAnswer again = run.barrier(0, 0);
            AskedAnswer second = run.barrier(1, 0);
            assertThat(second.isAnswered()).as("one has not joined yet").isFalse();
            assertThat(run.status().waits())
                    .contains(new RunMessage.Wait(0, 3, 0, List.of(2)), new RunMessage.Wait(1, 3, 0, List.of(2)));
            run.join(2);
            AskedAnswer third = run.barrier(2, 0);
            for (AskedAnswer answer : List.of(first, again, second, third)) {
                assertThat(answer.message()).isEqualTo(new Message.Ok());
            }
            assertThat(run.barrier(1, 0).message()).as("passed already").isEqualTo(new Message.Ok());
            assertThat(run.barrier(1, 1).isAnswered()).isFalse();
            refuses(() -> run.barrier(0, 2), ErrorCode.INVALID_ARGUMENT, "ordinal=2", "passed=1");
            assertThat(run.askToJoin(-1, false).barriers()).isEqualTo(1);
        }
    }

    @Test
    void opensABarrierWhenTheOthersAreGone() {
        try (RunOnShard run = new RunOnShard(asp(3)).join(0, 1, 2)) {
            AskedAnswer waiting = run.barrier(0, 0);
            run.close(1, false);
            assertThat(waiting.isAnswered()).isFalse();
            run.pass(SILENCE_MS - 1);
            run.heartbeat(0);
            run.pass(1);
            assertThat(waiting.message()).isEqualTo(new Message.Ok());
        }
    }

    @Test
    void keepsNoMoreThanSoManyQuestionsOfOneWorkerWaiting() {
        try (RunOnShard run = new RunOnShard(asp(2)).join(0, 1)) {
            List<AskedAnswer> answers = new ArrayList<>();
            for (int i = 0; i < 65; i++) {
                answers.add(run.barrier(0, 0));
            }
            assertThat(answers.get(0).code()).isEqualTo(ErrorCode.BUSY);
            run.barrier(1, 0);
            assertThat(answers.subList(1, 65))
                    .allSatisfy(answer -> assertThat(answer.message()).isEqualTo(new Message.Ok()));
        }
    }

    @Test
    void keepsNoMoreThanSoManyWorkersWaitingForAStep() {
        RunSpec spec = asp(2).withConsistency(Consistency.bsp());
        try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
            List<AskedAnswer> answers = new ArrayList<>();
            for (int i = 0; i < 65; i++) {
                answers.add(run.complete(0, 0));
            }
            assertThat(answers.get(0).code()).isEqualTo(ErrorCode.BUSY);
            run.complete(1, 0);
            assertThat(answers.subList(1, 65))
                    .allSatisfy(answer ->
                            assertThat(RunOnShard.closed(answer).counted()).isTrue());
        }
    }
}
