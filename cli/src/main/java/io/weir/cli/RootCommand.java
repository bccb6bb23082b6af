package io.weir.cli;

import picocli.CommandLine.Command;

/// `weir`.
@Command(
        name = "weir",
        description = "A parameter server for the JVM: trains models whose parameters live on servers.",
        footer = {
            "  weir quickstart                                  generate data, train on it, see how good it is",
            "  weir train lr --data train.svm --test test.svm   train on libsvm text, servers in the same process",
            "  weir server --port 7700                          run a parameter server",
            "  weir train lr --data train.svm --servers localhost:7700",
            "  weir compare --straggler 5x                      the same training under bsp, ssp and asp",
            "  weir status -w                                   who works, who waits for whom",
            "",
            "Exit codes: 0 done, 1 failed, 2 asked wrongly, 3 not found, 4 in conflict with what is there,",
            "5 unavailable or no answer in time, 6 a check failed."
        })
final class RootCommand extends GroupCommand {
    RootCommand(Output output) {
        super(output);
    }
}
