package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weir table drop`.
@Command(
        name = "drop",
        description = "Drop a table and all its rows, which cannot be undone.",
        footer = {"  weir table drop ctr --dry-run", "  weir table drop ctr --yes"})
final class TableDropCommand extends TableOptions {
    @Parameters(index = "0", paramLabel = "<table>", description = "Name of the table.")
    String name = "";

    @Option(names = "--yes", description = "Do it, also if there are rows in it.")
    boolean yes;

    @Option(names = "--dry-run", description = "Say what would be done, and do nothing.")
    boolean dryRun;

    TableDropCommand(Output output) {
        super(output);
    }

    @Override
    int call(Weir weir) {
        TableInfo table = describe(weir, name);
        if (!dryRun && !yes && table.rowCount() > 0) {
            throw new CommandException(
                    Exit.CONFLICT,
                    "a table with rows is dropped only with --yes: table=" + name + ", rows=" + table.rowCount());
        }
        boolean dropped = !dryRun && weir.drop(name);
        if (json) {
            output.out().println(json(table).put("dropped", dropped).text());
        } else {
            output.out()
                    .println((dropped ? "dropped table " : "would drop table ") + name + ": "
                            + Quantities.ofCount(table.rowCount()) + " rows");
        }
        return Exit.OK;
    }
}
