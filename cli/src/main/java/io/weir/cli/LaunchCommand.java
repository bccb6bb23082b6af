package io.weir.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weir launch`.
@Command(
        name = "launch",
        sortOptions = false,
        customSynopsis = "weir launch -n <workers> [-s <servers>] [-H <hostfile>] [options] [--] <command>...",
        description = {
            "Run a command as several workers, with servers of their own, and end everything when the last one is",
            "through or the first one fails. Each worker finds in its environment WEIR_SERVERS, WEIR_RANK,",
            "WEIR_WORKER_COUNT, WEIR_SERVER_COUNT and WEIR_RUN, and what users of MXNet know: DMLC_ROLE,",
            "DMLC_WORKER_ID, DMLC_NUM_WORKER, DMLC_NUM_SERVER, DMLC_PS_ROOT_URI and DMLC_PS_ROOT_PORT."
        },
        footer = {
            "  weir launch -n 4 -s 2 -- java -cp app.jar Train --passes 3",
            "  weir launch -n 8 -s 4 -H hosts.txt --insecure -- ./train.sh",
            "  weir launch -n 2 --servers ps0:7700,ps1:7700 -- ./train.sh",
            "",
            "The exit code is that of the worker that failed first, or 0. Lines begin with the rank of whoever said them."
        })
final class LaunchCommand extends WeirOptions {
    @Option(
            names = {"-n", "--workers"},
            paramLabel = "<n>",
            required = true,
            description = "Workers.")
    int workers;

    @Option(
            names = {"-s", "--server-processes"},
            paramLabel = "<n>",
            description = "Servers to start. Default: as many as workers.")
    @Nullable
    Integer servers;

    @Option(names = "--servers", paramLabel = "<host:port,...>", description = "Servers that are there already.")
    String addresses = "";

    @Option(
            names = {"-H", "--hostfile"},
            paramLabel = "<file>",
            description =
                    "Hosts to run on in turn, one a line, reached by ssh without a password. Servers listen there, so "
                            + "--insecure is needed.")
    @Nullable
    Path hostFile;

    @Option(names = "--ssh", paramLabel = "<command>", description = "How to reach a host. Default: ${DEFAULT-VALUE}.")
    String ssh = "ssh -o BatchMode=yes";

    @Option(
            names = "--remote-weir",
            paramLabel = "<path>",
            description = "The program weir on the hosts. Default: ${DEFAULT-VALUE}.")
    String remoteWeir = "weir";

    @Option(
            names = "--insecure",
            description = "Accept the risk of servers beyond loopback, where anybody may read and change everything.")
    boolean insecure;

    @Option(names = "--run", paramLabel = "<name>", description = "Name of the job. Default: a new one.")
    @Nullable
    String run;

    @Option(names = "--shards", paramLabel = "<n>", description = "Shards of each server. Default: ${DEFAULT-VALUE}.")
    int shards = 8;

    @Option(
            names = "--memory",
            paramLabel = "<bytes>",
            description = "Most memory of each server, such as 8g. Default: half of the machine's for all of them.")
    @Nullable
    String memory;

    @Parameters(arity = "1..*", paramLabel = "<command>", description = "What each worker runs, with its arguments.")
    List<String> command = new ArrayList<>();

    LaunchCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        int serverCount = servers != null ? servers : addresses.isEmpty() ? workers : 0;
        if (servers != null && !addresses.isEmpty()) {
            throw new IllegalArgumentException(
                    "--server-processes starts servers, --servers names some that are there:" + " give one of them");
        }
        List<String> options = new ArrayList<>(List.of("--shards", Integer.toString(shards)));
        options.add("--memory");
        options.add(
                memory != null
                        ? memory
                        : Long.toString(Memory.config(null).memoryCapBytes() / Math.max(1, serverCount)));
        Launch launch = new Launch(
                workers, serverCount, addresses, options, hosts(), run == null ? Launch.newRun() : run, command);
        return launch.run(this::print);
    }

    private Hosts hosts() {
        Path file = hostFile;
        if (file == null) {
            return Hosts.here();
        }
        if (!insecure && addresses.isEmpty()) {
            throw new IllegalArgumentException("servers on other hosts listen beyond loopback without TLS or"
                    + " authentication, where anybody may read and change everything: accept that with --insecure");
        }
        return new Hosts(
                Hosts.read(file),
                Arrays.asList(ssh.strip().split("\\s+", -1)),
                remoteWeir,
                Path.of("").toAbsolutePath().toString());
    }

    private void print(String process, String line, boolean error) {
        (error ? output.err() : output.out()).println("[" + process + "] " + line);
    }
}
