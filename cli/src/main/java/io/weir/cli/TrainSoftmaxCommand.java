package io.weir.cli;

import io.weir.model.OptimizerSpec;
import io.weir.train.Model;
import io.weir.train.SoftmaxRegression;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir train softmax`: softmax regression.
@Command(
        name = "softmax",
        sortOptions = false,
        description = {
            "Train a softmax regression, which tells several classes apart, on idx files as those of MNIST, or on libsvm",
            "text with labels 0, 1, 2 ...; plain, .gz or .zst. Gradients are means over a batch.",
            "The parameter servers are in this process unless --servers names others."
        },
        footer = {
            "  weir train softmax --data train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz \\",
            "      --batch 128 --passes 10 --shuffle",
            "  weir train softmax --data digits.svm --scale 0.0625 --optimizer 'adagrad(rate=0.1)' --passes 20 --json",
            "",
            "--json prints one object as weir train lr does: examples, seconds, examplesPerSecond, workers and shards,",
            "and nested in it progressive {logloss, passes}, test {examples, logloss, accuracy} (null without --test)",
            "and model {rows, hash, memoryBytes, file} (null unless --worker-index is 0). logloss is the cross entropy."
        })
final class TrainSoftmaxCommand extends TrainClassesCommand {
    @Option(names = "--bias", negatable = true, description = "Learn a bias of each class as well. Default: it does.")
    @Nullable
    Boolean bias;

    @Option(
            names = "--classes",
            paramLabel = "<n>",
            description =
                    "Labels are 0 to n - 1. Default: to the greatest in the data, which takes a look at all of it.")
    @Nullable
    Integer classes;

    TrainSoftmaxCommand(Output output) {
        super(output);
    }

    @Override
    String word() {
        return "softmax";
    }

    @Override
    String defaultOptimizer() {
        return "adagrad(rate=0.05)";
    }

    @Override
    Model newModel(String name, OptimizerSpec optimizer) {
        int classCount = classes == null ? examples.countClasses(data) : classes;
        return SoftmaxRegression.of(name, classCount, optimizer, bias == null || bias);
    }

    @Override
    Model goOnFrom(Model saved) {
        SoftmaxRegression model = requireKind(saved, SoftmaxRegression.class);
        requireSame("bias", bias, model.bias());
        requireSame("classes", classes, model.marginCount());
        return model;
    }

    @Override
    List<String> describe(Model model) {
        List<String> options = new ArrayList<>(describeExamples());
        options.addAll(List.of("--classes", Integer.toString(model.marginCount())));
        options.add(((SoftmaxRegression) model).bias() ? "--bias" : "--no-bias");
        return options;
    }

    @Override
    void putFacts(Model model, Json json) {
        json.put("classes", model.marginCount()).put("bias", ((SoftmaxRegression) model).bias());
    }
}
