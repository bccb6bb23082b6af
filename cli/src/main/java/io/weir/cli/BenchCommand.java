package io.weir.cli;

import static java.util.Objects.requireNonNull;

import io.weir.cli.bench.BenchConfig;
import io.weir.cli.bench.BenchMode;
import io.weir.cli.bench.BenchResult;
import io.weir.cli.bench.ServerProcess;
import io.weir.cli.bench.WeirBench;
import io.weir.client.ClientConfig;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.ServerAddress;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `weir bench`.
@Command(
        name = "bench",
        sortOptions = false,
        description = {
            "Measure how fast a server is, over TCP with a server process of its own unless --embedded is given.",
            "Beside it, in turns within the same run, go two references: the same bytes over a bare socket, and the",
            "same with a bare loop over one flat table, without protocol, shards, checksums or checks."
        },
        footer = {
            "  weir bench pull",
            "  weir bench push --in-flight 8 --json",
            "  weir bench step --embedded",
            "  weir bench dense --length 16000000",
            "  weir bench kv --length 16000000",
            "  weir bench small --in-flight 64",
            "  weir bench accuracy --workers 1,2,4 --out accuracy.svg"
        })
final class BenchCommand extends WeirOptions {
    private static final Duration START_DEADLINE = Duration.ofMinutes(1);
    private static final Duration CALL_DEADLINE = Duration.ofMinutes(2);

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "pull|push|step|dense|small|kv",
            description = "pull or push of a batch; step: both in turn; dense: a tensor pushed and pulled whole; "
                    + "small: pulls of one key; kv: as dense, by a key-value store in synchronous rounds.")
    @Nullable
    BenchMode mode;

    @Spec
    @Nullable
    CommandSpec spec;

    @Option(names = "--keys", paramLabel = "<n>", description = "Rows of the table. Default: ${DEFAULT-VALUE}.")
    int keys = 1_000_000;

    @Option(names = "--dim", paramLabel = "<n>", description = "Floats of a row. Default: ${DEFAULT-VALUE}.")
    int dim = 16;

    @Option(names = "--batch", paramLabel = "<n>", description = "Keys of a batch. Default: ${DEFAULT-VALUE}.")
    int batch = 10_000;

    @Option(names = "--zipf", paramLabel = "<s>", description = "Exponent of the keys' law. Default: ${DEFAULT-VALUE}.")
    double zipf = 1.05;

    @Option(
            names = "--in-flight",
            paramLabel = "<n>",
            description = "Calls that wait for their answer at a time. Default: ${DEFAULT-VALUE}.")
    int inFlight = 1;

    @Option(names = "--shards", paramLabel = "<n>", description = "Shards of the server. Default: ${DEFAULT-VALUE}.")
    int shards = 8;

    @Option(
            names = "--length",
            paramLabel = "<n>",
            description = "Floats of the dense tensor. Default: ${DEFAULT-VALUE}.")
    int length = 1_000_000;

    @Option(names = "--warm-ups", paramLabel = "<n>", description = "Rounds not counted. Default: ${DEFAULT-VALUE}.")
    int warmups = 3;

    @Option(names = "--repetitions", paramLabel = "<n>", description = "Rounds counted. Default: ${DEFAULT-VALUE}.")
    int repetitions = 5;

    @Option(
            names = "--duration",
            paramLabel = "<duration>",
            description = "Of each turn of each contender. Default: ${DEFAULT-VALUE}.")
    String duration = "700ms";

    @Option(names = "--seed", paramLabel = "<n>", description = "Of keys and gradients. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(names = "--memory", paramLabel = "<bytes>", description = "Of the server. Default: half of the machine's.")
    @Nullable
    String memory;

    @Option(names = "--embedded", description = "Put the server into this process, without a socket.")
    boolean embedded;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    BenchCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() throws IOException {
        BenchConfig config = new BenchConfig(
                requireMode(),
                keys,
                dim,
                batch,
                zipf,
                inFlight,
                shards,
                length,
                warmups,
                repetitions,
                Quantities.duration("duration", duration),
                embedded,
                seed);
        BenchResult result = embedded ? runEmbedded(config) : runOverTcp(config);
        if (json) {
            output.out().println(result.toJson());
        } else {
            result.print(output.out());
        }
        return Exit.OK;
    }

    /// A subcommand does without; this command does not.
    private BenchMode requireMode() {
        BenchMode given = mode;
        if (given == null) {
            throw new ParameterException(
                    requireNonNull(spec).commandLine(),
                    "Missing required parameter: 'pull|push|step|dense|small|kv', or the subcommand accuracy");
        }
        return given;
    }

    private ClientConfig clientConfig() {
        return ClientConfig.defaults().withMaxInFlight(Math.max(64, inFlight)).withDeadline(CALL_DEADLINE);
    }

    private BenchResult runEmbedded(BenchConfig config) throws IOException {
        try (EmbeddedServer server = EmbeddedServer.open(Memory.config(memory).withShardCount(shards))) {
            return WeirBench.run(config, () -> server.connect(clientConfig()));
        }
    }

    private BenchResult runOverTcp(BenchConfig config) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("server", "--port", "0", "--shards", Integer.toString(shards)));
        if (memory != null) {
            arguments.addAll(List.of("--memory", memory));
        }
        try (ServerProcess server =
                ServerProcess.start(Main.class.getName(), jvmArguments(), arguments, START_DEADLINE)) {
            ServerAddress address = new ServerAddress("127.0.0.1", server.port());
            return WeirBench.run(config, () -> Weir.connect(List.of(address), clientConfig()));
        }
    }

    /// The server's JVM collects garbage, lays out objects and starts as this one does.
    private static List<String> jvmArguments() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("-XX:+Use")
                        || argument.startsWith("-XX:AOTCache=")
                        || argument.startsWith("-Xlog:aot=")
                        || argument.startsWith("-Xlog:cds="))
                .toList();
    }
}
