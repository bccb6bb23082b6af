package io.weir.cli;

import io.weir.train.LibsvmSource;
import io.weir.train.LrModel;
import io.weir.train.Predictor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir predict`.
@Command(
        name = "predict",
        description = "Write the probability of each example, one a line, with a saved model and no server.",
        footer = {
            "  weir predict --model model.weir --data today.svm > probabilities.txt",
            "  weir predict --model model.weir --data today.svm.gz --out probabilities.txt",
            "",
            "Labels may be there or not."
        })
final class PredictCommand extends WeirOptions {
    @Option(names = "--model", required = true, paramLabel = "<file>", description = "Model that was saved.")
    Path model = Path.of("");

    @Option(names = "--data", required = true, paramLabel = "<file>", description = "Examples as libsvm text.")
    Path data = Path.of("");

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
        LrModel read = LrModel.read(model);
        LibsvmSource source = LibsvmSource.withOptionalLabels(data);
        long examples = out == null
                ? toStandardOutput(source, read)
                : Predictor.predict(source, read.weights(), read.bias(), out);
        output.err().println("predicted " + Quantities.ofCount(examples) + " examples");
        return Exit.OK;
    }

    private long toStandardOutput(LibsvmSource source, LrModel read) {
        try (OutputStream stream = new BufferedOutputStream(new StandardOutput(output.out()), 1 << 16)) {
            return Predictor.predict(source, read.weights(), read.bias(), stream);
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
