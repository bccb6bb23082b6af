package io.weir.cli;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.Evaluation;
import io.weir.train.ExampleSource;
import io.weir.train.LibsvmSource;
import io.weir.train.LogisticRegression;
import io.weir.train.Model;
import io.weir.train.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir train lr`: logistic regression on libsvm text.
@Command(
        name = "lr",
        sortOptions = false,
        description = {
            "Train a logistic regression on libsvm text: plain, .gz or .zst; labels -1/+1 or 0/1.",
            "The parameter servers are in this process unless --servers names others."
        },
        footer = {
            "  weir train lr --data train.svm --test test.svm",
            "  weir train lr --data train.svm.zst --optimizer 'ftrl(alpha=0.1,beta=1,l1=1,l2=0)' --passes 3 --shuffle \\",
            "      --model-out model.weir",
            "  weir train lr --data train.svm --test test.svm --json",
            "",
            "  Two processes, one model; the process with index 0 waits for the other, evaluates and saves:",
            "  weir train lr --data train.svm --servers a:7700,b:7700 --run ctr --worker-index 0 --worker-count 2 \\",
            "      --test test.svm --model-out model.weir",
            "  weir train lr --data train.svm --servers a:7700,b:7700 --run ctr --worker-index 1 --worker-count 2",
            "",
            "--json prints one object: examples, seconds, examplesPerSecond, workers and shards, and nested in it",
            "progressive {logloss, passes}, test {examples, logloss, auc, accuracy} (null without --test) and",
            "model {rows, hash, memoryBytes, file} (null unless --worker-index is 0). workers are all of the run."
        })
final class TrainLrCommand extends TrainModelCommand {
    @Option(names = "--bias", negatable = true, description = "Learn a bias as well. Default: no bias.")
    @Nullable
    Boolean bias;

    @Option(names = "--mean", description = "Push the mean gradient of a batch. Default: the sum.")
    boolean mean;

    TrainLrCommand(Output output) {
        super(output);
    }

    @Override
    String word() {
        return "lr";
    }

    @Override
    String defaultOptimizer() {
        return "adagrad(rate=0.1)";
    }

    @Override
    Model newModel(String name, OptimizerSpec optimizer) {
        return new LogisticRegression(TableSpec.embedding(name, 1, optimizer), mean, Boolean.TRUE.equals(bias));
    }

    @Override
    Model goOnFrom(Model saved) {
        LogisticRegression model = requireKind(saved, LogisticRegression.class);
        requireSame("bias", bias, model.bias());
        return new LogisticRegression(model.table(), mean, model.bias());
    }

    @Override
    List<String> describe(Model model) {
        List<String> options = new ArrayList<>();
        options.add(((LogisticRegression) model).bias() ? "--bias" : "--no-bias");
        if (mean) {
            options.add("--mean");
        }
        return options;
    }

    @Override
    void putFacts(Model model, Json json) {
        json.put("bias", ((LogisticRegression) model).bias());
    }

    @Override
    OptionalDouble scale(OptionalDouble saved) {
        return OptionalDouble.empty();
    }

    @Override
    ExampleSource open(Path file, boolean test, Model model, OptionalDouble scale) {
        return LibsvmSource.of(file);
    }

    @Override
    Score score(ExampleSource source, Model model, List<Weights> weights) {
        return Score.of(Evaluation.of(source, weights.getFirst(), ((LogisticRegression) model).bias()));
    }
}
