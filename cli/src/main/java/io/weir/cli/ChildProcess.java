package io.weir.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
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

    /// Starts `weir …` with the JVM and the options of this process; its errors go to its output.
    static Process start(List<String> args) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (JVM_OPTIONS_OF_ONE.stream().noneMatch(option::startsWith)) {
                command.add(option);
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(args);
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    static BufferedReader output(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
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
