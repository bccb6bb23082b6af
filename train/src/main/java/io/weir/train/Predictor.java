package io.weir.train;

import io.weir.train.ExampleSource.Share;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// Scores examples with a model, without a server.
public final class Predictor {
    private static final int BATCH = 1024;
    private static final int BUFFER_BYTES = 64 << 10;

    private Predictor() {}

    /// As [#predict(ExampleSource, Model, List, OutputStream)], into a file that gets its name when it is complete.
    ///
    /// @throws InputException naming the file as well, if it cannot be written
    public static long predict(ExampleSource source, Model model, List<Weights> weights, Path file) {
        return WholeFile.write(
                "prediction",
                file,
                false,
                out -> predict(
                        source, model, weights, new BufferedOutputStream(Channels.newOutputStream(out), BUFFER_BYTES)));
    }

    /// Writes a line for each example of `source`, in its order: of a model of two classes the probability that the
    /// label is 1, of another one the most probable class and then the probability of each, parted by blanks.
    /// Probabilities are the shortest decimals that read back to the same double. Labels may be there or not.
    ///
    /// @param weights of each table of the model
    /// @param out flushed, not closed
    /// @return examples scored
    /// @throws InputException if the source is broken or has no examples
    public static long predict(ExampleSource source, Model model, List<Weights> weights, OutputStream out)
            throws IOException {
        Scorer scorer = new Scorer(model.learner(source.name()), weights);
        int width = model.marginCount();
        ExampleBatch batch = new ExampleBatch();
        StringBuilder lines = new StringBuilder();
        long examples = 0;
        try (ExampleReader reader = source.open(Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                double[] margins = scorer.margins(batch);
                for (int i = 0; i < batch.exampleCount(); i++) {
                    if (width == 1) {
                        lines.append(LogisticLoss.probability(margins[i])).append('\n');
                    } else {
                        appendClasses(lines, margins, i * width, width);
                    }
                }
                out.write(lines.toString().getBytes(StandardCharsets.US_ASCII));
                lines.setLength(0);
                examples += batch.exampleCount();
            }
        }
        out.flush();
        return examples;
    }

    private static void appendClasses(StringBuilder lines, double[] margins, int from, int count) {
        lines.append(SoftmaxLoss.greatest(margins, from, count));
        SoftmaxLoss.probabilities(margins, from, count, 0);
        for (int i = from; i < from + count; i++) {
            lines.append(' ').append(margins[i]);
        }
        lines.append('\n');
    }
}
