package io.weir.cli;

import io.weir.train.ClassEvaluation;
import io.weir.train.Evaluation;
import io.weir.train.ExampleSource;
import io.weir.train.LogisticRegression;
import io.weir.train.SavedModel;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `weir eval`.
@Command(
        name = "eval",
        description = "Score a saved model on labelled examples, without a server.",
        footer = {
            "  weir eval --model model.weir --data test.svm",
            "  weir eval --model model.weir --data test.svm --json"
        })
final class EvalCommand extends WeirOptions {
    @Option(names = "--model", required = true, paramLabel = "<file>", description = "Model that was saved.")
    Path model = Path.of("");

    @Option(
            names = "--data",
            required = true,
            paramLabel = "<file>",
            description = "Labelled examples, as the model was trained on.")
    Path data = Path.of("");

    @Mixin
    ExampleOptions examples = new ExampleOptions();

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    EvalCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        Inputs.requireFile("model", model);
        Inputs.requireFile("data", data);
        SavedModel read = SavedModel.read(model);
        Score score;
        try (ExampleSource source = examples.open(data, read, false)) {
            score = score(source, read);
        }
        if (json) {
            output.out()
                    .println(score.json()
                            .put(
                                    "model",
                                    new Json()
                                            .put("rows", read.rowCount())
                                            .put("hash", read.hash().toString()))
                            .text());
        } else {
            output.out().println(score.text());
        }
        return Exit.OK;
    }

    private static Score score(ExampleSource source, SavedModel read) {
        return read.model() instanceof LogisticRegression model
                ? Score.of(Evaluation.of(source, read.weights().getFirst(), model.bias()))
                : Score.of(ClassEvaluation.of(source, read.model(), read.weights()));
    }
}
