package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.table.MemoryBudget;
import io.weir.wire.FrameType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Random frames and control events, right ones and wrong ones, against a reference that is nothing but maps.
class ShardModelTest {
    private static final int SHARDS = 3;
    private static final int INDEX = 1;
    private static final int WORKERS = 3;

    @Test
    void agreesWithPlainReferenceOverRandomEvents() {
        long[] keys = keysHere();
        for (long seed = 1; seed <= 200; seed++) {
            try (Shard shard = new Shard(INDEX, SHARDS, new MemoryBudget(64 << 20))) {
                new Play(seed, shard, keys).run(150);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed=" + seed, e);
            }
        }
    }

    private static long[] keysHere() {
        long[] keys = new long[20];
        long key = -50;
        for (int i = 0; i < keys.length; key++) {
            if (Keys.shardOf(key, SHARDS) == INDEX) {
                keys[i++] = key;
            }
        }
        return keys;
    }

    /// What the reference knows of a worker.
    private static final class Entry {
        int generation;
        long last;
        final Set<Long> rejected = new HashSet<>();

        Entry(int generation) {
            this.generation = generation;
        }
    }

    private static final class RefTable {
        final int dim;
        final Map<Long, float[]> rows = new HashMap<>();

        RefTable(int dim) {
            this.dim = dim;
        }
    }

    private static final class Play {
        private final Random random;
        private final Shard shard;
        private final long[] keys;
        private final Map<Integer, Entry> entries = new HashMap<>();
        private final Map<Integer, RefTable> tables = new HashMap<>();
        private int lastTable;
        private long requestId;

        Play(long seed, Shard shard, long[] keys) {
            this.random = new Random(seed);
            this.shard = shard;
            this.keys = keys;
        }

        void run(int steps) {
            for (int i = 0; i < steps; i++) {
                int kind = random.nextInt(20);
                if (kind == 0 || tables.isEmpty()) {
                    createTable();
                } else if (kind == 1) {
                    dropTable();
                } else if (kind == 2 || entries.size() < WORKERS) {
                    openWorker();
                } else if (kind == 3) {
                    closeWorker();
                } else if (kind < 8) {
                    pull();
                } else {
                    push();
                }
            }
            tables.forEach((id, table) ->
                    assertThat(shard.tableNamed("t" + id).store().rowCount()).isEqualTo(table.rows.size()));
        }

        private void createTable() {
            lastTable++;
            int dim = 1 + random.nextInt(4);
            TableSpec spec = TableSpec.embedding("t" + lastTable, dim, OptimizerSpec.parse("sgd(rate=1)"));
            assertThat(shard.apply(new Control.CreateTable(lastTable, 0, spec))).isEqualTo(lastTable);
            tables.put(lastTable, new RefTable(dim));
        }

        private void dropTable() {
            int id = 1 + random.nextInt(lastTable);
            boolean there = tables.remove(id) != null;
            assertThat(shard.apply(new Control.DropTable(id))).isEqualTo(there ? id : 0);
        }

        private void openWorker() {
            int worker = random.nextInt(WORKERS);
            Entry entry = entries.get(worker);
            int generation = entry == null ? 1 + random.nextInt(3) : entry.generation + random.nextInt(2);
            shard.apply(Controls.open(DataFrame.RUN, worker, generation));
            if (entry == null) {
                entries.put(worker, new Entry(generation));
            } else {
                entry.generation = generation;
            }
        }

        private void closeWorker() {
            int worker = random.nextInt(WORKERS);
            Entry entry = entries.get(worker);
            int generation = 1 + random.nextInt(3);
            shard.apply(Controls.close(DataFrame.RUN, worker, generation, false));
            if (entry != null && entry.generation == generation) {
                entries.remove(worker);
            }
        }

        private long[] someKeys() {
            long[] some = new long[random.nextInt(6)];
            for (int i = 0; i < some.length; i++) {
                some[i] = keys[random.nextInt(keys.length)];
            }
            return some;
        }

        private void pull() {
            int id = random.nextInt(lastTable + 2);
            RefTable table = tables.get(id);
            long[] some = someKeys();
            Outcome answer = DataFrame.pull(id, table == null ? 1 : table.dim, some)
                    .asking(++requestId)
                    .sendTo(shard);
            if (table == null) {
                assertRefused(answer, ErrorCode.UNKNOWN_TABLE, false);
            } else {
                assertThat(answer).isEqualTo(new Outcome.Rows(requestId, 0, table.dim, rows(table, some)));
            }
        }

        private static List<Float> rows(RefTable table, long[] keys) {
            List<Float> values = new ArrayList<>();
            for (long key : keys) {
                float[] row = table.rows.getOrDefault(key, new float[table.dim]);
                for (float value : row) {
                    // As the optimizer computes it, 0 - 0 is 0.
                    values.add(value);
                }
            }
            return values;
        }

        private void push() {
            int worker = random.nextInt(WORKERS);
            Entry entry = entries.get(worker);
            int generation = entry == null || random.nextInt(10) == 0 ? 1 + random.nextInt(4) : entry.generation;
            long last = entry == null ? 0 : entry.last;
            int id = random.nextInt(10) == 0 ? lastTable + 1 : 1 + random.nextInt(lastTable);
            RefTable table = tables.get(id);
            int dim = (table == null ? 1 : table.dim) + (random.nextInt(15) == 0 ? 1 : 0);
            long[] some = someKeys();
            float[] gradients = new float[some.length * dim];
            for (int i = 0; i < gradients.length; i++) {
                gradients[i] = 1 + random.nextInt(9);
            }
            boolean nonFinite = gradients.length > 0 && random.nextInt(10) == 0;
            if (nonFinite) {
                gradients[random.nextInt(gradients.length)] = Float.NaN;
            }
            boolean elsewhere = some.length > 0 && random.nextInt(15) == 0;
            if (elsewhere) {
                some[random.nextInt(some.length)] = keyElsewhere();
            }
            int place = random.nextInt(10);
            long number;
            long previous;
            if (place == 0 && last > 0) {
                number = Math.max(1, last - random.nextInt(20));
                previous = random.nextInt((int) number);
            } else if (place == 1) {
                number = last + 2 + random.nextInt(3);
                previous = last + 1;
            } else {
                number = last + 1 + random.nextInt(2);
                previous = last;
            }
            boolean pulls = random.nextInt(3) == 0;
            Outcome answer = DataFrame.keyed(pulls ? FrameType.PUSH_PULL : FrameType.PUSH, id, dim, some, gradients)
                    .numbered(number, previous)
                    .from(worker, generation)
                    .asking(++requestId)
                    .sendTo(shard);
            if (entry == null || generation > entry.generation) {
                assertRefused(answer, ErrorCode.UNKNOWN_WORKER, false);
            } else if (generation < entry.generation) {
                assertRefused(answer, ErrorCode.FENCED, false);
            } else if (number <= last) {
                if (entry.rejected.contains(number)) {
                    assertRefused(answer, ErrorCode.REJECTED, true);
                } else if (!pulls) {
                    assertThat(answer).isEqualTo(new Outcome.Acknowledged(requestId, INDEX, number));
                } else if (table == null || dim != table.dim || elsewhere) {
                    assertThat(answer)
                            .isInstanceOfSatisfying(
                                    Outcome.Refused.class,
                                    refused -> assertThat(refused.ordered()).isTrue());
                } else {
                    assertThat(answer).isEqualTo(new Outcome.Rows(requestId, number, dim, rows(table, some)));
                }
            } else if (previous != last) {
                assertRefused(answer, ErrorCode.GAP, false);
            } else {
                entry.last = number;
                if (table == null || dim != table.dim || elsewhere || nonFinite) {
                    entry.rejected.add(number);
                    ErrorCode code = table == null
                            ? ErrorCode.UNKNOWN_TABLE
                            : dim != table.dim
                                    ? ErrorCode.INVALID_ARGUMENT
                                    : elsewhere ? ErrorCode.WRONG_SHARD : ErrorCode.NON_FINITE;
                    assertRefused(answer, code, true);
                    return;
                }
                for (int i = 0; i < some.length; i++) {
                    float[] row = table.rows.computeIfAbsent(some[i], key -> new float[dim]);
                    for (int j = 0; j < dim; j++) {
                        row[j] -= gradients[i * dim + j];
                    }
                }
                assertThat(answer)
                        .isEqualTo(
                                pulls
                                        ? new Outcome.Rows(requestId, number, dim, rows(table, some))
                                        : new Outcome.Acknowledged(requestId, INDEX, number));
            }
        }

        private long keyElsewhere() {
            long key = random.nextLong();
            while (Keys.shardOf(key, SHARDS) == INDEX) {
                key++;
            }
            return key;
        }

        private static void assertRefused(Outcome answer, ErrorCode code, boolean ordered) {
            assertThat(answer).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
                assertThat(refused.code()).isEqualTo(code);
                assertThat(refused.ordered()).isEqualTo(ordered);
            });
        }
    }
}
