package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.pull;
import static io.weir.cli.conformance.RuleParts.same;
import static io.weir.cli.conformance.RuleParts.sgd;

import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvStore;
import io.weir.kvstore.KvType;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Rounds of MXNet's store that all workers push into: sums, optimizers, and a store without rounds.
final class RoundRules {
    private static final String SECTION = "synchronous push and pull";

    private static final int ROUND_COUNT = 7;

    private RoundRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int n : WORKER_COUNTS) {
            String expected = IntStream.range(0, ROUND_COUNT)
                    .mapToObj(i -> number(1 + n * (n + 1) * (i + 1)))
                    .collect(Collectors.joining(" "));
            rules.add(among(
                    n,
                    SECTION,
                    "rounds",
                    "keys of (2,3) and (1200,1200) from 1, w += 2·sum, worker r pushes r+1: 1 + n(n+1)(i+1)",
                    expected,
                    RoundRules::rounds));
            rules.add(among(
                    n,
                    SECTION,
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
                    SECTION,
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
                    SECTION,
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
        return rules;
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
}
