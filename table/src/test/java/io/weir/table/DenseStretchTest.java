package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Stretches of dense tables, whole blocks and parts of blocks.
class DenseStretchTest {
    private static final int LENGTH = 1000;
    private static final int BLOCK_LENGTH = 64;

    private final MemoryBudget budget = new MemoryBudget(64 << 20);

    @Test
    void agreesWithAnArray() {
        long seed = 11;
        Random random = new Random(seed);
        TableSpec spec = spec(new OptimizerSpec.Sgd(1f), new InitialRow.Uniform(0f, 1f));
        float[] expected = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            expected[i] = spec.initialRow().value(spec.seed(), i / BLOCK_LENGTH, i % BLOCK_LENGTH);
        }
        try (TableStore store = new TableStore(spec, budget)) {
            for (int step = 0; step < 300; step++) {
                int offset = random.nextInt(LENGTH);
                int count = random.nextInt(Math.min(LENGTH - offset, 300) + 1);
                MemorySegment gradients = Arena.ofAuto().allocate(4L * count + 3);
                for (int i = 0; i < count; i++) {
                    float gradient = random.nextFloat();
                    gradients.set(PushFrame.FLOAT, 3 + 4L * i, gradient);
                    expected[offset + i] -= gradient;
                }
                assertThat(store.checkStretch(gradients, 3, offset, count))
                        .as("seed=" + seed + ", step=" + step)
                        .isEqualTo(CheckResult.OK);
                store.applyStretch(gradients, 3, offset, count);
                assertThat(pull(store, 0, LENGTH))
                        .as("seed=" + seed + ", step=" + step)
                        .containsExactly(expected);
            }
            assertThat(store.rowCount()).isLessThanOrEqualTo(16);
        }
    }

    @Test
    void holdsTheBlocksThatAStretchMisses() {
        try (TableStore store = new TableStore(spec(new OptimizerSpec.Sgd(1f), new InitialRow.Zero()), budget)) {
            MemorySegment gradients = Arena.ofAuto().allocate(4 * 200);
            store.checkStretch(gradients, 0, 64, 64);
            store.applyStretch(gradients, 0, 64, 64);
            assertThat(store.holdStretch(gradients, 0, 63, 66)).isEqualTo(CheckResult.OK);
            assertThat(store.lastHeldRows()).as("of three blocks one is there").isEqualTo(2);
            assertThat(store.rowCount()).isEqualTo(1);
            assertThat(store.holdStretch(gradients, 0, 63, 0)).isEqualTo(CheckResult.OK);
            assertThat(store.lastHeldRows()).isZero();
            gradients.set(PushFrame.FLOAT, 4 * 7, Float.NaN);
            assertThat(store.holdStretch(gradients, 0, 63, 66)).isEqualTo(CheckResult.NON_FINITE);
            assertThat(store.failedRow()).isEqualTo(7);
            store.release(2);
        }
    }

    @Test
    void createsOnlyBlocksThatArePushed() {
        try (TableStore store = new TableStore(spec(new OptimizerSpec.Sgd(1f), new InitialRow.Zero()), budget)) {
            MemorySegment gradients = Arena.ofAuto().allocate(8);

            store.checkStretch(gradients, 0, 127, 2);
            store.applyStretch(gradients, 0, 127, 2);

            assertThat(store.rowCount()).isEqualTo(2);
        }
    }

    @Test
    void countsAPushOfAPartForTheWholeBlock() {
        OptimizerSpec adam = new OptimizerSpec.Adam(0.1f, 0.9f, 0.999f, 1e-8f);
        try (TableStore store = new TableStore(spec(adam, new InitialRow.Zero()), budget)) {
            MemorySegment gradients = Arena.ofAuto().allocate(4L * BLOCK_LENGTH);
            for (int part = 0; part < 3; part++) {
                store.checkStretch(gradients, 0, part, 1);
                store.applyStretch(gradients, 0, part, 1);
            }

            assertThat(MemorySegment.ofArray(PushFrame.scan(store)).get(PushFrame.INT, 8))
                    .isEqualTo(3);
        }
    }

    /// The norms are those of the tensor: what pads the block takes no part.
    @Test
    void aTensorInOneBlockIsOneLayer() {
        for (String optimizer : new String[] {"lars", "lamb", "rowwise_adagrad", "adagrad(clip_norm=0.5)"}) {
            OptimizerSpec parsed = OptimizerSpec.parse(optimizer);
            InitialRow initialRow = new InitialRow.Constant(0.5f);
            TableSpec dense = TableSpec.dense("d", 100, parsed).withInitialRow(initialRow, 0);
            TableSpec row = TableSpec.embedding("r", 100, parsed).withInitialRow(initialRow, 0);
            try (TableStore tensor = new TableStore(dense, budget);
                    TableStore rows = new TableStore(row, budget)) {
                float[] gradients = new float[100];
                for (int push = 1; push <= 3; push++) {
                    for (int i = 0; i < 100; i++) {
                        gradients[i] = (float) Math.sin(push * (double) i);
                    }
                    MemorySegment segment = Arena.ofAuto().allocate(400);
                    MemorySegment.copy(gradients, 0, segment, PushFrame.FLOAT, 0, 100);
                    assertThat(tensor.checkStretch(segment, 0, 0, 100)).isEqualTo(CheckResult.OK);
                    tensor.applyStretch(segment, 0, 0, 100);
                    assertThat(new PushFrame(new long[] {4}, gradients, 100).push(rows))
                            .isEqualTo(CheckResult.OK);
                }
                assertThat(pull(tensor, 0, 100)).as(optimizer).containsExactly(PushFrame.pull(rows, 4));
            }
        }
    }

    @Test
    void refusesWhatIsNotFiniteOrDoesNotFit() {
        TableSpec spec = TableSpec.dense("d", 1 << 20, new OptimizerSpec.Sgd(1f));
        try (TableStore store = new TableStore(spec, new MemoryBudget(1 << 20))) {
            MemorySegment gradients = Arena.ofAuto().allocate(4L << 20);
            gradients.set(PushFrame.FLOAT, 40, Float.NaN);

            assertThat(store.checkStretch(gradients, 0, 5, 100)).isEqualTo(CheckResult.NON_FINITE);
            assertThat(store.failedRow()).isEqualTo(10);
            assertThat(store.checkStretch(gradients, 44, 0, (1 << 20) - 11)).isEqualTo(CheckResult.OUT_OF_MEMORY);
            assertThat(store.rowCount()).isZero();
            assertThatThrownBy(() -> store.pullStretch(1 << 20, 1, gradients, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a stretch must lie within the tensor: offset=1048576, count=1, length=1048576,"
                            + " table=d");
        }
    }

    private static TableSpec spec(OptimizerSpec optimizer, InitialRow initialRow) {
        return new TableSpec("d", new TableShape.Dense(LENGTH, BLOCK_LENGTH), optimizer, initialRow, 3);
    }

    private static float[] pull(TableStore store, long offset, int count) {
        MemorySegment destination = Arena.ofAuto().allocate(4L * count + 1);
        store.pullStretch(offset, count, destination, 1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = destination.get(PushFrame.FLOAT, 1 + 4L * i);
        }
        return values;
    }
}
