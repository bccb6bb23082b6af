package io.weir.cli;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A command of `weir` in a JVM of its own that ends with this one: the child watches its standard input, which this
/// process holds open.
final class ChildProcess {
    /// What makes a command watch its standard input.
    static final String OPTION = "--child";

    private static final List<String> JVM_OPTIONS_OF_ONE = List.of(
            "-agentlib:", "-agentpath:", "-javaagent:", "-Xrunjdwp", "-XX:AOTCacheOutput", "-XX:AOTMode=record");

    private ChildProcess() {}

    /// `weir …` with the JVM and the options of this process.
    static ProcessBuilder builder(List<String> args) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (JVM_OPTIONS_OF_ONE.stream().noneMatch(option::startsWith)) {
                command.add(option);
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(args);
        return new ProcessBuilder(command);
    }

    /// Ends this process when the one that started it is gone.
    static void endWithParent() {
        InputStream in = System.in;
        Thread thread = new Thread(
                () -> {
                    try {
                        while (in.read() >= 0) {
                            // Nothing is ever said.
                        }
                    } catch (IOException e) {
                        // As if it had ended.
                    }
                    Runtime.getRuntime().halt(Exit.FAILURE);
                },
                "weir-parent");
        thread.setDaemon(true);
        thread.start();
    }
}
