package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "quickstart",
                "train",
                "train lr",
                "train softmax",
                "train mlp",
                "predict",
                "eval",
                "datagen",
                "datagen ctr",
                "server",
                "status",
                "compare",
                "table",
                "table ls",
                "table describe",
                "table rows",
                "table create",
                "table drop",
                "bench",
                "bench accuracy",
                "launch",
                "simulate",
                "conformance",
                "version"
            })
    void showsExamplesInTheHelpOfEveryCommand(String command) {
        Ran ran = Ran.weir((command + " --help").strip().split(" "));
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out())
                .startsWith(("Usage: weir " + command).strip())
                .contains("Examples:\n")
                .contains("  weir " + (command.isEmpty() ? "quickstart" : command))
                .as("a text that was broken by hand and again at the edge")
                .doesNotContainPattern("(?m)^ {31}.*\n {29}[a-z]");
        assertThat(ran.err()).isEmpty();
    }

    @Test
    void listsEveryCommand() {
        assertThat(Ran.weir("--help").out())
                .contains(
                        "quickstart",
                        "train",
                        "predict",
                        "eval",
                        "datagen",
                        "server",
                        "status",
                        "table",
                        "compare",
                        "launch",
                        "bench",
                        "simulate",
                        "conformance",
                        "version");
    }

    @Test
    void failsWithItsHelpWhenNothingIsAsked() {
        Ran ran = Ran.weir();
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err()).startsWith("Usage: weir");
    }

    @Test
    void suggestsTheCommandThatWasMeant() {
        Ran ran = Ran.weir("trian");
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains("'trian'", "Did you mean: weir train?");
    }

    @Test
    void namesAnOptionThatItDoesNotKnow() {
        Ran ran = Ran.weir("train", "lr", "--dta", "x");
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).startsWith("weir train lr: ").contains("--d").doesNotContain("\tat ");
    }

    @Test
    void showsVersions() {
        assertThat(Ran.weir("version").out()).startsWith("weir 0.1.0, protocol 1, java ");
        assertThat(Ran.weir("version", "--json").json().fields()).containsEntry("protocol", 1L);
    }

    @Test
    void showsAStackTraceOnlyWhenAsked() {
        assertThat(Ran.weir("predict", "--model", "no-such", "--data", "no-such")
                        .err())
                .isEqualTo("weir predict: model file must exist: file=no-such\n");
        assertThat(Ran.weir("predict", "--model", "no-such", "--data", "no-such", "--debug")
                        .err())
                .contains("\tat io.weir.cli.");
    }
}
