package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.pull;

import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvOptimizer;
import io.weir.kvstore.KvStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// MXNet's store in one process.
final class OneProcessRules {
    private static final String SECTION = "one process";

    private OneProcessRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        rules.add(here(SECTION, "local", "init 4, pull 4; a push of four values a: 4a", "4 10", () -> {
            try (KvStore store = KvStore.create("local")) {
                store.init(3, KvArray.full(4, 2, 3));
                String first = pull(store, 3);
                KvArray a = KvArray.full(2.5f, 2, 3);
                store.push(3, a, a, a, a);
                return first + " " + pull(store, 3);
            }
        }));
        rules.add(here(SECTION, "updater", "stored += received, four values of ones pushed four times", "16", () -> {
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
        rules.add(here(SECTION, "sgd", "SGD at its default rate 0.01 from 0, ones pushed", "-0.01", () -> {
            try (KvStore store = KvStore.create("local")) {
                store.setOptimizer(KvOptimizer.create("sgd", Map.of()));
                store.init(3, KvArray.zeros(2, 3));
                store.push(3, KvArray.full(1, 2, 3));
                return pull(store, 3);
            }
        }));
        return rules;
    }
}
