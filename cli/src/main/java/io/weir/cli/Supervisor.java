package io.weir.cli;

import io.weir.cli.Processes.Event;
import io.weir.train.ProgressListener;
import io.weir.train.ProgressListener.Snapshot;
import io.weir.train.TrainingResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/// Server and worker processes of one training. A worker process that is killed is started again, with the same
/// identity and a few times at most; whatever else goes wrong with one process ends them all. Confined to one thread.
final class Supervisor implements AutoCloseable {
    /// How often one worker process is started again.
    static final int MAX_RESTARTS = 5;

    private final Output output;
    private final Processes processes = new Processes();
    private int restarts;

    Supervisor(Output output) {
        this.output = output;
    }

    /// Starts a server on a free port and waits until it listens.
    ///
    /// @param args of `weir server`
    /// @return its address
    String startServer(int index, List<String> args) {
        List<String> command = new ArrayList<>(List.of("server", "--port", "0", ChildProcess.OPTION));
        command.addAll(args);
        return processes.startServer(index, ChildProcess.builder(command));
    }

    private void startWorker(int index, List<String> command) {
        Process _ = processes.start(
                "worker process " + index, index, ChildProcess.builder(command).redirectErrorStream(true));
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
            Event event = processes.next();
            String line = event.line();
            int worker = event.worker();
            if (line == null && worker < 0) {
                throw new CommandException(
                        Exit.UNAVAILABLE,
                        event.name() + " has ended: exitCode=" + event.process().exitValue());
            } else if (line == null) {
                int exitCode = event.process().exitValue();
                boolean late = exitCode == Exit.CONFLICT && restarted[worker] > 0 && isFinished.getAsBoolean();
                if (exitCode >= Processes.SIGNALS && restarted[worker] < MAX_RESTARTS) {
                    restarted[worker]++;
                    restarts++;
                    Snapshot last = progress.get(worker);
                    lost += last == null ? 0 : last.examples();
                    progress.remove(worker);
                    output.err()
                            .println(event.name() + " was ended by signal " + (exitCode - Processes.SIGNALS)
                                    + " and is started again");
                    startWorker(worker, commands.get(worker));
                } else if (exitCode == Exit.OK || late) {
                    running--;
                } else {
                    throw new CommandException(
                            exitCode >= Processes.SIGNALS ? Exit.FAILURE : exitCode,
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

    /// How often worker processes were started again, all together.
    int restarts() {
        return restarts;
    }

    /// Ends all processes that are left.
    @Override
    public void close() {
        processes.close();
    }
}
