package io.weir.cli;

import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// The program `weir`.
public final class Main {
    private static final List<String> COMMANDS = List.of(
            "quickstart",
            "train",
            "predict",
            "eval",
            "datagen",
            "server",
            "launch",
            "status",
            "table",
            "compare",
            "bench",
            "simulate",
            "conformance",
            "version");

    private Main() {}

    /// Runs a command and ends the process with its exit code.
    public static void main(String[] args) {
        Output output = Output.ofProcess();
        int exitCode = run(args, output);
        output.out().flush();
        output.err().flush();
        System.exit(exitCode);
    }

    /// Runs a command in this process.
    ///
    /// @param out gets data
    /// @param err gets progress and errors
    /// @return the exit code: 0 done, 1 failed, 2 asked wrongly, 3 not found, 4 in conflict with what is there,
    ///     5 unavailable, 6 a check failed
    public static int run(String[] args, PrintStream out, PrintStream err) {
        return run(args, Output.plain(out, err));
    }

    static int run(String[] args, Output output) {
        QuickstartCommand.greet(args, output);
        CommandLine line = new CommandLine(new RootCommand(output));
        // Reading the annotations of a command takes longer than many a command does, so only what is asked for is
        // there. With no known name all are, for the help and for suggestions.
        boolean known = args.length > 0 && COMMANDS.contains(args[0]);
        for (String name : known ? List.of(args[0]) : COMMANDS) {
            add(line, name, output);
        }
        line.setOut(writer(output.out()));
        line.setErr(writer(output.err()));
        line.setColorScheme(CommandLine.Help.defaultColorScheme(output.color() ? Ansi.ON : Ansi.OFF));
        line.setUsageHelpWidth(110);
        line.setUsageHelpAutoWidth(false);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((e, _) -> reportUsage(e, output));
        line.setExecutionExceptionHandler((e, failed, _) -> Failures.report(
                e,
                failed.getCommandSpec().qualifiedName(),
                output,
                failed.getCommand() instanceof WeirOptions options && options.debug));
        try {
            return line.execute(args);
        } catch (OutOfMemoryError | LinkageError e) {
            return Failures.report(e, "weir", output, Arrays.asList(args).contains("--debug"));
        }
    }

    private static void add(CommandLine line, String name, Output output) {
        switch (name) {
            case "quickstart" -> line.addSubcommand(name, new QuickstartCommand(output));
            case "train" ->
                line.addSubcommand(
                        name,
                        new CommandLine(new TrainCommand(output))
                                .addSubcommand("lr", new TrainLrCommand(output))
                                .addSubcommand("softmax", new TrainSoftmaxCommand(output))
                                .addSubcommand("mlp", new TrainMlpCommand(output)));
            case "predict" -> line.addSubcommand(name, new PredictCommand(output));
            case "eval" -> line.addSubcommand(name, new EvalCommand(output));
            case "datagen" ->
                line.addSubcommand(
                        name,
                        new CommandLine(new DatagenCommand(output))
                                .addSubcommand("ctr", new DatagenCtrCommand(output)));
            case "server" -> line.addSubcommand(name, new ServerCommand(output));
            case "launch" -> line.addSubcommand(name, launch(output));
            case "status" -> line.addSubcommand(name, new StatusCommand(output));
            case "table" -> line.addSubcommand(name, TableCommand.of(output));
            case "compare" -> line.addSubcommand(name, new CompareCommand(output));
            case "bench" ->
                line.addSubcommand(
                        name,
                        new CommandLine(new BenchCommand(output))
                                .addSubcommand("accuracy", new BenchAccuracyCommand(output)));
            case "simulate" -> line.addSubcommand(name, new SimulateCommand(output));
            case "conformance" -> line.addSubcommand(name, new ConformanceCommand(output));
            case "version" -> line.addSubcommand(name, new VersionCommand(output));
            default -> throw new IllegalStateException("no such command: name=" + name);
        }
    }

    /// What stands behind the command's first word is the command's.
    private static CommandLine launch(Output output) {
        return new CommandLine(new LaunchCommand(output)).setStopAtPositional(true);
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }

    private static int reportUsage(ParameterException e, Output output) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        output.err().println(command + ": " + e.getMessage());
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.isUnknownOption()
                && !unmatched.getSuggestions().isEmpty()) {
            // The nearest; the next ones have no more than some letters in common.
            output.err()
                    .println("Did you mean: " + command + " "
                            + unmatched.getSuggestions().getFirst() + "?");
        } else {
            UnmatchedArgumentException.printSuggestions(e, e.getCommandLine().getErr());
        }
        output.err().println("'" + command + " --help' shows what can be asked");
        return Exit.USAGE;
    }
}
