package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.pull;
import static io.weir.cli.conformance.RuleParts.sgd;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Known defects of MXNet's store, each with the behaviour that is right.
final class DefectRules {
    private static final String SECTION = "defects not copied";

    private DefectRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int n : new int[] {2, 4}) {
            rules.add(among(
                    n,
                    SECTION,
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
                    SECTION,
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
                SECTION,
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
                        SECTION,
                        "dead",
                        "a worker that dies is fenced, named, and stops nobody: worker 0 goes on alone",
                        "1 dead, 0 to 111",
                        DefectRules::dying)
                .asMortal());
        return rules;
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
}
