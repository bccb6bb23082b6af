package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `weir train … --algorithm downpour`.
class TrainDownpourTest {
    @TempDir
    Path folder = Path.of("");

    private String data = "";

    @BeforeEach
    void generate() {
        data = folder.resolve("ctr.svm").toString();
        Ran.weir("datagen", "ctr", "--rows", "4000", "--features", "400", "--nonzeros", "8", "--out", data);
    }

    private Ran train(String... options) {
        List<String> arguments =
                new ArrayList<>(List.of("train", "lr", "--json", "-q", "--data", data, "--batch", "32"));
        arguments.addAll(List.of(options));
        return Ran.weir(arguments.toArray(String[]::new));
    }

    @Test
    void oneWorkerByDefaultIsSerialSgd() {
        String[] serial = {"--workers", "1", "--optimizer", "sgd(rate=0.2)", "--mean", "--bias"};
        FlatJson expected = train(serial).json();
        List<String> downpour = new ArrayList<>(List.of(serial));
        downpour.addAll(List.of("--algorithm", "downpour"));
        FlatJson report = train(downpour.toArray(String[]::new)).json();
        assertThat(report.text("model.hash")).isEqualTo(expected.text("model.hash"));
        assertThat(expected.fields()).containsEntry("algorithm", "sgd").doesNotContainKey("nFetch");
        assertThat(report.fields())
                .containsEntry("algorithm", "downpour")
                .containsEntry("nFetch", 1L)
                .containsEntry("nPush", 1L)
                .containsEntry("localRate", 0.2)
                .containsEntry("warmStart", 100L);
    }

    @Test
    void processesTrainOneModel() {
        Ran ran = train(
                "--algorithm",
                "downpour",
                "--n-fetch",
                "2",
                "--n-push",
                "3",
                "--local-rate",
                "0.001",
                "--warm-start",
                "20",
                "--processes",
                "2",
                "--server-processes",
                "2",
                "--passes",
                "3",
                "--test",
                data);
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        FlatJson report = ran.json();
        assertThat(report.whole("examples")).isEqualTo(12_000);
        assertThat(report.fields())
                .containsEntry("processes", 2L)
                .containsEntry("restarts", 0L)
                .containsEntry("nFetch", 2L)
                .containsEntry("nPush", 3L)
                .containsEntry("warmStart", 20L);
        assertThat(report.real("test.auc")).isGreaterThan(0.7);
    }

    @Test
    void saysWhatDoesNotGoTogether() {
        assertRefused(
                "--n-fetch, --local-rate go with --algorithm downpour: algorithm=sgd",
                "--n-fetch",
                "2",
                "--local-rate",
                "1");
        assertRefused(
                "--n-push, --warm-start go with --algorithm downpour: algorithm=sgd",
                "--n-push",
                "2",
                "--warm-start",
                "1");
        assertRefused("algorithm must be sgd, downpour or sandblaster: algorithm=rain", "--algorithm", "rain");
        assertRefused(
                "batches per push must be from 1 to 1024: batchesPerPush=0",
                "--algorithm",
                "downpour",
                "--n-push",
                "0");
        assertRefused(
                "downpour is asynchronous, its consistency must be asp: consistency=bsp",
                "--algorithm",
                "downpour",
                "--consistency",
                "bsp");
    }

    private void assertRefused(String message, String... options) {
        Ran ran = train(options);
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains(message);
    }
}
