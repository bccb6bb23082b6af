package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.train.Evaluation;
import io.weir.train.Latency;
import io.weir.train.LibsvmSource;
import io.weir.train.LrConfig;
import io.weir.train.LrModel;
import io.weir.train.ModelHash;
import io.weir.train.TrainingResult;
import io.weir.train.Weights;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What a training came to, for people and for programs. Immutable.
///
/// @param shards of the whole cluster
/// @param test absent without test data
/// @param model absent in processes that only lent a hand
record LrReport(
        LrConfig config,
        TrainingResult result,
        int shards,
        @Nullable Evaluation test,
        @Nullable ModelFacts model) {
    /// The model as it stands on the servers.
    ///
    /// @param hash see [ModelHash]
    /// @param memoryBytes of the table, index included
    /// @param file where it was saved
    record ModelFacts(
            long rows,
            String hash,
            long memoryBytes,
            @Nullable Path file) {}

    /// The report of a process that trained on its share and leaves the rest to another.
    static LrReport ofShare(Weir weir, LrConfig config, TrainingResult result) {
        return new LrReport(config, result, weir.shardMap().shardCount(), null, null);
    }

    /// Scores and saves the finished model.
    static LrReport of(
            Weir weir, LrConfig config, TrainingResult result, @Nullable Path testFile, @Nullable Path modelFile) {
        String table = config.table().name();
        Weights weights;
        ModelHash hash;
        if (modelFile == null) {
            weights = Weights.of(weir.table(table));
            hash = ModelHash.of(weir, table);
        } else {
            LrModel model = LrModel.of(weir, table, config.bias());
            model.save(modelFile);
            weights = model.weights();
            hash = model.hash();
        }
        Evaluation test = testFile == null ? null : Evaluation.of(LibsvmSource.of(testFile), weights, config.bias());
        TableInfo info = weir.describe(table).orElseThrow();
        ModelFacts model = new ModelFacts(info.rowCount(), hash.toString(), info.memoryBytes(), modelFile);
        return new LrReport(config, result, weir.shardMap().shardCount(), test, model);
    }

    /// @param restarts of worker processes; below 0 if this process supervised none
    void print(Output output, boolean json, int restarts) {
        if (json) {
            Json object = json();
            if (restarts >= 0) {
                object.put("processes", config.training().share().count()).put("restarts", restarts);
            }
            output.out().println(object.text());
        } else {
            print(output.out());
        }
        output.out().flush();
    }

    private int members() {
        return config.training().memberCount();
    }

    private void print(PrintStream out) {
        out.printf(
                Locale.ROOT,
                "trained on %s examples in %.2f s: %s examples/s, %s, %s%n",
                Quantities.ofCount(result.examples()),
                result.seconds(),
                Quantities.ofRate(result.examplesPerSecond()),
                result.workers() == config.training().memberCount()
                        ? Quantities.plural(result.workers(), "worker")
                        : Quantities.plural(result.workers(), "worker") + " (process "
                                + config.training().share().index() + " of "
                                + config.training().share().count() + ")",
                Quantities.plural(shards, "shard"));
        out.printf(Locale.ROOT, "  progressive logloss  %.5f%n", result.progressiveLogloss());
        int passes = result.passLogloss().size();
        if (passes > 1) {
            out.printf(
                    Locale.ROOT,
                    "  logloss, last pass   %.5f%n",
                    result.passLogloss().get(passes - 1));
        }
        out.printf(
                "  latency              pull p50 %s p99 %s, push p50 %s p99 %s%n",
                Quantities.ofMicros(result.pull().p50Micros()),
                Quantities.ofMicros(result.pull().p99Micros()),
                Quantities.ofMicros(result.push().p50Micros()),
                Quantities.ofMicros(result.push().p99Micros()));
        if (test != null) {
            out.printf(
                    Locale.ROOT,
                    "  test                 AUC %.5f, logloss %.5f, accuracy %.2f %%, %s examples%n",
                    test.auc(),
                    test.logloss(),
                    100 * test.accuracy(),
                    Quantities.ofCount(test.examples()));
        }
        if (model != null) {
            out.printf(
                    "  model                %s rows, %s, hash %s%n",
                    Quantities.ofCount(model.rows()), Quantities.ofBytes(model.memoryBytes()), model.hash());
            if (model.file() != null) {
                out.printf("  saved to             %s%n", model.file());
            }
        } else {
            out.println("  the process with --worker-index 0 evaluates and saves the model");
        }
    }

    private Json json() {
        return new Json()
                .put("examples", result.examples())
                .put("features", result.features())
                .put("batches", result.batches())
                .put("seconds", result.seconds())
                .put("examplesPerSecond", result.examplesPerSecond())
                .put(
                        "progressive",
                        new Json().put("logloss", result.progressiveLogloss()).put("passes", result.passLogloss()))
                .put("test", test == null ? null : json(test))
                .put("model", model == null ? null : json(model))
                .put("workers", members())
                .put("shards", shards)
                .put("run", config.training().run())
                .put("consistency", config.training().membership().consistency().text())
                .put("optimizer", config.table().optimizer().text())
                .put("bias", config.bias())
                .put("batch", config.training().batch())
                .put("pull", json(result.pull()))
                .put("push", json(result.push()));
    }

    static Json json(Evaluation evaluation) {
        return new Json()
                .put("examples", evaluation.examples())
                .put("positives", evaluation.positives())
                .put("logloss", evaluation.logloss())
                .put("auc", evaluation.auc())
                .put("accuracy", evaluation.accuracy());
    }

    private static Json json(ModelFacts model) {
        return new Json()
                .put("rows", model.rows())
                .put("hash", model.hash())
                .put("memoryBytes", model.memoryBytes())
                .put("file", model.file());
    }

    static Json json(Latency latency) {
        return new Json()
                .put("count", latency.count())
                .put("p50Micros", latency.p50Micros())
                .put("p99Micros", latency.p99Micros())
                .put("p999Micros", latency.p999Micros())
                .put("maxMicros", latency.maxMicros());
    }
}
