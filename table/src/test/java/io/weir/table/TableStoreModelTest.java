package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.kernel.RecordLayout;
import io.weir.kernel.UpdateKernel;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Random requests against a plain reference: a map of float arrays, changed row by row in the scalar form.
class TableStoreModelTest {
    private static final List<OptimizerSpec> OPTIMIZERS = List.of(
            new OptimizerSpec.Sgd(0.05f),
            new OptimizerSpec.Momentum(0.05f, 0.9f),
            new OptimizerSpec.AdaGrad(0.1f, 1e-8f),
            new OptimizerSpec.Adam(0.01f, 0.9f, 0.999f, 1e-8f),
            new OptimizerSpec.Ftrl(0.1f, 1f, 0.01f, 0.1f),
            new OptimizerSpec.Add(),
            new OptimizerSpec.Assign(),
            new OptimizerSpec.Min(),
            new OptimizerSpec.Max(),
            OptimizerSpec.parse("nesterov"),
            OptimizerSpec.parse("rowwise_adagrad"),
            OptimizerSpec.parse("nadam"),
            OptimizerSpec.parse("amsgrad(decay=0.1)"),
            OptimizerSpec.parse("signum(momentum=0)"),
            OptimizerSpec.parse("sgld"),
            OptimizerSpec.parse("dcasgd(momentum=0.5,clip=0.5)"),
            OptimizerSpec.parse("lamb(decay=0.01,warmup=2,schedule=inverse_root)"),
            OptimizerSpec.parse("adam(clip_norm=0.5,warmup=2,schedule=step(every=2,factor=0.5))"));
    private static final List<InitialRow> INITIAL_ROWS = List.of(
            new InitialRow.Zero(),
            new InitialRow.Constant(0.25f),
            new InitialRow.Uniform(-0.1f, 0.1f),
            new InitialRow.Normal(0f, 0.02f));
    private static final int[] DIMS = {1, 3, 8, 16, 100};
    private static final long[] EXTREME_KEYS = {0, -1, 1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32, 1L << 48};

    @Test
    void agreesWithMapOfArrays() {
        long seed = 20261122;
        for (OptimizerSpec optimizer : OPTIMIZERS) {
            for (int dim : DIMS) {
                for (InitialRow initialRow : INITIAL_ROWS) {
                    compare(optimizer, dim, initialRow, seed++);
                }
            }
        }
    }

    private static void compare(OptimizerSpec optimizer, int dim, InitialRow initialRow, long seed) {
        Random random = new Random(seed);
        TableSpec spec = new TableSpec("t", new TableShape.Embedding(dim), optimizer, initialRow, seed);
        Reference reference = new Reference(spec);
        MemoryBudget budget = new MemoryBudget(64L << 20);
        try (TableStore store = new TableStore(spec, budget, random.nextBoolean() ? -7 : 0)) {
            for (int step = 0; step < 12; step++) {
                long[] keys = randomKeys(random);
                String description = "seed=" + seed + ", step=" + step + ", dim=" + dim + ", " + optimizer;
                if (random.nextInt(3) > 0) {
                    float[] gradients = new float[keys.length * dim];
                    for (int i = 0; i < gradients.length; i++) {
                        gradients[i] = (float) random.nextGaussian();
                    }
                    PushFrame frame = new PushFrame(keys, gradients, dim);
                    byte[] before = frame.bytes.toArray(ValueLayout.JAVA_BYTE);
                    assertThat(frame.push(store)).as(description).isEqualTo(CheckResult.OK);
                    reference.push(keys, gradients);
                    assertThat(frame.bytes.toArray(ValueLayout.JAVA_BYTE))
                            .as(description)
                            .isEqualTo(before);
                }
                assertSame(PushFrame.pull(store, keys), reference.pull(keys), description);
                assertThat(store.rowCount()).as(description).isEqualTo(reference.rows.size());
            }
            reference.compareStoredRows(store, "seed=" + seed);
        }
        assertThat(budget.usedBytes()).isZero();
    }

    private static long[] randomKeys(Random random) {
        long[] keys = new long[random.nextInt(400)];
        boolean distinct = random.nextBoolean();
        for (int i = 0; i < keys.length; i++) {
            keys[i] = switch (random.nextInt(4)) {
                case 0 -> EXTREME_KEYS[random.nextInt(EXTREME_KEYS.length)];
                case 1 -> random.nextInt(20);
                default -> random.nextInt(3000) * 0x9e3779b97f4a7c15L;
            };
            if (distinct) {
                keys[i] = keys[i] + i * 31L;
            }
        }
        return keys;
    }

    /// The same table, as plainly as possible.
    private static final class Reference {
        final Map<Long, float[]> rows = new HashMap<>();
        private final Map<Long, Integer> pushCounts = new HashMap<>();
        private final TableSpec spec;
        private final UpdateKernel kernel;
        private final int dim;
        private final MemorySegment record;
        private final MemorySegment gradient;

        Reference(TableSpec spec) {
            this.spec = spec;
            this.dim = spec.rowLength();
            this.kernel = OptimizerKernels.of(spec);
            this.record = Arena.ofAuto().allocate(RecordLayout.recordBytes(kernel.valueLength(dim)));
            this.gradient = Arena.ofAuto().allocate(4L * dim);
        }

        void push(long[] keys, float[] gradients) {
            Map<Long, float[]> sums = new HashMap<>();
            for (int i = 0; i < keys.length; i++) {
                float[] sum = sums.get(keys[i]);
                if (sum == null) {
                    sums.put(keys[i], Arrays.copyOfRange(gradients, i * dim, (i + 1) * dim));
                } else {
                    for (int j = 0; j < dim; j++) {
                        float next = gradients[i * dim + j];
                        sum[j] = switch (spec.optimizer()) {
                            case OptimizerSpec.Assign _ -> next;
                            case OptimizerSpec.Min _ -> Math.min(sum[j], next);
                            case OptimizerSpec.Max _ -> Math.max(sum[j], next);
                            default -> sum[j] + next;
                        };
                    }
                }
            }
            sums.forEach(this::push);
        }

        private void push(long key, float[] sum) {
            long rowOffset = RecordLayout.rowOffset(0);
            float[] row = rows.computeIfAbsent(key, this::create);
            int pushCount = pushCounts.merge(key, 1, Integer::sum);
            RecordLayout.putKey(record, 0, key);
            RecordLayout.putPushCount(record, 0, pushCount);
            for (int j = 0; j < row.length; j++) {
                record.set(PushFrame.FLOAT, rowOffset + 4L * j, row[j]);
            }
            for (int j = 0; j < dim; j++) {
                gradient.set(PushFrame.FLOAT, 4L * j, sum[j]);
            }
            kernel.updateScalar(record, new long[] {rowOffset}, 0, 1, 0, gradient, 0, dim, 4L * dim);
            for (int j = 0; j < row.length; j++) {
                row[j] = record.get(PushFrame.FLOAT, rowOffset + 4L * j);
            }
        }

        private float[] create(long key) {
            long rowOffset = RecordLayout.rowOffset(0);
            for (int j = 0; j < dim; j++) {
                record.set(
                        PushFrame.FLOAT, rowOffset + 4L * j, spec.initialRow().value(spec.seed(), key, j));
            }
            kernel.initialize(record, rowOffset, dim, 4L * dim);
            float[] row = new float[kernel.valueLength(dim)];
            for (int j = 0; j < row.length; j++) {
                row[j] = record.get(PushFrame.FLOAT, rowOffset + 4L * j);
            }
            return row;
        }

        float[] pull(long[] keys) {
            float[] result = new float[keys.length * dim];
            for (int i = 0; i < keys.length; i++) {
                float[] row = rows.get(keys[i]);
                for (int j = 0; j < dim; j++) {
                    result[i * dim + j] = row == null ? spec.initialRow().value(spec.seed(), keys[i], j) : row[j];
                }
            }
            return result;
        }

        void compareStoredRows(TableStore store, String description) {
            MemorySegment stored = MemorySegment.ofArray(PushFrame.scan(store));
            for (long i = 0; i < store.rowCount(); i++) {
                long offset = i * store.storedRowBytes();
                long key = stored.get(PushFrame.LONG, offset);
                float[] expected = Objects.requireNonNull(rows.get(key), description);
                float[] row = new float[expected.length];
                for (int j = 0; j < row.length; j++) {
                    row[j] = stored.get(PushFrame.FLOAT, offset + TableStore.STORED_HEADER_BYTES + 4L * j);
                }
                assertSame(row, expected, description);
                assertThat(stored.get(PushFrame.INT, offset + 8))
                        .as(description)
                        .isEqualTo(pushCounts.get(key));
                assertThat(stored.get(PushFrame.INT, offset + 12))
                        .as(description)
                        .isZero();
            }
        }
    }

    private static void assertSame(float[] actual, float[] expected, String description) {
        if (!Arrays.equals(actual, expected)) {
            assertThat(actual).as(description).containsExactly(expected);
        }
    }
}
