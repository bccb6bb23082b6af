package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.smallServer;

import io.weir.client.DenseTable;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.ClusterGenerator;
import io.weir.train.ExampleSource;
import io.weir.train.Perceptron;
import io.weir.train.ProgressListener;
import io.weir.train.Trainer;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Membership;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What DistBelief computes on its shards, and with replicas that are cut over several machines.
final class DistBeliefRules {
    private static final String SECTION = "DistBelief";

    /// How far a weight may be off because a sum was added up in another order: it is below 1 here, and each of some
    /// 20 steps rounds.
    private static final double ROUNDING = 2e-6;

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
        for (int replicas : new int[] {1, 2}) {
            rules.add(here(
                    SECTION,
                    "slices-" + replicas,
                    replicas + " bsp replica" + (replicas == 1 ? "" : "s")
                            + " of a perceptron, each cut over 2, 3 and 4 workers: the weights of whole ones, to rounding",
                    "equal equal equal",
                    () -> {
                        List<float[]> whole = trained(replicas, 1);
                        List<String> got = new ArrayList<>();
                        for (int slices = 2; slices <= 4; slices++) {
                            double off = greatestDifference(trained(replicas, slices), whole);
                            got.add(off <= ROUNDING ? "equal" : "off by " + off);
                        }
                        return join(got);
                    }));
        }
        return rules;
    }

    /// The weights and biases that so many replicas of so many slices come to.
    private static List<float[]> trained(int replicas, int slices) {
        OptimizerSpec optimizer = new OptimizerSpec.Sgd(0.05f);
        Perceptron model = new Perceptron("m", List.of(6, 70, 13, 5), Activation.TANH, 0.2, optimizer, 3);
        TrainingConfig config = TrainingConfig.of("m")
                .withMembership(Membership.of(Consistency.bsp()))
                .withWorkers(replicas * slices, slices)
                .withBatch(20);
        try (EmbeddedServer server = smallServer();
                Weir weir = server.connect();
                ExampleSource examples = new ClusterGenerator(6, 5, 1).source(0, 400)) {
            Trainer.train(weir, examples, model, config, ProgressListener.NONE);
            return model.tables().stream()
                    .map(table -> values(weir.denseTable(table.name())))
                    .toList();
        }
    }

    private static float[] values(DenseTable table) {
        float[] values = new float[Math.toIntExact(table.length())];
        table.pull(values);
        return values;
    }

    private static double greatestDifference(List<float[]> some, List<float[]> others) {
        double greatest = 0;
        for (int table = 0; table < others.size(); table++) {
            for (int i = 0; i < others.get(table).length; i++) {
                greatest = Math.max(greatest, Math.abs(some.get(table)[i] - others.get(table)[i]));
            }
        }
        return greatest;
    }
}
