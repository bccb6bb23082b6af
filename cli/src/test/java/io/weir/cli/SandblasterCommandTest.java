package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `--algorithm sandblaster` of `weir train lr` and `weir train softmax`.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SandblasterCommandTest {
    @TempDir
    Path folder = Path.of("");

    private String data = "";

    @BeforeEach
    void write() throws IOException {
        SplittableRandom random = new SplittableRandom(47);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 3000; i++) {
            StringBuilder features = new StringBuilder();
            double margin = 0;
            for (int key = 1; key <= 20; key++) {
                if (random.nextInt(3) == 0) {
                    margin += Math.cos(key);
                    features.append(' ').append(key).append(":1");
                }
            }
            text.append(random.nextDouble() < 1 / (1 + Math.exp(-margin)) ? 1 : 0)
                    .append(features)
                    .append('\n');
        }
        data = Files.writeString(folder.resolve("data.svm"), text).toString();
    }

    private Ran train(String model, String... options) {
        List<String> args = new ArrayList<>(List.of("train", model, "--data", data, "-q"));
        args.addAll(List.of("--algorithm", "sandblaster"));
        args.addAll(List.of(options));
        return Ran.weir(args.toArray(String[]::new));
    }

    @Test
    void printsTheObjectiveBesideWhatEveryTrainingPrints() {
        Ran one = train("lr", "--json", "--workers", "1", "--shards", "1", "--test", data);
        assertThat(one.exitCode()).as(one.err()).isZero();
        assertThat(one.json().whole("dataPasses")).isBetween(3L, 60L);
        assertThat(one.json().real("gradientNorm")).isLessThan(0.01);
        assertThat(one.json().real("objective")).isBetween(500.0, 2079.0);
        assertThat(one.out())
                .contains("\"algorithm\":\"sandblaster\"")
                .contains("\"converged\":true")
                .contains("\"examples\":")
                .contains("\"auc\":");
        Ran four = train("lr", "--json", "--workers", "4", "--l2-c", "1");
        assertThat(four.json().real("objective")).isEqualTo(one.json().real("objective"));
        assertThat(four.json().real("gradientNorm")).isEqualTo(one.json().real("gradientNorm"));
    }

    @Test
    void trainsSoftmaxWithAbsoluteValues() {
        Ran ran = train("softmax", "--l1-c", "0.1", "--passes", "40", "--history", "10", "--no-bias");
        assertThat(ran.exitCode()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("objective").contains("gradient norm");
    }

    @Test
    void trainsInProcesses() {
        Ran one = train("lr", "--json", "--passes", "6", "--tolerance", "0");
        Ran processes =
                train("lr", "--json", "--passes", "6", "--tolerance", "0", "--processes", "2", "--workers", "1");
        assertThat(processes.exitCode()).as(processes.err()).isZero();
        assertThat(processes.json().real("objective")).isEqualTo(one.json().real("objective"));
        assertThat(processes.json().whole("dataPasses")).isEqualTo(6);
    }

    @Test
    void refusesOptionsThatDoNotGoTogether() {
        assertRefused("squares or by their absolute values", train("lr", "--l1-c", "1", "--l2-c", "1"));
        assertRefused("above 0", train("lr", "--l2-c", "0"));
        assertRefused("goes without --shuffle", train("lr", "--shuffle"));
        assertRefused("goes without --shuffle", train("lr", "--consistency", "bsp"));
        assertRefused("at least 2 passes", train("lr", "--passes", "1"));
        assertRefused("go with --algorithm sandblaster", Ran.weir("train", "lr", "--data", data, "-q", "--l2-c", "1"));
        assertRefused("linear models", train("mlp", "--layers", "20,5,2"));
    }

    private static void assertRefused(String message, Ran ran) {
        assertThat(ran.exitCode()).isNotZero();
        assertThat(ran.err()).contains(message);
    }
}
