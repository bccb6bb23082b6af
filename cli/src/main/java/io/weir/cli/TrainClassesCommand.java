package io.weir.cli;

import io.weir.train.ClassEvaluation;
import io.weir.train.ExampleSource;
import io.weir.train.Model;
import io.weir.train.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// What the `weir train` commands for several classes have in common: their examples and their scores.
abstract class TrainClassesCommand extends TrainModelCommand {
    @Mixin
    ExampleOptions examples = new ExampleOptions();

    @Option(names = "--test-labels", paramLabel = "<file>", description = "Labels of idx test data, likewise.")
    @Nullable
    Path testLabels;

    TrainClassesCommand(Output output) {
        super(output);
    }

    @Override
    final OptionalDouble scale(OptionalDouble saved) {
        return OptionalDouble.of(examples.scale(data, saved));
    }

    @Override
    final ExampleSource open(Path file, boolean test, Model model, OptionalDouble scale) {
        return examples.open(
                file, test ? testLabels : examples.labels, model.marginCount(), scale.getAsDouble(), false);
    }

    @Override
    final Score score(ExampleSource source, Model model, List<Weights> weights) {
        return Score.of(ClassEvaluation.of(source, model, weights));
    }

    /// The options of the examples, for another process.
    final List<String> describeExamples() {
        List<String> options = new ArrayList<>();
        if (examples.labels != null) {
            options.addAll(List.of("--labels", examples.labels.toString()));
        }
        if (examples.scale != null) {
            options.addAll(List.of("--scale", examples.scale.toString()));
        }
        return options;
    }
}
