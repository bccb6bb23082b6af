package io.weir.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The machines of a launch: this one, or those of a file, reached by `ssh`. Immutable.
///
/// @param names one for each machine, in turn for the processes; none for this machine
/// @param ssh program that reaches them, with its options
/// @param weir program that starts Weir there
/// @param folder where the processes are to work there
record Hosts(List<String> names, List<String> ssh, String weir, String folder) {
    Hosts {
        names = List.copyOf(names);
        ssh = List.copyOf(ssh);
    }

    /// This machine alone.
    static Hosts here() {
        return new Hosts(List.of(), List.of(), "", "");
    }

    /// The names in a file, one a line; empty lines and what follows a `#` do not count.
    static List<String> read(Path file) {
        Inputs.requireFile("host", file);
        List<String> names = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                String name = line.replaceFirst("#.*", "").strip();
                if (name.startsWith("-") || name.chars().anyMatch(Character::isWhitespace)) {
                    throw new CommandException(
                            Exit.FAILURE, "a host must be one name a line: line='" + line + "', file=" + file);
                } else if (!name.isEmpty()) {
                    names.add(name);
                }
            }
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, "host file cannot be read: " + e, e);
        }
        if (names.isEmpty()) {
            throw new CommandException(Exit.FAILURE, "host file must name a host: file=" + file);
        }
        return names;
    }

    boolean isLocal() {
        return names.isEmpty();
    }

    /// Where process `index` goes.
    String of(int index) {
        return names.get(index % names.size());
    }

    /// `weir server` for process `index`, on any free port.
    ProcessBuilder server(int index, List<String> options) {
        List<String> command = new ArrayList<>(List.of("server", "--port", "0", ChildProcess.OPTION));
        command.addAll(options);
        if (isLocal()) {
            return ChildProcess.builder(command);
        }
        command.addAll(List.of("--host", hostOf(of(index)), "--insecure"));
        command.add(0, weir);
        return remote(index, "exec " + quoted(command));
    }

    /// A worker's command for process `index`, with what it finds in its environment.
    ProcessBuilder worker(int index, List<String> command, Map<String, String> environment) {
        if (isLocal()) {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            // Nobody has anything to say to it.
            return builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        }
        List<String> whole = new ArrayList<>(List.of("env"));
        environment.forEach((name, value) -> whole.add(name + "=" + value));
        whole.addAll(command);
        // The command ends when this end of the connection does, which closes standard input there.
        return remote(
                index,
                "exec 3<&0; " + quoted(whole) + " </dev/null 3<&- & p=$!; "
                        + "{ cat <&3 >/dev/null; kill $p 2>/dev/null; } & w=$!; wait $p; c=$?; "
                        + "kill $w 2>/dev/null; exit $c");
    }

    private ProcessBuilder remote(int index, String script) {
        List<String> command = new ArrayList<>(ssh);
        command.add(of(index));
        command.add("cd " + quoted(List.of(folder)) + " && { " + script + "; }");
        return new ProcessBuilder(command);
    }

    /// Without the user of `user@host`.
    private static String hostOf(String name) {
        return name.substring(name.indexOf('@') + 1);
    }

    /// For a shell.
    private static String quoted(List<String> words) {
        List<String> quoted = new ArrayList<>();
        for (String word : words) {
            quoted.add("'" + word.replace("'", "'\\''") + "'");
        }
        return String.join(" ", quoted);
    }
}
