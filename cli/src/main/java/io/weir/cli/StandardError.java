package io.weir.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// The process's standard error. A JVM announces incubating modules there before any code of ours runs; so the script
/// `weir` starts it on a pipe that drops that one line, and says by a property which descriptor is the real one.
final class StandardError {
    private static final String PROPERTY = "weir.stderr";

    private StandardError() {}

    /// Makes the real standard error the one that `System.err` writes to. Without the property, or where a descriptor
    /// cannot be opened by its name, the pipe stays: nothing is lost, but it is no terminal.
    static void restore() {
        String descriptor = System.getProperty(PROPERTY);
        if (descriptor != null) {
            try {
                // It lives as long as the process.
                System.setErr(new PrintStream(
                        new FileOutputStream("/dev/fd/" + descriptor, true), true, System.err.charset()));
            } catch (IOException e) {
                System.clearProperty(PROPERTY);
            }
        }
    }

    /// Whether it is a terminal. Java can only say so of input and output together; Linux shows where each goes.
    static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + System.getProperty(PROPERTY, "2")))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            var console = System.console();
            return console != null && console.isTerminal();
        }
    }
}
