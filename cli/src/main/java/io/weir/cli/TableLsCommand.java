package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;

/// `weir table ls`.
@Command(
        name = "ls",
        description = "List all tables.",
        footer = {"  weir table ls", "  weir table ls --servers a:7700,b:7700 --json"})
final class TableLsCommand extends TableOptions {
    TableLsCommand(Output output) {
        super(output);
    }

    @Override
    int call(Weir weir) {
        List<TableInfo> tables = weir.tables();
        if (json) {
            output.out()
                    .println(new Json()
                            .put(
                                    "tables",
                                    tables.stream().map(TableOptions::json).toList())
                            .text());
            return Exit.OK;
        }
        print(output.out(), tables);
        return Exit.OK;
    }

    /// Prints tables in columns.
    static void print(PrintStream out, List<TableInfo> tables) {
        List<List<String>> lines = new ArrayList<>();
        lines.add(List.of("TABLE", "SHAPE", "OPTIMIZER", "ROWS", "MEMORY"));
        for (TableInfo table : tables) {
            lines.add(List.of(
                    table.spec().name(),
                    shapeOf(table),
                    table.spec().optimizer().text(),
                    Quantities.ofCount(table.rowCount()),
                    Quantities.ofBytes(table.memoryBytes())));
        }
        Columns.print(out, lines, false, false, false, true, true);
    }
}
