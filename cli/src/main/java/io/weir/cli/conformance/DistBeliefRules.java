package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.smallServer;

import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What DistBelief computes on its shards.
final class DistBeliefRules {
    private static final String SECTION = "DistBelief";

    private DistBeliefRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        rules.add(here(
                SECTION,
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
        return rules;
    }
}
