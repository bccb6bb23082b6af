package io.weir.simulator;

import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.shard.PlantedBug;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// One history of a cluster, from a seed: two servers with two shards each, tables, workers that train together,
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

    /// Nothing happens later.
    static final long END_US = HEALED_US + BOUND_US;

    private static final long TIME_STEP_US = 50_000;

    /// For so long a worker is away without being fenced.
    private static final long SHORT_US = 150_000;

    private static final long CAP_BYTES = 64L << 20;

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
    private final List<TableInfo> vectors = new ArrayList<>();
    private final TableInfo ones;
    private @Nullable TableInfo successor;
    private @Nullable Throwable failure;
    private boolean healed;
    private final Set<Integer> heldPortions = new HashSet<>();
    private final Map<Long, Integer> doneBatches = new HashMap<>();
    private final Set<List<Long>> begunParts = new HashSet<>();
    private long passesDone;

    /// By worker, life and step: whether a synchronous step counted.
    private final Map<List<Long>, Boolean> outcomes = new HashMap<>();

    private final List<Observation> observations = new ArrayList<>();

    /// What a pull read: the tallies of all workers that the run began with, on all shards.
    ///
    /// @param rows shared
    @SuppressWarnings("ArrayRecordComponent") // Thousands of them in a history; nobody compares them.
    record Observation(int worker, int life, long clock, float[] rows) {}

    History(long seed, @Nullable PlantedBug bug, boolean traced) {
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
        this.network = new SimulatedNetwork(timeline, tally, map, servers, bug);
        this.receipts = new Receipts(seed, SHARDS);
        this.receiptsTable = create("receipts");
        this.bankTable = create("bank");
        for (int i = 0; i < Receipts.VECTORS; i++) {
            vectors.add(create(vector("vector-" + i, new InitialRow.Zero())));
        }
        this.ones = create(vector("ones", new InitialRow.Constant(1)));
        // The last one: of its id it shows whether it is given again.
        this.temporaryTable = create("temporary");
    }

    private static TableSpec vector(String name, InitialRow initialRow) {
        TableShape shape =
                new TableShape.Dense((long) SHARDS * Receipts.VECTOR_BLOCK, Receipts.VECTOR_BLOCK, "vectors");
        return new TableSpec(name, shape, new OptimizerSpec.Sgd(1), initialRow, 0);
    }

    private TableInfo create(String name) {
        return create(TableSpec.embedding(name, Receipts.DIM, new OptimizerSpec.Sgd(1)));
    }

    private TableInfo create(TableSpec spec) {
        int id = 0;
        TableInfo info = null;
        for (SimulatedServer server : servers) {
            info = server.create(id, spec);
            id = info.id();
        }
        return Objects.requireNonNull(info);
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

    TableInfo bankTable() {
        return bankTable;
    }

    /// Dense tables that vector operations add to.
    List<TableInfo> vectors() {
        return vectors;
    }

    /// A dense table whose floats are 1.
    TableInfo ones() {
        return ones;
    }

    /// The table that came after another was dropped, null if none was.
    @Nullable
    TableInfo successor() {
        return successor;
    }

    List<SimulatedWorker> workers() {
        return workers;
    }

    SimulatedServer server(int index) {
        return servers.get(index);
    }

    List<Observation> observations() {
        return observations;
    }

    /// By worker, life and step: whether a synchronous step counted, as the worker was told.
    Map<List<Long>, Boolean> outcomes() {
        return outcomes;
    }

    TableInfo tableOf(Receipts.Push push) {
        return switch (push.kind) {
            case RECEIPT, POISON, ROUND -> receiptsTable;
            case BANK -> bankTable;
            case TEMPORARY -> temporaryTable;
            case TRANSFORM -> vectors.get(Receipts.vector(push));
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
            while (!isOver() && timeline.play(END_US)) {}
            Throwable failed = failure;
            if (failed instanceof RuntimeException e) {
                throw e;
            }
            requireDone();
            new Checks(this).run();
            count();
        } finally {
            servers.forEach(server -> server.node.close());
        }
    }

    private boolean isOver() {
        return healed && workers.stream().allMatch(worker -> worker.isDone() || worker.isGone());
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
        timeline.at(HEALED_US, this::heal);
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
            kind = timeline.random.nextInt(18);
        } while (!isDone(kind));
        tally.add(Tally.What.FAULTS);
        timeline.note(2, kind, 0);
    }

    private boolean isDone(int kind) {
        SimulatedWorker any = workers.get(timeline.random.nextInt(workers.size()));
        return switch (kind) {
            case 0, 1, 2, 3, 4 -> network.cutAny();
            case 5 -> pauseServer(timeline.between(5_000, 300_000));
            case 6, 7 -> pauseWorker(any, timeline.between(5_000, coordinates(any) ? SHORT_US : 1_200_000));
            case 8, 9, 10 -> any.kill(timeline.between(1_000, coordinates(any) ? SHORT_US : 900_000));
            case 11 -> !coordinates(any) && killForGood(any);
            case 12, 13 -> pressMemory();
            case 14 -> joinLater();
            case 15 ->
                !coordinates(any) && workers.stream().noneMatch(worker -> worker.index() < 0) && any.askToLeave();
            case 16 -> forgetKeyLists();
            default -> replaceTable();
        };
    }

    /// Whether a run in passes ends when the worker is out: so short a history would show little.
    private boolean coordinates(SimulatedWorker worker) {
        return scenario.isInPasses() && worker.index() == 0;
    }

    private boolean forgetKeyLists() {
        if (!receipts.hasRounds()) {
            return false;
        }
        SimulatedServer server = servers.get(timeline.random.nextInt(servers.size()));
        say("server " + server.index + " forgets key lists");
        for (int i = 0; i < SHARDS_PER_SERVER; i++) {
            server.shard(server.index * SHARDS_PER_SERVER + i).forgetKeyLists();
        }
        return true;
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

    /// Its connections are lost at the same time, so that copies come later of what is refused.
    private boolean pressMemory() {
        SimulatedServer server = servers.get(timeline.random.nextInt(servers.size()));
        say("no memory on server " + server.index);
        server.pressMemory();
        network.cutAll(server.index);
        timeline.after(timeline.between(2_000, 60_000), server::easeMemory);
        return true;
    }

    private boolean joinLater() {
        boolean placesLeft = workers.stream().anyMatch(SimulatedWorker::isAway);
        if (placesLeft || (isBsp() && scenario.run().backupWorkers() > 0)) {
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
        healed = true;
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
        } catch (SimulatedProcess.Died e) {
            // Nobody is left who would go on.
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    void fail(Throwable thrown) {
        if (failure == null) {
            failure = thrown;
            timeline.stop();
        }
    }

    void saw(SimulatedWorker worker, Run run) {
        say("worker " + worker.index() + " is in, generation " + run.generation() + ", clock " + run.clock()
                + (run.isResumed() ? ", goes on" : ", begins"));
    }

    long[] pulledKeys(int worker) {
        int sources = scenario.run().startingWorkers();
        int copies = receipts.hasRounds() ? (Receipts.ROUND_ROWS + sources - 1) / sources : 1;
        long[] keys = new long[copies * sources * SHARDS];
        for (int source = 0; source < copies * sources; source++) {
            for (int shard = 0; shard < SHARDS; shard++) {
                keys[source * SHARDS + shard] = receipts.tally(source % sources, shard);
            }
        }
        return keys;
    }

    void pulled(SimulatedWorker worker, int life, long clock, float[] rows) {
        observations.add(new Observation(worker.index(), life, clock, rows));
    }

    /// What a push read in the same round trip: on each shard the state after itself.
    ///
    /// @param rows in the order of the keys
    void pushPulled(Receipts.Push push, long[] keys, float[] rows) {
        for (int shard = 0; shard < SHARDS; shard++) {
            long cell = push.touches(shard) && !isBsp() ? receipts.cell(push, shard) : 0;
            for (int i = 0; cell != 0 && i < keys.length; i++) {
                if (keys[i] == cell && rows[i * Receipts.DIM] != 1) {
                    throw new Violation("a pushPull must read its own push: actual=" + rows[i * Receipts.DIM]
                            + ", shard=" + shard + ", " + push);
                }
            }
        }
        for (int i = 0; i < rows.length; i++) {
            if (rows[i] != rows[i - i % Receipts.DIM]) {
                throw new Violation("a row must not be torn: " + push);
            }
        }
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

    /// What comes of a portion's part in a pass, whoever computes it.
    static double resultOf(int portion, long pass) {
        return portion + 1000.0 * pass;
    }

    /// Somebody computes a portion's part in a pass.
    void begun(int portion, long pass) {
        if (!begunParts.add(List.of((long) portion, pass))) {
            tally.add(Tally.What.BACKUP_COPIES);
        }
    }

    /// A pass is done, and so are those before it.
    void passDone(long pass, List<List<Double>> results) {
        tally.add(Tally.What.PASSES);
        List<List<Double>> expected = new ArrayList<>();
        for (int portion = 0; portion < scenario.run().portionCount(); portion++) {
            expected.add(List.of(resultOf(portion, pass)));
        }
        if (!results.equals(expected)) {
            throw new Violation("a pass gives what came of each of its portions: pass=" + pass + ", expected="
                    + expected + ", actual=" + results);
        }
        passesDone = pass + 1;
    }

    /// Passes that are known to be done.
    long passesDone() {
        return passesDone;
    }

    /// What is asked of a vector, and of when: all that was acknowledged before is in its sum, and nothing that was
    /// never sent.
    final class SumCheck {
        private final int vector;
        private final double least;

        SumCheck(int vector) {
            this.vector = vector;
            this.least = sum(push -> push.acknowledged);
        }

        void answered(double sum) {
            tally.add(Tally.What.SUMS_CHECKED);
            double most = sum(push -> push.sent > 0);
            if (!(sum >= least && sum <= most)) {
                throw new Violation("a sum must show what was acknowledged, and each operation once: least=" + least
                        + ", most=" + most + ", sum=" + sum + ", vector=" + vector);
            }
        }

        private double sum(Predicate<Receipts.Push> counts) {
            double sum = 0;
            for (Receipts.Push push : receipts.all()) {
                if (push.kind == Receipts.Kind.TRANSFORM && Receipts.vector(push) == vector && counts.test(push)) {
                    sum += (double) Receipts.unit(push) * SHARDS * Receipts.VECTOR_BLOCK;
                }
            }
            return sum;
        }
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
}
