package io.weir.simulator;

import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.shard.PlantedBug;
import io.weir.shard.Shard;
import io.weir.shard.ShardTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// One history of a cluster, from a seed: two servers with two shards each, three tables, workers that train together,
/// and faults; then a time of healing, after which everything must be done; then the checks. Confined.
final class History {
    static final int SERVERS = 2;
    static final int SHARDS_PER_SERVER = 2;
    static final int SHARDS = SERVERS * SHARDS_PER_SERVER;

    /// Faults happen until then, and have ended a while later.
    private static final long FAULTS_UNTIL_US = 350_000;

    private static final long HEALED_US = 3_000_000;

    /// How long after the healing everything may take.
    private static final long BOUND_US = 10_000_000;

    private static final long TIME_STEP_US = 50_000;
    private static final long CAP_BYTES = 64L << 20;

    private final long seed;
    private final Scenario scenario;
    private final Timeline timeline;
    private final Tally tally = new Tally();
    private final List<SimulatedServer> servers = new ArrayList<>();
    private final SimulatedNetwork network;
    private final Receipts receipts;
    private final List<SimulatedWorker> workers = new ArrayList<>();
    private final TableInfo receiptsTable;
    private final TableInfo bankTable;
    private final TableInfo temporaryTable;
    private @Nullable TableInfo successor;
    private @Nullable Throwable failure;
    private final Set<Integer> heldPortions = new HashSet<>();
    private final Map<Long, Integer> doneBatches = new HashMap<>();

    /// By worker, life and step: whether a synchronous step counted.
    private final Map<List<Long>, Boolean> outcomes = new HashMap<>();

    private final List<Observation> observations = new ArrayList<>();

    /// What a pull read: the tallies of all workers that the run began with, on all shards.
    ///
    /// @param rows shared
    @SuppressWarnings("ArrayRecordComponent") // Thousands of them in a history; nobody compares them.
    private record Observation(int worker, int life, long clock, float[] rows) {}

    History(long seed, @Nullable PlantedBug bug, boolean traced) {
        this.seed = seed;
        this.scenario = Scenario.of(seed);
        this.timeline = new Timeline(seed, traced);
        List<ShardMap.Server> list = new ArrayList<>();
        for (int i = 0; i < SERVERS; i++) {
            list.add(new ShardMap.Server(new ServerAddress("simulated", 1 + i), SHARDS_PER_SERVER));
        }
        ShardMap map = new ShardMap(1, list);
        for (int i = 0; i < SERVERS; i++) {
            servers.add(new SimulatedServer(i, map, SHARDS_PER_SERVER, CAP_BYTES, bug));
        }
        this.network = new SimulatedNetwork(timeline, tally, map, servers);
        this.receipts = new Receipts(seed, SHARDS);
        this.receiptsTable = create("receipts");
        this.bankTable = create("bank");
        this.temporaryTable = create("temporary");
    }

    private TableInfo create(String name) {
        TableSpec spec = TableSpec.embedding(name, Receipts.DIM, new OptimizerSpec.Sgd(1));
        int id = 0;
        TableInfo info = null;
        for (SimulatedServer server : servers) {
            info = server.create(id, spec);
            id = info.id();
        }
        return java.util.Objects.requireNonNull(info);
    }

    Scenario scenario() {
        return scenario;
    }

    Timeline timeline() {
        return timeline;
    }

    Tally tally() {
        return tally;
    }

    SimulatedNetwork network() {
        return network;
    }

    Receipts receipts() {
        return receipts;
    }

    TableInfo receiptsTable() {
        return receiptsTable;
    }

    TableInfo tableOf(Receipts.Push push) {
        return switch (push.kind) {
            case RECEIPT, POISON -> receiptsTable;
            case BANK -> bankTable;
            case TEMPORARY -> temporaryTable;
        };
    }

    boolean isBsp() {
        return scenario.run().isBsp();
    }

    /// In a synchronous run the sums of a push are looked at when its step is closed, and nobody is told.
    boolean hasPoison() {
        return !isBsp();
    }

    // ---- playing ----

    /// Plays the whole history and checks it.
    ///
    /// @throws Violation if a promise was broken
    void play() {
        try {
            plan();
            while (failure == null && timeline.play(HEALED_US)) {}
            heal();
            while (failure == null && !isOver() && timeline.play(HEALED_US + BOUND_US)) {}
            Throwable failed = failure;
            if (failed instanceof RuntimeException e) {
                throw e;
            }
            requireDone();
            new Checks().run();
            count();
        } finally {
            servers.forEach(server -> server.node.close());
        }
    }

    private boolean isOver() {
        return workers.stream().allMatch(worker -> worker.isDone() || worker.isGone());
    }

    private void requireDone() {
        for (SimulatedWorker worker : workers) {
            if (!worker.isDone() && !worker.isGone()) {
                throw new Violation("everything must be done when the faults are over: worker=" + worker.index()
                        + ", virtualMs=" + timeline.nowUs() / 1000);
            }
        }
    }

    private void plan() {
        SplittableRandom dice = timeline.random;
        for (int i = 0; i < scenario.run().startingWorkers(); i++) {
            SimulatedWorker worker = new SimulatedWorker(this, i);
            workers.add(worker);
            timeline.at(timeline.between(0, 5_000), worker::start);
        }
        for (SimulatedServer server : servers) {
            passTime(server);
        }
        if (dice.nextInt(2) == 0) {
            network.busyOneIn = 20 + dice.nextInt(60);
        }
        for (int i = 0; i < scenario.faults(); i++) {
            timeline.at(timeline.between(1_000, FAULTS_UNTIL_US), this::fault);
        }
    }

    private void passTime(SimulatedServer server) {
        timeline.after(TIME_STEP_US, () -> {
            if (server.pausedUntilUs <= timeline.nowUs()) {
                server.node.timePassed((int) (TIME_STEP_US / 1000));
            }
            passTime(server);
        });
    }

    private void say(String text) {
        if (timeline.isTraced()) {
            timeline.say("-- " + text);
        }
    }

    /// Lets one thing go wrong; what cannot go wrong just now gives way to something else.
    private void fault() {
        int kind;
        do {
            kind = timeline.random.nextInt(16);
        } while (!isDone(kind));
        tally.add(Tally.What.FAULTS);
        timeline.note(2, kind, 0);
    }

    private boolean isDone(int kind) {
        SimulatedWorker any = workers.get(timeline.random.nextInt(workers.size()));
        return switch (kind) {
            case 0, 1, 2, 3, 4 -> network.cutAny();
            case 5 -> pauseServer(timeline.between(5_000, 300_000));
            case 6, 7 -> pauseWorker(any, timeline.between(5_000, 1_200_000));
            case 8, 9, 10 -> any.kill(timeline.between(1_000, 900_000));
            case 11 -> killForGood(any);
            case 12, 13 -> pressMemory();
            case 14 -> joinLater();
            default -> replaceTable();
        };
    }

    private boolean pauseServer(long us) {
        tally.add(Tally.What.PAUSES);
        SimulatedServer server = servers.get(timeline.random.nextInt(servers.size()));
        say("pause server " + server.index + " for " + us / 1000 + " ms");
        server.pausedUntilUs = Math.max(server.pausedUntilUs, timeline.nowUs() + us);
        return true;
    }

    private boolean pauseWorker(SimulatedWorker worker, long us) {
        SimulatedProcess process = worker.process();
        if (process == null || process.isDead() || process.isPaused()) {
            return false;
        }
        tally.add(Tally.What.PAUSES);
        say("pause worker " + worker.index() + " for " + us / 1000 + " ms");
        process.pause();
        timeline.after(us, process::resume);
        return true;
    }

    /// One worker may never come back.
    private boolean killForGood(SimulatedWorker worker) {
        return workers.stream().noneMatch(SimulatedWorker::isGone) && worker.kill(-1);
    }

    private boolean pressMemory() {
        SimulatedServer server = servers.get(timeline.random.nextInt(servers.size()));
        say("no memory on server " + server.index);
        server.pressMemory();
        timeline.after(timeline.between(2_000, 60_000), server::easeMemory);
        return true;
    }

    private boolean joinLater() {
        if (isBsp() && scenario.run().backupWorkers() > 0) {
            return false;
        }
        tally.add(Tally.What.LATE_JOINS);
        say("one more worker");
        SimulatedWorker late = new SimulatedWorker(this, -1);
        workers.add(late);
        late.start();
        return true;
    }

    /// A table goes and another one comes: late pushes to the old one are not for the new one.
    private boolean replaceTable() {
        if (successor != null) {
            return false;
        }
        tally.add(Tally.What.TABLES_DROPPED);
        say("drop a table, create another");
        servers.forEach(server -> server.drop("temporary"));
        successor = create("successor");
        return true;
    }

    private void heal() {
        say("healing");
        network.busyOneIn = 0;
        for (SimulatedServer server : servers) {
            server.easeMemory();
            server.pausedUntilUs = Math.min(server.pausedUntilUs, timeline.nowUs());
        }
        for (SimulatedWorker worker : workers) {
            SimulatedProcess process = worker.process();
            if (process != null && process.isPaused()) {
                process.resume();
            }
        }
    }

    // ---- what workers tell ----

    /// Does something of a worker; what goes wrong ends the history.
    void guard(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    void fail(Throwable thrown) {
        if (failure == null) {
            failure = thrown;
        }
    }

    void saw(SimulatedWorker worker, Run run) {
        say("worker " + worker.index() + " is in, generation " + run.generation() + ", clock " + run.clock()
                + (run.isResumed() ? ", goes on" : ", begins"));
    }

    long[] pulledKeys(int worker) {
        int sources = scenario.run().startingWorkers();
        long[] keys = new long[sources * SHARDS];
        for (int source = 0; source < sources; source++) {
            for (int shard = 0; shard < SHARDS; shard++) {
                keys[source * SHARDS + shard] = receipts.tally(source, shard);
            }
        }
        return keys;
    }

    void pulled(SimulatedWorker worker, int life, long clock, float[] rows) {
        observations.add(new Observation(worker.index(), life, clock, rows));
    }

    void ticked(int worker, int life, long step, boolean counted) {
        outcomes.put(List.of((long) worker, (long) life, step), counted);
        if (!counted) {
            notCounted();
        }
    }

    /// A step was closed without one of its workers: only backup workers make that possible.
    void notCounted() {
        tally.add(Tally.What.LATE_BACKUPS);
        if (scenario.run().backupWorkers() == 0) {
            throw new Violation("without backup workers a step must not be closed without a member");
        }
    }

    boolean wasHeld(int portion) {
        return heldPortions.contains(portion);
    }

    void held(int portion) {
        heldPortions.add(portion);
    }

    void batchDone(int portion, long position) {
        doneBatches.merge((long) portion << 32 | position, 1, Integer::sum);
    }

    // ---- after the end ----

    private void count() {
        for (SimulatedServer server : servers) {
            for (int i = 0; i < SHARDS_PER_SERVER; i++) {
                tally.add(
                        Tally.What.DUPLICATES,
                        server.shard(server.index * SHARDS_PER_SERVER + i).duplicates());
            }
        }
        for (SimulatedWorker worker : workers) {
            if (worker.wasEverOut()) {
                tally.add(Tally.What.FENCES);
            }
        }
    }

    /// Compares what the shards hold with what was pushed.
    private final class Checks {
        private final Map<Receipts.Push, boolean[]> applied = new HashMap<>();

        void run() {
            try (Arena arena = Arena.ofConfined()) {
                for (int shard = 0; shard < SHARDS; shard++) {
                    checkShard(new Reader(arena, shard), shard);
                }
            }
            for (Receipts.Push push : receipts.all()) {
                checkPush(push);
            }
            if (isBsp()) {
                checkSteps();
            }
            if (scenario.hasPortions()) {
                checkPortions();
            }
            checkObservations();
        }

        private boolean[] appliedOf(Receipts.Push push) {
            return applied.computeIfAbsent(push, each -> new boolean[SHARDS]);
        }

        private void checkShard(Reader reader, int shard) {
            Map<Integer, Integer> receiptTallies = new HashMap<>();
            Map<Integer, Integer> bankTallies = new HashMap<>();
            for (Receipts.Push push : receipts.all()) {
                if (!push.touches(shard) || push.kind == Receipts.Kind.TEMPORARY) {
                    continue;
                }
                float cell = reader.read(tableOf(push), receipts.cell(push, shard));
                float unit = isBsp() && scenario.run().mean() ? Float.NaN : 1f;
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
            if (!(isBsp() && scenario.run().mean())) {
                receiptTallies.forEach((source, expected) -> {
                    float tallied = reader.read(receiptsTable, receipts.tally(source, shard));
                    require(
                            tallied == expected,
                            "receipts and tally must agree: tally=" + tallied + ", receipts=" + expected + ", source="
                                    + source + ", shard=" + shard);
                });
                bankTallies.forEach((source, expected) -> {
                    float tallied = reader.read(bankTable, receipts.tally(source, shard));
                    require(
                            tallied == expected,
                            "receipts and tally must agree in the bank: tally=" + tallied + ", receipts=" + expected
                                    + ", source=" + source + ", shard=" + shard);
                });
                double bank = 0;
                for (int row = 0; row < Receipts.BANK_ROWS; row++) {
                    bank += reader.read(bankTable, receipts.bank(row, shard));
                }
                require(bank == 0, "the bank must be balanced: sum=" + bank + ", shard=" + shard);
            }
            TableInfo after = successor;
            if (after != null) {
                require(
                        reader.rowCount(after) == 0,
                        "a table must not get what was pushed to another one: shard=" + shard);
            }
            if (isBsp()) {
                checkOrder(reader, shard);
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
                ordered.sort(java.util.Comparator.comparingInt(push -> push.source));
                float sum = receipts.orderedValue(ordered.getFirst());
                for (Receipts.Push push : ordered.subList(1, ordered.size())) {
                    sum += receipts.orderedValue(push);
                }
                row = row - sum;
            }
            float actual = reader.read(receiptsTable, receipts.ordered(shard));
            require(
                    actual == row,
                    "a step must be folded in the order of the workers: expected=" + row + ", actual=" + actual
                            + ", shard=" + shard);
        }

        private void checkPush(Receipts.Push push) {
            if (push.kind == Receipts.Kind.POISON || push.kind == Receipts.Kind.TEMPORARY || push.failed) {
                return;
            }
            if (push.acknowledged && !isBsp()) {
                for (int shard = 0; shard < SHARDS; shard++) {
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
                if (push.failed || unknown || push.kind == Receipts.Kind.TEMPORARY || push.sent == 0) {
                    continue;
                }
                List<Long> part = List.of((long) push.source, (long) push.life, push.step);
                for (int shard = 0; shard < SHARDS; shard++) {
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
            outcomes.forEach((part, told) -> {
                Boolean there = counted.get(part);
                require(
                        there == null || there.equals(told),
                        "what a worker is told of its step must be so: told=" + told + ", there=" + there + ", worker="
                                + part.get(0) + ", life=" + part.get(1) + ", step=" + part.get(2));
            });
        }

        private void checkPortions() {
            boolean anyLeft = workers.stream().anyMatch(SimulatedWorker::isDone);
            if (!anyLeft) {
                return;
            }
            for (int portion = 0; portion < scenario.run().portionCount(); portion++) {
                for (long batch = 0; batch < scenario.steps(); batch++) {
                    List<Receipts.Push> pushes =
                            receipts.step(Receipts.PORTION_SOURCE + portion, 0, batch, hasPoison());
                    for (Receipts.Push push : pushes) {
                        boolean unknown = !push.acknowledged && tally.of(Tally.What.MEMORY_REFUSALS) > 0;
                        if (push.failed
                                || unknown
                                || push.kind == Receipts.Kind.POISON
                                || push.kind == Receipts.Kind.TEMPORARY) {
                            continue;
                        }
                        for (int shard = 0; shard < SHARDS; shard++) {
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
            for (Observation seen : observations) {
                for (int source = 0; source < scenario.run().startingWorkers(); source++) {
                    for (int shard = 0; shard < SHARDS; shard++) {
                        check(seen, source, shard, bySource.getOrDefault(source, List.of()));
                    }
                }
            }
        }

        private void check(Observation seen, int source, int shard, List<Receipts.Push> pushes) {
            tally.add(Tally.What.READS_CHECKED);
            int at = (source * SHARDS + shard) * Receipts.DIM;
            float value = seen.rows()[at];
            for (int i = 1; i < Receipts.DIM; i++) {
                require(seen.rows()[at + i] == value, "a row must not be torn: source=" + source + ", shard=" + shard);
            }
            if (isBsp()) {
                if (!outcomes.getOrDefault(List.of((long) seen.worker(), (long) seen.life(), seen.clock()), false)) {
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
            if (workers.get(source).wasEverOut() || (own && seen.life() > 0)) {
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
    }

    /// Reads rows where they lie.
    private final class Reader {
        private final Shard shard;
        private final MemorySegment key;
        private final MemorySegment row;

        Reader(Arena arena, int shardIndex) {
            this.shard = servers.get(shardIndex / SHARDS_PER_SERVER).shard(shardIndex);
            this.key = arena.allocate(Long.BYTES);
            this.row = arena.allocate(Receipts.DIM * (long) Float.BYTES);
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

        long rowCount(TableInfo table) {
            ShardTable here = shard.tableNamed(table.spec().name());
            return here == null ? 0 : here.store().rowCount();
        }
    }

    long seed() {
        return seed;
    }
}
