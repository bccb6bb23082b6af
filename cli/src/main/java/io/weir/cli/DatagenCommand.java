package io.weir.cli;

import picocli.CommandLine.Command;

/// `weir datagen`.
@Command(
        name = "datagen",
        description = "Generate data whose truth is known.",
        footer = {"  weir datagen ctr --rows 200000 --features 1000000 --nonzeros 40 --out ctr.svm"})
final class DatagenCommand extends GroupCommand {
    DatagenCommand(Output output) {
        super(output);
    }
}
