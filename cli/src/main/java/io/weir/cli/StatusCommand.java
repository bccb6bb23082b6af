package io.weir.cli;

import io.weir.client.ServerInfo;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir status`.
@Command(
        name = "status",
        sortOptions = false,
        description = "Show servers, tables and runs: how far each worker has come, and who waits for whom.",
        footer = {
            "  weir status",
            "  weir status --servers a:7700,b:7700 -w",
            "  weir status --json",
            "",
            "A worker's AHEAD are its clocks beyond the slowest active one; SILENT is how long ago it last gave a sign",
            "of life. WAITING are pulls that wait for other workers, AGAIN pushes that came twice and were applied once,",
            "LATE pushes whose step had been closed without their worker. --json prints {servers, tables, runs}, with -w again and again, an object a line."
        })
final class StatusCommand extends WeirOptions {
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    @Option(
            names = "--servers",
            paramLabel = "<host:port,...>",
            description = ServerOptions.DESCRIPTION + " Default: ${DEFAULT-VALUE}.")
    String servers = "127.0.0.1:7700";

    @Option(
            names = {"-w", "--watch"},
            description = "Show it every second, until stopped.")
    boolean watch;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    StatusCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        try (Weir weir = Weir.connect(servers)) {
            show(weir);
            while (watch && waited()) {
                show(weir);
            }
        }
        return Exit.OK;
    }

    private static boolean waited() {
        try {
            Thread.sleep(INTERVAL);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void show(Weir weir) {
        List<ServerInfo> servers = weir.servers();
        List<TableInfo> tables = weir.tables();
        List<RunText> runs =
                weir.runs().stream().map(weir::runStatus).map(RunText::of).toList();
        if (json) {
            output.out()
                    .println(new Json()
                            .put(
                                    "servers",
                                    servers.stream().map(StatusCommand::json).toList())
                            .put(
                                    "tables",
                                    tables.stream().map(TableOptions::json).toList())
                            .put("runs", runs.stream().map(RunText::json).toList())
                            .text());
        } else {
            print(output.out(), servers, tables, runs);
        }
        output.out().flush();
    }

    private void print(PrintStream out, List<ServerInfo> servers, List<TableInfo> tables, List<RunText> runs) {
        if (watch && output.terminal()) {
            out.print("\u001b[H\u001b[2J");
        }
        List<List<String>> lines = new ArrayList<>();
        lines.add(List.of("SERVER", "SHARDS", "MEMORY", "OF", "CONNECTIONS", "WAITING", "AGAIN", "LATE"));
        for (ServerInfo server : servers) {
            lines.add(List.of(
                    server.address().toString(),
                    Integer.toString(server.shardCount()),
                    Quantities.ofBytes(server.memoryBytes()),
                    Quantities.ofBytes(server.memoryCapBytes()),
                    Integer.toString(server.connectionCount()),
                    Integer.toString(server.waitingPulls()),
                    Long.toString(server.duplicates()),
                    Long.toString(server.latePushes())));
        }
        Columns.print(out, lines, false, true, true, true, true, true, true, true);
        if (!tables.isEmpty()) {
            out.println();
            TableLsCommand.print(out, tables);
        }
        for (RunText run : runs) {
            out.println();
            run.print(out);
        }
        if (watch && !output.terminal()) {
            out.println();
        }
    }

    private static Json json(ServerInfo server) {
        return new Json()
                .put("address", server.address().toString())
                .put("shards", server.shardCount())
                .put("memoryBytes", server.memoryBytes())
                .put("memoryCapBytes", server.memoryCapBytes())
                .put("connections", server.connectionCount())
                .put("waitingPulls", server.waitingPulls())
                .put("duplicates", server.duplicates())
                .put("latePushes", server.latePushes())
                .put("skippedRows", server.skippedRows());
    }
}
