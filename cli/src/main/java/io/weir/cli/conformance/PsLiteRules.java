package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.same;

import io.weir.client.Run;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// The shapes that ps-lite tries itself with: many keys, many requests.
final class PsLiteRules {
    private static final String SECTION = "ps-lite shapes";

    private static final int KEYS = 10_000;
    private static final int PUSHES = 50;
    private static final int IN_FLIGHT = 10;

    private PsLiteRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        rules.add(among(
                2,
                SECTION,
                "keys",
                "10000 keys over all 64 bits: 50 pushes, 10 in flight: 50·v; 50 pushPulls: 100·v; mean error < 1e-5",
                "50: below 1e-5, 100: below 1e-5",
                PsLiteRules::pushKeys));
        rules.add(among(
                2,
                SECTION,
                "broadcast",
                "100 requests to all: every shard of every server counts exactly 100 of each worker",
                "100",
                PsLiteRules::count));
        return rules;
    }

    private static String pushKeys(KvConfig config) throws Exception {
        try (Weir weir = Weir.connect(config.servers(), config.client());
                Run run = weir.run(config.name(), config.workerCount()).join(config.rank())) {
            Table table =
                    run.table(TableSpec.embedding(config.name().replace('/', '-'), 1, OptimizerSpec.parse("add")));
            long[] keys = new long[KEYS];
            float[] values = new float[KEYS];
            for (int i = 0; i < KEYS; i++) {
                keys[i] = Long.divideUnsigned(-1, KEYS) * i + config.rank();
                values[i] = i % 1000;
            }
            Deque<CompletableFuture<Void>> inFlight = new ArrayDeque<>();
            for (int i = 0; i < PUSHES; i++) {
                if (inFlight.size() == IN_FLIGHT) {
                    inFlight.remove().get(1, TimeUnit.MINUTES);
                }
                inFlight.add(table.pushAsync(keys, values));
            }
            for (CompletableFuture<Void> push : inFlight) {
                push.get(1, TimeUnit.MINUTES);
            }
            String first = error(table.pull(keys), values, PUSHES);
            float[] rows = new float[KEYS];
            for (int i = 0; i < PUSHES; i++) {
                table.pushPull(keys, values, rows);
            }
            String second = error(rows, values, 2 * PUSHES);
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
}
