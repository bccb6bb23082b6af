package io.weir.cli;

import io.weir.model.TableShape;
import io.weir.train.ExampleBatch;
import io.weir.train.ExampleReader;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.IdxSource;
import io.weir.train.LibsvmSource;
import io.weir.train.Model;
import io.weir.train.SavedModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How files of examples with the numbers of classes for labels are read.
final class ExampleOptions {
    private static final int BATCH = 4096;

    @Option(
            names = "--labels",
            paramLabel = "<file>",
            description = "Labels of idx data. Default: the file whose name has labels-idx1 where that of the data has "
                    + "images-idx3. Libsvm text has its labels in it.")
    @Nullable
    Path labels;

    @Option(
            names = "--scale",
            paramLabel = "<factor>",
            description =
                    "Multiply all values by it. Default: what the model was trained with; where that is not known, 1/255 for "
                            + "idx data, 1 for libsvm text.")
    @Nullable
    Double scale;

    /// Opens `file` with the labels that belong to it.
    ///
    /// @param labels absent where the name of `file` says which they are
    /// @param classCount labels are from 0 to `classCount - 1`
    /// @param factor by which values are multiplied, see [#scale]
    /// @param labelsOptional whether labels may be missing
    ExampleSource open(Path file, @Nullable Path labels, int classCount, double factor, boolean labelsOptional) {
        if (!IdxSource.isIdx(file)) {
            if (labels != null) {
                throw new IllegalArgumentException(
                        "libsvm text has its labels in it: data=" + file + ", labels=" + labels);
            }
            return LibsvmSource.ofClasses(file, labelsOptional, classCount, factor);
        }
        Path found = labels == null ? IdxSource.labelsOf(file) : labels;
        if (labels == null && (found.equals(file) || !Files.exists(found))) {
            if (!labelsOptional) {
                throw new CommandException(
                        Exit.NOT_FOUND, "labels of idx data must be named with --labels: data=" + file);
            }
            found = null;
        }
        return IdxSource.of(file, found, classCount, factor);
    }

    /// By which the values of `file` are multiplied.
    ///
    /// @param ofModel what the model was trained with, absent if that is not known
    double scale(Path file, OptionalDouble ofModel) {
        if (scale == null) {
            return ofModel.orElseGet(() -> IdxSource.isIdx(file) ? IdxSource.DEFAULT_SCALE : 1);
        } else if (!Double.isFinite(scale)) {
            throw new IllegalArgumentException("scale must be finite: scale=" + scale);
        }
        return scale;
    }

    /// Opens `file` as a saved model wants it.
    ExampleSource open(Path file, SavedModel saved, boolean labelsOptional) {
        Model model = saved.model();
        if (model.marginCount() > 1) {
            return open(file, labels, model.marginCount(), scale(file, saved.scale()), labelsOptional);
        } else if (labels != null || scale != null) {
            throw new IllegalArgumentException(
                    "--labels and --scale are for models of several classes: model=" + model.text());
        }
        return labelsOptional ? LibsvmSource.withOptionalLabels(file) : LibsvmSource.of(file);
    }

    /// One more than the greatest label, which takes a pass over the data.
    int countClasses(Path file) {
        int greatest = 0;
        ExampleBatch batch = new ExampleBatch();
        try (ExampleSource source = open(file, labels, TableShape.MAX_DIM, 1, false);
                ExampleReader reader = source.open(Share.ALL)) {
            while (reader.next(batch, BATCH)) {
                for (int i = 0; i < batch.exampleCount(); i++) {
                    greatest = Math.max(greatest, batch.labels()[i]);
                }
            }
        }
        return greatest + 1;
    }
}
