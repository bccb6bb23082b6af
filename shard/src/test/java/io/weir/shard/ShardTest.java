package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.table.MemoryBudget;
import io.weir.wire.Limits;
import io.weir.wire.RunMessage;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ShardTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final long RUN = DataFrame.RUN;
    private static final int TABLE = 1;
    private static final int DENSE = 2;
    private static final int BLOCK = 16;

    private final MemoryBudget budget = new MemoryBudget(64 << 20);
    private Shard shard = new Shard(0, 1, budget);
    private long tokens;

    @BeforeEach
    void open() {
        populate(shard);
    }

    @AfterEach
    void close() {
        shard.close();
        assertThat(budget.usedBytes()).isZero();
    }

    private static void populate(Shard shard) {
        shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 2, SGD)));
        shard.apply(new Control.CreateTable(
                DENSE, 0, new TableSpec("d", new TableShape.Dense(100, BLOCK), SGD, new InitialRow.Zero(), 0)));
        shard.apply(Controls.open(RUN, 0, 1));
    }

    private void reopen(Shard other) {
        shard.close();
        shard = other;
        populate(shard);
    }

    @Test
    void refusesInOrderAPushOfPartOfATensorWhoseOptimizerNeedsAllOfIt() {
        shard.apply(new Control.CreateTable(3, 0, TableSpec.dense("layer", 5, OptimizerSpec.parse("lars"))));
        assertRefused(
                DataFrame.pushStretch(3, BLOCK, 1, 1, 1, 1, 1).numbered(1, 0).sendTo(shard),
                ErrorCode.INVALID_ARGUMENT,
                true,
                "a push carries the whole tensor",
                "offset=1, count=4, length=5",
                "table=layer");
        assertRefused(
                DataFrame.pushStretch(3, BLOCK, 0, 1, 1, 1, 1).numbered(2, 1).sendTo(shard),
                ErrorCode.INVALID_ARGUMENT,
                true,
                "offset=0, count=4, length=5");
        assertThat(DataFrame.pushStretch(3, BLOCK, 0, 1, 1, 1, 1, 1)
                        .numbered(3, 2)
                        .sendTo(shard))
                .isInstanceOf(Outcome.Acknowledged.class);
        assertThat(((Outcome.Rows) DataFrame.pullStretch(3, BLOCK, 3, 2).sendTo(shard)).values())
                .containsExactly(-0.1f, -0.1f);
    }

    private static DataFrame push(long number, long previousNumber) {
        return DataFrame.push(TABLE, 2, new long[] {5}, 1, 2).numbered(number, previousNumber);
    }

    private List<Float> row(long key) {
        return ((Outcome.Rows) DataFrame.pull(TABLE, 2, key).sendTo(shard)).values();
    }

    private static void assertRefused(Outcome answer, ErrorCode code, boolean ordered, String... parts) {
        assertThat(answer).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(code);
            assertThat(refused.ordered()).isEqualTo(ordered);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(refused.message()).contains(part));
        });
    }

    private static void assertRefused(ThrowingCallable call, ErrorCode code, String... parts) {
        assertThatThrownBy(call).isInstanceOfSatisfying(WeirException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(e.getMessage()).contains(part));
        });
    }

    private static Outcome acknowledged(long number) {
        return new Outcome.Acknowledged(1, 0, number);
    }

    // ---- the order of decisions ----

    @Test
    void acknowledgesAPushByItsRequestAndNumber() {
        assertThat(push(4, 0).asking(77).sendTo(shard)).isEqualTo(new Outcome.Acknowledged(77, 0, 4));
        assertThat(row(5)).containsExactly(-1f, -2f);
    }

    @Test
    void refusesAnUnknownWorkerBeforeAllElse() {
        long position = shard.position();
        assertRefused(
                DataFrame.push(99, 3, new long[] {5}, 1, 2, Float.NaN)
                        .numbered(9, 8)
                        .from(3, 1)
                        .sendTo(shard),
                ErrorCode.UNKNOWN_WORKER,
                false,
                "worker=3",
                "generation=1");
        assertRefused(push(1, 0).from(0, 2).sendTo(shard), ErrorCode.UNKNOWN_WORKER, false, "generation=2");
        assertThat(shard.position()).isEqualTo(position);
        assertThat(push(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
    }

    @Test
    void refusesAnOldGenerationAlsoWhereItRepeatsItself() {
        push(1, 0).sendTo(shard);
        shard.apply(Controls.open(RUN, 0, 3));
        assertRefused(push(1, 0).sendTo(shard), ErrorCode.FENCED, false, "generation=1", "newest=3");
        assertRefused(push(2, 1).sendTo(shard), ErrorCode.FENCED, false);
        assertThat(push(2, 1).from(0, 3).sendTo(shard)).isEqualTo(acknowledged(2));
        assertThat(row(5)).containsExactly(-2f, -4f);
    }

    @Test
    void acknowledgesAnOldNumberAgainWithoutApplyingIt() {
        push(1, 0).sendTo(shard);
        push(2, 1).sendTo(shard);
        long position = shard.position();
        assertThat(push(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(push(2, 1).sendTo(shard)).isEqualTo(acknowledged(2));
        assertThat(push(2, 0).sendTo(shard)).isEqualTo(acknowledged(2));
        assertThat(shard.position()).isEqualTo(position);
        assertThat(row(5)).containsExactly(-2f, -4f);
    }

    @Test
    void refusesAGapWithoutTakingTheNumber() {
        push(1, 0).sendTo(shard);
        assertRefused(push(3, 2).sendTo(shard), ErrorCode.GAP, false, "last=1", "previousNumber=2");
        assertRefused(push(3, 0).sendTo(shard), ErrorCode.GAP, false, "last=1", "previousNumber=0");
        assertThat(push(3, 1).sendTo(shard)).isEqualTo(acknowledged(3));
    }

    @Test
    void saysGapBeforeItLooksAtTheContent() {
        DataFrame bad = DataFrame.push(99, 3, new long[] {5}, 1, 2, Float.NaN).numbered(3, 2);
        assertRefused(bad.sendTo(shard), ErrorCode.GAP, false);
    }

    @Test
    void refusesAnUnknownTableInOrder() {
        assertRefusedInOrder(DataFrame.push(9, 2, new long[] {5}, 1, 2), ErrorCode.UNKNOWN_TABLE, "tableId=9");
    }

    @Test
    void refusesAWrongRowLengthInOrder() {
        assertRefusedInOrder(
                DataFrame.push(TABLE, 3, new long[] {5}, 1, 2, 3),
                ErrorCode.INVALID_ARGUMENT,
                "expected=2",
                "actual=3",
                "table=t");
    }

    @Test
    void refusesAKeyOfAnotherShardInOrder() {
        long key = 0;
        while (Keys.shardOf(key, 2) == 0) {
            key++;
        }
        reopen(new Shard(0, 2, budget));
        assertRefusedInOrder(
                DataFrame.push(TABLE, 2, new long[] {key}, 1, 2), ErrorCode.WRONG_SHARD, "key=" + key, "table=t");
        assertRefused(DataFrame.pull(TABLE, 2, key).sendTo(shard), ErrorCode.WRONG_SHARD, false, "key=" + key);
    }

    @Test
    void refusesNonFiniteValuesInOrderAndTouchesNoRow() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            try (Shard fresh = new Shard(0, 1, budget)) {
                populate(fresh);
                DataFrame frame = DataFrame.push(TABLE, 2, new long[] {5, 6}, 1, 2, 3, bad)
                        .numbered(1, 0);
                assertRefused(frame.sendTo(fresh), ErrorCode.NON_FINITE, true, "table=t", "key=6");
                assertThat(fresh.tableNamed("t").store().rowCount()).isZero();
            }
        }
        assertRefusedInOrder(
                DataFrame.push(TABLE, 2, new long[] {5, 5}, 3e38f, 0, 3e38f, 0), ErrorCode.NON_FINITE, "key=5");
    }

    @Test
    void refusesStretchesAndKeysWhereTheyDoNotBelongInOrder() {
        assertRefusedInOrder(
                DataFrame.pushStretch(TABLE, 2, 0, 1, 2), ErrorCode.INVALID_ARGUMENT, "only a dense table");
        shard.apply(Controls.open(RUN, 1, 1));
        assertRefused(
                DataFrame.push(DENSE, BLOCK, new long[] {0}, new float[BLOCK])
                        .numbered(1, 0)
                        .from(1, 1)
                        .sendTo(shard),
                ErrorCode.INVALID_ARGUMENT,
                true,
                "by stretches");
    }

    @Test
    void refusesAStretchOutOfRangeInOrder() {
        assertRefusedInOrder(
                DataFrame.pushStretch(DENSE, BLOCK, 99, 1, 2),
                ErrorCode.INVALID_ARGUMENT,
                "offset=99",
                "count=2",
                "length=100");
        assertRefused(
                DataFrame.pullStretch(DENSE, BLOCK, TableShape.Dense.MAX_LENGTH - 4, 4)
                        .sendTo(shard),
                ErrorCode.INVALID_ARGUMENT,
                false,
                "length=100");
        assertThat(DataFrame.pullStretch(DENSE, BLOCK, 100, 0).sendTo(shard))
                .isEqualTo(new Outcome.Rows(1, 0, 1, List.of()));
    }

    @Test
    void refusesAStretchOfAnotherShardInOrder() {
        reopen(new Shard(0, 2, budget));
        assertRefused(
                DataFrame.pullStretch(DENSE, BLOCK, 0, 100).sendTo(shard), ErrorCode.WRONG_SHARD, false, "table=d");
        assertRefusedInOrder(DataFrame.pushStretch(DENSE, BLOCK, 0, new float[100]), ErrorCode.WRONG_SHARD, "table=d");
    }

    @Test
    void refusesRowsWithReservedBytesOrMissingSlotsInOrder() {
        assertRefusedInOrder(
                DataFrame.load(TABLE, 2, 5, 1, 1, 8, 9), ErrorCode.INVALID_ARGUMENT, "reserved bytes", "row=0");
        shard.apply(Controls.open(RUN, 1, 1));
        assertRefused(
                DataFrame.load(TABLE, 2, 5, 1, 0, 8, 9, 10)
                        .numbered(1, 0)
                        .from(1, 1)
                        .sendTo(shard),
                ErrorCode.INVALID_ARGUMENT,
                true,
                "rows must be whole");
        assertThat(row(5)).containsExactly(0f, 0f);
    }

    /// The refusal uses up the number: its retry is refused again, and the next push follows it.
    private void assertRefusedInOrder(DataFrame frame, ErrorCode code, String... parts) {
        long position = shard.position();
        assertRefused(frame.numbered(3, 0).sendTo(shard), code, true, parts);
        assertThat(shard.position()).isEqualTo(position + 1);
        assertRefused(frame.numbered(3, 0).sendTo(shard), ErrorCode.REJECTED, true, "number=3");
        assertRefused(
                DataFrame.pushStretch(DENSE, BLOCK, 0, 1).numbered(4, 0).sendTo(shard), ErrorCode.GAP, false, "last=3");
        assertRefused(frame.numbered(4, 3).sendTo(shard), code, true, parts);
        assertThat(shard.position()).isEqualTo(position + 2);
        assertThat(shard.tables())
                .allSatisfy(table -> assertThat(table.store().rowCount()).isZero());
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 0, 4, 0, true));
    }

    @Test
    void refusesForMemoryOutOfOrderAndLeavesTheNumberFree() {
        reopen(new Shard(0, 1, new MemoryBudget(1 << 20)));
        int dim = 1024;
        shard.apply(new Control.CreateTable(3, 0, TableSpec.embedding("big", dim, SGD)));
        float[] gradients = new float[dim];
        long number = 0;
        Outcome answer;
        do {
            number++;
            gradients[0] = 1;
            answer = DataFrame.push(3, dim, new long[] {number}, gradients)
                    .numbered(number, number - 1)
                    .sendTo(shard);
        } while (answer.equals(acknowledged(number)));
        assertThat(number).isBetween(10L, 300L);
        assertRefused(answer, ErrorCode.MEMORY_EXCEEDED, false, "table=big", "keys=1", "capBytes=1048576");
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1).lastNumber()).isEqualTo(number - 1);
        // The same number, now for a row that is there.
        assertThat(DataFrame.push(3, dim, new long[] {1}, gradients)
                        .numbered(number, number - 1)
                        .sendTo(shard))
                .isEqualTo(acknowledged(number));
        Outcome.Rows rows = (Outcome.Rows) DataFrame.pull(3, dim, 1, number).sendTo(shard);
        assertThat(rows.values().get(0)).isEqualTo(-2f);
        assertThat(rows.values().get(dim)).isEqualTo(0f);
    }

    @Test
    void refusesAWithdrawnPushInOrderSoThatItsOlderCopiesComeTooLate() {
        DataFrame push = push(3, 0);
        assertRefused(push.withdrawn().sendTo(shard), ErrorCode.REJECTED, true, "withdrawn", "number=3");
        assertRefused(push.sendTo(shard), ErrorCode.REJECTED, true, "number=3");
        assertRefused(push.withdrawn().sendTo(shard), ErrorCode.REJECTED, true, "number=3");
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1).lastNumber()).isEqualTo(3);
        assertThat(row(5)).containsExactly(0f, 0f);
        assertThat(push(4, 3).sendTo(shard)).isEqualTo(acknowledged(4));
    }

    @Test
    void tellsThatAPushIsWithdrawnTooLate() {
        DataFrame push = push(1, 0);
        assertThat(push.sendTo(shard)).isEqualTo(acknowledged(1));
        List<Float> row = row(5);
        assertThat(push.withdrawn().sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(row(5)).isEqualTo(row);
        DataFrame pushPull = DataFrame.pushPull(TABLE, 2, new long[] {5}, 1, 2).numbered(2, 1);
        Outcome answer = pushPull.sendTo(shard);
        assertThat(pushPull.withdrawn().sendTo(shard)).isEqualTo(answer);
        // One that has not had its turn has nothing to withdraw yet.
        assertRefused(push(9, 8).withdrawn().sendTo(shard), ErrorCode.GAP, false, "last=2");
    }

    @Test
    void answersRepeatedPushPullsWithRowsWithoutApplyingThem() {
        DataFrame frame =
                DataFrame.pushPull(TABLE, 2, new long[] {5, 6}, 1, 2, 3, 4).numbered(2, 0);
        Outcome.Rows first = (Outcome.Rows) frame.sendTo(shard);
        assertThat(first).isEqualTo(new Outcome.Rows(1, 2, 2, List.of(-1f, -2f, -3f, -4f)));
        assertThat(frame.sendTo(shard)).isEqualTo(first);
        push(3, 2).sendTo(shard);
        assertThat(frame.sendTo(shard)).isEqualTo(new Outcome.Rows(1, 2, 2, List.of(-2f, -4f, -3f, -4f)));
        shard.apply(new Control.DropTable(TABLE));
        assertRefused(frame.sendTo(shard), ErrorCode.UNKNOWN_TABLE, true, "tableId=1");
    }

    @Test
    void neverChangesStateOnAPull() {
        push(1, 0).sendTo(shard);
        long position = shard.position();
        long memory = budget.usedBytes();
        long[] keys = new long[20_000];
        Arrays.setAll(keys, i -> i * 7919L - 50_000);
        for (int i = 0; i < 3; i++) {
            Outcome.Rows rows = (Outcome.Rows) DataFrame.pull(TABLE, 2, keys).sendTo(shard);
            assertThat(rows.values()).hasSize(40_000);
            DataFrame.pullStretch(DENSE, BLOCK, 0, 100).sendTo(shard);
        }
        assertThat(shard.position()).isEqualTo(position);
        assertThat(budget.usedBytes()).isEqualTo(memory);
        assertThat(shard.tables()).extracting(table -> table.store().rowCount()).containsExactly(1L, 0L);
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 0, 1, 0, true));
    }

    @Test
    void answersPullsOfWorkersItDoesNotKnow() {
        assertThat(DataFrame.pull(TABLE, 2, 5).from(8, 9).sendTo(shard))
                .isEqualTo(new Outcome.Rows(1, 0, 2, List.of(0f, 0f)));
        assertRefused(DataFrame.pull(9, 2, 5).sendTo(shard), ErrorCode.UNKNOWN_TABLE, false, "tableId=9");
        assertRefused(
                DataFrame.pull(1 << 30, 2, 5).sendTo(shard), ErrorCode.UNKNOWN_TABLE, false, "tableId=" + (1 << 30));
        assertRefused(DataFrame.pull(TABLE, 1, 5).sendTo(shard), ErrorCode.INVALID_ARGUMENT, false, "expected=2");
    }

    @Test
    void remembersRefusalsForEveryNumberOfAWindow() {
        for (int number = 1; number <= Limits.MAX_WINDOW; number++) {
            DataFrame frame = number % 3 == 0
                    ? DataFrame.push(9, 2, new long[] {5}, 1, 2)
                    : DataFrame.push(TABLE, 2, new long[] {5}, 1, 2);
            frame.numbered(number, number - 1).sendTo(shard);
        }
        for (int number = 1; number <= Limits.MAX_WINDOW; number++) {
            Outcome answer = push(number, number - 1).sendTo(shard);
            if (number % 3 == 0) {
                assertRefused(answer, ErrorCode.REJECTED, true, "number=" + number);
            } else {
                assertThat(answer).isEqualTo(acknowledged(number));
            }
        }
    }

    @Test
    void loadsAndScansWholeRows() {
        assertThat(DataFrame.load(TABLE, 2, -9, 41, 0, 8, 9).numbered(1, 0).sendTo(shard))
                .isEqualTo(acknowledged(1));
        push(2, 1).sendTo(shard);
        assertThat(row(-9)).containsExactly(8f, 9f);
        assertThat(DataFrame.scan(TABLE, 2, 1, 0).sendTo(shard)).isEqualTo(new Outcome.Scan(1, 1, 1, 2, List.of(-9L)));
        assertThat(DataFrame.scan(TABLE, 2, 9, 1).sendTo(shard)).isEqualTo(new Outcome.Scan(1, -1, 1, 2, List.of(5L)));
        assertThat(DataFrame.scan(TABLE, 2, Integer.MAX_VALUE, Long.MAX_VALUE).sendTo(shard))
                .isEqualTo(new Outcome.Scan(1, -1, 0, 2, List.of()));
        assertThat(DataFrame.scan(TABLE, 2, 0, 0).sendTo(shard)).isEqualTo(new Outcome.Scan(1, 0, 0, 2, List.of()));
        assertRefused(DataFrame.scan(9, 2, 1, 0).sendTo(shard), ErrorCode.UNKNOWN_TABLE, false);
    }

    @Test
    void refusesEverythingOnceItIsStopped() {
        shard.stop("a broken invariant");
        assertRefused(push(1, 0).sendTo(shard), ErrorCode.INTERNAL, false, "cause=a broken invariant");
        assertRefused(DataFrame.pull(TABLE, 2, 5).sendTo(shard), ErrorCode.INTERNAL, false);
    }

    // ---- control ----

    @Test
    void createsATableOnceAndNamesWhatDiffers() {
        TableSpec spec = TableSpec.embedding("t", 2, SGD);
        assertThat(shard.apply(new Control.CreateTable(TABLE, 0, spec))).isEqualTo(TABLE);
        assertThat(shard.tables()).hasSize(2);
        assertRefused(
                () -> shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 3, SGD))),
                ErrorCode.TABLE_MISMATCH,
                "table=t",
                "dim=2",
                "dim=3");
        assertRefused(
                () -> shard.apply(new Control.CreateTable(
                        TABLE, 0, TableSpec.embedding("t", 2, OptimizerSpec.parse("sgd(rate=2)")))),
                ErrorCode.TABLE_MISMATCH,
                "optimizer: here sgd");
        assertRefused(
                () -> shard.apply(new Control.CreateTable(5, 0, spec)),
                ErrorCode.TABLE_MISMATCH,
                "id: here 1, there 5");
    }

    @Test
    void neverUsesAnIdAgain() {
        assertThat(shard.apply(new Control.DropTable(DENSE))).isEqualTo(DENSE);
        assertThat(shard.apply(new Control.DropTable(DENSE))).isZero();
        TableSpec spec = TableSpec.embedding("again", 2, SGD);
        assertRefused(
                () -> shard.apply(new Control.CreateTable(DENSE, 0, spec)),
                ErrorCode.TABLE_MISMATCH,
                "never used again",
                "tableId=2",
                "greatest=2");
        for (int id : new int[] {0, -1, Integer.MIN_VALUE, Shard.MAX_TABLE_ID + 1, Integer.MAX_VALUE}) {
            assertRefused(
                    () -> shard.apply(new Control.CreateTable(id, 0, spec)), ErrorCode.LIMIT_EXCEEDED, "tableId=" + id);
        }
        assertThat(shard.apply(new Control.CreateTable(Shard.MAX_TABLE_ID, 0, spec)))
                .isEqualTo(Shard.MAX_TABLE_ID);
        assertThat(shard.greatestTableId()).isEqualTo(Shard.MAX_TABLE_ID);
        assertThat(shard.tableNamed("again")).isNotNull();
        assertThat(shard.tableNamed("d")).isNull();
    }

    @Test
    void refusesLatePushesToADroppedTableInOrder() {
        push(1, 0).sendTo(shard);
        shard.apply(new Control.DropTable(TABLE));
        assertRefused(push(2, 1).sendTo(shard), ErrorCode.UNKNOWN_TABLE, true, "tableId=1");
        assertRefused(push(2, 1).sendTo(shard), ErrorCode.REJECTED, true);
        assertThat(push(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
    }

    @Test
    void leavesEverythingAsItWasWhenAControlEventIsRefused() {
        long position = shard.position();
        assertRefused(
                () -> shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 3, SGD))),
                ErrorCode.TABLE_MISMATCH);
        assertThat(shard.position()).isEqualTo(position);
    }

    /// Joins at the home shard, under a token of its own.
    private RunMessage.JoinRunReply join(RunSpec spec, int worker, boolean continued) {
        AskedAnswer answer = new AskedAnswer();
        shard.ask(new RunMessage.JoinRun(0, spec, worker, ++tokens, continued), answer);
        return (RunMessage.JoinRunReply) answer.message();
    }

    private RunMessage.JoinRunReply join(String name, int worker, int workers) {
        return join(RunSpec.of(name, workers), worker, false);
    }

    /// State and generation of each member.
    private List<List<Integer>> members(String name) {
        RunMessage.RunStatusReply status = shard.runStatus(name);
        assertThat(status).isNotNull();
        return status.members().stream()
                .map(member -> List.of(member.state(), member.generation()))
                .toList();
    }

    @Test
    void givesEachLifeOfAWorkerANewGeneration() {
        assertThat(join("r", 0, 2).generation()).isEqualTo(1);
        assertThat(join("r", 0, 2).generation()).isEqualTo(2);
        assertThat(join("r", 1, 2).generation()).isEqualTo(1);
        assertRefused(() -> join("r", 0, 3), ErrorCode.RUN_MISMATCH, "run=r", "workers: here 2, there 3");
        assertThat(members("r")).containsExactly(List.of(HomeRun.ACTIVE, 2), List.of(HomeRun.ACTIVE, 1));
        assertThat(shard.runStatus("other")).isNull();
        assertThat(shard.homeRuns()).containsExactly("r");
    }

    @Test
    void answersTheSameJoinAgainWithTheSameGeneration() {
        RunMessage.JoinRun join = new RunMessage.JoinRun(0, RunSpec.of("r", 1), 0, 4711, false);
        for (int i = 0; i < 2; i++) {
            AskedAnswer answer = new AskedAnswer();
            shard.ask(join, answer);
            assertThat(((RunMessage.JoinRunReply) answer.message()).generation())
                    .isEqualTo(1);
        }
    }

    @Test
    void boundsWhatRunsAndWorkersCanMakeItRemember() {
        int large = 1 << 16;
        int most = Shard.MAX_RUN_MEMBERS / large;
        for (int i = 0; i < most - 1; i++) {
            join("large" + i, 0, large);
        }
        int rest = Shard.MAX_RUNS - (most - 1);
        for (int i = 0; i < rest; i++) {
            join("small" + i, 0, 1);
        }
        assertRefused(() -> join("more", 0, 1), ErrorCode.LIMIT_EXCEEDED, "run=more", "runs=" + (Shard.MAX_RUNS + 1));
        // Runs that are there go on, and the name of a finished one can be used for another number of workers.
        assertThat(join("small0", 0, 1).generation()).isEqualTo(2);
        shard.apply(Controls.openRun(RunSpec.of("small0", 1), 0));
        shard.apply(Controls.close(Keys.ofString("small0"), 0, 2, true));
        assertRefused(
                () -> join(RunSpec.of("small0", large), 0, true),
                ErrorCode.LIMIT_EXCEEDED,
                "workers=" + (Shard.MAX_RUN_MEMBERS + rest - 1));
        assertThat(join(RunSpec.of("small0", 2), 0, true).generation()).isEqualTo(3);
        for (int i = 1; i < Shard.MAX_RUNS; i++) {
            shard.apply(Controls.openRun(RunSpec.of("known" + i, 1), 0));
        }
        assertRefused(
                () -> shard.apply(Controls.openRun(RunSpec.of("more", 1), 0)),
                ErrorCode.LIMIT_EXCEEDED,
                "limit=" + Shard.MAX_RUNS);

        for (int worker = 0; worker < Shard.MAX_OPEN_WORKERS - 1; worker++) {
            shard.apply(Controls.open(99, worker, 1));
        }
        assertRefused(
                () -> shard.apply(Controls.open(98, 0, 1)),
                ErrorCode.LIMIT_EXCEEDED,
                "limit=" + Shard.MAX_OPEN_WORKERS);
        assertThat(push(1, 0).sendTo(shard)).as("the one of this test").isEqualTo(acknowledged(1));
        shard.apply(Controls.close(99, 7, 1, false));
        shard.apply(Controls.open(98, 0, 1));
    }

    @Test
    void finishesARunAndTakesItUpAgainOnlyOnRequest() {
        long run = Keys.ofString("r");
        RunSpec spec = RunSpec.of("r", 2);
        join("r", 0, 2);
        join("r", 1, 2);
        shard.apply(Controls.openRun(spec, 0));
        shard.apply(Controls.close(run, 0, 1, true));
        shard.apply(Controls.close(run, 1, 1, false));
        assertThat(members("r")).containsExactly(List.of(HomeRun.FINISHED, 1), List.of(HomeRun.LEFT, 1));
        assertThat(join("r", 1, 2).generation()).isEqualTo(2);
        shard.apply(Controls.close(run, 1, 1, true));
        assertThat(members("r").get(1)).containsExactly(HomeRun.ACTIVE, 2);
        shard.apply(Controls.close(run, 1, 2, true));
        assertRefused(() -> join("r", 0, 2), ErrorCode.RUN_FINISHED, "run=r");
        RunMessage.JoinRunReply again = join(spec, 0, true);
        assertThat(again.generation()).isEqualTo(2);
        assertThat(again.life()).isEqualTo(1);
        assertThat(members("r")).containsExactly(List.of(HomeRun.ACTIVE, 2), List.of(HomeRun.MISSING, 2));
    }

    @Test
    void opensAWorkerWhereItStoodAndForgetsItWhenItIsClosed() {
        push(4, 0).sendTo(shard);
        DataFrame.tick(3).numbered(5, 4).sendTo(shard);
        push(6, 5).atClock(3).sendTo(shard);
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 3, 6, 5, true));
        shard.apply(Controls.open(RUN, 0, 2));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 3, 6, 5, true));
        assertRefused(() -> shard.apply(Controls.open(RUN, 0, 1)), ErrorCode.FENCED, "newest=2");
        shard.apply(Controls.close(RUN, 0, 1, false));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 3, 6, 5, true));
        shard.apply(Controls.close(RUN, 0, 2, false));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 0, 0, 0, false));
        assertRefused(push(7, 6).from(0, 2).sendTo(shard), ErrorCode.UNKNOWN_WORKER, false);
    }

    // ---- ticks ----

    @Test
    void movesTheClockByTicksAndNotByPushes() {
        push(1, 0).atClock(9).sendTo(shard);
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 0, 1, 0, true));
        assertThat(DataFrame.tick(1).numbered(2, 1).sendTo(shard)).isEqualTo(acknowledged(2));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 1, 2, 2, true));
        assertThat(DataFrame.tick(4).numbered(3, 2).inGroup(7).sendTo(shard)).isEqualTo(acknowledged(3));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 1, 3, 2, true));
    }

    @Test
    void takesATickInItsPlaceAmongThePushesAndOnlyOnce() {
        long position = shard.position();
        assertRefused(DataFrame.tick(1).numbered(2, 1).sendTo(shard), ErrorCode.GAP, false, "last=0");
        assertThat(shard.position()).isEqualTo(position);
        DataFrame tick = DataFrame.tick(1).numbered(1, 0);
        assertThat(tick.sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(tick.sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(shard.position()).isEqualTo(position + 1);
        assertThat(shard.duplicates()).isEqualTo(1);
        assertRefused(DataFrame.tick(2).numbered(2, 1).from(3, 1).sendTo(shard), ErrorCode.UNKNOWN_WORKER, false);
    }

    @Test
    void refusesATickThatTurnsTheClockBackInOrder() {
        DataFrame.tick(3).numbered(1, 0).sendTo(shard);
        DataFrame back = DataFrame.tick(2).numbered(2, 1);
        assertRefused(back.sendTo(shard), ErrorCode.INVALID_ARGUMENT, true, "worker=0", "clock=2", "here=3");
        assertRefused(back.sendTo(shard), ErrorCode.REJECTED, true, "number=2");
        assertThat(DataFrame.tick(3).numbered(3, 2).sendTo(shard)).isEqualTo(acknowledged(3));
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 3, 3, 3, true));
    }

    @Test
    void refusesAWithdrawnTickInOrder() {
        assertRefused(
                DataFrame.tick(1).numbered(1, 0).withdrawn().sendTo(shard), ErrorCode.REJECTED, true, "withdrawn");
        assertThat(shard.entry(new WorkerId(RUN, 0, 1), -1)).isEqualTo(new RunMessage.Entry(0, 0, 1, 0, true));
    }

    @Test
    void countsWhatCameAgain() {
        push(1, 0).sendTo(shard);
        assertThat(shard.duplicates()).isZero();
        push(1, 0).sendTo(shard);
        push(2, 1).sendTo(shard);
        push(1, 0).sendTo(shard);
        assertThat(shard.duplicates()).isEqualTo(2);
    }
}
