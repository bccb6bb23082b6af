package io.weir.cli;

import picocli.CommandLine.Command;

/// `weir train`.
@Command(
        name = "train",
        description = "Train a model.",
        footer = {"  weir train lr --data train.svm --test test.svm", "  weir train lr --help"})
final class TrainCommand extends GroupCommand {
    TrainCommand(Output output) {
        super(output);
    }
}
