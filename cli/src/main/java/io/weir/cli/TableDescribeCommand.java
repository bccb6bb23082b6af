package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `weir table describe`.
@Command(
        name = "describe",
        description = "Describe one table.",
        footer = {"  weir table describe ctr", "  weir table describe ctr --json"})
final class TableDescribeCommand extends TableOptions {
    @Parameters(index = "0", paramLabel = "<table>", description = "Name of the table.")
    String name = "";

    TableDescribeCommand(Output output) {
        super(output);
    }

    @Override
    int call(Weir weir) {
        TableInfo table = describe(weir, name);
        int shards = weir.shardMap().shardCount();
        if (json) {
            output.out().println(json(table).put("shards", shards).text());
            return Exit.OK;
        }
        String creator = creatorOf(table);
        printColumns(
                List.of(
                        List.of("table", table.spec().name()),
                        List.of("id", Integer.toString(table.id())),
                        List.of("shape", shapeOf(table)),
                        List.of("optimizer", table.spec().optimizer().text()),
                        List.of("initial row", table.spec().initialRow().text()),
                        List.of("seed", Long.toString(table.spec().seed())),
                        List.of("created by run", creator == null ? "none" : creator),
                        List.of("shards", Integer.toString(shards)),
                        List.of("rows", Quantities.ofCount(table.rowCount())),
                        List.of("memory", Quantities.ofBytes(table.memoryBytes()) + perRow(table))),
                false,
                false);
        return Exit.OK;
    }

    private static String perRow(TableInfo table) {
        return table.rowCount() == 0
                ? ""
                : String.format(Locale.ROOT, ", %.1f bytes a row", (double) table.memoryBytes() / table.rowCount());
    }
}
