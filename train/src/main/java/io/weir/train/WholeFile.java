package io.weir.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// Writes a file that gets its name when it is complete: until then, and if that fails, what was there stays.
final class WholeFile {
    private WholeFile() {}

    /// Writes what is to be in the file.
    interface Content {
        /// @return how much that is, in what the caller counts
        long writeTo(FileChannel out) throws IOException;
    }

    /// @param what kind of file it is, for messages: `model`
    /// @param durable whether it must survive a power cut from now on
    /// @return what the content returned
    /// @throws InputException naming the file, if it cannot be written
    static long write(String what, Path file, boolean durable, Content content) {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new InputException("the folder of a " + what + " file must exist: file=" + file);
        } else if (Files.isDirectory(file)) {
            throw new InputException("a " + what + " file must be no directory: file=" + file);
        }
        Path temporary = folder.resolve(
                file.getFileName() + ".tmp-" + ProcessHandle.current().pid());
        try {
            long count;
            try (FileChannel out = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                count = content.writeTo(out);
                if (durable) {
                    out.force(true);
                }
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            if (durable) {
                try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
                    directory.force(true);
                }
            }
            return count;
        } catch (IOException e) {
            delete(temporary, e);
            throw new InputException(file + ": cannot be written: " + e, e);
        } catch (RuntimeException | Error e) {
            delete(temporary, e);
            throw e;
        }
    }

    private static void delete(Path temporary, Throwable cause) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException undeleted) {
            cause.addSuppressed(undeleted);
        }
    }
}
