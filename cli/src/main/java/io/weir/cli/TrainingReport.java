package io.weir.cli;

import io.weir.model.OptimizerSpec;
import io.weir.train.Latency;
import io.weir.train.LbfgsResult;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingResult;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What a training came to, for people and for programs. What this process does not know is left out: with L-BFGS
/// latencies, which nobody measures, and where it only lent a hand all that the coordinator alone knows. Immutable.
///
/// @param facts adds the fields that say what the model is
/// @param lbfgs what came of L-BFGS, absent elsewhere
/// @param shards of the whole cluster
/// @param test absent without test data
/// @param model absent in processes that only lent a hand
record TrainingReport(
        TrainingConfig training,
        OptimizerSpec optimizer,
        Consumer<Json> facts,
        TrainingResult result,
        @Nullable LbfgsResult lbfgs,
        int shards,
        @Nullable Score test,
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

    /// @param restarts of worker processes; below 0 if this process supervised none
    void print(Output output, boolean json, int restarts) {
        if (json) {
            Json object = json();
            if (restarts >= 0) {
                object.put("processes", training.share().count()).put("restarts", restarts);
            }
            output.out().println(object.text());
        } else {
            print(output.out());
        }
        output.out().flush();
    }

    private int members() {
        return training.memberCount();
    }

    /// Whether this process knows the losses of passes, and what was gone through in them: not if it only lent L-BFGS a
    /// hand.
    private boolean knowsPasses() {
        return lbfgs == null || model != null;
    }

    private boolean knowsLatencies() {
        return lbfgs == null;
    }

    private void print(PrintStream out) {
        out.printf(
                Locale.ROOT,
                "trained on %s examples in %.2f s: %s examples/s, %s, %s%n",
                Quantities.ofCount(result.examples()),
                result.seconds(),
                Quantities.ofRate(result.examplesPerSecond()),
                result.workers() == training.memberCount()
                        ? Quantities.plural(result.workers(), "worker")
                        : Quantities.plural(result.workers(), "worker") + " (process "
                                + training.share().index() + " of "
                                + training.share().count() + ")",
                Quantities.plural(shards, "shard"));
        if (lbfgs != null && model != null) {
            out.printf(
                    Locale.ROOT,
                    "  objective            %.9g, gradient norm %.3g, %d passes%s%n",
                    lbfgs.objective(),
                    lbfgs.gradientNorm(),
                    lbfgs.dataPasses(),
                    lbfgs.converged() ? "" : ", not converged");
        }
        if (knowsPasses()) {
            printLosses(out);
        }
        if (knowsLatencies()) {
            out.printf(
                    "  latency              pull p50 %s p99 %s, push p50 %s p99 %s%n",
                    Quantities.ofMicros(result.pull().p50Micros()),
                    Quantities.ofMicros(result.pull().p99Micros()),
                    Quantities.ofMicros(result.push().p50Micros()),
                    Quantities.ofMicros(result.push().p99Micros()));
        }
        if (test != null) {
            out.println("  test                 " + test.text());
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

    private void printLosses(PrintStream out) {
        out.printf(Locale.ROOT, "  progressive logloss  %.5f%n", result.progressiveLogloss());
        int passes = result.passLogloss().size();
        if (passes > 1) {
            out.printf(
                    Locale.ROOT,
                    "  logloss, last pass   %.5f%n",
                    result.passLogloss().get(passes - 1));
        }
    }

    private Json json() {
        Json json = new Json().put("examples", result.examples());
        if (knowsPasses()) {
            json.put("features", result.features()).put("batches", result.batches());
        }
        json.put("seconds", result.seconds()).put("examplesPerSecond", result.examplesPerSecond());
        if (knowsPasses()) {
            json.put(
                    "progressive",
                    new Json().put("logloss", result.progressiveLogloss()).put("passes", result.passLogloss()));
        }
        json.put("test", test == null ? null : test.json())
                .put("model", model == null ? null : json(model))
                .put("workers", members())
                .put("shards", shards)
                .put("run", training.run())
                .put("consistency", training.membership().consistency().text())
                .put("optimizer", optimizer.text());
        putAlgorithm(json);
        TransferOptions.putFacts(training.transfer(), json);
        facts.accept(json);
        json.put("batch", training.batch());
        if (knowsLatencies()) {
            json.put("pull", json(result.pull())).put("push", json(result.push()));
        }
        return json;
    }

    private void putAlgorithm(Json json) {
        LbfgsResult lbfgs = this.lbfgs;
        if (lbfgs == null) {
            AlgorithmOptions.putFacts(training.algorithm(), json);
        } else {
            AlgorithmOptions.putFacts(lbfgs, json);
        }
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
