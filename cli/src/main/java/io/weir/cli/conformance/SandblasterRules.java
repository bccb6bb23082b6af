package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.await;
import static io.weir.cli.conformance.RuleParts.connect;
import static io.weir.cli.conformance.RuleParts.tableName;

import io.weir.client.DenseTable;
import io.weir.client.RunStatus;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kvstore.KvConfig;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.ClusterGenerator;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.LbfgsConfig;
import io.weir.train.LbfgsResult;
import io.weir.train.LibsvmSource;
import io.weir.train.LogisticRegression;
import io.weir.train.Model;
import io.weir.train.ModelHash;
import io.weir.train.ProgressListener;
import io.weir.train.Sandblaster;
import io.weir.train.Sandblaster.Part;
import io.weir.train.Sandblaster.Task;
import io.weir.train.SoftmaxRegression;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Slowdown;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/// What DistBelief's Sandblaster comes to: vectors that are worked on where they lie, and L-BFGS that gives the orders.
///
/// Optima of data that are not ours to ship are tried where the environment variable `WEIR_DATA` names a folder with
/// them.
final class SandblasterRules {
    private static final String SECTION = "Sandblaster L-BFGS";

    private static final int VECTOR_LENGTH = 50_001;
    private static final double DOT_BOUND = 1e-12;
    private static final int PASSES = 12;

    private SandblasterRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int shards : new int[] {1, 2, 8}) {
            rules.add(here(
                    SECTION,
                    "lbfgs-vectors-" + shards,
                    "dot and axpy of vectors on " + shards + " shards, against one loop",
                    "axpy same floats, dot within " + DOT_BOUND,
                    () -> vectors(shards)));
        }
        for (int n : WORKER_COUNTS) {
            rules.add(among(
                    n,
                    SECTION,
                    "lbfgs-workers",
                    "L-BFGS with " + n + " workers on two servers: the bits of one worker on one",
                    "same",
                    SandblasterRules::likeOne));
        }
        rules.add(here(
                SECTION,
                "lbfgs-backup",
                "a worker a hundred times slower, whose portions are given to others near the end of each pass:"
                        + " each counts once",
                "same",
                SandblasterRules::besideASlowOne));
        String data = System.getenv("WEIR_DATA");
        if (data != null) {
            addOptima(rules, Path.of(data));
        }
        return rules;
    }

    private static void addOptima(List<ConformanceRule> rules, Path data) {
        Path a9a = data.resolve("a9a/a9a.gz");
        Path agaricus = data.resolve("agaricus/agaricus.txt.train.gz");
        for (int workers : new int[] {1, 4}) {
            if (Files.exists(a9a)) {
                rules.add(here(
                        SECTION,
                        "lbfgs-a9a-" + workers,
                        "a9a, C = 1, no bias, " + workers + " workers: the objective to 7 digits in at most 100 passes",
                        "10529.56, within 1e-7",
                        () -> optimum(a9a, LbfgsConfig.l2(1), workers, 10529.56258, 1e-7)));
            }
        }
        if (Files.exists(agaricus)) {
            rules.add(here(
                    SECTION,
                    "lbfgs-agaricus",
                    "agaricus, C = 1, no bias: the objective to 7 digits in at most 100 passes",
                    "98.51, within 1e-7",
                    () -> optimum(agaricus, LbfgsConfig.l2(1), 2, 98.513645, 1e-7)));
        }
        if (Files.exists(a9a)) {
            rules.add(here(
                    SECTION,
                    "lbfgs-a9a-l1",
                    "a9a, L1 with C = 1, no bias: liblinear's objective within 1e-4 in at most 100 passes",
                    "10558.72, within 1e-4",
                    () -> optimum(a9a, LbfgsConfig.l1(1), 2, 10558.7234, 1e-4)));
        }
    }

    // ---- how they are tried ----

    private static EmbeddedServer server(int shards) {
        return EmbeddedServer.open(
                ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(256L << 20));
    }

    private static float[] random(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[VECTOR_LENGTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble() * 2 - 1);
        }
        return values;
    }

    private static DenseTable vector(Weir weir, String name, float[] values) {
        TableSpec spec =
                TableSpec.dense(name, VECTOR_LENGTH, new OptimizerSpec.Add()).withPlacement("vectors");
        weir.create(spec);
        DenseTable table = weir.denseTable(name);
        table.push(values);
        return table;
    }

    private static String vectors(int shards) {
        float[] y = random(1);
        float[] x = random(2);
        double a = 0.3;
        try (EmbeddedServer server = server(shards);
                Weir weir = server.connect()) {
            DenseTable tableY = vector(weir, "y", y);
            DenseTable tableX = vector(weir, "x", x);
            double dot = 0;
            double size = 0;
            for (int i = 0; i < y.length; i++) {
                dot += (double) y[i] * x[i];
                size += Math.abs((double) y[i] * x[i]);
            }
            double error = Math.abs(tableY.dot(tableX) - dot) / size;
            tableY.axpy(a, tableX);
            float[] got = new float[y.length];
            tableY.pull(got);
            int differing = 0;
            for (int i = 0; i < y.length; i++) {
                differing += got[i] == (float) (y[i] + a * x[i]) ? 0 : 1;
            }
            return "axpy " + (differing == 0 ? "same" : differing + " differing") + " floats, dot within "
                    + (error <= DOT_BOUND ? DOT_BOUND : error);
        }
    }

    private static ExampleSource examples() {
        return new ClusterGenerator(20, 4, 1).source(0, 6000);
    }

    private static Model model(String table) {
        return SoftmaxRegression.of(table, 4, OptimizerSpec.parse("sgd(rate=1)"), true);
    }

    private static LbfgsConfig config() {
        return LbfgsConfig.l2(0.5).withMaxPasses(PASSES);
    }

    /// The hash of what is left.
    private static String trained(int workers, Slowdown slowdown, String table) {
        try (EmbeddedServer server = server(2);
                Weir weir = server.connect()) {
            Model model = model(table);
            TrainingConfig training =
                    TrainingConfig.of("alone").withWorkers(workers).withSlowdown(slowdown);
            LbfgsResult _ = Sandblaster.train(
                    weir, new Task(examples(), model, config(), training), Part.ALL, ProgressListener.NONE);
            return ModelHash.of(weir, model.tables()).toString();
        }
    }

    private static String likeOne(KvConfig config) {
        Model model = model(tableName(config));
        try (Weir weir = connect(config)) {
            TrainingConfig training =
                    TrainingConfig.of(config.name()).withShare(new Share(config.rank(), config.workerCount()));
            LbfgsResult _ = Sandblaster.train(
                    weir,
                    new Task(examples(), model, config(), training),
                    config.rank() == 0 ? Part.ALL : Part.WORKERS,
                    ProgressListener.NONE);
            // The weights are stored when the coordinator is through.
            RunStatus _ = await(weir, config, RunStatus::finished);
            String together = ModelHash.of(weir, model.tables()).toString();
            String alone = trained(1, Slowdown.NONE, tableName(config));
            return together.equals(alone) ? "same" : together + " and " + alone;
        }
    }

    private static String besideASlowOne() {
        String slowed = trained(2, new Slowdown(1, 100), "m");
        String even = trained(1, Slowdown.NONE, "m");
        return slowed.equals(even) ? "same" : slowed + " and " + even;
    }

    private static String optimum(Path data, LbfgsConfig config, int workers, double expected, double within)
            throws Exception {
        try (EmbeddedServer server = server(workers);
                Weir weir = server.connect();
                LibsvmSource source = LibsvmSource.of(data)) {
            LogisticRegression model = new LogisticRegression(
                    TableSpec.embedding("lr", 1, OptimizerSpec.parse("sgd(rate=1)")), false, false);
            TrainingConfig training = TrainingConfig.of("optimum").withWorkers(workers);
            LbfgsResult result =
                    Sandblaster.train(weir, new Task(source, model, config, training), Part.ALL, ProgressListener.NONE);
            double error = Math.abs(result.objective() - expected) / expected;
            return error <= within && result.dataPasses() <= 100
                    ? String.format(Locale.ROOT, "%.2f, within %s", expected, text(within))
                    : result.objective() + " in " + result.dataPasses() + " passes";
        }
    }

    private static String text(double within) {
        return String.format(Locale.ROOT, "%.0e", within).replace("e-0", "e-");
    }
}
