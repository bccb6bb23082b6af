package io.weir.cli;

import io.weir.kvstore.KvConfig;
import io.weir.model.ServerAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Servers and workers of one job, started together and ended together. Immutable.
///
/// @param workers processes that run `command`
/// @param servers processes that are started for them, 0 if `addresses` says where servers are
/// @param addresses of servers that are there already, separated by commas
/// @param serverOptions of `weir server`
/// @param hosts where the processes go
/// @param run name of the job
/// @param command what each worker runs
record Launch(
        int workers,
        int servers,
        String addresses,
        List<String> serverOptions,
        Hosts hosts,
        String run,
        List<String> command) {
    Launch {
        if (workers < 1 || workers > MAX_PROCESSES) {
            throw new IllegalArgumentException("workers must be from 1 to " + MAX_PROCESSES + ": workers=" + workers);
        }
        if (servers < (addresses.isEmpty() ? 1 : 0) || servers > MAX_PROCESSES) {
            throw new IllegalArgumentException("servers must be from 1 to " + MAX_PROCESSES + ": servers=" + servers);
        }
        if (command.isEmpty()) {
            throw new IllegalArgumentException("there must be a command for the workers");
        }
        serverOptions = List.copyOf(serverOptions);
        command = List.copyOf(command);
    }

    /// Most processes of a kind.
    static final int MAX_PROCESSES = 1024;

    /// Hears what the processes say.
    interface Listener {
        /// @param process `0` for the worker with rank 0, `server 0` for the first server
        /// @param error whether it was said on standard error
        void said(String process, String line, boolean error);
    }

    /// A name for a job that no other has had.
    static String newRun() {
        return "launch-" + Long.toString(System.currentTimeMillis(), Character.MAX_RADIX) + "-"
                + ProcessHandle.current().pid();
    }

    /// Starts everything, waits until all workers are through or one has failed, and ends what is left.
    ///
    /// @return 0, or the exit code of the worker that failed first
    int run(Listener listener) {
        try (Processes processes = new Processes()) {
            String all = startServers(processes);
            for (int rank = 0; rank < workers; rank++) {
                Process _ = processes.start(
                        Integer.toString(rank), rank, hosts.worker(rank, command, environment(rank, all)));
            }
            int running = workers;
            while (running > 0) {
                Processes.Event event = processes.next();
                String line = event.line();
                if (line != null) {
                    if (!line.startsWith("WARNING: Using incubator modules")) {
                        listener.said(event.name(), line, event.error());
                    }
                    continue;
                }
                int exitCode = event.process().exitValue();
                if (event.worker() == Processes.SERVER) {
                    throw new CommandException(Exit.UNAVAILABLE, event.name() + " has ended: exitCode=" + exitCode);
                }
                if (exitCode != Exit.OK) {
                    listener.said(
                            event.name(),
                            exitCode > Processes.SIGNALS
                                    ? "was ended by signal " + (exitCode - Processes.SIGNALS)
                                    : "failed: exitCode=" + exitCode,
                            true);
                    return exitCode;
                }
                running--;
            }
        }
        return Exit.OK;
    }

    private String startServers(Processes processes) {
        if (servers == 0) {
            return addresses;
        }
        List<String> started = new ArrayList<>();
        for (int i = 0; i < servers; i++) {
            started.add(processes.startServer(i, hosts.server(i, serverOptions)));
        }
        return String.join(",", started);
    }

    /// What the worker with this rank finds in its environment: our names, and those that users of MXNet know.
    Map<String, String> environment(int rank, String all) {
        String[] each = all.split(",", -1);
        ServerAddress first = ServerAddress.parse(each[0]);
        Map<String, String> environment = new TreeMap<>();
        environment.put(KvConfig.SERVERS, all);
        environment.put(KvConfig.RANK, Integer.toString(rank));
        environment.put(KvConfig.WORKER_COUNT, Integer.toString(workers));
        environment.put(KvConfig.RUN, run);
        environment.put("WEIR_SERVER_COUNT", Integer.toString(each.length));
        environment.put("DMLC_ROLE", "worker");
        environment.put("DMLC_WORKER_ID", Integer.toString(rank));
        environment.put("DMLC_NUM_WORKER", Integer.toString(workers));
        environment.put("DMLC_NUM_SERVER", Integer.toString(each.length));
        environment.put("DMLC_PS_ROOT_URI", first.host());
        environment.put("DMLC_PS_ROOT_PORT", Integer.toString(first.port()));
        return environment;
    }
}
