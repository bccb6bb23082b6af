package io.weir.cli.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A server in a JVM of its own, with this JVM's `java` and class path. Ends when closed, and with this JVM.
///
/// The server says that it is ready by a line `listening on port N` or `listening on host:N` on its standard output,
/// somewhere in which other text may stand. Its standard input stays open as long as this JVM lives; its errors go to
/// ours, but for the line in which every JVM announces the vector module.
public final class ServerProcess implements AutoCloseable {
    private static final Pattern READY = Pattern.compile("listening on (?:port |\\S*:)(\\d+)");
    private static final String MODULE_WARNING = "WARNING: Using incubator modules: jdk.incubator.vector";
    private static final Duration STOP_DEADLINE = Duration.ofSeconds(5);

    private final Process process;
    private final Thread hook;
    private final int port;

    private ServerProcess(Process process, Thread hook, int port) {
        this.process = process;
        this.hook = hook;
        this.port = port;
    }

    /// Starts a server and waits until it listens.
    ///
    /// @param jvmArguments before the main class, after those that all our code needs
    /// @throws IOException if it ends, or does not listen within `deadline`
    public static ServerProcess start(
            String mainClass, List<String> jvmArguments, List<String> arguments, Duration deadline) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(jvmArguments);
        command.add(mainClass);
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).start();
        Thread.ofPlatform().daemon().name("errors of " + mainClass).start(() -> passErrorsOn(process));
        Thread hook = new Thread(process::destroyForcibly, "stop " + mainClass);
        Runtime.getRuntime().addShutdownHook(hook);
        CompletableFuture<Integer> ready = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("output of " + mainClass).start(() -> readOutput(process, ready));
        try {
            return new ServerProcess(process, hook, ready.get(deadline.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            stop(process, hook);
            throw new IOException("the server must listen in time: main=" + mainClass + ", deadline=" + deadline, e);
        } catch (ExecutionException e) {
            stop(process, hook);
            throw new IOException("the server ended before it listened: main=" + mainClass, e.getCause());
        } catch (InterruptedException e) {
            stop(process, hook);
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the server started: main=" + mainClass, e);
        }
    }

    /// Reads until the end, so that the server never waits for a reader.
    private static void readOutput(Process process, CompletableFuture<Integer> ready) {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                Matcher matcher = READY.matcher(line);
                if (matcher.find()) {
                    ready.complete(Integer.valueOf(matcher.group(1)));
                }
            }
            ready.completeExceptionally(new IOException("end of its output"));
        } catch (IOException | RuntimeException e) {
            ready.completeExceptionally(e);
        }
    }

    @SuppressWarnings("SystemOut")
    private static void passErrorsOn(Process process) {
        try (BufferedReader reader = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (!line.equals(MODULE_WARNING)) {
                    System.err.println(line);
                }
            }
        } catch (IOException e) {
            // The process was ended, and its streams with it.
        }
    }

    /// The port it listens on, at the loopback address.
    public int port() {
        return port;
    }

    /// The process id.
    public long pid() {
        return process.pid();
    }

    /// Whether it still runs.
    public boolean isAlive() {
        return process.isAlive();
    }

    /// Asks it to end, and ends it by force if it does not within five seconds.
    @Override
    public void close() {
        stop(process, hook);
    }

    private static void stop(Process process, Thread hook) {
        process.destroy();
        try {
            if (!process.waitFor(STOP_DEADLINE.toNanos(), TimeUnit.NANOSECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // This JVM is ending: the hook runs anyway, and finds the process gone.
        }
    }
}
