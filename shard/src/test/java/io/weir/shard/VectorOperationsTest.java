package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import io.weir.table.MemoryBudget;
import io.weir.wire.RunMessage;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Vector operations inside one shard: their place in the worker's stream, and what is refused.
class VectorOperationsTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final int Y = 1;
    private static final int X = 2;
    private static final int ELSEWHERE = 3;
    private static final int SHORTER = 4;
    private static final int EMBEDDING = 5;
    private static final int FTRL = 6;
    private static final int PAIRS = 7;
    private static final int BLOCK = 16;
    private static final int LENGTH = 40;

    private final MemoryBudget budget = new MemoryBudget(64 << 20);
    private Shard shard = new Shard(0, 1, budget);

    @BeforeEach
    void open() {
        populate();
    }

    private void populate() {
        create(Y, dense("y", LENGTH, BLOCK, "v", new InitialRow.Constant(1)));
        create(X, dense("x", LENGTH, BLOCK, "v", new InitialRow.Constant(3)));
        create(ELSEWHERE, dense("elsewhere", LENGTH, BLOCK, "", new InitialRow.Zero()));
        create(SHORTER, dense("shorter", LENGTH - 1, BLOCK, "v", new InitialRow.Zero()));
        create(EMBEDDING, TableSpec.embedding("rows", BLOCK, SGD));
        create(
                FTRL,
                new TableSpec(
                        "ftrl",
                        new TableShape.Dense(LENGTH, BLOCK, "v"),
                        OptimizerSpec.parse("ftrl(alpha=1,beta=1,l1=0,l2=0)"),
                        new InitialRow.Zero(),
                        0));
        create(PAIRS, dense("pairs", 3 * 32, 32, "v", new InitialRow.Zero()));
        shard.apply(Controls.open(DataFrame.RUN, 0, 1));
    }

    @AfterEach
    void close() {
        shard.close();
        assertThat(budget.usedBytes()).isZero();
    }

    private static TableSpec dense(String name, long length, int block, String placement, InitialRow initial) {
        return new TableSpec(name, new TableShape.Dense(length, block, placement), SGD, initial, 0);
    }

    private void create(int id, TableSpec spec) {
        shard.apply(new Control.CreateTable(id, 0, spec));
    }

    private static DataFrame axpy(double a, long number) {
        return change(VectorOperation.AXPY, Y, 0, LENGTH, X, a, number);
    }

    private static DataFrame change(
            VectorOperation operation, int y, long offset, int count, int x, double a, long number) {
        return DataFrame.vector(operation, y, BLOCK, offset, count, x, a).numbered(number, number - 1);
    }

    private List<Float> read(int table, int count) {
        return ((Outcome.Rows) DataFrame.pullStretch(table, BLOCK, 0, count).sendTo(shard)).values();
    }

    private void assertRefused(DataFrame frame, ErrorCode code, boolean ordered, String... parts) {
        assertThat(frame.sendTo(shard)).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
            assertThat(refused.code()).as(refused.message()).isEqualTo(code);
            assertThat(refused.ordered()).isEqualTo(ordered);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(refused.message()).contains(part));
        });
    }

    private void assertInvalid(DataFrame frame, String... parts) {
        assertRefused(frame, ErrorCode.INVALID_ARGUMENT, true, parts);
    }

    @Test
    void takesItsPlaceAmongThePushes() {
        assertThat(axpy(2, 1).sendTo(shard)).isEqualTo(new Outcome.Acknowledged(1, 0, 1));
        assertThat(read(Y, LENGTH)).isEqualTo(Collections.nCopies(LENGTH, 7f));
        assertThat(axpy(2, 1).sendTo(shard)).as("again").isEqualTo(new Outcome.Acknowledged(1, 0, 1));
        assertThat(read(Y, LENGTH)).isEqualTo(Collections.nCopies(LENGTH, 7f));
        assertThat(shard.duplicates()).isEqualTo(1);
        assertRefused(axpy(2, 3), ErrorCode.GAP, false, "last=1");
        assertThat(DataFrame.pushStretch(Y, BLOCK, 0, 5f).numbered(2, 1).sendTo(shard))
                .isEqualTo(new Outcome.Acknowledged(1, 0, 2));
        assertThat(axpy(1, 3).sendTo(shard)).isEqualTo(new Outcome.Acknowledged(1, 0, 3));
        assertThat(read(Y, 2)).containsExactly(5f, 10f);
        assertThat(axpy(1, 4).withdrawn().sendTo(shard)).isInstanceOf(Outcome.Refused.class);
        assertThat(read(Y, 2)).containsExactly(5f, 10f);
    }

    @Test
    void aShardThatAppliesADuplicateWouldBeSeen() {
        shard.close();
        shard = new Shard(0, 1, budget, PlantedBug.TRANSFORM_REPEATED);
        populate();
        axpy(2, 1).sendTo(shard);
        axpy(2, 1).sendTo(shard);
        assertThat(read(Y, 1)).containsExactly(13f);
    }

    @Test
    void sumsBlockByBlockAndStoresNothing() {
        Outcome dot =
                DataFrame.vector(VectorOperation.DOT, Y, BLOCK, 16, 24, X, 0).sendTo(shard);
        assertThat(dot).isEqualTo(new Outcome.Sums(1, 1, List.of(48.0, 24.0)));
        Outcome norm = DataFrame.vector(VectorOperation.NORM1, X, BLOCK, 0, LENGTH, 0, 0)
                .sendTo(shard);
        assertThat(norm).isEqualTo(new Outcome.Sums(1, 0, List.of(48.0, 48.0, 24.0)));
        assertThat(shard.tableNamed("y").store().rowCount()).isZero();
        assertThat(shard.tableNamed("x").store().rowCount()).isZero();
        assertThat(DataFrame.vector(VectorOperation.DOT, Y, BLOCK, 0, 0, X, 0).sendTo(shard))
                .isEqualTo(new Outcome.Sums(1, 0, List.of()));
    }

    @Test
    void worksWithItself() {
        assertThat(change(VectorOperation.AXPY, ELSEWHERE, 0, LENGTH, ELSEWHERE, 1, 1)
                        .sendTo(shard))
                .isInstanceOf(Outcome.Acknowledged.class);
        assertThat(DataFrame.vector(VectorOperation.DOT, X, BLOCK, 0, 16, X, 0).sendTo(shard))
                .isEqualTo(new Outcome.Sums(1, 0, List.of(144.0)));
    }

    @Test
    void addsTheHalvesOfBlocksTwiceAsLong() {
        float[] pairs = new float[96];
        for (int i = 0; i < 96; i++) {
            // In each block of 32: high halves -(i), low halves -(1/1024).
            pairs[i] = i % 32 < 16 ? i : 1f / 1024;
        }
        DataFrame.pushStretch(PAIRS, 32, 0, pairs).numbered(1, 0).sendTo(shard);
        DataFrame sum = DataFrame.vector(VectorOperation.SUM_HALVES, Y, BLOCK, 0, LENGTH, PAIRS, 0);
        assertThat(sum.numbered(2, 1).sendTo(shard)).isEqualTo(new Outcome.Acknowledged(1, 0, 2));
        List<Float> values = read(Y, LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            assertThat(values.get(i)).isEqualTo(-(i / 16 * 32 + i % 16 + 1f / 1024));
        }
        assertInvalid(change(VectorOperation.SUM_HALVES, Y, 0, LENGTH, X, 0, 3), "twice as long", "table=y", "other=x");
    }

    @Test
    void refusesTablesThatDoNotFitAndNamesBoth() {
        Object[][] cases = {
            {Y, ELSEWHERE, "same placement", "other=elsewhere"},
            {ELSEWHERE, X, "same placement", "table=elsewhere"},
            {Y, SHORTER, "same length", "other=shorter"},
            {Y, EMBEDDING, "dense tables", "other=rows"},
            {FTRL, X, "FTRL", "table=ftrl"},
            {Y, PAIRS, "same length", "other=pairs"},
        };
        long number = 0;
        for (Object[] each : cases) {
            number++;
            DataFrame frame = change(VectorOperation.AXPY, (int) each[0], 0, LENGTH, (int) each[1], 1, number);
            assertInvalid(frame, (String) each[2], (String) each[3]);
        }
        assertRefused(
                change(VectorOperation.AXPY, Y, 0, LENGTH, 99, 1, 7),
                ErrorCode.UNKNOWN_TABLE,
                true,
                "tableId=99",
                "table=y");
        assertInvalid(change(VectorOperation.AXPY, EMBEDDING, 0, LENGTH, EMBEDDING, 1, 8), "table=rows");
        assertThat(axpy(1, 9).sendTo(shard)).as("each used up its number").isInstanceOf(Outcome.Acknowledged.class);
        assertThat(DataFrame.vector(VectorOperation.DOT, FTRL, BLOCK, 0, LENGTH, X, 0)
                        .sendTo(shard))
                .as("reading an FTRL table is fine")
                .isInstanceOf(Outcome.Sums.class);
    }

    @Test
    void refusesScalarsAndStretchesThatMakeNoSense() {
        assertInvalid(axpy(Double.NaN, 1), "scalar=NaN", "table=y");
        assertInvalid(axpy(Double.POSITIVE_INFINITY, 2).numbered(2, 1), "scalar");
        assertInvalid(change(VectorOperation.PSEUDO_GRADIENT, Y, 0, LENGTH, X, -1, 3), "scalar=-1");
        assertInvalid(change(VectorOperation.SCALE, Y, 1, 15, 0, 2, 4), "whole blocks");
        assertInvalid(change(VectorOperation.SCALE, Y, 0, 17, 0, 2, 5), "whole blocks");
        assertInvalid(change(VectorOperation.SCALE, Y, 0, LENGTH + 1, 0, 2, 6), "inside the table");
        assertRefused(
                DataFrame.vector(VectorOperation.DOT, Y, BLOCK, 0, 1, X, 0),
                ErrorCode.INVALID_ARGUMENT,
                false,
                "whole blocks");
    }

    @Test
    void leavesATableAloneWhoseElementsWouldOverflow() {
        float[] big = new float[LENGTH];
        big[LENGTH - 1] = -1e38f;
        DataFrame.pushStretch(Y, BLOCK, 0, big).numbered(1, 0).sendTo(shard);
        assertRefused(
                change(VectorOperation.SCALE, Y, 0, LENGTH, 0, 1e4, 2),
                ErrorCode.NON_FINITE,
                true,
                "offset=39",
                "table=y");
        assertThat(read(Y, 2)).containsExactly(1f, 1f);
        assertRefused(change(VectorOperation.FILL, Y, 0, LENGTH, 0, 1e39, 3), ErrorCode.NON_FINITE, true, "offset=0");
    }

    @Test
    void needsMemoryForBlocksThatAreMissing() {
        shard.close();
        MemoryBudget little = new MemoryBudget(1 << 20);
        shard = new Shard(0, 1, little);
        populate();
        long free = little.capBytes() - little.usedBytes();
        assertThat(little.tryReserve(free)).isTrue();
        assertRefused(axpy(2, 1), ErrorCode.MEMORY_EXCEEDED, false, "table=y");
        little.release(free);
        assertThat(axpy(2, 1).sendTo(shard)).isEqualTo(new Outcome.Acknowledged(1, 0, 1));
        assertThat(read(Y, 1)).containsExactly(7f);
    }

    @Test
    void hasNoPlaceInASynchronousRun() {
        RunSpec spec = RunSpec.of("bsp", 1).withConsistency(Consistency.bsp());
        shard.apply(new Control.OpenRun(new RunMessage.OpenRun(spec, 0, List.of())));
        shard.apply(Controls.open(spec.id(), 0, 1));
        assertInvalid(axpy(2, 1).ofRun(spec.id()), "no step", "run=bsp", "table=y");
        assertThat(read(Y, 1)).containsExactly(1f);
    }

    @Test
    void leavesSlotsAndPushCountsAlone() {
        create(
                8,
                new TableSpec(
                        "m",
                        new TableShape.Dense(16, 16, "v"),
                        OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"),
                        new InitialRow.Zero(),
                        0));
        float[] ones = new float[16];
        java.util.Arrays.fill(ones, 1f);
        DataFrame.pushStretch(8, 16, 0, ones).numbered(1, 0).sendTo(shard);
        DataFrame.vector(VectorOperation.FILL, 8, 16, 0, 16, 0, 0)
                .numbered(2, 1)
                .sendTo(shard);
        DataFrame.pushStretch(8, 16, 0, ones).numbered(3, 2).sendTo(shard);
        assertThat(((Outcome.Rows) DataFrame.pullStretch(8, 16, 0, 1).sendTo(shard)).values())
                .as("the velocity was 1")
                .containsExactly(-1.5f);
    }
}
