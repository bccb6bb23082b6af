package io.weir.cli;

import io.weir.train.Algorithm;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.LbfgsConfig;
import io.weir.train.LbfgsResult;
import io.weir.train.Model;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How a training uses its servers.
final class AlgorithmOptions {
    private static final String SANDBLASTER = "sandblaster";
    private static final int DEFAULT_BATCHES = 1;
    private static final long DEFAULT_WARM_START = 100;

    @Option(
            names = "--algorithm",
            paramLabel = "<a>",
            description =
                    "sgd: each batch pulls what it needs and pushes its gradients; downpour: Downpour SGD, whose workers "
                            + "train on copies of their own and fetch and push meanwhile; sandblaster: L-BFGS on all examples, for lr "
                            + "and softmax. Default: ${DEFAULT-VALUE}.")
    String algorithm = "sgd";

    @Option(
            names = "--n-fetch",
            paramLabel = "<n>",
            description = "With downpour: batches between two fetches. Default: 1.")
    @Nullable
    Integer batchesPerFetch;

    @Option(
            names = "--n-push",
            paramLabel = "<n>",
            description = "With downpour: batches whose gradients are pushed as one sum. Default: 1.")
    @Nullable
    Integer batchesPerPush;

    @Option(
            names = "--local-rate",
            paramLabel = "<rate>",
            description =
                    "With downpour: of the steps on a worker's own copy. Default: the rate of the optimizer if this is "
                            + "sgd, otherwise 0.01, for a mean of gradients.")
    @Nullable
    Float localRate;

    @Option(
            names = "--warm-start",
            paramLabel = "<n>",
            description = "With downpour: batches that worker 0 trains on before the others begin. Default: 100.")
    @Nullable
    Long warmStart;

    @Option(
            names = "--l2-c",
            paramLabel = "<c>",
            description = "With sandblaster: minimise 1/2 ||w||^2 + c * sum of losses. Default: with c 1.")
    @Nullable
    Double l2C;

    @Option(
            names = "--l1-c",
            paramLabel = "<c>",
            description = "With sandblaster: minimise ||w||_1 + c * sum of losses.")
    @Nullable
    Double l1C;

    @Option(
            names = "--history",
            paramLabel = "<m>",
            description = "With sandblaster: steps that the curvature is taken from, at most. Default: 100.")
    @Nullable
    Integer history;

    @Option(
            names = "--tolerance",
            paramLabel = "<t>",
            description = "With sandblaster: end when the gradient is t times that at the start. Default: 1e-6.")
    @Nullable
    Double tolerance;

    boolean isSandblaster() {
        return algorithm.equals(SANDBLASTER);
    }

    /// What L-BFGS is to minimise, null with another algorithm.
    ///
    /// @param passes over the data at most, null for the default
    @Nullable
    LbfgsConfig lbfgs(@Nullable Integer passes) {
        boolean any = l2C != null || l1C != null || history != null || tolerance != null;
        if (!isSandblaster()) {
            if (any) {
                throw new IllegalArgumentException("--l2-c, --l1-c, --history and --tolerance go with --algorithm"
                        + " sandblaster: algorithm=" + algorithm);
            }
            return null;
        }
        if (l2C != null && l1C != null) {
            throw new IllegalArgumentException("weights are kept small by their squares or by their absolute values:"
                    + " l2-c=" + l2C + ", l1-c=" + l1C);
        }
        LbfgsConfig config = l1C == null ? LbfgsConfig.l2(l2C == null ? 1 : l2C) : LbfgsConfig.l1(l1C);
        return config.withHistory(history == null ? config.history() : history)
                .withMaxPasses(passes == null ? config.maxPasses() : passes)
                .withTolerance(tolerance == null ? config.tolerance() : tolerance);
    }

    /// What the options choose for a model.
    ///
    /// @param batch examples of a minibatch
    Algorithm choose(Model model, int batch) {
        return switch (algorithm) {
            case "sgd", SANDBLASTER -> {
                if (!given().isEmpty()) {
                    throw new IllegalArgumentException(
                            String.join(", ", given()) + " go with --algorithm downpour: algorithm=" + algorithm);
                }
                yield new Algorithm.Stepwise();
            }
            case "downpour" ->
                new Downpour(
                        batchesPerFetch == null ? DEFAULT_BATCHES : batchesPerFetch,
                        batchesPerPush == null ? DEFAULT_BATCHES : batchesPerPush,
                        localRate == null ? Downpour.defaultLocalRate(model, batch) : localRate,
                        warmStart == null ? DEFAULT_WARM_START : warmStart,
                        Downpour.DEFAULT_PUSHES_AHEAD);
            default ->
                throw new IllegalArgumentException(
                        "algorithm must be sgd, downpour or sandblaster: algorithm=" + algorithm);
        };
    }

    private List<String> given() {
        List<String> given = new ArrayList<>();
        if (batchesPerFetch != null) {
            given.add("--n-fetch");
        }
        if (batchesPerPush != null) {
            given.add("--n-push");
        }
        if (localRate != null) {
            given.add("--local-rate");
        }
        if (warmStart != null) {
            given.add("--warm-start");
        }
        return given;
    }

    /// The options that choose `algorithm`, for another process.
    static List<String> describe(Algorithm algorithm) {
        return switch (algorithm) {
            case Algorithm.Stepwise _ -> List.of("--algorithm", algorithm.text());
            case Downpour downpour ->
                List.of(
                        "--algorithm",
                        algorithm.text(),
                        "--n-fetch",
                        Integer.toString(downpour.batchesPerFetch()),
                        "--n-push",
                        Integer.toString(downpour.batchesPerPush()),
                        "--local-rate",
                        Float.toString(downpour.localRate()),
                        "--warm-start",
                        Long.toString(downpour.warmStartBatches()));
        };
    }

    /// The options of L-BFGS, for a process of workers.
    static List<String> describe(LbfgsConfig lbfgs) {
        return List.of("--algorithm", SANDBLASTER, lbfgs.l1() ? "--l1-c" : "--l2-c", Double.toString(lbfgs.c()));
    }

    /// What L-BFGS came to; the process that coordinated it knows.
    static void putFacts(LbfgsResult lbfgs, Json json) {
        json.put("algorithm", SANDBLASTER);
        if (!Double.isNaN(lbfgs.objective())) {
            json.put("objective", lbfgs.objective())
                    .put("gradientNorm", lbfgs.gradientNorm())
                    .put("dataPasses", lbfgs.dataPasses())
                    .put("iterations", lbfgs.iterations())
                    .put("converged", lbfgs.converged());
        }
    }

    /// The same for a report.
    static void putFacts(Algorithm algorithm, Json json) {
        json.put("algorithm", algorithm.text());
        if (algorithm instanceof Downpour downpour) {
            json.put("nFetch", downpour.batchesPerFetch())
                    .put("nPush", downpour.batchesPerPush())
                    .put("localRate", downpour.localRate())
                    .put("warmStart", downpour.warmStartBatches());
        }
    }
}
