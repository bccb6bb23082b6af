package io.weir.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// What every command has: help, and stack traces on request. Confined.
@Command(optionListHeading = "%nOptions:%n", parameterListHeading = "%nArguments:%n", footerHeading = "%nExamples:%n")
abstract class WeirOptions implements Callable<Integer> {
    /// Where to print.
    final Output output;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;

    @Option(names = "--debug", description = "Show the stack trace of an error.")
    boolean debug;

    WeirOptions(Output output) {
        this.output = output;
    }

    /// Does the work.
    ///
    /// @return one of [Exit]
    /// @throws Exception what [Failures] reports
    @Override
    public abstract Integer call() throws Exception;
}
