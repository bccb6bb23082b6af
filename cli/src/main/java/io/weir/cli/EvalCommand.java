package io.weir.cli;

import io.weir.train.Evaluation;
import io.weir.train.LibsvmSource;
import io.weir.train.LrModel;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
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

    @Option(names = "--data", required = true, paramLabel = "<file>", description = "Labelled examples, libsvm text.")
    Path data = Path.of("");

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    EvalCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        Inputs.requireFile("model", model);
        Inputs.requireFile("data", data);
        LrModel read = LrModel.read(model);
        Evaluation evaluation = Evaluation.of(LibsvmSource.of(data), read.weights(), read.bias());
        if (json) {
            output.out()
                    .println(LrReport.json(evaluation)
                            .put(
                                    "model",
                                    new Json()
                                            .put("rows", read.rowCount())
                                            .put("hash", read.hash().toString()))
                            .text());
        } else {
            output.out()
                    .printf(
                            Locale.ROOT,
                            "AUC %.5f, logloss %.5f, accuracy %.2f %%, %s examples of which %s positive%n",
                            evaluation.auc(),
                            evaluation.logloss(),
                            100 * evaluation.accuracy(),
                            Quantities.ofCount(evaluation.examples()),
                            Quantities.ofCount(evaluation.positives()));
        }
        return Exit.OK;
    }
}
