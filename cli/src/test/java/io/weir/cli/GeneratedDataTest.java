package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `weir quickstart`, `weir datagen` and `weir bench`, all small.
class GeneratedDataTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void quickstartSaysHowNearItComesToTheBest() {
        Ran ran = Ran.weir("quickstart", "--rows", "60000");
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out())
                .startsWith("Weir quickstart: ")
                .contains(
                        "Learned from 60,000 impressions", "possible", "of the way", "bytes a row", "What to try next");
        assertThat(ran.err()).contains("logloss");
    }

    @Test
    void quickstartPrintsOneJsonObject() {
        Ran ran = Ran.weir("quickstart", "--rows", "60000", "--json");
        assertThat(ran.out()).hasLineCount(1);
        FlatJson json = ran.json();
        assertThat(json.fields()).containsKeys("examplesPerSecond", "model.rows", "model.memoryBytes", "best.auc");
        double bestAuc = json.real("best.auc");
        double auc = json.real("test.auc");
        assertThat(auc).isBetween(0.5 + 0.7 * (bestAuc - 0.5), bestAuc);
        assertThat(json.real("test.logloss")).isGreaterThan(json.real("best.logloss"));
    }

    @Test
    void datagenSaysWhatCanBeReached() {
        Path file = folder.resolve("ctr.svm.gz");
        Ran ran = Ran.weir(
                "datagen", "ctr", "--rows", "500", "--features", "100", "--nonzeros", "5", "--out", file.toString());
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out()).contains("500 rows of 5 ids out of 100", "best reachable: AUC 0.", "logloss 0.");
        assertThat(file).isNotEmptyFile();
        FlatJson json = Ran.weir(
                        "datagen",
                        "ctr",
                        "--rows",
                        "500",
                        "--features",
                        "100",
                        "--nonzeros",
                        "5",
                        "--json",
                        "--out",
                        file.toString())
                .json();
        assertThat(json.fields()).containsEntry("rows", 500L).containsKeys("best.auc", "best.logloss", "bytes");
    }

    @Test
    void datagenContinuesAStreamWithRowsThatTrainingHasNotSeen() throws IOException {
        String[] names = {"all", "head", "tail"};
        String[][] ranges = {{"0", "900"}, {"0", "600"}, {"600", "300"}};
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < names.length; i++) {
            String file = folder.resolve(names[i]).toString();
            List<String> args = new ArrayList<>(List.of("datagen", "ctr", "--features", "100", "--nonzeros", "5"));
            args.addAll(List.of("--first-row", ranges[i][0], "--rows", ranges[i][1], "--out", file));
            assertThat(Ran.weir(args.toArray(String[]::new)).exitCode()).isEqualTo(Exit.OK);
            lines.addAll(i == 0 ? List.of() : Files.readAllLines(Path.of(file)));
        }
        assertThat(lines).isEqualTo(Files.readAllLines(folder.resolve("all")));
        Ran negative = Ran.weir(
                "datagen",
                "ctr",
                "--first-row",
                "-1",
                "--out",
                folder.resolve("x").toString());
        assertThat(negative.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(negative.err()).contains("fromRow=-1");
        assertThat(folder.resolve("x")).doesNotExist();
    }

    @Test
    void datagenRefusesWhatCannotBe() {
        Ran ran = Ran.weir(
                "datagen",
                "ctr",
                "--features",
                "3",
                "--out",
                folder.resolve("x").toString());
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains("features must be at least nonzeros: features=3, nonzeros=39");
        assertThat(Ran.weir("datagen", "ctr", "--out", folder + "/no/such").exitCode())
                .isEqualTo(Exit.NOT_FOUND);
    }

    @Test
    void benchMeasuresInOneProcess() {
        for (String mode : new String[] {"pull", "push", "step", "dense", "small"}) {
            Ran ran = Ran.weir(
                    "bench",
                    mode,
                    "--embedded",
                    "--json",
                    "--keys",
                    "2000",
                    "--batch",
                    "100",
                    "--length",
                    "5000",
                    "--warm-ups",
                    "1",
                    "--repetitions",
                    "1",
                    "--duration",
                    "5ms");
            assertThat(ran.err()).isEmpty();
            assertThat(ran.json().fields())
                    .containsEntry("mode", mode)
                    .containsKeys(
                            "rowsPerSecond",
                            "gigabytesPerSecond",
                            "p50Micros",
                            "p99Micros",
                            "bareSocketRowsPerSecond",
                            "bareLoopRowsPerSecond",
                            "ratioToBareLoop");
        }
    }

    @Test
    void benchMeasuresAServerProcess() {
        Ran ran = Ran.weir(
                "bench",
                "step",
                "--keys",
                "2000",
                "--batch",
                "100",
                "--warm-ups",
                "1",
                "--repetitions",
                "1",
                "--duration",
                "5ms",
                "--memory",
                "64m");
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out()).contains("M rows/s", "weir", "bare socket", "bare loop");
    }

    @Test
    void benchRefusesAModeThatItDoesNotHave() {
        Ran ran = Ran.weir("bench", "pul");
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains("'pul'");
        assertThat(Ran.weir("bench", "pull", "--dim", "0").err()).contains("dim must be 1 to 4096: dim=0");
    }
}
