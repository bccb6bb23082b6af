package io.weir.cli;

import picocli.CommandLine.Command;

/// `weir train`.
@Command(
        name = "train",
        description = "Train a model.",
        footer = {
            "  weir train lr --data train.svm --test test.svm",
            "  weir train softmax --data train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz",
            "  weir train mlp --layers 784,128,10 --data train-images-idx3-ubyte.gz",
            "  weir train lr --help"
        })
final class TrainCommand extends GroupCommand {
    TrainCommand(Output output) {
        super(output);
    }
}
