package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Training with servers in this process, and what is done with the model then.
class TrainLrCommandTest {
    @TempDir
    Path folder = Path.of("");

    private Path data = Path.of("");

    @BeforeEach
    void generate() {
        data = folder.resolve("ctr.svm");
        Ran ran = Ran.weir(
                "datagen", "ctr", "--rows", "3000", "--features", "400", "--nonzeros", "8", "--out", data.toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("data.svm"), text);
    }

    @Test
    void printsOneJsonObject() {
        Ran ran = Ran.weir(
                "train", "lr", "--data", data.toString(), "--test", data.toString(), "--workers", "2", "--json");
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out()).hasLineCount(1);
        FlatJson json = ran.json();
        assertThat(json.fields())
                .containsEntry("examples", 3000L)
                .containsEntry("workers", 2L)
                .containsEntry("shards", 8L)
                .containsEntry("test.examples", 3000L)
                .containsKeys(
                        "seconds",
                        "examplesPerSecond",
                        "progressive.logloss",
                        "test.logloss",
                        "test.auc",
                        "test.accuracy",
                        "model.rows",
                        "model.hash");
        assertThat(json.real("test.auc")).isBetween(0.6, 1.0);
        assertThat(json.text("model.hash")).matches("[0-9a-f]{16}");
        assertThat(ran.err()).contains("pass 1/1", "logloss", "pull p50", "push p50");
        assertThat(ran.err()).doesNotContain("\r", "\u001b");
    }

    @Test
    void printsASummaryForPeople() {
        Ran ran = Ran.weir("train", "lr", "--data", data.toString(), "--test", data.toString(), "--workers", "1");
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out())
                .startsWith("trained on 3,000 examples in ")
                .contains("1 worker, 8 shards", "progressive logloss", "AUC", "accuracy", "rows", "hash");
    }

    @Test
    void showsNoProgressWhenQuiet() {
        assertThat(Ran.weir("train", "lr", "--data", data.toString(), "-q").err())
                .isEmpty();
    }

    @Test
    void hasTheSameModelWithAnyNumberOfShards() {
        String one = hash("--shards", "1");
        assertThat(hash("--shards", "3")).isEqualTo(one);
        assertThat(hash("--shards", "8")).isEqualTo(one);
        assertThat(hash("--shards", "8", "--mean")).isNotEqualTo(one);
        assertThat(hash("--shards", "8", "--shuffle")).isNotEqualTo(one);
        assertThat(hash("--shuffle", "--seed", "2")).isEqualTo(hash("--shuffle", "--seed", "2"));
        assertThat(hash("--bias")).isNotEqualTo(one);
        assertThat(hash("--no-bias", "--no-shuffle")).isEqualTo(one);
    }

    private String hash(String... options) {
        String[] args = new String[options.length + 8];
        String[] common = {"train", "lr", "--json", "-q", "--workers", "1", "--data", data.toString()};
        System.arraycopy(common, 0, args, 0, 8);
        System.arraycopy(options, 0, args, 8, options.length);
        return Ran.weir(args).json().text("model.hash");
    }

    @Test
    void savesAModelThatPredictsAndScores() throws IOException {
        String model = folder.resolve("model.weir").toString();
        Ran trained = Ran.weir(
                "train",
                "lr",
                "--json",
                "--bias",
                "--data",
                data.toString(),
                "--test",
                data.toString(),
                "--model-out",
                model);
        assertThat(trained.exitCode()).isEqualTo(Exit.OK);
        FlatJson expected = trained.json();

        FlatJson scored = Ran.weir("eval", "--model", model, "--data", data.toString(), "--json")
                .json();
        assertThat(scored.fields())
                .containsEntry("auc", expected.fields().get("test.auc"))
                .containsEntry("logloss", expected.fields().get("test.logloss"))
                .containsEntry("accuracy", expected.fields().get("test.accuracy"))
                .containsEntry("model.hash", expected.fields().get("model.hash"))
                .containsEntry("model.rows", expected.fields().get("model.rows"));
        assertThat(Ran.weir("eval", "--model", model, "--data", data.toString()).out())
                .startsWith("AUC ")
                .contains("3,000 examples");

        Ran predicted = Ran.weir("predict", "--model", model, "--data", data.toString());
        assertThat(predicted.exitCode()).isEqualTo(Exit.OK);
        assertThat(predicted.err()).isEqualTo("predicted 3,000 examples\n");
        double loss = 0;
        String[] probabilities = predicted.out().split("\n");
        String[] lines = Files.readString(data).split("\n");
        assertThat(probabilities).hasSameSizeAs(lines);
        for (int i = 0; i < lines.length; i++) {
            double probability = Double.parseDouble(probabilities[i]);
            loss -= Math.log(lines[i].charAt(0) == '1' ? probability : 1 - probability);
        }
        assertThat(loss / lines.length).isCloseTo(expected.real("test.logloss"), within(1e-9));

        Path file = folder.resolve("probabilities.txt");
        Ran written = Ran.weir("predict", "--model", model, "--data", data.toString(), "--out", file.toString());
        assertThat(written.out()).isEmpty();
        assertThat(file).hasContent(predicted.out());
    }

    @Test
    void goesOnFromAModelAsIfItHadNotStopped() throws IOException {
        String model = folder.resolve("model.weir").toString();
        String twice = hash("--passes", "2", "--bias", "--optimizer", "ftrl(l1=0.01)");
        hash("--bias", "--optimizer", "ftrl(l1=0.01)", "--model-out", model);
        assertThat(hash("--model-in", model)).isEqualTo(twice);

        Ran other = Ran.weir("train", "lr", "--data", data.toString(), "--model-in", model, "--optimizer", "sgd");
        assertThat(other.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(other.err()).contains("optimizer must be that of the model");
        Ran unbiased = Ran.weir("train", "lr", "--data", data.toString(), "--model-in", model, "--no-bias");
        assertThat(unbiased.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(unbiased.err()).contains("bias must be as in the model");

        byte[] bytes = Files.readAllBytes(Path.of(model));
        bytes[bytes.length / 2] ^= 1;
        Files.write(Path.of(model), bytes);
        Ran damaged = Ran.weir("eval", "--model", model, "--data", data.toString());
        assertThat(damaged.exitCode()).isEqualTo(Exit.FAILURE);
        assertThat(damaged.err()).startsWith("weir eval: " + model + ": offset ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1 1:1;0 2:x|data.svm:2: expected index:value with a finite value, found '2:x'",
                "1 1:1;0 2:NaN|data.svm:2: expected index:value with a finite value, found '2:NaN'",
                "1 1:1;0 99999999999999999999:1|data.svm:2: ",
                "1 1:1;0 1:1;3 1:1|data.svm",
                "'# nothing but this'|data.svm: expected examples, found none",
                "''|data.svm: expected examples, found none"
            })
    void namesWhatIsWrongWithItsInput(String text, String message) throws IOException {
        Path broken = write(text.replace(';', '\n'));
        for (String workers : new String[] {"1", "2"}) {
            Ran ran = Ran.weir("train", "lr", "--data", broken.toString(), "--workers", workers, "-q");
            assertThat(ran.exitCode()).isEqualTo(Exit.FAILURE);
            assertThat(ran.err()).hasLineCount(1).startsWith("weir train lr: ").contains(message);
            assertThat(ran.out()).isEmpty();
        }
    }

    @Test
    void namesAFileThatIsNotThere() {
        Ran ran = Ran.weir("train", "lr", "--data", "no-such.svm");
        assertThat(ran.exitCode()).isEqualTo(Exit.NOT_FOUND);
        assertThat(ran.err()).isEqualTo("weir train lr: data file must exist: file=no-such.svm\n");
        assertThat(Ran.weir("train", "lr", "--data", data.toString(), "--test", "no-such.svm")
                        .exitCode())
                .isEqualTo(Exit.NOT_FOUND);
        assertThat(Ran.weir("train", "lr", "--data", data.toString(), "--model-in", "no-such.weir")
                        .exitCode())
                .isEqualTo(Exit.NOT_FOUND);
        assertThat(Ran.weir("train", "lr", "--data", data.toString(), "--model-out", folder + "/no/such.weir")
                        .exitCode())
                .isEqualTo(Exit.NOT_FOUND);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--optimizer|sdg|optimizer must be one of sgd, momentum, adagrad, adam, ftrl, add, assign, min, max,",
                "--batch|0|batch must be from 1 to 1048576: batch=0",
                "--passes|0|passes must be from 1",
                "--workers|0|workers must be from 1 to 1024: workers=0",
                "--shards|0|shards must be from 1",
                "--patience|soon|patience must be from 1ms to 24h",
                "--memory|much|memory must be a number of bytes",
                "--worker-index|1|worker index must be from 0 to worker count - 1",
                "--worker-count|2|several processes need servers that they share",
                "--run|a b|table name must be",
                "--batch|many|is not an int"
            })
    void refusesSettingsThatMakeNoSense(String option, String value, String message) {
        Ran ran = Ran.weir("train", "lr", "--data", data.toString(), option, value);
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).startsWith("weir train lr: ").contains(message);
    }

    @Test
    void refusesMoreMemoryThanThereIs() {
        Ran ran = Ran.weir("train", "lr", "--data", data.toString(), "--memory", "1000t");
        assertThat(ran.exitCode()).isEqualTo(Exit.FAILURE);
        assertThat(ran.err()).contains("memory must not be more than the machine has", "choose a smaller --memory");
    }

    /// As `weir predict … | head` does.
    @Test
    void stopsPredictingWhenNobodyReads() throws IOException {
        String model = folder.resolve("model.weir").toString();
        Ran.weir("train", "lr", "--data", data.toString(), "--model-out", model);
        Path much = folder.resolve("much.svm");
        Files.writeString(much, Files.readString(data).repeat(20));
        AtomicInteger writes = new AtomicInteger();
        OutputStream gone = new OutputStream() {
            @Override
            public void write(int single) throws IOException {
                throw new IOException("Broken pipe");
            }

            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                writes.incrementAndGet();
                throw new IOException("Broken pipe");
            }
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = Main.run(
                new String[] {"predict", "--model", model, "--data", much.toString()},
                new PrintStream(gone),
                new PrintStream(err));
        assertThat(exitCode).isEqualTo(Exit.FAILURE);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .hasLineCount(1)
                .contains("predictions cannot be written: whoever reads standard output has gone");
        assertThat(writes).hasValueLessThanOrEqualTo(3);
    }
}
