package io.weir.cli;

import io.weir.train.Algorithm;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.Model;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How a training uses its servers.
final class AlgorithmOptions {
    private static final int DEFAULT_BATCHES = 1;
    private static final long DEFAULT_WARM_START = 100;

    @Option(
            names = "--algorithm",
            paramLabel = "<a>",
            description = {
                "sgd: each batch pulls what it needs and pushes its gradients; downpour: Downpour SGD, whose workers",
                "train on copies of their own and fetch and push meanwhile. Default: ${DEFAULT-VALUE}."
            })
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
            description = {
                "With downpour: of the steps on a worker's own copy. Default: the rate of the optimizer if this is",
                "sgd, otherwise 0.01, for a mean of gradients."
            })
    @Nullable
    Float localRate;

    @Option(
            names = "--warm-start",
            paramLabel = "<n>",
            description = "With downpour: batches that worker 0 trains on before the others begin. Default: 100.")
    @Nullable
    Long warmStart;

    /// What the options choose for a model.
    ///
    /// @param batch examples of a minibatch
    Algorithm choose(Model model, int batch) {
        return switch (algorithm) {
            case "sgd" -> {
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
            default -> throw new IllegalArgumentException("algorithm must be sgd or downpour: algorithm=" + algorithm);
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
