package io.weir.systemtests;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where the files of this project are.
final class Project {
    private Project() {}

    /// The folder with the parent POM.
    static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("tests must run inside the project: folder="
                        + Path.of("").toAbsolutePath());
            }
        }
        return folder;
    }

    /// Where a module's classes are compiled to.
    static Path classes(String module) {
        return root().resolve(module).resolve("target").resolve("classes");
    }
}
