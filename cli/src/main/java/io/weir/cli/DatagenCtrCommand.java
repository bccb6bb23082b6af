package io.weir.cli;

import io.weir.train.CtrGenerator;
import io.weir.train.Evaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir datagen ctr`.
@Command(
        name = "ctr",
        sortOptions = false,
        description = {
            "Write a stream of ad impressions as libsvm text: Zipf-distributed ids, labels drawn from planted",
            "weights, so that the best reachable AUC and logloss are known. Compressed if the name ends in .gz or .zst."
        },
        footer = {
            "  weir datagen ctr --rows 200000 --features 1000000 --nonzeros 40 --seed 1 --out ctr.svm",
            "  weir datagen ctr --rows 1000000 --out ctr.svm.zst --json"
        })
final class DatagenCtrCommand extends WeirOptions {
    private static final long MOST_SCORED_ROWS = 1 << 20;

    @Option(names = "--rows", paramLabel = "<n>", description = "Examples. Default: ${DEFAULT-VALUE}.")
    long rows = 200_000;

    @Option(names = "--features", paramLabel = "<n>", description = "Different ids. Default: ${DEFAULT-VALUE}.")
    long features = 1_000_000;

    @Option(names = "--nonzeros", paramLabel = "<n>", description = "Ids of an example. Default: ${DEFAULT-VALUE}.")
    int nonzeros = 39;

    @Option(
            names = "--first-row",
            paramLabel = "<n>",
            description = "Where in the stream to begin: rows after those of a training file are its test data."
                    + " Default: ${DEFAULT-VALUE}.")
    long firstRow = 0;

    @Option(
            names = "--seed",
            paramLabel = "<n>",
            description = "Same seed, same stream; another seed has other planted weights. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(names = "--out", required = true, paramLabel = "<file>", description = "File to write.")
    Path out = Path.of("");

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    DatagenCtrCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        Inputs.requireWritable("data", out);
        CtrGenerator generator = new CtrGenerator(rows, features, nonzeros, seed);
        generator.write(out, firstRow, firstRow + rows, Runtime.getRuntime().availableProcessors());
        long scored = Math.min(rows, MOST_SCORED_ROWS);
        Evaluation best = generator.best(firstRow, firstRow + scored);
        if (json) {
            output.out()
                    .println(new Json()
                            .put("rows", rows)
                            .put("features", features)
                            .put("nonzeros", nonzeros)
                            .put("seed", seed)
                            .put("firstRow", firstRow)
                            .put("file", out)
                            .put("bytes", sizeOf(out))
                            .put("best", Score.json(best))
                            .text());
        } else {
            output.out()
                    .printf(
                            Locale.ROOT,
                            "%s: %s rows of %d ids out of %s, %s, %.1f %% clicks%n",
                            out,
                            Quantities.ofCount(rows),
                            nonzeros,
                            Quantities.ofCount(features),
                            Quantities.ofBytes(sizeOf(out)),
                            100.0 * best.positives() / best.examples());
            output.out()
                    .printf(
                            Locale.ROOT,
                            "best reachable: AUC %.5f, logloss %.5f%s%n",
                            best.auc(),
                            best.logloss(),
                            scored == rows ? "" : ", over the first " + Quantities.ofCount(scored) + " rows");
        }
        return Exit.OK;
    }

    private static long sizeOf(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, file + ": cannot be read: " + e, e);
        }
    }
}
