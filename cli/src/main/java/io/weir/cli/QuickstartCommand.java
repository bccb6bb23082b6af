package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.OptimizerSpec;
import io.weir.train.CtrGenerator;
import io.weir.train.Evaluation;
import io.weir.train.LogisticRegression;
import io.weir.train.LrConfig;
import io.weir.train.TrainingResult;
import io.weir.train.Weights;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir quickstart`.
@Command(
        name = "quickstart",
        description = {
            "Generate a stream of ad clicks, train on it with parameter servers in this process, and say how near the",
            "model comes to the best that is possible. Needs no files, and less than 20 seconds on two cores."
        },
        footer = {"  weir quickstart", "  weir quickstart --json"})
final class QuickstartCommand extends WeirOptions {
    private static final int FIELDS = 39;
    private static final long FEATURES = 19_500;
    private static final long TEST_ROWS = 50_000;
    private static final int BATCH = 256;
    private static final String OPTIMIZER = "ftrl(alpha=0.1,beta=1,l1=0,l2=1)";

    @Option(names = "--rows", paramLabel = "<n>", description = "Examples to train on. Default: ${DEFAULT-VALUE}.")
    long rows = 1_000_000;

    @Option(names = "--seed", paramLabel = "<n>", description = "Of the stream. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    boolean json;

    QuickstartCommand(Output output) {
        super(output);
    }

    /// Says at once what will happen, before the classes that do it are loaded.
    static void greet(String[] args, Output output) {
        List<String> words = List.of(args);
        if (words.isEmpty() || !words.get(0).equals("quickstart") || words.contains("-h") || words.contains("--help")) {
            return;
        }
        PrintStream stream = words.contains("--json") ? output.err() : output.out();
        stream.println("Weir quickstart: learning to predict ad clicks, with parameter servers in this process");
        stream.flush();
    }

    @Override
    public Integer call() {
        CtrGenerator generator = new CtrGenerator(rows, FEATURES, FIELDS, seed);
        int workers = Runtime.getRuntime().availableProcessors();
        LrConfig config = LrConfig.of("quickstart", OptimizerSpec.parse(OPTIMIZER))
                .withBias(true)
                .with(training -> training.withBatch(BATCH).withWorkers(workers));
        try (EmbeddedServer server = EmbeddedServer.open(Memory.config(null));
                Weir weir = server.connect()) {
            TrainingResult result = train(weir, generator, config);
            Weights weights = Weights.of(weir.table("quickstart"));
            Evaluation test = Evaluation.of(generator.source(rows, rows + TEST_ROWS), weights, true);
            Evaluation best = generator.best(rows, rows + TEST_ROWS);
            TableInfo table = weir.describe("quickstart").orElseThrow();
            int shards = weir.shardMap().shardCount();
            if (json) {
                output.out().println(json(result, test, best, table, shards).text());
            } else {
                print(output.out(), result, test, best, table, shards);
            }
        }
        return Exit.OK;
    }

    private TrainingResult train(Weir weir, CtrGenerator generator, LrConfig config) {
        try (ProgressView view = new ProgressView(output)) {
            return LogisticRegression.train(
                    weir,
                    generator.source(),
                    config.with(training -> training.withProgressInterval(view.interval())),
                    view);
        }
    }

    /// The logloss of always saying how often the label is 1 on average.
    private static double guess(Evaluation of) {
        double rate = (double) of.positives() / of.examples();
        return -rate * Math.log(rate) - (1 - rate) * Math.log(1 - rate);
    }

    private static void print(
            PrintStream out, TrainingResult result, Evaluation test, Evaluation best, TableInfo table, int shards) {
        double guess = guess(test);
        out.println();
        out.printf(
                Locale.ROOT,
                "Learned from %s impressions of %d fields in %.1f s: %s examples/s, %s, %s.%n",
                Quantities.ofCount(result.examples()),
                FIELDS,
                result.seconds(),
                Quantities.ofRate(result.examplesPerSecond()),
                Quantities.plural(result.workers(), "worker"),
                Quantities.plural(shards, "shard"));
        out.printf("On %s impressions that it has not seen:%n%n", Quantities.ofCount(test.examples()));
        out.printf("              %10s %10s %10s%n", "guessing", "Weir", "possible");
        out.printf(
                Locale.ROOT,
                "  AUC         %10.4f %10.4f %10.4f   %.1f %% of the way%n",
                0.5,
                test.auc(),
                best.auc(),
                100 * (test.auc() - 0.5) / (best.auc() - 0.5));
        out.printf(
                Locale.ROOT,
                "  logloss     %10.4f %10.4f %10.4f   %.1f %% of the way%n%n",
                guess,
                test.logloss(),
                best.logloss(),
                100 * (guess - test.logloss()) / (guess - best.logloss()));
        out.printf(
                Locale.ROOT,
                "The servers hold %s rows, a weight and two FTRL slots each, in %s: %.0f bytes a row.%n",
                Quantities.ofCount(table.rowCount()),
                Quantities.ofBytes(table.memoryBytes()),
                (double) table.memoryBytes() / table.rowCount());
        out.printf(
                "A pull took %s, a push %s (medians, %d examples a batch).%n",
                Quantities.ofMicros(result.pull().p50Micros()),
                Quantities.ofMicros(result.push().p50Micros()),
                BATCH);
        out.println();
        out.println("What to try next:");
        out.println("  weir train lr --data train.svm --test test.svm      your own data, as libsvm text");
        out.println("  weir datagen ctr --rows 200000 --out ctr.svm        such a stream as a file");
        out.println("  weir server                                         a server of its own, then:");
        out.println("  weir train lr --data ctr.svm --servers 127.0.0.1:7700");
        out.println("  weir bench pull                                     how fast this machine can be");
    }

    private static Json json(TrainingResult result, Evaluation test, Evaluation best, TableInfo table, int shards) {
        return new Json()
                .put("examples", result.examples())
                .put("seconds", result.seconds())
                .put("examplesPerSecond", result.examplesPerSecond())
                .put("progressive", new Json().put("logloss", result.progressiveLogloss()))
                .put("test", Score.json(test))
                .put("best", Score.json(best))
                .put("model", new Json().put("rows", table.rowCount()).put("memoryBytes", table.memoryBytes()))
                .put("workers", result.workers())
                .put("shards", shards)
                .put("pull", TrainingReport.json(result.pull()))
                .put("push", TrainingReport.json(result.push()));
    }
}
