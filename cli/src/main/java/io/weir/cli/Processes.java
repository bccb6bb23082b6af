package io.weir.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Processes that work for one command and end with it, however it ends. Confined to one thread.
final class Processes implements AutoCloseable {
    /// A process that a signal ended has this exit code and more.
    static final int SIGNALS = 128;

    /// Index of a process that is no worker.
    static final int SERVER = -1;

    private static final Pattern LISTENING = Pattern.compile("weir server is listening on (\\S+) .*");

    private static final int STOP_SECONDS = 5;

    /// A process is over when its output is, or so long after its end: one that it left behind may hold it open.
    private static final int REST_MS = 500;

    private final List<Process> processes = Collections.synchronizedList(new ArrayList<>());
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Thread hook = new Thread(this::end, "weir-stop");
    private boolean stopping;

    /// What a process did: said a line, or ended if that is null.
    ///
    /// @param worker index of a worker, [#SERVER] for a server
    /// @param error whether the line was said on standard error
    record Event(
            String name,
            int worker,
            Process process,
            @Nullable String line,
            boolean error) {}

    Processes() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /// Starts a process and watches it. Errors that are not redirected to its output are lines of their own.
    Process start(String name, int worker, ProcessBuilder builder) {
        Process process = start(builder);
        List<Thread> readers = new ArrayList<>();
        readers.add(reader(name, worker, process, lines(process.getInputStream()), false));
        if (!builder.redirectErrorStream()) {
            readers.add(reader(name, worker, process, lines(process.getErrorStream()), true));
        }
        watchEnd(name, worker, process, readers);
        return process;
    }

    /// Starts a server and waits until it listens.
    ///
    /// @return its address
    String startServer(int index, ProcessBuilder builder) {
        String name = "server process " + index;
        Process process = start(builder.redirectErrorStream(true));
        BufferedReader lines = lines(process.getInputStream());
        List<String> said = new ArrayList<>();
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher matcher = LISTENING.matcher(line);
                if (matcher.matches()) {
                    watchEnd(name, SERVER, process, List.of(reader(name, SERVER, process, lines, false)));
                    return matcher.group(1);
                }
                said.add(line);
            }
        } catch (IOException e) {
            said.add(e.toString());
        }
        throw new CommandException(Exit.FAILURE, name + " did not start: " + String.join("; ", said));
    }

    private synchronized Process start(ProcessBuilder builder) {
        if (stopping) {
            throw new CommandException(Exit.UNAVAILABLE, "the processes are being stopped");
        }
        try {
            Process process = builder.start();
            processes.add(process);
            return process;
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, "a process cannot be started: " + e.getMessage(), e);
        }
    }

    private static BufferedReader lines(InputStream stream) {
        return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
    }

    private Thread reader(String name, int worker, Process process, BufferedReader lines, boolean error) {
        return daemon("output of " + name, () -> {
            try {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    events.add(new Event(name, worker, process, line, error));
                }
            } catch (IOException e) {
                // Its end closes its output.
                return;
            }
        });
    }

    private void watchEnd(String name, int worker, Process process, List<Thread> readers) {
        Thread _ = daemon(name, () -> {
            try {
                int _ = process.waitFor();
                for (Thread reader : readers) {
                    reader.join(REST_MS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            events.add(new Event(name, worker, process, null, false));
        });
    }

    private static Thread daemon(String name, Runnable work) {
        Thread thread = new Thread(work, "weir-" + name.replace(' ', '-'));
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /// What one of the processes did next.
    Event next() {
        try {
            return events.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException(Exit.UNAVAILABLE, "interrupted while waiting for the processes", e);
        }
    }

    private void end() {
        synchronized (this) {
            stopping = true;
        }
        // What these have started is found only as long as they live.
        Set<ProcessHandle> handles = new LinkedHashSet<>();
        for (Process process : List.copyOf(processes)) {
            handles.add(process.toHandle());
            process.descendants().forEach(handles::add);
        }
        handles.forEach(ProcessHandle::destroy);
        long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
        for (ProcessHandle handle : handles) {
            try {
                Object _ = handle.onExit().get(Math.max(0, untilNs - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (Exception e) {
                boolean _ = handle.destroyForcibly();
            }
        }
    }

    /// Ends all processes that are left, and what they have started.
    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // This process is ending, and the hook is at work.
        }
    }
}
