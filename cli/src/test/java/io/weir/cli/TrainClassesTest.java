package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `weir train softmax` and `weir train mlp`, and what is done with their models.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class TrainClassesTest {
    private static final int COUNT = 3000;
    private static final int SIDE = 4;
    private static final int CLASSES = 3;

    @TempDir
    Path folder = Path.of("");

    private String data = "";

    /// Images of three classes, each around a pattern of its own.
    @BeforeEach
    void write() throws IOException {
        Random random = new Random(6);
        byte[] labels = new byte[COUNT];
        byte[] pixels = new byte[COUNT * SIDE * SIDE];
        for (int i = 0; i < COUNT; i++) {
            labels[i] = (byte) random.nextInt(CLASSES);
            for (int j = 0; j < SIDE * SIDE; j++) {
                double mean = j % CLASSES == labels[i] ? 150 : 100;
                pixels[i * SIDE * SIDE + j] = (byte) Math.clamp(Math.round(mean + 40 * random.nextGaussian()), 0, 255);
            }
        }
        data = folder.resolve("train-images-idx3-ubyte.gz").toString();
        writeIdx(Path.of(data), pixels, COUNT, SIDE, SIDE);
        writeIdx(folder.resolve("train-labels-idx1-ubyte.gz"), labels, COUNT);
    }

    private static void writeIdx(Path file, byte[] content, int... lengths) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file));
                DataOutputStream stream = new DataOutputStream(out)) {
            stream.write(new byte[] {0, 0, 8, (byte) lengths.length});
            for (int length : lengths) {
                stream.writeInt(length);
            }
            stream.write(content);
        }
    }

    private Ran train(String model, String... options) {
        List<String> args = new ArrayList<>(List.of("train", model, "--data", data, "-q", "--json"));
        if (model.equals("mlp")) {
            args.addAll(List.of("--layers", "16,12,3", "--dropout", "0.1"));
        }
        args.addAll(List.of(options));
        return Ran.weir(args.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"softmax", "mlp"})
    void printsOneJsonObjectAsLrDoes(String model) {
        Ran ran = train(model, "--test", data, "--batch", "32", "--passes", "8", "--workers", "1");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isEqualTo(Exit.OK);
        assertThat(ran.out()).hasLineCount(1);
        FlatJson json = ran.json();
        assertThat(json.fields())
                .containsEntry("examples", 8L * COUNT)
                .containsEntry("features", 8L * COUNT * SIDE * SIDE)
                .containsEntry("workers", 1L)
                .containsEntry("run", model)
                .containsEntry("batch", 32L)
                .containsEntry("test.examples", (long) COUNT)
                .containsEntry(
                        "optimizer", model.equals("mlp") ? json.text("optimizer") : "adagrad(rate=0.05,epsilon=1e-8)")
                .containsKeys("progressive.logloss", "test.logloss", "model.memoryBytes", "pull.p50Micros")
                .doesNotContainKey("test.auc");
        assertThat(json.real("test.accuracy")).isBetween(0.85, 1.0);
        assertThat(json.real("test.logloss")).isBetween(0.0, 0.5);
        assertThat(json.text("model.hash")).matches("[0-9a-f]{16}");
        assertThat(json.whole("model.rows")).isEqualTo(model.equals("mlp") ? 30 : 17);
    }

    @ParameterizedTest
    @ValueSource(strings = {"softmax", "mlp"})
    void hasTheSameModelInThisProcessOnServersAndInProcesses(String model) throws IOException {
        String[] common = {"--consistency", "bsp", "--batch", "50", "--passes", "2", "--shuffle"};
        String threads = hash(model, common, "--workers", "2");
        assertThat(hash(model, common, "--workers", "2", "--shards", "3")).isEqualTo(threads);
        assertThat(hash(model, common, "--workers", "2", "--seed", "5")).isNotEqualTo(threads);
        try (TestServer first = TestServer.start(2);
                TestServer second = TestServer.start(3)) {
            String servers = first.address() + "," + second.address();
            assertThat(hash(model, common, "--workers", "2", "--servers", servers))
                    .isEqualTo(threads);
        }
        assertThat(hash(model, common, "--workers", "1", "--processes", "2", "--server-processes", "2"))
                .isEqualTo(threads);
    }

    /// Worker processes are told as well; 2 bits make the same of each value on any number of servers.
    @Test
    void gradientsInFewerBitsMakeTheSameModelInProcesses() {
        String[] common = {
            "--consistency", "bsp", "--batch", "50", "--compression", "2bit(0.05)", "--pull-compression", "bf16"
        };
        String threads = hash("mlp", common, "--workers", "2");
        assertThat(hash("mlp", common, "--workers", "1", "--processes", "2", "--server-processes", "2"))
                .isEqualTo(threads);
        assertThat(hash("mlp", common, "--workers", "2", "--seed", "2")).isNotEqualTo(threads);
        assertThat(train("softmax", "--compression", " 2BIT( 0.050 ) ").json().fields())
                .containsEntry("compression", "2bit(0.05)")
                .containsEntry("pullCompression", "none");
    }

    private String hash(String model, String[] common, String... more) {
        List<String> options = new ArrayList<>(List.of(common));
        options.addAll(List.of(more));
        Ran ran = train(model, options.toArray(String[]::new));
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        return ran.json().text("model.hash");
    }

    @ParameterizedTest
    @ValueSource(strings = {"softmax", "mlp"})
    void savesAModelThatScoresPredictsAndGoesOn(String model) throws IOException {
        String file = folder.resolve("model.weir").toString();
        FlatJson trained = train(model, "--workers", "1", "--test", data, "--model-out", file)
                .json();
        FlatJson scored =
                Ran.weir("eval", "--model", file, "--data", data, "--json").json();
        for (String field : List.of("accuracy", "logloss", "examples")) {
            assertThat(scored.fields()).containsEntry(field, trained.fields().get("test." + field));
        }
        assertThat(scored.text("model.hash")).isEqualTo(trained.text("model.hash"));
        assertThat(Ran.weir("eval", "--model", file, "--data", data).out()).startsWith("accuracy ");

        Path predictions = folder.resolve("predictions");
        Ran predicted = Ran.weir("predict", "--model", file, "--data", data, "--out", predictions.toString());
        assertThat(predicted.err()).isEqualTo("predicted 3,000 examples\n");
        List<String> lines = Files.readAllLines(predictions);
        assertThat(lines).hasSize(COUNT);
        for (String line : lines) {
            String[] words = line.split(" ");
            assertThat(words).hasSize(1 + CLASSES);
            double sum = 0;
            double greatest = 0;
            for (int i = 1; i < words.length; i++) {
                sum += Double.parseDouble(words[i]);
                greatest = Math.max(greatest, Double.parseDouble(words[i]));
            }
            assertThat(sum).isBetween(1 - 1e-12, 1 + 1e-12);
            assertThat(Double.parseDouble(words[1 + Integer.parseInt(words[0])]))
                    .isEqualTo(greatest);
        }

        Ran again = train(model, "--workers", "1", "--model-in", file, "--test", data);
        assertThat(again.exitCode()).as(again.err()).isEqualTo(Exit.OK);
        assertThat(again.json().real("test.logloss")).isLessThan(trained.real("test.logloss"));
        Ran other = Ran.weir("train", "lr", "--data", data, "--model-in", file);
        assertThat(other.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(other.err()).contains("training goes on from a model of the same kind: command=lr, model=");
    }

    @Test
    void readsLibsvmTextAndScalesIt() throws IOException {
        StringBuilder text = new StringBuilder();
        Random random = new Random(4);
        for (int i = 0; i < 600; i++) {
            int label = random.nextInt(4);
            text.append(label);
            for (int j = 1; j <= 8; j++) {
                if (random.nextInt(3) > 0) {
                    text.append(' ').append(j).append(':').append(random.nextInt(8) + (j % 4 == label ? 9 : 0));
                }
            }
            text.append('\n');
        }
        data = Files.writeString(folder.resolve("train.svm"), text).toString();
        FlatJson json = train(
                        "softmax",
                        "--workers",
                        "1",
                        "--scale",
                        "0.0625",
                        "--batch",
                        "10",
                        "--passes",
                        "10",
                        "--test",
                        data)
                .json();
        assertThat(json.fields()).containsEntry("classes", 4L);
        assertThat(json.real("test.accuracy")).isGreaterThan(0.8);
        Ran mlp = Ran.weir(
                "train",
                "mlp",
                "--layers",
                "8,16,4",
                "--activation",
                "tanh",
                "--data",
                data,
                "--scale",
                "0.0625",
                "--workers",
                "1",
                "--batch",
                "10",
                "--passes",
                "10",
                "--test",
                data,
                "--json",
                "-q");
        assertThat(mlp.json().real("test.accuracy")).isGreaterThan(0.8);
    }

    /// Text with the bytes of the images is the same to a perceptron as the images are.
    @Test
    void aModelKnowsTheScaleThatItWasTrainedWith() throws IOException {
        String images = data;
        String text = imagesAsText();
        String model = folder.resolve("model.weir").toString();
        FlatJson trained = train("mlp", "--workers", "1", "--passes", "2", "--model-out", model, "--test", images)
                .json();
        for (String file : List.of(images, text)) {
            FlatJson scored =
                    Ran.weir("eval", "--model", model, "--data", file, "--json").json();
            assertThat(scored.real("logloss")).as(file).isCloseTo(trained.real("test.logloss"), within(1e-6));
        }
        String scale = Double.toString(1 / 255.0);
        assertThat(Ran.weir("predict", "--model", model, "--data", text).out())
                .isEqualTo(Ran.weir("predict", "--model", model, "--data", text, "--scale", scale)
                        .out());
        FlatJson other = Ran.weir("eval", "--model", model, "--data", text, "--scale", "1", "--json")
                .json();
        assertThat(other.real("logloss")).isNotCloseTo(trained.real("test.logloss"), within(1e-3));

        data = text;
        String next = folder.resolve("next.weir").toString();
        FlatJson goneOn = train("mlp", "--workers", "1", "--model-in", model, "--model-out", next, "--test", images)
                .json();
        assertThat(train("mlp", "--workers", "1", "--model-in", model, "--scale", scale)
                        .json()
                        .text("model.hash"))
                .isEqualTo(goneOn.text("model.hash"));
        FlatJson scored =
                Ran.weir("eval", "--model", next, "--data", images, "--json").json();
        assertThat(scored.real("logloss")).isEqualTo(goneOn.real("test.logloss"));
    }

    /// The training images as libsvm text, their bytes as they are.
    private String imagesAsText() throws IOException {
        byte[] pixels;
        byte[] labels;
        try (InputStream images = new GZIPInputStream(Files.newInputStream(Path.of(data)));
                InputStream classes =
                        new GZIPInputStream(Files.newInputStream(folder.resolve("train-labels-idx1-ubyte.gz")))) {
            images.skipNBytes(16);
            pixels = images.readAllBytes();
            classes.skipNBytes(8);
            labels = classes.readAllBytes();
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < COUNT; i++) {
            text.append(labels[i]);
            for (int j = 0; j < SIDE * SIDE; j++) {
                text.append(' ').append(j).append(':').append(pixels[i * SIDE * SIDE + j] & 0xff);
            }
            text.append('\n');
        }
        return Files.writeString(folder.resolve("images.svm"), text).toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "softmax|--classes|1|softmax regression needs rows of one weight for each of 2 or more classes: dim=1",
                "softmax|--classes|2|labels must be from 0 to 1: label=2, example=",
                "softmax|--scale|NaN|scale must be finite: scale=NaN",
                "mlp|--layers|16,x|layers must be numbers parted by commas: layers=16,x",
                "mlp|--layers|16|a perceptron needs from 2 to 64 numbers of units: layers=16",
                "mlp|--layers|15,3|examples must have as many values as the first layer: width=16, layer=15",
                "mlp|--activation|gelu|activation must be relu, tanh or sigmoid: activation=gelu",
                "softmax|--compression|3bit|compression must be one of none, bf16, fp16, int8, 2bit(THRESHOLD), 1bit,",
                "softmax|--compression|2bit|compression must have its settings, one of none, bf16,",
                "mlp|--compression|2bit(0)|threshold of 2 bits must be finite and above 0: threshold=0.0",
                "mlp|--compression|topk(x)|setting of a compression must be a number: found='x', compression=topk(x)",
                "mlp|--pull-compression|1bit|rows can be pulled as none, bf16, fp16 or int8: compression=1bit",
                "mlp|--dropout|1|dropout must be from 0 to less than 1: dropout=1.0",
                "mlp|--slices|0|slices must be from 1 to 256: slices=0",
                "mlp|--slices|4|slices must be from 1 to the blocks of each table: slices=4, most=3, layers=16,3",
            })
    void refusesSettingsThatMakeNoSense(String model, String option, String value, String message) {
        List<String> args = new ArrayList<>(List.of("train", model, "--data", data, "-q", option, value));
        if (model.equals("mlp") && !option.equals("--layers")) {
            args.addAll(List.of("--layers", "16,3"));
        }
        Ran ran = Ran.weir(args.toArray(String[]::new));
        assertThat(ran.exitCode()).isNotEqualTo(Exit.OK);
        assertThat(ran.err()).contains(message);
    }

    @Test
    void asksForLabelsThatItDoesNotFindByThemselves() throws IOException {
        Path labels = folder.resolve("classes.gz");
        Files.move(folder.resolve("train-labels-idx1-ubyte.gz"), labels);
        Ran ran = train("softmax");
        assertThat(ran.exitCode()).isEqualTo(Exit.NOT_FOUND);
        assertThat(ran.err()).contains("labels of idx data must be named with --labels: data=" + data);
        Ran named = train("softmax", "--labels", labels.toString(), "--test", data, "--test-labels", labels.toString());
        assertThat(named.exitCode()).as(named.err()).isEqualTo(Exit.OK);
        Ran mlp = Ran.weir("train", "mlp", "--data", data, "--labels", labels.toString());
        assertThat(mlp.err()).contains("a perceptron needs --layers, such as 784,128,10");
    }
}
