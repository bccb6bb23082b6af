package io.weir.train;

import io.weir.train.ExampleSource.Share;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Scores examples with a model, without a server.
public final class Predictor {
    private static final int BATCH = 1024;
    private static final int BUFFER_BYTES = 64 << 10;

    private Predictor() {}

    /// As [#predict(ExampleSource, Weights, boolean, OutputStream)], into a file that gets its name when it is
    /// complete.
    ///
    /// @throws InputException naming the file as well, if it cannot be written
    public static long predict(ExampleSource source, Weights weights, boolean bias, Path file) {
        return WholeFile.write(
                "prediction",
                file,
                false,
                out -> predict(
                        source, weights, bias, new BufferedOutputStream(Channels.newOutputStream(out), BUFFER_BYTES)));
    }

    /// Writes for each example of `source`, in its order, a line with the probability that its label is 1, as the
    /// shortest decimal that reads back to the same double. Labels may be there or not.
    ///
    /// @param out flushed, not closed
    /// @return examples scored
    /// @throws InputException if the source is broken or has no examples
    public static long predict(ExampleSource source, Weights weights, boolean bias, OutputStream out)
            throws IOException {
        Scorer scorer = Scorer.of(weights, bias, source.name());
        ExampleBatch batch = new ExampleBatch();
        StringBuilder lines = new StringBuilder();
        long examples = 0;
        try (ExampleReader reader = source.open(Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                double[] margins = scorer.margins(batch);
                for (int i = 0; i < batch.exampleCount(); i++) {
                    lines.append(LogisticLoss.probability(margins[i])).append('\n');
                }
                out.write(lines.toString().getBytes(StandardCharsets.US_ASCII));
                lines.setLength(0);
                examples += batch.exampleCount();
            }
        }
        out.flush();
        return examples;
    }
}
