package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.smallServer;

import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Who waits, and who reads what, under bounded staleness.
final class StalenessRules {
    private static final String SECTION = "bounded staleness";

    private StalenessRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int staleness : new int[] {0, 1, 3, 10}) {
            int waitsAt = staleness + 1;
            rules.add(here(
                    SECTION,
                    "staleness-" + staleness,
                    "under staleness " + staleness + " a pull at clock c waits if and only if c - slowest > s; after"
                            + " all tick, nothing is missing; a new member starts at the slowest clock",
                    "waits from " + waitsAt + ", all " + 2 * waitsAt + ", new at " + waitsAt,
                    () -> staleness(staleness)));
        }
        return rules;
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
