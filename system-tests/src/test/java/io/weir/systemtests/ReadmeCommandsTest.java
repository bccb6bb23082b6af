package io.weir.systemtests;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Every command that a page names is there, with every option that it is shown with.
class ReadmeCommandsTest {
    /// In a block: a line that starts with the script's name.
    private static final Pattern LINE = Pattern.compile("(?m)^\\./weir ([^\\n#]*)");

    /// In running text: between backquotes, also over the end of a line.
    private static final Pattern INLINE = Pattern.compile("(?<!`)`(?:\\./)?weir ([^`]*)`(?!`)");

    @Test
    void commandsAndOptionsAreInTheHelp() throws IOException {
        List<String> wrong = new ArrayList<>();
        int commands = 0;
        for (Path page : ReadmeTest.pages()) {
            for (String command : commands(Files.readString(page))) {
                commands++;
                wrong.addAll(faults(page.getFileName() + ": ", command));
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(commands).isGreaterThan(10);
    }

    @Test
    void aCommandThatIsNotThereIsFound() {
        assertThat(faults("", "fly --high")).containsExactly("weir has no command: fly --high");
        assertThat(faults("", "table fly")).containsExactly("weir has no command: table fly");
        assertThat(faults("", "bench fly")).containsExactly("weir has no command: bench fly");
        assertThat(faults("", "bench pull")).isEmpty();
        assertThat(faults("", "version --high")).containsExactly("weir version has no option --high: version --high");
        assertThat(faults("", "version")).isEmpty();
    }

    private static Set<String> commands(String text) {
        Set<String> found = new TreeSet<>();
        for (Pattern pattern : List.of(LINE, INLINE)) {
            Matcher matcher = pattern.matcher(text);
            while (matcher.find()) {
                String command = matcher.group(1).replaceAll("\\s+", " ").strip();
                if (!command.startsWith("…")) {
                    found.add(command);
                }
            }
        }
        return found;
    }

    private static List<String> faults(String where, String command) {
        List<String> names = new ArrayList<>();
        List<String> options = new ArrayList<>();
        for (String word : command.split(" ", -1)) {
            if (word.startsWith("--")) {
                options.add(word.replaceFirst("=.*", ""));
            } else if (options.isEmpty()) {
                names.add(word);
            }
        }
        String help = help(names);
        if (help.isEmpty()) {
            return List.of(where + "weir has no command: " + command);
        }
        List<String> faults = new ArrayList<>();
        for (String option : options) {
            if (!Pattern.compile(Pattern.quote(option) + "(?![a-z-])")
                            .matcher(help)
                            .find()
                    && !help.contains("[no-]" + option.replaceFirst("--(no-)?", ""))) {
                faults.add(where + "weir " + String.join(" ", names) + " has no option " + option + ": " + command);
            }
        }
        return faults;
    }

    /// The help of a command, or an empty text if there is none of this name. A word behind the command's name may be
    /// an argument of it; if the command is a group of others, only one that its help names.
    private static String help(List<String> names) {
        for (int length = names.size(); length > 0; length--) {
            List<String> words = new ArrayList<>(names.subList(0, length));
            String usage = "Usage: weir " + String.join(" ", words) + " ";
            words.add("--help");
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8)) {
                Main.run(words.toArray(String[]::new), stream, stream);
            }
            String help = out.toString(StandardCharsets.UTF_8);
            if (help.contains(usage)) {
                boolean group = help.contains("\nCommands:");
                return length < names.size() && group && !names(help, names.get(length)) ? "" : help;
            }
        }
        return "";
    }

    private static boolean names(String help, String word) {
        return Pattern.compile("\\b" + Pattern.quote(word) + "\\b")
                .matcher(help)
                .find();
    }
}
