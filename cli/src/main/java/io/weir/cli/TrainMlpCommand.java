package io.weir.cli;

import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.train.Model;
import io.weir.train.Perceptron;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir train mlp`: a multi-layer perceptron.
@Command(
        name = "mlp",
        sortOptions = false,
        description = {
            "Train a multi-layer perceptron on idx files as those of MNIST, or on libsvm text with labels 0, 1, 2 ...;",
            "plain, .gz or .zst. Gradients are means over a batch. Each tensor is a dense table: RUN/layer1.weight,",
            "RUN/layer1.bias and so on. The parameter servers are in this process unless --servers names others."
        },
        footer = {
            "  weir train mlp --layers 784,128,10 --data train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz"
                    + " \\",
            "      --batch 128 --passes 10 --shuffle",
            "  weir train mlp --layers 784,128,10 --data train-images-idx3-ubyte.gz --slices 2 --processes 2 --workers"
                    + " 1",
            "  weir train mlp --layers 64,32,10 --activation tanh --dropout 0.2 --data digits.svm --scale 0.0625"
                    + " --json",
            "",
            "--json prints one object as weir train lr does: examples, seconds, examplesPerSecond, workers and shards,",
            "and nested in it progressive {logloss, passes}, test {examples, logloss, accuracy} (null without --test)",
            "and model {rows, hash, memoryBytes, file} (null unless --worker-index is 0). logloss is the cross entropy."
        })
final class TrainMlpCommand extends TrainClassesCommand {
    @Option(
            names = "--layers",
            paramLabel = "<n,...>",
            description = "Values of an example, then units of each layer; the last ones are the classes.")
    @Nullable
    String layers;

    @Option(
            names = "--activation",
            paramLabel = "<f>",
            description = "Of the hidden layers: relu, tanh or sigmoid. Default: relu.")
    @Nullable
    String activation;

    @Option(
            names = "--dropout",
            paramLabel = "<p>",
            description = "Leave out a hidden unit with this probability in training. Default: 0.")
    @Nullable
    Double dropout;

    @Option(
            names = "--slices",
            paramLabel = "<n>",
            description = "Cut each replica of the model over so many workers: threads, or with --processes or "
                    + "--worker-count those of several processes. The workers of all of them are a multiple of it. "
                    + "Default: ${DEFAULT-VALUE}.")
    int slices = 1;

    TrainMlpCommand(Output output) {
        super(output);
    }

    @Override
    String word() {
        return "mlp";
    }

    @Override
    String defaultOptimizer() {
        return "adam(rate=0.001)";
    }

    @Override
    int slices() {
        if (slices < 1 || slices > RunSpec.MAX_SLICES) {
            throw new IllegalArgumentException("slices must be from 1 to " + RunSpec.MAX_SLICES + ": slices=" + slices);
        }
        return slices;
    }

    @Override
    Model newModel(String name, OptimizerSpec optimizer) {
        if (layers == null) {
            throw new IllegalArgumentException("a perceptron needs --layers, such as 784,128,10");
        }
        return new Perceptron(
                        name,
                        units(layers),
                        activation == null ? Activation.RELU : Activation.parse(activation),
                        dropout == null ? 0 : dropout,
                        optimizer,
                        seed)
                .requireSlices(slices());
    }

    private static List<Integer> units(String layers) {
        try {
            return Arrays.stream(layers.split(",", -1)).map(Integer::valueOf).toList();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("layers must be numbers parted by commas: layers=" + layers, e);
        }
    }

    @Override
    Model goOnFrom(Model saved) {
        Perceptron model = requireKind(saved, Perceptron.class);
        requireSame("layers", layers, text(model.layers()));
        requireSame("activation", activation, model.activation().text());
        return new Perceptron(
                        model.name(),
                        model.layers(),
                        model.activation(),
                        dropout == null ? model.dropout() : dropout,
                        model.optimizer(),
                        model.seed())
                .requireSlices(slices());
    }

    private static String text(List<Integer> layers) {
        return String.join(",", layers.stream().map(String::valueOf).toList());
    }

    @Override
    List<String> describe(Model model) {
        Perceptron perceptron = (Perceptron) model;
        List<String> options = new ArrayList<>(describeExamples());
        options.addAll(List.of("--layers", text(perceptron.layers())));
        options.addAll(List.of("--activation", perceptron.activation().text()));
        options.addAll(List.of("--dropout", Double.toString(perceptron.dropout())));
        options.addAll(List.of("--slices", Integer.toString(slices)));
        return options;
    }

    @Override
    void putFacts(Model model, Json json) {
        Perceptron perceptron = (Perceptron) model;
        json.put("layers", perceptron.layers())
                .put("activation", perceptron.activation().text())
                .put("dropout", perceptron.dropout())
                .put("slices", slices);
    }
}
