package io.weir.cli;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// A command that only holds others together. By itself it shows its help, and fails. Confined.
@Command(commandListHeading = "%nCommands:%n", synopsisSubcommandLabel = "COMMAND")
abstract class GroupCommand extends WeirOptions {
    @Spec
    @Nullable
    CommandSpec spec;

    GroupCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        CommandLine line = Objects.requireNonNull(spec).commandLine();
        line.usage(line.getErr());
        return Exit.USAGE;
    }
}
