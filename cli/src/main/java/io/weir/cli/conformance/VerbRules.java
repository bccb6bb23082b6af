package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.errorOf;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.pull;

import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvStore;
import io.weir.model.OptimizerSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The verbs of MXNet's store: what each does, and what a mistake is answered with.
final class VerbRules {
    private static final String SECTION = "verbs";

    private VerbRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int n : WORKER_COUNTS) {
            rules.add(among(
                    n,
                    SECTION,
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
            rules.add(among(
                    n, SECTION, "init", "worker r inits a key to r: the value of rank 0 counts", "0", config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.init(7, KvArray.full(store.rank(), 3, 4));
                            return pull(store, 7);
                        }
                    }));
            rules.add(among(
                    n,
                    SECTION,
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
                    n, SECTION, "states", "optimizer states are saved and loaded across servers", "-1.5", config -> {
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
        return rules;
    }
}
