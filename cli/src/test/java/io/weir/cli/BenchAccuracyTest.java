package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchAccuracyTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void measuresEachAlgorithmWithEachNumberOfWorkers() throws IOException {
        Path picture = folder.resolve("accuracy.svg");
        Ran ran = Ran.weir(
                "bench",
                "accuracy",
                "--workers",
                "1,2",
                "--rows",
                "4000",
                "--passes",
                "2",
                "--out",
                picture.toString());
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        assertThat(ran.out())
                .containsPattern("algorithm +workers +seconds to 0[.0-9]* +examples to .* best +last")
                .containsPattern("(?m)^sgd +1 +[0-9.]+ +[0-9,]+ +1.00 ")
                .containsPattern("(?m)^downpour +1 +[0-9.]+ ")
                .containsPattern("(?m)^downpour +2 +[0-9.]+ ")
                .containsPattern("(?m)^downpour-adagrad +2 +[0-9.]+ ")
                .containsPattern("(?m)^sandblaster +1 +[0-9.]+ ")
                .containsPattern("(?m)^sandblaster +2 +[0-9.]+ ")
                .contains("4,000 generated examples", "drawn in " + picture);
        assertThat(ran.err()).contains("warming up with sgd", "training with downpour-adagrad, 2 workers");
        assertThat(Files.readString(picture)).startsWith("<svg ").contains(">downpour-adagrad<", ">sandblaster<");
    }

    @Test
    void trainsOnFilesAndReachesWhatAGeneratedModelCannotMiss() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 3000; i++) {
            lines.append(i % 3).append(' ').append(1 + i % 3).append(":1\n");
        }
        String data = Files.writeString(folder.resolve("three.svm"), lines).toString();
        for (String layers : new String[] {"", "4,8,3"}) {
            String[] command = layers.isEmpty()
                    ? new String[] {"bench", "accuracy", "--json", "--data", data, "--test", data, "--workers", "2"}
                    : new String[] {
                        "bench",
                        "accuracy",
                        "--json",
                        "--data",
                        data,
                        "--test",
                        data,
                        "--workers",
                        "2",
                        "--layers",
                        layers
                    };
            Ran ran = Ran.weir(command);
            assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
            assertThat(ran.out())
                    .contains("\"target\":", "\"algorithm\":\"sgd\",\"workers\":1,", "\"accuracy\":[", "three.svm");
            if (layers.isEmpty()) {
                assertThat(ran.out()).contains("\"target\":1.0,", "\"lastAccuracy\":1.0");
            }
        }
    }

    @Test
    void saysWhatDoesNotGoTogether() {
        assertRefused("--data and --test go together: data=a.svm, test=null", "--data", "a.svm");
        assertRefused("target must be above 0 and below 1: target=85.0", "--target", "85");
        assertRefused("workers must be from 1 to 256: workers=0", "--workers", "1,0");
        assertRefused(
                "L-BFGS trains linear models: algorithm=sandblaster, layers=[64, 10]",
                "--algorithm",
                "sandblaster",
                "--layers",
                "64,10");
        assertRefused("rows must be at least 1000: rows=10", "--rows", "10");
        assertRefused(
                "algorithm must be sgd, downpour, downpour-adagrad or sandblaster: algorithm=rain",
                "--algorithm",
                "sgd,rain");
    }

    /// L-BFGS takes the same steps whoever helps, so the accuracy after each pass is the same.
    @Test
    void workersMakeNoDifferenceToWhatSandblasterFinds() {
        Ran ran = Ran.weir(
                "bench",
                "accuracy",
                "--json",
                "--algorithm",
                "sandblaster",
                "--workers",
                "1,3",
                "--rows",
                "3000",
                "--lbfgs-passes",
                "8");
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        Matcher matcher = Pattern.compile("\"accuracy\":\\[([^]]*)]").matcher(ran.out());
        assertThat(matcher.find()).isTrue();
        String one = matcher.group(1);
        assertThat(matcher.find()).isTrue();
        assertThat(matcher.group(1)).isEqualTo(one);
        // That of the model as it begins, and one for each pass but the one that only looks.
        assertThat(one.split(",", -1)).hasSize(8);
    }

    private static void assertRefused(String message, String... options) {
        String[] command = new String[options.length + 2];
        command[0] = "bench";
        command[1] = "accuracy";
        System.arraycopy(options, 0, command, 2, options.length);
        Ran ran = Ran.weir(command);
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains(message);
    }

    @Test
    void theOtherBenchmarksStillWantTheirMode() {
        Ran ran = Ran.weir("bench");
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err())
                .contains("Missing required parameter: 'pull|push|step|dense|small|kv', or the subcommand accuracy");
    }
}
