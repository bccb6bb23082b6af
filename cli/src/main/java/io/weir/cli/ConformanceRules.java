package io.weir.cli;

import static io.weir.cli.ConformanceRule.among;
import static io.weir.cli.ConformanceRule.here;

import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvOptimizer;
import io.weir.kvstore.KvRows;
import io.weir.kvstore.KvStore;
import io.weir.kvstore.KvType;
import io.weir.kvstore.MxnetPlacement;
import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.wire.ValueEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What other systems promise in numbers, case by case: the one list that `weir conformance` prints and the tests go
/// by.
final class ConformanceRules {
    private static final String VERBS = "verbs";
    private static final String ROUNDS = "synchronous push and pull";
    private static final String ROWS = "rows";
    private static final String ONE_PROCESS = "one process";
    private static final String DEFECTS = "defects not copied";
    private static final String COMPRESSION = "gradient compression";
    private static final String SPLITTING = "splitting";
    private static final String PS_LITE = "ps-lite shapes";
    private static final String DISTBELIEF = "DistBelief";
    private static final String STALENESS = "bounded staleness";

    private static final int[] WORKER_COUNTS = {1, 2, 4};
    private static final int ROUND_COUNT = 7;

    private ConformanceRules() {}

    /// All of them, in the order of the report.
    static List<ConformanceRule> all() {
        List<ConformanceRule> rules = new ArrayList<>();
        addVerbs(rules);
        addRounds(rules);
        addRows(rules);
        addOneProcess(rules);
        addDefects(rules);
        addCompression(rules);
        addSplitting(rules);
        addPsLite(rules);
        addDistBelief(rules);
        addStaleness(rules);
        return List.copyOf(rules);
    }

    // ---- what rules need ----

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Float.toString((float) value);
    }

    /// The one value that all elements have.
    private static String same(KvArray array) {
        for (long i = 1; i < array.length(); i++) {
            if (array.get(i) != array.get(0)) {
                return "differing: " + array.get(0) + " and " + array.get(i);
            }
        }
        return number(array.get(0));
    }

    private static String pull(KvStore store, KvKey key) {
        KvArray out = KvArray.zeros(store.shape(key));
        store.pull(key, 0, out);
        return same(out);
    }

    private static String pull(KvStore store, long key) {
        return pull(store, KvKey.of(key));
    }

    private static OptimizerSpec sgd(double rate) {
        return KvOptimizer.create("sgd", Map.of("learning_rate", rate));
    }

    /// What a mistake is answered with: `error`, or that there was none.
    private static String errorOf(Runnable mistake) {
        try {
            mistake.run();
            return "no error";
        } catch (IllegalArgumentException e) {
            return "error";
        }
    }

    private static String join(List<String> parts) {
        return String.join(" ", parts);
    }

    // ---- MXNet's store ----

    private static void addVerbs(List<ConformanceRule> rules) {
        for (int n : WORKER_COUNTS) {
            rules.add(among(
                    n,
                    VERBS,
                    "ranks",
                    "rank is below num_workers, no node is dead",
                    "of " + n + ", dead 0, dist_sync",
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.barrier();
                            String ranks = store.rank() == config.rank() ? "" : "wrong rank, ";
                            String got = ranks + "of " + store.numWorkers() + ", dead " + store.numDeadNode() + ", "
                                    + store.type();
                            store.barrier();
                            return got;
                        }
                    }));
            rules.add(among(n, VERBS, "init", "worker r inits a key to r: the value of rank 0 counts", "0", config -> {
                try (KvStore store = KvStore.open(config)) {
                    store.init(7, KvArray.full(store.rank(), 3, 4));
                    return pull(store, 7);
                }
            }));
            rules.add(among(
                    n,
                    VERBS,
                    "mistakes",
                    "second init, int after string keys, pull and push of an unknown key: errors; the store goes on",
                    "error error error error 1",
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.init("a", KvArray.full(1, 2));
                            return join(List.of(
                                    errorOf(() -> store.init("a", KvArray.full(1, 2))),
                                    errorOf(() -> store.init(3, KvArray.full(1, 2))),
                                    errorOf(() -> store.pull("b", KvArray.full(1, 2))),
                                    errorOf(() -> store.push("b", KvArray.full(1, 2))),
                                    pull(store, KvKey.of("a"))));
                        }
                    }));
            rules.add(among(
                    n, VERBS, "states", "optimizer states are saved and loaded across servers", "-1.5", config -> {
                        Path file = Path.of(
                                System.getProperty("java.io.tmpdir"),
                                config.name().replace('/', '-') + ".states");
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"));
                            store.init(1, KvArray.zeros(50_000));
                            store.push(1, KvArray.full(1f / n, 50_000));
                            String _ = pull(store, 1);
                            store.barrier();
                            if (store.rank() == 0) {
                                store.saveOptimizerStates(file);
                            }
                            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.25)"));
                            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"));
                            if (store.rank() == n - 1) {
                                store.loadOptimizerStates(file);
                                Files.delete(file);
                            }
                            store.barrier();
                            store.push(1, KvArray.zeros(50_000));
                            return pull(store, 1);
                        }
                    }));
        }
    }

    private static void addRounds(List<ConformanceRule> rules) {
        for (int n : WORKER_COUNTS) {
            String expected = IntStream.range(0, ROUND_COUNT)
                    .mapToObj(i -> number(1 + n * (n + 1) * (i + 1)))
                    .collect(Collectors.joining(" "));
            rules.add(among(
                    n,
                    ROUNDS,
                    "rounds",
                    "keys of (2,3) and (1200,1200) from 1, w += 2·sum, worker r pushes r+1: 1 + n(n+1)(i+1)",
                    expected,
                    ConformanceRules::rounds));
            rules.add(among(
                    n,
                    ROUNDS,
                    "pushpull",
                    "pushpull without updater, two local values of r+1: n(n+1)",
                    number(n * (n + 1)),
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            KvKey key = KvKey.of("k");
                            store.init(key, KvArray.full(1, 2, 3));
                            KvArray value = KvArray.full(store.rank() + 1, 2, 3);
                            KvArray out = KvArray.zeros(2, 3);
                            store.pushPullAsync(key, 0, List.of(value, value), List.of(out))
                                    .get(1, TimeUnit.MINUTES);
                            return same(out);
                        }
                    }));
            rules.add(among(
                    n,
                    ROUNDS,
                    "sgd",
                    "one step of SGD at rate 1 from 1, optimizer set before and after init: 1 - n(n+1)/2",
                    number(1 - n * (n + 1) / 2) + " " + number(1 - n * (n + 1) / 2),
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.init(1, KvArray.full(1, 2, 3));
                            store.setOptimizer(sgd(1));
                            store.init(2, KvArray.full(1, 2, 3));
                            KvArray value = KvArray.full(store.rank() + 1, 2, 3);
                            store.push(1, value);
                            store.push(2, value);
                            return pull(store, 1) + " " + pull(store, 2);
                        }
                    }));
            rules.add(among(
                    n,
                    ROUNDS,
                    "async",
                    "dist_async: each push is applied at once; after a barrier all are there: 1 - 3n(n+1)/2",
                    number(1 - 3 * n * (n + 1) / 2),
                    config -> {
                        try (KvStore store = KvStore.open(config.withType(KvType.DIST_ASYNC))) {
                            store.setOptimizer(sgd(1));
                            store.init(1, KvArray.full(1, 500, 500));
                            for (int i = 0; i < 3; i++) {
                                store.push(1, KvArray.full(store.rank() + 1, 500, 500));
                            }
                            store.barrier();
                            String got = pull(store, 1);
                            store.barrier();
                            return got;
                        }
                    }));
        }
    }

    private static String rounds(KvConfig config) {
        try (KvStore store = KvStore.open(config)) {
            // What is pushed is -(r+1), and the optimizer subtracts twice the sum.
            store.setOptimizer(sgd(2));
            List<KvKey> keys = List.of(KvKey.of("3"), KvKey.of("5"), KvKey.of("7"), KvKey.of("99"));
            for (KvKey key : keys) {
                store.init(key, key.text().equals("99") ? KvArray.full(1, 1200, 1200) : KvArray.full(1, 2, 3));
            }
            List<String> got = new ArrayList<>();
            for (int i = 0; i < ROUND_COUNT; i++) {
                for (KvKey key : keys) {
                    store.push(key, 0, KvArray.full(-(store.rank() + 1), store.shape(key)));
                }
                TreeSet<String> values = new TreeSet<>();
                for (KvKey key : keys) {
                    values.add(pull(store, key));
                }
                got.add(String.join("|", values));
            }
            return join(got);
        }
    }

    private static void addRows(List<ConformanceRule> rules) {
        for (int n : WORKER_COUNTS) {
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int[] gain = new int[2];
                for (int r = 0; r < n; r++) {
                    gain[r % 2] += r + 1;
                }
                expected.add(number(1 + 2 * (i + 1) * gain[0]) + "," + number(1 + 2 * (i + 1) * gain[1]));
            }
            rules.add(among(
                    n,
                    ROWS,
                    "rows",
                    "(2,3) from 1, worker r pushes r+1 into row r mod 2: row j is 1 + 2(i+1)·sum of its pushes",
                    join(expected),
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(sgd(2));
                            store.init(1, KvRows.dense(2, 3, 1, 1, 1, 1, 1, 1));
                            List<String> got = new ArrayList<>();
                            for (int i = 0; i < 3; i++) {
                                float value = -(store.rank() + 1);
                                store.push(1, new KvRows(2, 3, new long[] {store.rank() % 2}, new float[] {
                                    value, value, value
                                }));
                                KvRows rows = store.rowSparsePull(1, 1, 0, 1);
                                got.add(row(rows, 0) + "," + row(rows, 1));
                            }
                            return join(got);
                        }
                    }));
            rules.add(among(
                    n,
                    ROWS,
                    "empty",
                    "an empty push changes nothing; ids may repeat and be unsorted; rows not asked for read 0",
                    "5,6 0,6",
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(sgd(1));
                            store.init(1, KvRows.dense(2, 2, 5, 5, 6, 6));
                            store.push(1, KvRows.empty(2, 2));
                            KvRows rows = store.rowSparsePull(1, 1, 0, 1, 1);
                            KvArray some = KvArray.full(9, 2, 2);
                            store.rowSparsePull(KvKey.of(1), 0, some, new long[] {1, 1});
                            return row(rows, 0) + "," + row(rows, 1) + " " + number(some.get(1)) + ","
                                    + number(some.get(3));
                        }
                    }));
        }
    }

    private static String row(KvRows rows, int index) {
        int from = index * rows.rowLength();
        return same(KvArray.of(Arrays.copyOfRange(rows.values(), from, from + rows.rowLength())));
    }

    private static void addOneProcess(List<ConformanceRule> rules) {
        rules.add(here(ONE_PROCESS, "local", "init 4, pull 4; a push of four values a: 4a", "4 10", () -> {
            try (KvStore store = KvStore.create("local")) {
                store.init(3, KvArray.full(4, 2, 3));
                String first = pull(store, 3);
                KvArray a = KvArray.full(2.5f, 2, 3);
                store.push(3, a, a, a, a);
                return first + " " + pull(store, 3);
            }
        }));
        rules.add(here(
                ONE_PROCESS, "updater", "stored += received, four values of ones pushed four times", "16", () -> {
                    try (KvStore store = KvStore.create("device")) {
                        store.setUpdater((key, received, stored) -> stored.add(received));
                        store.init(3, KvArray.zeros(2, 3));
                        KvArray ones = KvArray.full(1, 2, 3);
                        for (int i = 0; i < 4; i++) {
                            store.push(3, ones, ones, ones, ones);
                        }
                        return pull(store, 3);
                    }
                }));
        rules.add(here(ONE_PROCESS, "sgd", "SGD at its default rate 0.01 from 0, ones pushed", "-0.01", () -> {
            try (KvStore store = KvStore.create("local")) {
                store.setOptimizer(KvOptimizer.create("sgd", Map.of()));
                store.init(3, KvArray.zeros(2, 3));
                store.push(3, KvArray.full(1, 2, 3));
                return pull(store, 3);
            }
        }));
    }

    private static void addDefects(List<ConformanceRule> rules) {
        for (int n : new int[] {2, 4}) {
            rules.add(among(
                    n,
                    DEFECTS,
                    "two-pushes",
                    "two pushes of one worker are its parts of two rounds, and close neither",
                    number(2 * n),
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(sgd(1));
                            store.init(1, KvArray.full(0, 3));
                            KvArray one = KvArray.full(-1, 3);
                            if (store.rank() == 0) {
                                store.push(1, one);
                                store.push(1, one);
                                store.barrier();
                            } else {
                                store.barrier();
                                store.push(1, one);
                                String first = pull(store, 1);
                                if (!first.equals(number(n))) {
                                    return "the first round came to " + first;
                                }
                                store.push(1, one);
                            }
                            return pull(store, 1);
                        }
                    }));
            rules.add(among(
                    n,
                    DEFECTS,
                    "wide-keys",
                    "keys of 64 bits never collide, also those at the top of the range",
                    "0 1 2 3 4 5 6 7",
                    config -> {
                        long[] keys = {0, 1L << 32, 1L << 48, -1, -2, Long.MAX_VALUE, Long.MIN_VALUE, 0xffffffffL};
                        try (KvStore store = KvStore.open(config)) {
                            for (int i = 0; i < keys.length; i++) {
                                store.init(keys[i], KvArray.full(i, 2));
                            }
                            List<String> got = new ArrayList<>();
                            for (long key : keys) {
                                got.add(pull(store, key));
                            }
                            return join(got);
                        }
                    }));
        }
        rules.add(among(
                2,
                DEFECTS,
                "small-keys",
                "small keys are spread: 64 keys of one element, so many on each server",
                "32 32",
                config -> {
                    try (KvStore store = KvStore.open(config)) {
                        List<KvKey> keys = new ArrayList<>();
                        List<KvArray> values = new ArrayList<>();
                        for (int i = 0; i < 64; i++) {
                            keys.add(KvKey.of(i * 2L));
                            values.add(KvArray.full(i, 1));
                        }
                        store.initAll(keys, values);
                        return spread(config);
                    }
                }));
        rules.add(among(
                        2,
                        DEFECTS,
                        "dead",
                        "a worker that dies is fenced, named, and stops nobody: worker 0 goes on alone",
                        "1 dead, 0 to 111",
                        ConformanceRules::dying)
                .asMortal());
    }

    private static String spread(KvConfig config) {
        try (Weir weir = Weir.connect(config.servers(), config.client())) {
            int[] counts = new int[weir.shardMap().servers().size()];
            for (TableInfo info : weir.tables()) {
                if (info.spec().name().startsWith("kv/" + config.name() + "/")) {
                    int shard = info.spec()
                            .shape()
                            .shardOf(0, info.id(), weir.shardMap().shardCount());
                    counts[weir.shardMap().serverOf(shard)]++;
                }
            }
            return Arrays.stream(counts).mapToObj(Integer::toString).collect(Collectors.joining(" "));
        }
    }

    private static String dying(KvConfig config) {
        try (KvStore store = KvStore.open(config.withSilence(Duration.ofSeconds(1)))) {
            store.setOptimizer(sgd(1));
            store.init(1, KvArray.full(0, 3));
            store.push(1, KvArray.full(store.rank() == 0 ? -10 : -1, 3));
            String first = pull(store, 1);
            if (!first.equals("11")) {
                return "the first round came to " + first;
            }
            if (store.rank() == 1) {
                Runtime.getRuntime().halt(1);
            }
            store.push(1, KvArray.full(-100, 3));
            String second = pull(store, 1);
            return store.numDeadNode() + " dead, 0 to " + second;
        }
    }

    private static void addCompression(List<ConformanceRule> rules) {
        for (int n : WORKER_COUNTS) {
            rules.add(among(
                    n,
                    COMPRESSION,
                    "2bit",
                    "2bit, threshold 0.5, w += 2·g from 0; all push 0.4, 0.1, 0.2, 0.3: 0, n, n, 2n",
                    join(List.of(number(0), number(n), number(n), number(2 * n))),
                    // What is pushed is negated, and the optimizer subtracts twice what comes.
                    config -> compressed(config, "2bit", 0.5f, -0.4f, -0.1f, -0.2f, -0.3f)));
            rules.add(among(
                    n,
                    COMPRESSION,
                    "1bit-compat",
                    "1bit as published, threshold 0, w -= 2·g from 0; all push 1, -1, 2, 0, -2: -2n, 0, -2n, -4n, -2n",
                    join(List.of(number(-2 * n), number(0), number(-2 * n), number(-4 * n), number(-2 * n))),
                    config -> compressed(config, "1bit-compat", 0, 1, -1, 2, 0, -2)));
            rules.add(among(
                    n,
                    COMPRESSION,
                    "1bit",
                    "1bit scaled by the mean, w -= 2·g from 0; all push 1, 0, 2, 0: a zero gradient moves nothing",
                    join(List.of(number(-2 * n), number(-2 * n), number(-6 * n), number(-6 * n))),
                    config -> compressed(config, "1bit", 0, 1, 0, 2, 0)));
        }
        rules.add(here(
                COMPRESSION,
                "2bit-bytes",
                "2bit, threshold 4, gradient -6 -2 3 1 10 5 -3 2 -8 0, residual -3 1 -1 5 -2 2 3 -7 -2 -100: its bytes,"
                        + " and the residual after it",
                "83 f2 a0 00, -5 -1 2 2 4 3 0 -1 -6 -96",
                () -> {
                    float[] gradient = {-6, -2, 3, 1, 10, 5, -3, 2, -8, 0};
                    float[] residual = {-3, 1, -1, 5, -2, 2, 3, -7, -2, -100};
                    List<String> left = new ArrayList<>();
                    for (int i = 0; i < gradient.length; i++) {
                        residual[i] += gradient[i];
                    }
                    ByteBuffer out = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
                    int bytes = new ValueEncoder(Compression.twoBit(4)).encode(residual, residual.length, 10, out, 0);
                    List<String> words = new ArrayList<>();
                    // The threshold comes first.
                    for (int i = Float.BYTES; i < bytes; i++) {
                        words.add(String.format(Locale.ROOT, "%02x", out.get(i)));
                    }
                    for (float value : residual) {
                        left.add(number(value));
                    }
                    return join(words) + ", " + join(left);
                }));
    }

    /// Pushes these constants one after the other, and pulls after each.
    private static String compressed(KvConfig config, String type, float threshold, float... values) {
        try (KvStore store = KvStore.open(config)) {
            store.setOptimizer(sgd(2));
            store.setGradientCompression(type, threshold);
            store.init(1, KvArray.zeros(50, 1001));
            List<String> got = new ArrayList<>();
            for (float value : values) {
                store.push(1, KvArray.full(value, 50, 1001));
                got.add(pull(store, 1));
            }
            return join(got);
        }
    }

    private static void addSplitting(List<ConformanceRule> rules) {
        long[] lengths = {1_000_000, 1_440_000};
        int[] servers = {2, 3, 4, 7};
        String[][] expected = {
            {
                "500000 500000",
                "333333 333334 333333",
                "250000 250000 250000 250000",
                "142857 142857 142857 142858 142857 142857 142857"
            },
            {
                "720000 720000",
                "480000 480000 480000",
                "360000 360000 360000 360000",
                "205714 205715 205714 205714 205714 205715 205714"
            }
        };
        for (int i = 0; i < lengths.length; i++) {
            for (int j = 0; j < servers.length; j++) {
                long length = lengths[i];
                int count = servers[j];
                rules.add(here(
                        SPLITTING,
                        "split-" + length + "-" + count,
                        length + " elements over " + count + " servers: part i ends at round(n/S·(i+1))",
                        expected[i][j],
                        () -> {
                            long[] ends = MxnetPlacement.partEnds(length, count);
                            List<String> parts = new ArrayList<>();
                            for (int part = 0; part < count; part++) {
                                parts.add(Long.toString(ends[part] - (part == 0 ? 0 : ends[part - 1])));
                            }
                            return join(parts);
                        }));
            }
        }
        rules.add(here(
                SPLITTING,
                "whole",
                "below 1000000 elements a key lives on server (key·9973) mod S: keys 0, 3, 5, 7, 99 over 4 and 7",
                "0 3 1 3 3 0 1 4 0 5",
                () -> {
                    List<String> got = new ArrayList<>();
                    for (int count : new int[] {4, 7}) {
                        for (long key : new long[] {0, 3, 5, 7, 99}) {
                            got.add(Integer.toString(MxnetPlacement.serverOf(key, 999_999, 999_998, count)));
                        }
                    }
                    return join(got);
                }));
    }

    // ---- ps-lite ----

    private static final int PS_KEYS = 10_000;
    private static final int PS_PUSHES = 50;
    private static final int PS_IN_FLIGHT = 10;

    private static void addPsLite(List<ConformanceRule> rules) {
        rules.add(among(
                2,
                PS_LITE,
                "keys",
                "10000 keys over all 64 bits: 50 pushes, 10 in flight: 50·v; 50 pushPulls: 100·v; mean error < 1e-5",
                "50: below 1e-5, 100: below 1e-5",
                ConformanceRules::pushKeys));
        rules.add(among(
                2,
                PS_LITE,
                "broadcast",
                "100 requests to all: every shard of every server counts exactly 100 of each worker",
                "100",
                ConformanceRules::count));
    }

    private static String pushKeys(KvConfig config) throws Exception {
        try (Weir weir = Weir.connect(config.servers(), config.client());
                Run run = weir.run(config.name(), config.workerCount()).join(config.rank())) {
            Table table =
                    run.table(TableSpec.embedding(config.name().replace('/', '-'), 1, OptimizerSpec.parse("add")));
            long[] keys = new long[PS_KEYS];
            float[] values = new float[PS_KEYS];
            for (int i = 0; i < PS_KEYS; i++) {
                keys[i] = Long.divideUnsigned(-1, PS_KEYS) * i + config.rank();
                values[i] = i % 1000;
            }
            Deque<CompletableFuture<Void>> inFlight = new ArrayDeque<>();
            for (int i = 0; i < PS_PUSHES; i++) {
                if (inFlight.size() == PS_IN_FLIGHT) {
                    inFlight.remove().get(1, TimeUnit.MINUTES);
                }
                inFlight.add(table.pushAsync(keys, values));
            }
            for (CompletableFuture<Void> push : inFlight) {
                push.get(1, TimeUnit.MINUTES);
            }
            String first = error(table.pull(keys), values, PS_PUSHES);
            float[] rows = new float[PS_KEYS];
            for (int i = 0; i < PS_PUSHES; i++) {
                table.pushPull(keys, values, rows);
            }
            String second = error(rows, values, 2 * PS_PUSHES);
            run.finish();
            return "50: " + first + ", 100: " + second;
        }
    }

    private static String error(float[] rows, float[] values, int times) {
        double error = 0;
        for (int i = 0; i < rows.length; i++) {
            error += Math.abs(rows[i] - (double) times * values[i]);
        }
        error /= rows.length;
        return error < 1e-5 ? "below 1e-5" : Double.toString(error);
    }

    private static String count(KvConfig config) {
        try (Weir weir = Weir.connect(config.servers(), config.client());
                Run run = weir.run(config.name(), config.workerCount()).join(config.rank())) {
            Table table = run.table(TableSpec.embedding(
                    config.name().replace('/', '-'), config.workerCount(), OptimizerSpec.parse("add")));
            int shards = weir.shardMap().shardCount();
            long[] keys = new long[shards];
            int found = 0;
            for (long key = 0; found < shards; key++) {
                if (keys[Keys.shardOf(key, shards)] == 0 && key > 0) {
                    keys[Keys.shardOf(key, shards)] = key;
                    found++;
                }
            }
            float[] ones = new float[shards * config.workerCount()];
            for (int i = 0; i < shards; i++) {
                ones[i * config.workerCount() + config.rank()] = 1;
            }
            for (int i = 0; i < 100; i++) {
                table.push(keys, ones);
            }
            run.barrier();
            float[] counts = table.pull(keys);
            run.finish();
            return same(KvArray.of(counts));
        }
    }

    // ---- DistBelief ----

    private static void addDistBelief(List<ConformanceRule> rules) {
        rules.add(here(
                DISTBELIEF,
                "adagrad",
                "Adagrad on the shard, w -= 0.1·g/sqrt(sum of g²), from w = 1, g = 2 then 1",
                "0.9000000 0.8552786",
                () -> {
                    try (EmbeddedServer server = smallServer();
                            Weir weir = server.connect()) {
                        weir.create(TableSpec.embedding("w", 1, new OptimizerSpec.AdaGrad(0.1f, 0))
                                .withInitialRow(new InitialRow.Constant(1), 0));
                        Table table = weir.table("w");
                        long[] keys = {5};
                        List<String> got = new ArrayList<>();
                        for (float gradient : new float[] {2, 1}) {
                            table.push(keys, new float[] {gradient});
                            got.add(String.format(Locale.ROOT, "%.7f", table.pull(keys)[0]));
                        }
                        return join(got);
                    }
                }));
    }

    private static EmbeddedServer smallServer() {
        return EmbeddedServer.open(ServerConfig.defaults().withShardCount(2).withMemoryCapBytes(64L << 20));
    }

    // ---- bounded staleness ----

    private static void addStaleness(List<ConformanceRule> rules) {
        for (int staleness : new int[] {0, 1, 3, 10}) {
            int waitsAt = staleness + 1;
            rules.add(here(
                    STALENESS,
                    "staleness-" + staleness,
                    "under staleness " + staleness + " a pull at clock c waits if and only if c - slowest > s; after"
                            + " all tick, nothing is missing; a new member starts at the slowest clock",
                    "waits from " + waitsAt + ", all " + 2 * waitsAt + ", new at " + waitsAt,
                    () -> staleness(staleness)));
        }
    }

    private static String staleness(int staleness) {
        try (EmbeddedServer server = smallServer();
                Weir weir = server.connect()) {
            RunSpec spec = RunSpec.of("run", 2).withConsistency(Consistency.ssp(staleness));
            TableSpec sums = TableSpec.embedding("sums", 1, OptimizerSpec.parse("add"));
            long[] keys = {1};
            float[] one = {1};
            Run fast = weir.join(new RunOptions(spec, 0, false));
            Run slow = weir.join(new RunOptions(spec, 1, false));
            Table ofFast = fast.table(sums);
            Table ofSlow = slow.table(sums);
            CompletableFuture<Void> pulled;
            float[] rows = new float[1];
            do {
                ofFast.push(keys, one);
                boolean _ = fast.tickAsync().join();
                pulled = ofFast.pullAsync(keys, rows);
            } while (!waits(weir, pulled) && fast.clock() <= 2 * staleness + 2);
            long waitsAt = fast.clock();
            while (slow.clock() < waitsAt) {
                ofSlow.push(keys, one);
                boolean _ = slow.tickAsync().join();
            }
            pulled.join();
            ofFast.pull(keys, rows);
            String all = number(rows[0]);
            Run late = weir.join(new RunOptions(spec, RunOptions.ANY_WORKER, false));
            long joined = late.clock();
            fast.close();
            slow.close();
            late.close();
            return "waits from " + waitsAt + ", all " + all + ", new at " + joined;
        }
    }

    /// Whether a pull waits for other workers, rather than for its answer.
    private static boolean waits(Weir weir, CompletableFuture<Void> pulled) {
        while (!pulled.isDone()) {
            if (!weir.runStatus("run").waits().isEmpty()) {
                return true;
            }
        }
        return false;
    }
}
