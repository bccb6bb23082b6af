package io.weir.simulator;

import io.weir.client.TableInfo;
import io.weir.model.Consistency;
import io.weir.shard.Shard;
import io.weir.shard.ShardTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Compares what the shards hold with what was pushed.
final class Checks {
    private final History history;
    private final Scenario scenario;
    private final Receipts receipts;
    private final Tally tally;
    private final Map<Receipts.Push, boolean[]> applied = new HashMap<>();

    Checks(History history) {
        this.history = history;
        this.scenario = history.scenario();
        this.receipts = history.receipts();
        this.tally = history.tally();
    }

    /// Checks everything.
    ///
    /// @throws Violation naming the first promise that was broken
    void run() {
        try (Arena arena = Arena.ofConfined()) {
            for (int shard = 0; shard < History.SHARDS; shard++) {
                checkShard(new Reader(arena, shard), shard);
            }
        }
        for (Receipts.Push push : receipts.all()) {
            checkPush(push);
        }
        if (scenario.run().isBsp()) {
            checkSteps();
        }
        if (scenario.hasPortions()) {
            checkPortions();
        }
        checkObservations();
    }

    private boolean[] appliedOf(Receipts.Push push) {
        return applied.computeIfAbsent(push, each -> new boolean[History.SHARDS]);
    }

    private void checkShard(Reader reader, int shard) {
        Map<Integer, Integer> receiptTallies = new HashMap<>();
        Map<Integer, Integer> bankTallies = new HashMap<>();
        for (Receipts.Push push : receipts.all()) {
            if (!push.touches(shard)
                    || push.kind == Receipts.Kind.TEMPORARY
                    || push.kind == Receipts.Kind.ROUND
                    || push.kind == Receipts.Kind.TRANSFORM) {
                continue;
            }
            float cell = reader.read(history.tableOf(push), receipts.cell(push, shard));
            float unit = scenario.run().isBsp() && scenario.run().mean() ? Float.NaN : 1f;
            if (push.kind == Receipts.Kind.POISON) {
                require(cell == 0, "a push that is refused must leave nothing: shard=" + shard + ", " + push);
                continue;
            }
            boolean there = cell != 0;
            if (unit == 1f) {
                require(
                        cell == 0 || cell == 1,
                        "a push must be applied at most once: times=" + cell + ", shard=" + shard + ", " + push);
            }
            appliedOf(push)[shard] = there;
            (push.kind == Receipts.Kind.BANK ? bankTallies : receiptTallies)
                    .merge(push.source, there ? 1 : 0, Integer::sum);
        }
        if (!(scenario.run().isBsp() && scenario.run().mean())) {
            receiptTallies.forEach((source, expected) -> {
                float tallied = reader.read(history.receiptsTable(), receipts.tally(source, shard));
                require(
                        tallied == expected,
                        "receipts and tally must agree: tally=" + tallied + ", receipts=" + expected + ", source="
                                + source + ", shard=" + shard);
            });
            bankTallies.forEach((source, expected) -> {
                float tallied = reader.read(history.bankTable(), receipts.tally(source, shard));
                require(
                        tallied == expected,
                        "receipts and tally must agree in the bank: tally=" + tallied + ", receipts=" + expected
                                + ", source=" + source + ", shard=" + shard);
            });
            double bank = 0;
            for (int row = 0; row < Receipts.BANK_ROWS; row++) {
                bank += reader.read(history.bankTable(), receipts.bank(row, shard));
            }
            require(bank == 0, "the bank must be balanced: sum=" + bank + ", shard=" + shard);
        }
        checkVectors(reader, shard);
        TableInfo after = history.successor();
        if (after != null) {
            require(reader.rowCount(after) == 0, "a table must not get what was pushed to another one: shard=" + shard);
        }
        if (receipts.hasRounds() && !(scenario.run().isBsp() && scenario.run().mean())) {
            checkRounds(reader, shard);
        }
        if (scenario.run().isBsp()) {
            checkOrder(reader, shard);
        }
    }

    /// Pushes to the same rows: each is in all of them or in none, the acknowledged ones are in, and none is in twice.
    private void checkRounds(Reader reader, int shard) {
        Map<Integer, int[]> counts = new HashMap<>();
        for (Receipts.Push push : receipts.all()) {
            if (push.kind == Receipts.Kind.ROUND) {
                int[] leastAndMost = counts.computeIfAbsent(push.source, source -> new int[2]);
                leastAndMost[0] +=
                        push.acknowledged && !push.failed && !scenario.run().isBsp() ? 1 : 0;
                leastAndMost[1] += push.sent > 0 ? 1 : 0;
            }
        }
        counts.forEach((source, leastAndMost) -> {
            float first = reader.read(history.receiptsTable(), receipts.round(source, 0, shard));
            require(
                    first >= leastAndMost[0] && first <= leastAndMost[1],
                    "pushes of the same keys must each count once: counted=" + first + ", acknowledged="
                            + leastAndMost[0] + ", made=" + leastAndMost[1] + ", source=" + source + ", shard="
                            + shard);
            for (int row = 1; row < Receipts.ROUND_ROWS; row++) {
                float next = reader.read(history.receiptsTable(), receipts.round(source, row, shard));
                require(
                        next == first,
                        "a push must be applied to all of its rows: first=" + first + ", row=" + row + ", counted="
                                + next + ", source=" + source + ", shard=" + shard);
            }
        });
    }

    /// Every vector operation is there once or not at all, and nothing else is.
    private void checkVectors(Reader reader, int shard) {
        float[] expected = new float[Receipts.VECTORS];
        for (Receipts.Push push : receipts.all()) {
            if (push.kind == Receipts.Kind.TRANSFORM) {
                int times = Receipts.times(push, reader.readVector(history.tableOf(push)));
                require(
                        times <= 1,
                        "a vector operation must be applied at most once: times=" + times + ", shard=" + shard + ", "
                                + push);
                appliedOf(push)[shard] = times == 1;
                expected[Receipts.vector(push)] += times * Receipts.unit(push);
            }
        }
        for (int i = 0; i < expected.length; i++) {
            float actual = reader.readVector(history.vectors().get(i));
            require(
                    actual == expected[i],
                    "a vector must be the sum of its operations: expected=" + expected[i] + ", actual=" + actual
                            + ", shard=" + shard + ", vector=" + i);
        }
    }

    /// The row where the order of the additions shows: folded here in worker order, step by step.
    private void checkOrder(Reader reader, int shard) {
        Map<Long, List<Receipts.Push>> steps = new HashMap<>();
        long last = -1;
        if (scenario.hasPortions()) {
            return;
        }
        for (Receipts.Push push : receipts.all()) {
            if (push.ordinal == 0
                    && push.kind == Receipts.Kind.RECEIPT
                    && push.touches(shard)
                    && appliedOf(push)[shard]) {
                steps.computeIfAbsent(push.step, step -> new ArrayList<>()).add(push);
                last = Math.max(last, push.step);
            }
        }
        float row = 0;
        for (long step = 0; step <= last; step++) {
            List<Receipts.Push> contributors = steps.getOrDefault(step, List.of());
            if (contributors.isEmpty()) {
                continue;
            }
            if (scenario.run().mean()) {
                return;
            }
            List<Receipts.Push> ordered = new ArrayList<>(contributors);
            ordered.sort(Comparator.comparingInt(push -> push.source));
            float sum = receipts.orderedValue(ordered.getFirst());
            for (Receipts.Push push : ordered.subList(1, ordered.size())) {
                sum += receipts.orderedValue(push);
            }
            row = row - sum;
        }
        float actual = reader.read(history.receiptsTable(), receipts.ordered(shard));
        require(
                actual == row,
                "a step must be folded in the order of the workers: expected=" + row + ", actual=" + actual + ", shard="
                        + shard);
    }

    private void checkPush(Receipts.Push push) {
        boolean stays = push.kind == Receipts.Kind.RECEIPT || push.kind == Receipts.Kind.BANK;
        if (push.refused && stays) {
            boolean everywhere = true;
            for (int shard = 0; shard < History.SHARDS; shard++) {
                everywhere &= !push.touches(shard) || appliedOf(push)[shard];
            }
            require(!everywhere, "a push that was given up must not be applied any more where it was refused: " + push);
        }
        if (push.kind == Receipts.Kind.POISON
                || push.kind == Receipts.Kind.TEMPORARY
                || push.kind == Receipts.Kind.ROUND
                || push.failed) {
            return;
        }
        if (push.acknowledged && !scenario.run().isBsp()) {
            for (int shard = 0; shard < History.SHARDS; shard++) {
                require(
                        !push.touches(shard) || appliedOf(push)[shard],
                        "an acknowledged push must be there: shard=" + shard + ", " + push);
            }
        }
    }

    /// A synchronous step counts as a whole, on all shards, or not at all.
    private void checkSteps() {
        Map<List<Long>, Boolean> counted = new HashMap<>();
        for (Receipts.Push push : receipts.all()) {
            // Whoever was killed before it learned that a shard had no memory for its push cannot say so.
            boolean unknown = !push.acknowledged && tally.of(Tally.What.MEMORY_REFUSALS) > 0;
            if (push.failed
                    || unknown
                    || push.kind == Receipts.Kind.TEMPORARY
                    || push.kind == Receipts.Kind.ROUND
                    || push.sent == 0) {
                continue;
            }
            List<Long> part = List.of((long) push.source, (long) push.life, push.step);
            for (int shard = 0; shard < History.SHARDS; shard++) {
                if (!push.touches(shard)) {
                    continue;
                }
                boolean there = appliedOf(push)[shard];
                Boolean before = counted.putIfAbsent(part, there);
                require(
                        before == null || before == there,
                        "the part of a worker in a step counts on all shards or on none: shard=" + shard + ", here="
                                + there + ", " + push);
            }
        }
        history.outcomes().forEach((part, told) -> {
            Boolean there = counted.get(part);
            require(
                    there == null || there.equals(told),
                    "what a worker is told of its step must be so: told=" + told + ", there=" + there + ", worker="
                            + part.get(0) + ", life=" + part.get(1) + ", step=" + part.get(2));
        });
    }

    private long partsOfEach() {
        return scenario.isInPasses() ? history.passesDone() : scenario.steps();
    }

    private void checkPortions() {
        boolean anyLeft = history.workers().stream().anyMatch(SimulatedWorker::isDone);
        if (!anyLeft) {
            return;
        }
        for (int portion = 0; portion < scenario.run().portionCount(); portion++) {
            for (long batch = 0; batch < partsOfEach(); batch++) {
                List<Receipts.Push> pushes =
                        receipts.step(Receipts.PORTION_SOURCE + portion, 0, batch, history.hasPoison());
                for (Receipts.Push push : pushes) {
                    boolean unknown = !push.acknowledged && tally.of(Tally.What.MEMORY_REFUSALS) > 0;
                    if (push.failed
                            || unknown
                            || push.kind == Receipts.Kind.POISON
                            || push.kind == Receipts.Kind.TEMPORARY) {
                        continue;
                    }
                    for (int shard = 0; shard < History.SHARDS; shard++) {
                        require(
                                !push.touches(shard) || appliedOf(push)[shard],
                                "every minibatch of every portion must count: shard=" + shard + ", " + push);
                    }
                }
            }
        }
    }

    private void checkObservations() {
        if (scenario.hasPortions() || scenario.run().mean()) {
            return;
        }
        Map<Integer, List<Receipts.Push>> bySource = new HashMap<>();
        for (Receipts.Push push : receipts.all()) {
            if (push.kind == Receipts.Kind.RECEIPT) {
                bySource.computeIfAbsent(push.source, source -> new ArrayList<>())
                        .add(push);
            }
        }
        for (History.Observation seen : history.observations()) {
            for (int source = 0; source < scenario.run().startingWorkers(); source++) {
                for (int shard = 0; shard < History.SHARDS; shard++) {
                    check(seen, source, shard, bySource.getOrDefault(source, List.of()));
                }
            }
        }
    }

    private void check(History.Observation seen, int source, int shard, List<Receipts.Push> pushes) {
        tally.add(Tally.What.READS_CHECKED);
        int at = (source * History.SHARDS + shard) * Receipts.DIM;
        float value = seen.rows()[at];
        for (int i = 1; i < Receipts.DIM; i++) {
            require(seen.rows()[at + i] == value, "a row must not be torn: source=" + source + ", shard=" + shard);
        }
        if (scenario.run().isBsp()) {
            if (!history.outcomes()
                    .getOrDefault(List.of((long) seen.worker(), (long) seen.life(), seen.clock()), false)) {
                // It came too late for its step, or died: what it read counts for nothing.
                return;
            }
            int exactly = 0;
            for (Receipts.Push push : pushes) {
                exactly += push.step < seen.clock() && push.touches(shard) && appliedOf(push)[shard] ? 1 : 0;
            }
            require(
                    value == exactly,
                    "a synchronous pull must read the state after the step before: clock=" + seen.clock()
                            + ", reader=" + seen.worker() + ", source=" + source + ", shard=" + shard
                            + ", expected=" + exactly + ", actual=" + value);
            return;
        }
        boolean own = source == seen.worker();
        if (!own && !(scenario.run().consistency() instanceof Consistency.Ssp)) {
            return;
        }
        if (history.workers().get(source).wasEverOut() || (own && seen.life() > 0)) {
            return;
        }
        if (!own) {
            tally.add(Tally.What.STALENESS_CHECKED);
        }
        long staleness = scenario.run().consistency() instanceof Consistency.Ssp ssp ? ssp.staleness() : 0;
        long upTo = own ? seen.clock() - 1 : seen.clock() - staleness - 1;
        int least = 0;
        for (Receipts.Push push : pushes) {
            least += push.step <= upTo && push.touches(shard) && appliedOf(push)[shard] ? 1 : 0;
        }
        require(
                value >= least,
                "a pull must not miss what is older than the staleness: clock=" + seen.clock() + ", reader="
                        + seen.worker() + ", source=" + source + ", shard=" + shard + ", least=" + least
                        + ", actual=" + value);
    }

    private void require(boolean holds, String rule) {
        if (!holds) {
            throw new Violation(rule);
        }
    }

    /// Reads rows where they lie.
    private final class Reader {
        private final Shard shard;
        private final MemorySegment key;
        private final MemorySegment row;
        private final MemorySegment vector;

        Reader(Arena arena, int shardIndex) {
            this.shard = history.server(shardIndex / History.SHARDS_PER_SERVER).shard(shardIndex);
            this.key = arena.allocate(Long.BYTES);
            this.row = arena.allocate(Receipts.DIM * (long) Float.BYTES);
            this.vector = arena.allocate(Receipts.VECTOR_BLOCK * (long) Float.BYTES);
        }

        float read(TableInfo table, long wanted) {
            ShardTable here = shard.tableNamed(table.spec().name());
            if (here == null) {
                throw new IllegalStateException(
                        "the table is not here: table=" + table.spec().name());
            }
            key.set(ValueLayout.JAVA_LONG, 0, wanted);
            here.store().pull(key, 0, 1, row, 0);
            float value = row.get(ValueLayout.JAVA_FLOAT, 0);
            for (int i = 1; i < Receipts.DIM; i++) {
                if (row.get(ValueLayout.JAVA_FLOAT, i * (long) Float.BYTES) != value) {
                    throw new Violation("a row must not be torn: key=" + wanted + ", table="
                            + table.spec().name());
                }
            }
            return value;
        }

        /// What all floats of the shard's block of a dense table are.
        float readVector(TableInfo table) {
            ShardTable here = shard.tableNamed(table.spec().name());
            if (here == null) {
                throw new IllegalStateException(
                        "the table is not here: table=" + table.spec().name());
            }
            int block = 0;
            while (table.spec().shape().shardOf(block, here.id(), History.SHARDS) != shard.index()) {
                block++;
            }
            here.store().pullStretch((long) block * Receipts.VECTOR_BLOCK, Receipts.VECTOR_BLOCK, vector, 0);
            float value = vector.get(ValueLayout.JAVA_FLOAT, 0);
            for (int i = 1; i < Receipts.VECTOR_BLOCK; i++) {
                if (vector.get(ValueLayout.JAVA_FLOAT, i * (long) Float.BYTES) != value) {
                    throw new Violation("a block must not be torn: block=" + block + ", table="
                            + table.spec().name());
                }
            }
            return value;
        }

        long rowCount(TableInfo table) {
            ShardTable here = shard.tableNamed(table.spec().name());
            return here == null ? 0 : here.store().rowCount();
        }
    }
}
