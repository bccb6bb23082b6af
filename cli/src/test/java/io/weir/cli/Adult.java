package io.weir.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// UCI Adult as LIBSVM binarises it, found through `WEIR_DATA`.
record Adult(Path train, Path test) {
    /// Skips the test, with the reason, where the data is not.
    static Adult orSkip() {
        String data = System.getenv("WEIR_DATA");
        assumeTrue(data != null, "WEIR_DATA is not set");
        Path folder = Path.of(data, "a9a");
        assumeTrue(Files.exists(folder.resolve("a9a.gz")), "there is no a9a/a9a.gz in " + data);
        return new Adult(folder.resolve("a9a.gz"), folder.resolve("a9a.t.gz"));
    }
}
