package io.weir.cli;

import io.weir.train.ExampleSource;
import io.weir.train.Predictor;
import io.weir.train.SavedModel;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `weir predict`.
@Command(
        name = "predict",
        description = {
            "Write a line for each example, with a saved model and no server: the probability of the label 1, or, of a",
            "model of several classes, the most probable class and then the probability of each."
        },
        footer = {
            "  weir predict --model model.weir --data today.svm > probabilities.txt",
            "  weir predict --model model.weir --data today.svm.gz --out probabilities.txt",
            "",
            "Labels may be there or not."
        })
final class PredictCommand extends WeirOptions {
    @Option(names = "--model", required = true, paramLabel = "<file>", description = "Model that was saved.")
    Path model = Path.of("");

    @Option(
            names = "--data",
            required = true,
            paramLabel = "<file>",
            description = "Examples, as the model was trained on.")
    Path data = Path.of("");

    @Mixin
    ExampleOptions examples = new ExampleOptions();

    @Option(names = "--out", paramLabel = "<file>", description = "Where to write. Default: standard output.")
    @Nullable
    Path out;

    PredictCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        Inputs.requireFile("model", model);
        Inputs.requireFile("data", data);
        Inputs.requireWritable("prediction", out);
        SavedModel read = SavedModel.read(model);
        long predicted;
        try (ExampleSource source = examples.open(data, read, true)) {
            predicted = out == null
                    ? toStandardOutput(source, read)
                    : Predictor.predict(source, read.model(), read.weights(), out);
        }
        output.err().println("predicted " + Quantities.ofCount(predicted) + " examples");
        return Exit.OK;
    }

    private long toStandardOutput(ExampleSource source, SavedModel read) {
        try (OutputStream stream = new BufferedOutputStream(new StandardOutput(output.out()), 1 << 16)) {
            return Predictor.predict(source, read.model(), read.weights(), stream);
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, "predictions cannot be written: " + e.getMessage(), e);
        }
    }

    /// A print stream that says when it fails, so that nobody goes on predicting into nowhere. Closing it only flushes.
    private static final class StandardOutput extends OutputStream {
        private final PrintStream out;

        StandardOutput(PrintStream out) {
            this.out = out;
        }

        @Override
        public void write(int single) throws IOException {
            out.write(single);
            flush();
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            out.write(bytes, from, length);
            flush();
        }

        @Override
        public void flush() throws IOException {
            if (out.checkError()) {
                throw new IOException("whoever reads standard output has gone, or its disk is full");
            }
        }

        @Override
        public void close() throws IOException {
            flush();
        }
    }
}
