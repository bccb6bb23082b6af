package io.weir.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Looks at files before work begins, so that nobody trains for an hour to learn of a misspelt name.
final class Inputs {
    private Inputs() {}

    /// @throws CommandException if there is no such file
    static void requireFile(String what, Path file) {
        if (!Files.exists(file)) {
            throw new CommandException(Exit.NOT_FOUND, what + " file must exist: file=" + file);
        } else if (Files.isDirectory(file)) {
            throw new CommandException(Exit.FAILURE, what + " file must be a file: directory=" + file);
        }
    }

    /// @throws CommandException if there is no folder for it, or a folder of its name
    static void requireWritable(String what, @Nullable Path file) {
        if (file == null) {
            return;
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new CommandException(Exit.NOT_FOUND, "the folder of a " + what + " file must exist: file=" + file);
        } else if (Files.isDirectory(file)) {
            throw new CommandException(Exit.FAILURE, "a " + what + " file must be no directory: file=" + file);
        }
    }
}
