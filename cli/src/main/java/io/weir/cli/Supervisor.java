package io.weir.cli;

import io.weir.train.ProgressListener;
import io.weir.train.ProgressListener.Snapshot;
import io.weir.train.TrainingResult;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Server and worker processes of one training. A worker process that is killed is started again, with the same
/// identity and a few times at most; whatever else goes wrong with one process ends them all. Confined to one thread.
final class Supervisor implements AutoCloseable {
    /// How often one worker process is started again.
    static final int MAX_RESTARTS = 5;

    private static final Pattern LISTENING = Pattern.compile("weir server is listening on (\\S+) .*");

    /// A process that a signal ended has this exit code and more.
    private static final int SIGNALS = 128;

    private static final int STOP_SECONDS = 5;

    private final Output output;
    private final List<Process> processes = new ArrayList<>();
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Thread hook = new Thread(this::end, "weir-stop");
    private boolean stopping;
    private int restarts;

    /// What a process did: said a line, or ended if that is null.
    private record Event(
            String name,
            int worker,
            Process process,
            @Nullable String line) {}

    Supervisor(Output output) {
        this.output = output;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /// Starts a server on a free port and waits until it listens.
    ///
    /// @param args of `weir server`
    /// @return its address
    String startServer(int index, List<String> args) {
        List<String> command = new ArrayList<>(List.of("server", "--port", "0", ChildProcess.OPTION));
        command.addAll(args);
        Process process = start(command);
        BufferedReader lines = ChildProcess.output(process);
        List<String> said = new ArrayList<>();
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher matcher = LISTENING.matcher(line);
                if (matcher.matches()) {
                    watch("server process " + index, -1, process, lines);
                    return matcher.group(1);
                }
                said.add(line);
            }
        } catch (IOException e) {
            said.add(e.toString());
        }
        throw new CommandException(
                Exit.FAILURE, "server process " + index + " did not start: " + String.join("; ", said));
    }

    private synchronized Process start(List<String> command) {
        if (stopping) {
            throw new CommandException(Exit.UNAVAILABLE, "the processes are being stopped");
        }
        try {
            Process process = ChildProcess.start(command);
            processes.add(process);
            return process;
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, "a process cannot be started: " + e.getMessage(), e);
        }
    }

    private void watch(String name, int worker, Process process, BufferedReader lines) {
        Thread thread = new Thread(
                () -> {
                    try {
                        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                            events.add(new Event(name, worker, process, line));
                        }
                        int _ = process.waitFor();
                    } catch (IOException e) {
                        process.destroyForcibly();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    events.add(new Event(name, worker, process, null));
                },
                "weir-" + name.replace(' ', '-'));
        thread.setDaemon(true);
        thread.start();
    }

    private void startWorker(int index, List<String> command) {
        Process process = start(command);
        watch("worker process " + index, index, process, ChildProcess.output(process));
    }

    /// Runs the workers to their end. What a process that was killed had done counts as far as it had told.
    ///
    /// @param commands one for each worker process
    /// @param passes of the training
    /// @param isFinished whether the run is finished, so that a worker that was started again finds nothing to do
    /// @param listener hears of all processes together
    TrainingResult train(
            List<List<String>> commands, int passes, BooleanSupplier isFinished, ProgressListener listener) {
        Map<Integer, Snapshot> progress = new TreeMap<>();
        Map<Integer, TrainingResult> results = new TreeMap<>();
        long lost = 0;
        int[] restarted = new int[commands.size()];
        long startNs = System.nanoTime();
        for (int i = 0; i < commands.size(); i++) {
            startWorker(i, commands.get(i));
        }
        int running = commands.size();
        while (running > 0) {
            Event event = nextEvent();
            String line = event.line();
            int worker = event.worker();
            if (line == null && worker < 0) {
                throw new CommandException(
                        Exit.UNAVAILABLE,
                        event.name() + " has ended: exitCode=" + event.process().exitValue());
            } else if (line == null) {
                int exitCode = event.process().exitValue();
                boolean late = exitCode == Exit.CONFLICT && restarted[worker] > 0 && isFinished.getAsBoolean();
                if (exitCode >= SIGNALS && restarted[worker] < MAX_RESTARTS) {
                    restarted[worker]++;
                    restarts++;
                    Snapshot last = progress.get(worker);
                    lost += last == null ? 0 : last.examples();
                    progress.remove(worker);
                    output.err()
                            .println(event.name() + " was ended by signal " + (exitCode - SIGNALS)
                                    + " and is started again");
                    startWorker(worker, commands.get(worker));
                } else if (exitCode == Exit.OK || late) {
                    running--;
                } else {
                    throw new CommandException(
                            exitCode >= SIGNALS ? Exit.FAILURE : exitCode,
                            event.name() + " failed: exitCode=" + exitCode + ", restarts=" + restarted[worker]);
                }
            } else if (line.startsWith(Reports.PROGRESS)) {
                progress.put(worker, Reports.progress(line));
                listener.progress(Reports.merged(progress.values()));
            } else if (line.startsWith(Reports.RESULT)) {
                results.put(worker, Reports.result(line));
            } else if (line.startsWith(Reports.REJOINED)) {
                output.err().println(line.substring(Reports.REJOINED.length()));
            } else if (!line.startsWith("WARNING: Using incubator modules")) {
                output.err().println(event.name() + ": " + line);
            }
        }
        return Reports.mergedResults(results.values(), passes, lost, (System.nanoTime() - startNs) / 1e9);
    }

    private Event nextEvent() {
        try {
            return events.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException(Exit.UNAVAILABLE, "interrupted while waiting for the worker processes", e);
        }
    }

    /// How often worker processes were started again, all together.
    int restarts() {
        return restarts;
    }

    private synchronized void end() {
        stopping = true;
        processes.forEach(Process::destroy);
        long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
        for (Process process : processes) {
            try {
                if (!process.waitFor(Math.max(0, untilNs - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
            }
        }
    }

    /// Ends all processes that are left.
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
