package io.weir.shard;

import static io.weir.shard.RunOnShard.portion;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.wire.RunMessage;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A run in passes at its home shard: who gets which portion, whose part counts, and when a pass is done.
class PassesTest {
    private static RunSpec spec(int workers, int portions, int copies) {
        return RunSpec.of("r", workers).withPasses(portions, copies).withSilence(Duration.ofSeconds(1));
    }

    private static RunMessage.PassDone done(long pass, double... results) {
        return new RunMessage.PassDone(
                pass,
                java.util.Arrays.stream(results)
                        .mapToObj(result -> List.of(result))
                        .toList());
    }

    @Test
    void handsOutEachPortionOfAPassAndGathersWhatCame() {
        try (RunOnShard run = new RunOnShard(spec(3, 3, 1)).join(0, 1, 2)) {
            AskedAnswer early = run.nextPortion(1, -1);
            assertThat(early.isAnswered()).as("no pass has begun").isFalse();
            AskedAnswer pass = run.beginPass(0, 0, 7.0);
            assertThat(portion(early)).isEqualTo(new RunMessage.Portion(0, 1, 0, 0, List.of(7.0)));
            assertThat(portion(run.nextPortion(2, -1))).isEqualTo(new RunMessage.Portion(1, 1, 0, 0, List.of(7.0)));
            assertThat(portion(run.through(2, 1, 1, true, 0.25)).index()).isEqualTo(2);
            assertThat(pass.isAnswered()).isFalse();
            AskedAnswer waiting = run.through(1, 0, 1, true, 0.5);
            assertThat(waiting.isAnswered()).as("one worker at a portion").isFalse();
            AskedAnswer last = run.through(2, 2, 1, true, -1.0);
            assertThat(pass.message()).isEqualTo(done(0, 0.5, 0.25, -1.0));
            assertThat(run.beginPass(0, 0, 7.0).message())
                    .as("the same question again")
                    .isEqualTo(pass.message());
            AskedAnswer next = run.beginPass(0, 1, 7.0);
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(0, 2, 1, 0, List.of(7.0)));
            assertThat(portion(last)).isEqualTo(new RunMessage.Portion(1, 2, 1, 0, List.of(7.0)));
            assertThat(next.isAnswered()).isFalse();
        }
    }

    @Test
    void givesWhatIsUnderWayToASecondWorkerAndCountsTheFirst() {
        try (RunOnShard run = new RunOnShard(spec(4, 2, 2)).join(0, 1, 2, 3)) {
            AskedAnswer pass = run.beginPass(0, 0);
            run.nextPortion(1, -1);
            run.nextPortion(2, -1);
            assertThat(portion(run.nextPortion(3, -1)))
                    .as("the lowest of those with one holder")
                    .isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            assertThat(portion(run.through(3, 0, 2, true, 1.0)))
                    .as("through with it, it helps with the other")
                    .isEqualTo(new RunMessage.Portion(1, 2, 0, 0));
            AskedAnswer slow = run.through(1, 0, 1, true, 99.0);
            assertThat(slow.isAnswered())
                    .as("two workers are at the other portion")
                    .isFalse();
            run.through(2, 1, 1, true, 2.0);
            assertThat(pass.message()).as("the first counts").isEqualTo(done(0, 1.0, 2.0));
            AskedAnswer next = run.beginPass(0, 1);
            run.through(3, 1, 2, true, 99.0);
            run.nextPortion(2, -1);
            assertThat(next.isAnswered())
                    .as("what comes late counts in no other pass")
                    .isFalse();
        }
    }

    @Test
    void takesAPortionFromWhoIsFencedOrHasLostIt() {
        try (RunOnShard run = new RunOnShard(spec(3, 1, 1)).join(0, 1, 2)) {
            AskedAnswer pass = run.beginPass(0, 0);
            run.nextPortion(1, -1);
            AskedAnswer waiting = run.nextPortion(2, -1);
            run.pass(999);
            run.heartbeat(0);
            run.heartbeat(2);
            run.pass(1);
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
            assertThat(portion(run.through(2, 0, 2, false)))
                    .as("lost, so somebody else's; there is nobody, so its own again")
                    .isEqualTo(new RunMessage.Portion(0, 3, 0, 0));
            assertThat(portion(run.through(2, 0, 2, true, 5.0)))
                    .as("an older answer changes nothing")
                    .isEqualTo(new RunMessage.Portion(0, 3, 0, 0));
            assertThat(pass.isAnswered()).isFalse();
            run.through(2, 0, 3, true, 4.0);
            assertThat(pass.message()).isEqualTo(done(0, 4.0));
        }
    }

    @Test
    void aLaterLifeGetsThePortionOfTheLastAsAnotherGeneration() {
        try (RunOnShard run = new RunOnShard(spec(2, 1, 1)).join(0, 1)) {
            run.beginPass(0, 0);
            run.nextPortion(1, -1);
            run.join(1);
            assertThat(portion(run.nextPortion(1, -1))).isEqualTo(new RunMessage.Portion(0, 2, 0, 0));
        }
    }

    @Test
    void endsWhenWorkerZeroSaysSoOrIsGone() {
        try (RunOnShard run = new RunOnShard(spec(2, 1, 1)).join(0, 1)) {
            run.beginPass(0, 0, 7.0);
            run.nextPortion(1, -1);
            AskedAnswer waiting = run.through(1, 0, 1, true);
            assertThat(run.beginPass(0, -1).message()).isEqualTo(new RunMessage.PassDone(-1, List.of()));
            assertThat(portion(waiting)).isEqualTo(new RunMessage.Portion(-1, 0, 0, 0));
            run.close(0, true);
            run.close(1, true);
            assertThat(run.status().finished()).isTrue();
        }
        try (RunOnShard run = new RunOnShard(spec(2, 1, 1)).join(0, 1)) {
            AskedAnswer waiting = run.nextPortion(1, -1);
            run.pass(999);
            run.heartbeat(1);
            run.pass(1);
            assertThat(portion(waiting).index()).as("worker 0 was silent").isEqualTo(-1);
        }
    }

    @Test
    void refusesPassesOutOfTurn() {
        try (RunOnShard run = new RunOnShard(spec(2, 1, 1)).join(0, 1)) {
            assertRefused(() -> run.beginPass(1, 0), "worker=1");
            assertRefused(() -> run.beginPass(0, 1), "pass=1");
            run.beginPass(0, 0);
            assertRefused(() -> run.beginPass(0, 1), "done=false");
            run.nextPortion(1, -1);
            run.through(1, 0, 1, true);
            run.beginPass(0, 1);
            assertRefused(() -> run.beginPass(0, 0), "begun=2");
            run.beginPass(0, -1);
            assertRefused(() -> run.beginPass(0, 2), "ended=true");
        }
        RunSpec plain = RunSpec.of("r", 1).withPortionCount(3);
        try (RunOnShard run = new RunOnShard(plain).join(0)) {
            assertRefused(() -> run.beginPass(0, 0), "run in passes");
        }
    }

    @Test
    void tellsALaterLifeOfWorkerZeroHowManyPassesWereBegun() {
        try (RunOnShard run = new RunOnShard(spec(2, 1, 1)).join(0, 1)) {
            AskedAnswer pass = run.beginPass(0, 0);
            run.join(0);
            assertThat(pass.code()).isEqualTo(ErrorCode.FENCED);
            assertThat(run.askToJoin(0, false).passes()).isEqualTo(1);
            run.open(0);
            AskedAnswer again = run.beginPass(0, 0);
            run.nextPortion(1, -1);
            run.through(1, 0, 1, true, 3.0);
            assertThat(again.message()).isEqualTo(done(0, 3.0));
        }
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String part) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining(part);
    }
}
