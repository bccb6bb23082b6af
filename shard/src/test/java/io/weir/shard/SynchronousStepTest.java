package io.weir.shard;

import static io.weir.shard.RunOnShard.assertAcknowledged;
import static io.weir.shard.RunOnShard.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Steps of a synchronous run: what a shard holds, when it applies it, and in which order.
class SynchronousStepTest {
    private static final int OTHER_TABLE = 3;

    private static RunSpec bsp(int workers) {
        return RunSpec.of("r", workers).withConsistency(Consistency.bsp());
    }

    // ---- holding and folding ----

    @Test
    void holdsPushesUntilTheStepIsClosed() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            assertAcknowledged(run.push(0, 0, 5, 1));
            assertAcknowledged(run.tick(0, 1));
            assertAcknowledged(run.push(1, 0, 5, 2));
            assertAcknowledged(run.tick(1, 1));
            assertThat(run.row(5)).as("ticks alone apply nothing").isZero();
            run.closeStep(0, 0, 1);
            assertThat(run.row(5)).isEqualTo(-3);
            run.closeStep(0, 0, 1);
            assertThat(run.row(5)).as("the same record again").isEqualTo(-3);
        }
    }

    @Test
    void foldsInTheOrderOfWorkersWhateverTheOrderOfArrival() {
        // Each order of addition gives another sum.
        float[][] gradients = {{1e8f, 3.1f}, {1f, -7.7e7f}, {-1e8f, 0.1f}, {2.5f, 7.7e7f}};
        float sum = 0;
        boolean first = true;
        for (float[] ofWorker : gradients) {
            for (float gradient : ofWorker) {
                sum = first ? gradient : sum + gradient;
                first = false;
            }
        }
        for (long seed = 1; seed <= 50; seed++) {
            Random random = new Random(seed);
            try (RunOnShard run = new RunOnShard(bsp(4)).join(0, 1, 2, 3)) {
                List<Integer> arrivals = new ArrayList<>(List.of(0, 0, 1, 1, 2, 2, 3, 3));
                Collections.shuffle(arrivals, random);
                int[] sent = new int[4];
                for (int worker : arrivals) {
                    run.push(worker, 0, 5, gradients[worker][sent[worker]++]);
                }
                run.closeStep(0, 3, 1, 0, 2);
                assertThat(Float.floatToRawIntBits(run.row(5)))
                        .as("seed=%d, arrivals=%s", seed, arrivals)
                        .isEqualTo(Float.floatToRawIntBits(0f - sum));
            }
        }
    }

    @Test
    void averagesByMultiplyingEachGradientBeforeItIsAdded() {
        try (RunOnShard run = new RunOnShard(bsp(3).withMean(true)).join(0, 1, 2)) {
            float a = 0.1f;
            float b = 1.7e7f;
            run.push(2, 0, 5, b);
            run.push(0, 0, 5, a);
            // The third pushes nothing, and is a contributor all the same.
            run.closeStep(0, 0, 1, 2);
            float third = 1f / 3;
            float sum = a * third + b * third;
            assertThat(sum).as("not the mean of the sum").isNotEqualTo((a + b) / 3);
            assertThat(Float.floatToRawIntBits(run.row(5))).isEqualTo(Float.floatToRawIntBits(0f - sum));
            float[] stretch = {3f, 9f};
            run.pushStretch(0, 1, 15, stretch);
            run.closeStep(1, 0, 1, 2);
            assertThat(run.stretch(15, 2)).containsExactly(-(3f * third), -(9f * third));
        }
    }

    @Test
    void sumsRepeatedKeysOfAllPushesAsIfOneWorkerHadPushedThem() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.shard.apply(new Control.CreateTable(
                    OTHER_TABLE, 0, TableSpec.embedding("a", 1, OptimizerSpec.parse("adagrad(rate=1,epsilon=0)"))));
            for (int worker = 1; worker >= 0; worker--) {
                DataFrame push = DataFrame.push(OTHER_TABLE, 1, new long[] {5, 6, 5}, 2, 4, 1)
                        .ofRun(run.spec.id())
                        .from(worker, 1)
                        .numbered(1, 0);
                assertAcknowledged(push.sendTo(run.shard));
            }
            run.closeStep(0, 0, 1);
            // One update by the sum: g / √g² is 1, where two updates would give more.
            assertThat(RunOnShard.floats(
                            DataFrame.pull(OTHER_TABLE, 1, 5, 6).ofRun(0).sendTo(run.shard)))
                    .containsExactly(-1, -1);
        }
    }

    @Test
    void foldsValuesThatAreNoGradientsInTheirOwnWayAndNeverAveragesThem() {
        float[] expectedOfRepeated = {2 + 3 + 4 + 7 + -5 + 6, 6, -5, 7, 2 + 3 + 4 + 7 + -5 + 6};
        float[] expectedOfOnce = {1 + 8, 8, 0, 8, 1 + 8};
        float[] expectedOfOverlap = {1 + 2, 2, 0, 2, 1 + 2};
        String[] optimizers = {"add", "assign", "min", "max", "replace"};
        for (int arrival = 0; arrival < 2; arrival++) {
            for (int i = 0; i < optimizers.length; i++) {
                OptimizerSpec optimizer = OptimizerSpec.parse(optimizers[i]);
                try (RunOnShard run = new RunOnShard(bsp(2).withMean(true)).join(0, 1)) {
                    run.shard.apply(new Control.CreateTable(OTHER_TABLE, 0, TableSpec.embedding("rows", 1, optimizer)));
                    run.shard.apply(new Control.CreateTable(
                            OTHER_TABLE + 1,
                            0,
                            new TableSpec(
                                    "tensor", new TableShape.Dense(64, 16), optimizer, new InitialRow.Zero(), 0)));
                    for (int turn = 0; turn < 2; turn++) {
                        int worker = turn == arrival ? 0 : 1;
                        DataFrame push = worker == 0
                                ? DataFrame.push(OTHER_TABLE, 1, new long[] {5, 6, 5, 5}, 2, 1, 3, 4)
                                : DataFrame.push(OTHER_TABLE, 1, new long[] {5, 5, 6, 5}, 7, -5, 8, 6);
                        assertAcknowledged(push.ofRun(run.spec.id())
                                .from(worker, 1)
                                .numbered(1, 0)
                                .sendTo(run.shard));
                        DataFrame stretch = worker == 0
                                ? DataFrame.pushStretch(OTHER_TABLE + 1, 16, 14, 1, 1, 1)
                                : DataFrame.pushStretch(OTHER_TABLE + 1, 16, 16, 2, -2);
                        assertAcknowledged(stretch.ofRun(run.spec.id())
                                .from(worker, 1)
                                .numbered(2, 1)
                                .sendTo(run.shard));
                    }
                    run.closeStep(0, 0, 1);
                    assertThat(RunOnShard.floats(DataFrame.pull(OTHER_TABLE, 1, 5, 6)
                                    .ofRun(0)
                                    .sendTo(run.shard)))
                            .as(optimizers[i])
                            .containsExactly(expectedOfRepeated[i], expectedOfOnce[i]);
                    float alone = optimizers[i].equals("min") ? 0 : 1;
                    float last = optimizers[i].equals("max") ? 0 : -2;
                    assertThat(RunOnShard.floats(DataFrame.pullStretch(OTHER_TABLE + 1, 16, 13, 5)
                                    .ofRun(0)
                                    .sendTo(run.shard)))
                            .as(optimizers[i])
                            .containsExactly(0, alone, alone, expectedOfOverlap[i], last);
                }
            }
        }
    }

    @Test
    void dropsWhatOthersThanTheContributorsPushed() {
        try (RunOnShard run = new RunOnShard(bsp(3)).join(0, 1, 2)) {
            run.push(0, 0, 5, 1);
            run.push(1, 0, 5, 10);
            run.push(2, 0, 5, 100);
            run.push(1, 0, 6, 1000);
            run.closeStep(0, 0, 2);
            assertThat(run.rows(5, 6)).containsExactly(-101, 0);
            run.closeStep(1, 0, 1, 2);
            assertThat(run.rows(5, 6)).as("gone for good").containsExactly(-101, 0);
        }
    }

    @Test
    void keepsLaterStepsAsideUntilTheirTurn() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            run.push(0, 0, 5, 1);
            run.tick(0, 1);
            run.push(0, 1, 5, 10);
            run.tick(0, 2);
            run.push(0, 2, 5, 100);
            run.closeStep(0, 0);
            assertThat(run.row(5)).isEqualTo(-1);
            run.closeStep(1, 0);
            assertThat(run.row(5)).isEqualTo(-11);
            run.closeStep(2, 0);
            assertThat(run.row(5)).isEqualTo(-111);
        }
    }

    @Test
    void closesStepsOneByOne() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            assertThatThrownBy(() -> run.closeStep(1, 0))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .hasMessageContaining("step=1")
                    .hasMessageContaining("open=0");
            run.push(0, 0, 5, 1);
            run.closeStep(0, 0);
            assertThat(run.row(5)).isEqualTo(-1);
        }
    }

    @Test
    void refusesAPushToAClosedStepInOrder() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.closeStep(0, 1);
            DataFrame late = run.pushFrame(0, 0, new long[] {5}, 1);
            for (int i = 0; i < 2; i++) {
                assertRefused(late.sendTo(run.shard), ErrorCode.LATE, true);
                assertThat(run.shard.latePushes()).isEqualTo(1);
            }
            run.closeStep(1, 0, 1);
            assertThat(run.row(5)).isZero();
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 0, 1), -1).lastNumber())
                    .as("number used up")
                    .isEqualTo(1);
            assertAcknowledged(run.push(0, 2, 5, 1));
        }
    }

    @Test
    void refusesAPushTooManyStepsAheadInOrder() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            assertAcknowledged(run.push(0, RunState.MAX_STEPS_AHEAD, 5, 1));
            assertRefused(
                    run.push(0, RunState.MAX_STEPS_AHEAD + 1, 5, 1),
                    ErrorCode.INVALID_ARGUMENT,
                    true,
                    "step=" + (RunState.MAX_STEPS_AHEAD + 1));
            run.closeStep(0, 0);
            assertAcknowledged(run.push(0, RunState.MAX_STEPS_AHEAD + 1, 5, 1));
        }
    }

    @Test
    void checksWhatItHoldsAsEver() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            assertRefused(run.push(0, 0, 5, Float.NaN), ErrorCode.NON_FINITE, true, "table=t", "key=5");
            assertRefused(run.pushStretch(0, 0, 98, 1, Float.NaN), ErrorCode.NON_FINITE, true, "table=d", "offset=99");
            run.closeStep(0, 0);
            assertThat(run.shard.tableNamed("t").store().rowCount()).isZero();
        }
    }

    @Test
    void leavesOutARowWhoseSumIsNotFinite() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            for (int worker = 0; worker < 2; worker++) {
                assertAcknowledged(run.pushFrame(worker, 0, new long[] {4, 5, 6}, 1, 3e38f, 2)
                        .sendTo(run.shard));
                assertAcknowledged(run.pushStretch(worker, 0, 10, 1, 3e38f, 2));
            }
            run.closeStep(0, 0, 1);
            assertThat(run.rows(4, 5, 6)).containsExactly(-2, 0, -4);
            assertThat(run.stretch(10, 3)).containsExactly(-2, 0, -4);
            assertThat(run.shard.skippedRows()).isEqualTo(2);
        }
    }

    @Test
    void appliesLoadsAtOnce() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            DataFrame load = DataFrame.load(RunOnShard.TABLE, 1, 5, 1, 0, 8)
                    .ofRun(run.spec.id())
                    .numbered(1, 0);
            assertAcknowledged(load.sendTo(run.shard));
            assertThat(run.row(5)).isEqualTo(8);
        }
    }

    // ---- tensors ----

    @Test
    void foldsStretchesThatOverlapOrTouchIntoOneUpdateOfEachBlock() {
        try (RunOnShard run = new RunOnShard(bsp(3)).join(0, 1, 2)) {
            OptimizerSpec adam = OptimizerSpec.parse("adam(rate=0.5,beta1=0.9,beta2=0.999,epsilon=0)");
            run.shard.apply(new Control.CreateTable(
                    OTHER_TABLE,
                    0,
                    new TableSpec("adam", new TableShape.Dense(64, 16), adam, new InitialRow.Zero(), 0)));
            push(run, 2, 30, 10, 1f);
            push(run, 0, 4, 14, 2f);
            push(run, 1, 18, 14, 3f);
            run.closeStep(0, 0, 1, 2);
            float[] values = RunOnShard.floats(
                    DataFrame.pullStretch(OTHER_TABLE, 16, 0, 64).ofRun(0).sendTo(run.shard));
            // The first update of Adam is by the rate; a second one of the same block would not be.
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).as("float %d", i).isCloseTo(i >= 4 && i < 40 ? -0.5f : 0f, within(1e-6f));
            }
        }
    }

    @Test
    void aTensorWhoseOptimizerNeedsAllOfItIsFoldedWhole() {
        OptimizerSpec clipped = OptimizerSpec.parse("sgd(rate=1,clip_norm=5)");
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.shard.apply(new Control.CreateTable(OTHER_TABLE, 0, TableSpec.dense("layer", 2, clipped)));
            float[][] gradients = {{30, 0}, {0, 40}};
            for (int worker = 1; worker >= 0; worker--) {
                assertAcknowledged(DataFrame.pushStretch(OTHER_TABLE, 16, 0, gradients[worker])
                        .ofRun(run.spec.id())
                        .from(worker, 1)
                        .numbered(1, 0)
                        .sendTo(run.shard));
            }
            run.closeStep(0, 0, 1);
            // The sum has the norm 50. Each gradient cut for itself would give -5 and -5.
            assertThat(RunOnShard.floats(DataFrame.pullStretch(OTHER_TABLE, 16, 0, 2)
                            .ofRun(0)
                            .sendTo(run.shard)))
                    .containsExactly(-3, -4);
        }
    }

    private static void push(RunOnShard run, int worker, long offset, int count, float gradient) {
        float[] gradients = new float[count];
        Arrays.fill(gradients, gradient);
        assertAcknowledged(DataFrame.pushStretch(OTHER_TABLE, 16, offset, gradients)
                .ofRun(run.spec.id())
                .from(worker, 1)
                .numbered(1, 0)
                .sendTo(run.shard));
    }

    @Test
    void sumsOverlappingStretchesInTheOrderOfWorkers() {
        float[][] gradients = {{1e8f, 1e8f, 1e8f}, {1f, 1f, 1f}, {-1e8f, -1e8f, -1e8f}};
        int[] offsets = {14, 15, 13};
        for (int[] arrivals : new int[][] {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}}) {
            try (RunOnShard run = new RunOnShard(bsp(3)).join(0, 1, 2)) {
                for (int worker : arrivals) {
                    run.pushStretch(worker, 0, offsets[worker], gradients[worker]);
                }
                run.closeStep(0, 0, 1, 2);
                assertThat(run.stretch(12, 7))
                        .as(Arrays.toString(arrivals))
                        .containsExactly(0, 1e8f, 0f - (1e8f + -1e8f), 0f - (1e8f + 1f + -1e8f), -(1e8f + 1f), -1f, 0);
            }
        }
    }

    @Test
    void makesNoBlocksThatNobodyPushes() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.pushStretch(0, 0, 0, 1);
            run.pushStretch(1, 0, 99, 1);
            run.closeStep(0, 0, 1);
            assertThat(run.shard.tableNamed("d").store().rowCount()).isEqualTo(2);
        }
    }

    // ---- memory ----

    @Test
    void returnsTheMemoryOfAStepWhenItIsClosed() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            long[] keys = new long[500];
            Arrays.setAll(keys, i -> i);
            float[] ones = new float[500];
            Arrays.fill(ones, 1);
            run.pushFrame(0, 0, keys, ones).sendTo(run.shard);
            run.pushStretch(0, 0, 0, new float[100]);
            run.closeStep(0, 0, 1);
            long idle = run.budget.usedBytes();
            for (int step = 1; step < 5; step++) {
                run.pushFrame(0, step, keys, ones).sendTo(run.shard);
                run.pushFrame(1, step, keys, ones).sendTo(run.shard);
                run.pushStretch(1, step, 0, new float[100]);
                assertThat(run.budget.usedBytes()).isEqualTo(idle + 2 * StepFold.bytes(500 * 12) + StepFold.bytes(400));
                // Also of those that do not count.
                run.closeStep(step, 0);
                assertThat(run.budget.usedBytes()).isEqualTo(idle);
            }
            assertThat(run.row(7)).isEqualTo(-5);
        }
    }

    @Test
    void returnsTheMemoryOfHeldPushesToATableThatIsDropped() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            long idle = run.budget.usedBytes();
            run.push(0, 0, 5, 1);
            run.pushStretch(0, 0, 3, 1);
            run.shard.apply(new Control.DropTable(RunOnShard.TABLE));
            run.closeStep(0, 0);
            assertThat(run.stretch(3, 1)).containsExactly(-1);
            run.shard.apply(new Control.DropTable(RunOnShard.DENSE));
            assertThat(run.budget.usedBytes()).isEqualTo(idle);
        }
    }

    @Test
    void refusesWhatItCannotHoldOutOfOrderAndClosesTheStepWithTheRest() {
        try (RunOnShard run = new RunOnShard(bsp(1), null, 1 << 20).join(0)) {
            long[] keys = new long[1000];
            float[] ones = new float[1000];
            Arrays.fill(ones, 1);
            int held = 0;
            Outcome outcome;
            DataFrame frame;
            do {
                int from = 1000 * held;
                Arrays.setAll(keys, i -> from + i);
                frame = run.pushFrame(0, 0, keys, ones);
                outcome = frame.sendTo(run.shard);
                held++;
            } while (outcome instanceof Outcome.Acknowledged);
            held--;
            assertRefused(outcome, ErrorCode.MEMORY_EXCEEDED, false, "table=t");
            assertThat(held).isGreaterThan(2);
            assertThat(run.shard.entry(new WorkerId(run.spec.id(), 0, 1), -1).lastNumber())
                    .as("number free")
                    .isEqualTo(held);
            run.closeStep(0, 0);
            assertThat(run.rows(0, 1000L * held - 1, 1000L * held)).containsExactly(-1, -1, 0);
            assertThat(run.shard.tableNamed("t").store().rowCount()).isEqualTo(1000L * held);
            assertRefused(frame.sendTo(run.shard), ErrorCode.LATE, true);
        }
    }

    // ---- reading ----

    @Test
    void answersAPullWhenTheStepsBeforeItAreClosed() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            assertThat(RunOnShard.floats(run.pull(0, 0, 5))).containsExactly(0);
            run.push(0, 0, 5, 1);
            run.tick(0, 1);
            ParkedFrame first = run.parked(0, 1, 5, 6);
            ParkedFrame second = run.parked(1, 2, 5);
            run.push(1, 0, 6, 2);
            run.tick(1, 1);
            assertThat(first.isAnswered()).isFalse();
            run.closeStep(0, 0, 1);
            assertThat(RunOnShard.floats(first.answer())).containsExactly(-1, -2);
            assertThat(second.isAnswered()).isFalse();
            assertThat(RunOnShard.floats(run.pull(1, 1, 5))).containsExactly(-1);
            run.closeStep(1);
            assertThat(RunOnShard.floats(second.answer())).containsExactly(-1);
        }
    }

    @Test
    void closesTheStepsOfEachClockGroupForThemselves() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            run.pushFrame(0, 0, new long[] {5}, 1).inGroup(7).sendTo(run.shard);
            run.push(0, 0, 6, 1);
            run.shard.apply(Controls.closeStep(run.spec.id(), 7, 0, 0));
            assertThat(run.rows(5, 6)).containsExactly(-1, 0);
            run.closeStep(0, 0);
            assertThat(run.rows(5, 6)).containsExactly(-1, -1);
            DataFrame pull = DataFrame.pull(RunOnShard.TABLE, 1, 5).ofRun(run.spec.id());
            assertThat(pull.atClock(1).inGroup(7).sendTo(run.shard)).isInstanceOf(Outcome.Rows.class);
            assertThat(pull.atClock(1).inGroup(8).sendTo(run.shard)).isInstanceOf(Outcome.Waits.class);
        }
    }

    // ---- who took part ----

    @Test
    void isClosedByTheHomeShardWhenAllAreThrough() {
        try (RunOnShard run = new RunOnShard(bsp(3)).join(2, 0)) {
            AskedAnswer second = run.complete(2, 0);
            AskedAnswer again = run.complete(2, 0);
            AskedAnswer first = run.complete(0, 0);
            assertThat(first.isAnswered()).as("one has not joined yet").isFalse();
            run.join(1);
            assertThat(first.isAnswered()).isFalse();
            AskedAnswer third = run.complete(1, 0);
            for (AskedAnswer answer : List.of(first, second, third, again)) {
                assertThat(RunOnShard.closed(answer))
                        .isEqualTo(new RunMessage.StepClosed(0, 0, true, 1, List.of(0, 1, 2)));
            }
            assertThat(RunOnShard.closed(run.complete(0, 0)).counted())
                    .as("asked again")
                    .isTrue();
            assertThatThrownBy(() -> run.complete(0, 2))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                    .hasMessageContaining("step=2")
                    .hasMessageContaining("open=1");
        }
    }

    @Test
    void isClosedWithoutThoseWhoLeaveOrAreFenced() {
        try (RunOnShard run = new RunOnShard(bsp(3)).join(0, 1, 2)) {
            AskedAnswer answer = run.complete(0, 0);
            run.close(1, false);
            assertThat(answer.isAnswered()).isFalse();
            for (int i = 0; i < run.spec.silenceMs() / 1000; i++) {
                run.heartbeat(0);
                run.pass(1000);
            }
            assertThat(RunOnShard.closed(answer)).isEqualTo(new RunMessage.StepClosed(0, 0, true, 1, List.of(0)));
        }
    }

    @Test
    void doesNotCountAWorkerThatLeavesBeforeTheStepIsClosed() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.complete(0, 0);
            run.close(0, false);
            assertThat(RunOnShard.closed(run.complete(1, 0)).contributors()).containsExactly(1);
        }
    }

    @Test
    void isClosedByAsManyAsItNeedsWhenThereAreBackupWorkers() {
        try (RunOnShard run = new RunOnShard(bsp(2).withBackupWorkers(1)).join(0, 1, 2)) {
            for (int worker = 0; worker < 3; worker++) {
                run.push(worker, 0, 5, 1 + worker);
            }
            AskedAnswer first = run.complete(2, 0);
            assertThat(first.isAnswered()).isFalse();
            AskedAnswer second = run.complete(0, 0);
            assertThat(RunOnShard.closed(first)).isEqualTo(new RunMessage.StepClosed(0, 0, true, 1, List.of(0, 2)));
            assertThat(RunOnShard.closed(second).counted()).isTrue();
            run.closeStep(0, 0, 2);
            assertThat(run.row(5)).isEqualTo(-4);
            assertRefused(run.push(1, 0, 5, 100), ErrorCode.LATE, true, "worker=1", "step=0");
            // Two more steps go by before the slow one asks.
            run.complete(0, 1);
            run.complete(2, 1);
            run.closeStep(1, 0, 2);
            AskedAnswer late = run.complete(1, 0);
            assertThat(RunOnShard.closed(late)).isEqualTo(new RunMessage.StepClosed(0, 0, false, 2, List.of(0, 2)));
            assertThat(run.row(5)).isEqualTo(-4);
            assertAcknowledged(run.push(1, 2, 5, 100));
            assertThat(RunOnShard.closed(run.complete(1, 1)).counted()).isFalse();
        }
    }

    @Test
    void needsNoMoreThanThereAreWhenBackupWorkersAreGone() {
        try (RunOnShard run = new RunOnShard(bsp(2).withBackupWorkers(1)).join(0, 1, 2)) {
            run.close(1, false);
            run.close(2, false);
            assertThat(RunOnShard.closed(run.complete(0, 0)).contributors()).containsExactly(0);
        }
    }

    @Test
    void waitsForANewLifeToDoTheOpenStepAgain() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            AskedAnswer old = run.complete(0, 0);
            RunMessage.JoinRunReply again = run.askToJoin(0, false);
            assertThat(again.resumed()).isTrue();
            assertThat(old.code()).isEqualTo(ErrorCode.FENCED);
            AskedAnswer other = run.complete(1, 0);
            assertThat(other.isAnswered()).isFalse();
            run.complete(0, 0);
            assertThat(RunOnShard.closed(other).contributors()).containsExactly(0, 1);
        }
    }

    @Test
    void tellsThoseWhoJoinTheLastRecordOfEachGroup() {
        try (RunOnShard run = new RunOnShard(bsp(1)).join(0)) {
            run.complete(0, 0);
            run.complete(0, 1);
            AskedAnswer answer = new AskedAnswer();
            run.shard.ask(new RunMessage.CompleteStep(0, run.id(0), 7, 0, -1, false), answer);
            assertThat(run.askToJoin(-1, false).closed())
                    .containsExactly(new RunMessage.Step(0, 1, List.of(0)), new RunMessage.Step(7, 0, List.of(0)));
        }
    }

    @Test
    void dropsWhatAnEarlierLifeLeftInOpenStepsWhenAWorkerBeginsAnew() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            long idle = run.budget.usedBytes();
            run.push(0, 0, 5, 1);
            run.pushFrame(0, 0, new long[] {6}, 1).inGroup(7).sendTo(run.shard);
            run.close(0, false);
            run.join(0);
            run.push(0, 0, 5, 10);
            run.closeStep(0, 0, 1);
            run.shard.apply(Controls.closeStep(run.spec.id(), 7, 0, 0, 1));
            assertThat(run.rows(5, 6)).containsExactly(-10, 0);
            assertThat(idle).isZero();
        }
    }

    @Test
    void dropsWhatAnEarlierLifeLeftInGroupsThatAreBehindTheFirst() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            for (int step = 0; step < 3; step++) {
                run.complete(0, step);
                run.complete(1, step);
                run.closeStep(step, 0, 1);
            }
            run.pushFrame(0, 0, new long[] {6}, 1).inGroup(7).sendTo(run.shard);
            run.close(0, false);
            run.join(0);
            run.pushFrame(0, 0, new long[] {6}, 10).inGroup(7).sendTo(run.shard);
            run.shard.apply(Controls.closeStep(run.spec.id(), 7, 0, 0, 1));
            assertThat(run.row(6)).isEqualTo(-10);
        }
    }

    @Test
    void doesAStepAgainWithTheNumbersThatItHad() {
        try (RunOnShard run = new RunOnShard(bsp(2)).join(0, 1)) {
            run.push(0, 0, 5, 1);
            run.push(0, 0, 6, 2);
            RunMessage.JoinRunReply again = run.askToJoin(0, false);
            assertThat(again.resumed()).isTrue();
            RunMessage.Entry entry = run.open(0);
            assertThat(entry).isEqualTo(new RunMessage.Entry(0, 0, 2, 0, true));
            DataFrame first = DataFrame.push(RunOnShard.TABLE, 1, new long[] {5}, 1)
                    .ofRun(run.spec.id())
                    .from(0, 2);
            assertAcknowledged(first.numbered(1, 0).sendTo(run.shard));
            assertAcknowledged(first.numbered(2, 1).sendTo(run.shard));
            assertThat(run.shard.duplicates()).isEqualTo(2);
            run.closeStep(0, 0, 1);
            assertThat(run.rows(5, 6)).containsExactly(-1, -2);
        }
    }
}
