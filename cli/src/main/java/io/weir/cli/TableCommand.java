package io.weir.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `weir table`.
@Command(
        name = "table",
        description = "Look at the tables of running servers, and change them.",
        footer = {
            "  weir table ls",
            "  weir table describe ctr --servers a:7700,b:7700",
            "  weir table rows ctr --keys 1,2,3"
        })
final class TableCommand extends GroupCommand {
    private TableCommand(Output output) {
        super(output);
    }

    static CommandLine of(Output output) {
        return new CommandLine(new TableCommand(output))
                .addSubcommand("ls", new TableLsCommand(output))
                .addSubcommand("describe", new TableDescribeCommand(output))
                .addSubcommand("rows", new TableRowsCommand(output))
                .addSubcommand("create", new TableCreateCommand(output))
                .addSubcommand("drop", new TableDropCommand(output));
    }
}
