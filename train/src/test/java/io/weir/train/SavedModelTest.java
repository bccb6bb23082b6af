package io.weir.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.InitialRow;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import io.weir.train.ExampleSource.Share;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SavedModelTest {
    private static final OptimizerSpec FTRL = OptimizerSpec.parse("ftrl(alpha=0.1,beta=1,l1=0.5,l2=0)");

    private final CtrGenerator generator = new CtrGenerator(4000, 2000, 10, 1);
    private final ReferenceWeir weir = new ReferenceWeir();

    @TempDir
    Path folder = Path.of("");

    private static SavedModel saved(TableSpec spec, boolean bias, long[] keys, int[] pushCounts, float[] values) {
        return new SavedModel(
                new LogisticRegression(spec, false, bias),
                OptionalDouble.empty(),
                List.of(new SavedTable(spec, keys, pushCounts, values)));
    }

    private SavedModel model(String table, boolean bias) {
        return SavedModel.of(
                weir, new LogisticRegression(weir.describe(table).orElseThrow().spec(), false, bias));
    }

    private static SavedTable only(SavedModel model) {
        assertThat(model.tables()).hasSize(1);
        return model.tables().getFirst();
    }

    @Test
    void comesBackFromItsFileBitForBit() throws IOException {
        TableSpec spec = TableSpec.embedding("some/table", 1, FTRL).withInitialRow(new InitialRow.Normal(0, 0.5f), -3);
        for (boolean bias : new boolean[] {false, true}) {
            Random random = new Random(9);
            long[] keys = random.longs(70_000).distinct().toArray();
            keys[0] = -1;
            keys[1] = 0;
            keys[2] = Long.MIN_VALUE;
            int[] pushCounts = random.ints(keys.length).toArray();
            float[] values = new float[keys.length * 3];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            SavedModel model = saved(spec, bias, keys, pushCounts, values);
            Path file = folder.resolve("model-" + bias);
            model.save(file);
            SavedModel read = SavedModel.read(file);
            assertThat(read.model()).isEqualTo(new LogisticRegression(spec, false, bias));
            assertThat(only(read).keys()).isEqualTo(only(model).keys());
            assertThat(only(read).pushCounts()).isEqualTo(only(model).pushCounts());
            assertThat(only(read).values()).isEqualTo(only(model).values());
            assertThat(read.hash()).hasToString(model.hash().toString());
            float[] weights = new float[keys.length];
            only(read).weights().read(keys, keys.length, weights);
            for (int i = 0; i < keys.length; i++) {
                assertThat(weights[i]).isEqualTo(values[3 * i]);
            }
            only(read).weights().read(new long[] {12345}, 1, weights);
            assertThat(weights[0]).isEqualTo(spec.initialRow().value(-3, 12345, 0));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void keepsRowsInAscendingUnsignedOrder() {
        SavedModel model = saved(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")),
                false,
                new long[] {-1, 5, Long.MIN_VALUE, 0, 300},
                new int[] {1, 2, 3, 4, 5},
                new float[] {1, 2, 3, 4, 5});
        assertThat(only(model).keys()).containsExactly(0, 5, 300, Long.MIN_VALUE, -1);
        assertThat(only(model).pushCounts()).containsExactly(4, 2, 5, 3, 1);
        assertThat(only(model).values()).containsExactly(4, 2, 5, 3, 1);
    }

    @Test
    void letsTrainingGoOnBitExactly() {
        for (String optimizer : List.of("ftrl(l1=0.1)", "adagrad", "momentum", "sgd")) {
            LrConfig config = LrConfig.of(TableSpec.embedding("through", 1, OptimizerSpec.parse(optimizer)))
                    .with(training -> training.withBatch(16))
                    .withBias(true);
            weir.drop("through");
            weir.drop("second");
            train(
                    generator.source(0, 2000),
                    config.with(training -> training.withRun(optimizer.substring(0, 3) + "1", false)));
            Path file = folder.resolve("half");
            model("through", true).save(file);
            train(
                    generator.source(2000, 4000),
                    config.with(training -> training.withRun(optimizer.substring(0, 3) + "2", false)));

            SavedModel half = SavedModel.read(file);
            Model copy = half.model().named("second");
            half.restore(weir, copy);
            TableSpec second = copy.tables().getFirst();
            train(
                    generator.source(2000, 4000),
                    LrConfig.of(second)
                            .with(training -> training.withBatch(16))
                            .withBias(true)
                            .with(training -> training.withRun(optimizer.substring(0, 3) + "3", false)));
            assertThat(ModelHash.of(weir, "second"))
                    .hasToString(ModelHash.of(weir, "through").toString());
            SavedModel through = model("through", true);
            SavedModel resumed = model("second", true);
            assertThat(only(resumed).pushCounts()).isEqualTo(only(through).pushCounts());
        }
    }

    @Test
    void refusesToRestoreIntoATableWithRows() {
        train(generator.source(), LrConfig.of("t", FTRL));
        SavedModel model = model("t", false);
        assertThatThrownBy(() -> model.restore(weir, model.model()))
                .hasMessage("a model is restored into an empty table: table=t");
    }

    @Test
    void predictsWithoutAServerAsTheTableDoes() throws IOException {
        train(generator.source(), LrConfig.of("t", FTRL).withBias(true));
        Path file = folder.resolve("model");
        model("t", true).save(file);
        SavedModel model = SavedModel.read(file);
        ExampleSource test = generator.source(10_000, 12_000);
        assertThat(Evaluation.of(test, only(model).weights(), true))
                .isEqualTo(Evaluation.of(test, Weights.of(weir.table("t")), true));

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(Predictor.predict(test, model.model(), model.weights(), out)).isEqualTo(2000);
        String[] lines = out.toString(StandardCharsets.US_ASCII).split("\n", -1);
        assertThat(lines).hasSize(2001);
        double loss = 0;
        ExampleBatch batch = new ExampleBatch();
        try (ExampleReader reader = test.open(Share.ALL)) {
            assertThat(reader.next(batch, 2000)).isTrue();
        }
        for (int i = 0; i < 2000; i++) {
            double p = Double.parseDouble(lines[i]);
            loss -= Math.log(batch.labels()[i] == 1 ? p : 1 - p);
        }
        assertThat(loss / 2000)
                .isCloseTo(Evaluation.of(test, only(model).weights(), true).logloss(), within(1e-12));
    }

    @Test
    void predictsForLinesWithoutLabels() throws IOException {
        Path file = Files.writeString(folder.resolve("bare.txt"), "5:1\n1 5:2\n# no example\n\n6:1\n");
        SavedModel model = saved(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")),
                false,
                new long[] {5},
                new int[1],
                new float[] {(float) Math.log(3)});
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Predictor.predict(LibsvmSource.withOptionalLabels(file), model.model(), model.weights(), out);
        String[] lines = out.toString(StandardCharsets.US_ASCII).split("\n");
        assertThat(Arrays.stream(lines).mapToDouble(Double::parseDouble).map(p -> Math.rint(p * 1e6) / 1e6))
                .containsExactly(0.75, 0.9, 0.5);
    }

    @Test
    void isReadBackOnlyWholeAndUnchanged() throws IOException {
        train(generator.source(0, 200), LrConfig.of("t", FTRL));
        Path file = folder.resolve("model");
        model("t", false).save(file);
        byte[] whole = Files.readAllBytes(file);
        String hash = SavedModel.read(file).hash().toString();
        Path broken = folder.resolve("broken");
        Random random = new Random(1);
        for (int round = 0; round < 2000; round++) {
            byte[] bytes = round % 3 == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            if (round % 3 == 1) {
                bytes[random.nextInt(Math.min(bytes.length, round % 2 == 0 ? 150 : bytes.length))] ^=
                        (byte) (1 << random.nextInt(8));
            } else if (round % 3 == 2) {
                bytes = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(9));
            }
            Files.write(broken, bytes);
            assertThatThrownBy(() -> SavedModel.read(broken))
                    .as("seed 1, round %d", round)
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith(broken + ": offset ");
        }
        assertThat(SavedModel.read(file).hash()).hasToString(hash);
    }

    @Test
    void saysWhatIsWrongWithAFile() throws IOException {
        Path file = folder.resolve("model");
        assertThatThrownBy(() -> SavedModel.read(file)).hasMessage("model file must exist: file=" + file);
        Files.writeString(file, "1 1:1 2:1 3:1 4:1 5:1\n");
        assertThatThrownBy(() -> SavedModel.read(file))
                .hasMessage(file + ": offset 0: expected a model file, beginning with WEIRMODL");
        Files.writeString(file, "WEIR");
        assertThatThrownBy(() -> SavedModel.read(file))
                .hasMessage(file + ": offset 0: expected a head of 16 bytes, found the end of the file after 4 bytes");
        Files.write(file, new byte[] {'W', 'E', 'I', 'R', 'M', 'O', 'D', 'L', 3, 0, 0, 0, 0, 0, 0, 0});
        assertThatThrownBy(() -> SavedModel.read(file))
                .hasMessage(file + ": offset 8: expected version 1 or 2, found 3");
        SavedModel model = saved(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")), false, new long[1], new int[1], new float[1]);
        Path nowhere = folder.resolve("no/where");
        assertThatThrownBy(() -> model.save(nowhere))
                .isInstanceOf(InputException.class)
                .hasMessage("the folder of a model file must exist: file=" + nowhere);
    }

    @Test
    void remembersTheScaleOfItsExamples() throws IOException {
        SavedModel model = saved(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")), true, new long[1], new int[1], new float[1]);
        Path file = folder.resolve("model");
        byte[] unknown = new byte[0];
        for (OptionalDouble scale :
                List.of(OptionalDouble.empty(), OptionalDouble.of(1 / 255.0), OptionalDouble.of(-0.0))) {
            model.withScale(scale).save(file);
            SavedModel read = SavedModel.read(file);
            assertThat(read.scale()).isEqualTo(scale);
            assertThat(read.hash()).hasToString(model.hash().toString());
            byte[] bytes = Files.readAllBytes(file);
            if (scale.isEmpty()) {
                unknown = bytes;
            }
            assertThat(Arrays.equals(bytes, unknown)).isEqualTo(scale.isEmpty());
        }
        assertThatThrownBy(() -> model.withScale(OptionalDouble.of(Double.POSITIVE_INFINITY)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("scale must be finite: scale=Infinity");
    }

    /// A softmax regression on 3 features with a bias, 4 passes in batches of 2 over 6 examples, as the first version
    /// wrote it.
    @Test
    void readsTheFirstVersionWhichKnowsNoScale() throws IOException {
        Path file = folder.resolve("model");
        try (InputStream golden =
                requireNonNull(SavedModelTest.class.getResourceAsStream("/model-v1.bin"), "golden file")) {
            Files.copy(golden, file);
        }
        SavedModel read = SavedModel.read(file);
        assertThat(read.scale()).isEmpty();
        assertThat(read.model())
                .isEqualTo(SoftmaxRegression.of("softmax", 3, OptimizerSpec.parse("sgd(rate=0.5)"), true));
        assertThat(read.rowCount()).isEqualTo(4);
        assertThat(read.hash()).hasToString("2d246a3e7d77b57b");
        Path again = folder.resolve("again");
        read.save(again);
        assertThat(Files.size(again)).isEqualTo(Files.size(file) + Double.BYTES);
        assertThat(SavedModel.read(again).hash()).hasToString("2d246a3e7d77b57b");
        assertThat(SavedModel.read(again).scale()).isEmpty();
    }

    @Test
    void modelsOfSeveralTablesComeBackAndGoOn() {
        OptimizerSpec adam = OptimizerSpec.parse("adam(rate=0.01)");
        Perceptron perceptron = new Perceptron("net", List.of(20, 9, 3), Activation.TANH, 0.25, adam, Long.MIN_VALUE);
        SoftmaxRegression softmax = SoftmaxRegression.of("soft", 3, adam, true);
        ExampleSource examples = new DenseExamples(3000, 20, 3, 4);
        for (Model model : List.of(perceptron, softmax)) {
            try (EmbeddedServer server =
                            EmbeddedServer.open(ServerConfig.defaults().withShardCount(3));
                    Weir real = server.connect()) {
                TrainingConfig config = TrainingConfig.of("first").withBatch(50);
                Trainer.train(real, examples, model, config, ProgressListener.NONE);
                Path file = folder.resolve("model");
                SavedModel taken = SavedModel.of(real, model);
                taken.save(file);
                SavedModel read = SavedModel.read(file);
                assertThat(read.model()).isEqualTo(model);
                assertThat(read.hash())
                        .hasToString(ModelHash.of(real, model.tables()).toString());

                Model copy = model.named("copy/of");
                read.restore(real, copy);
                assertThat(ClassEvaluation.of(examples, read.model(), read.weights()))
                        .isEqualTo(ClassEvaluation.of(
                                examples,
                                model,
                                model.tables().stream()
                                        .map(table -> Weights.of(real, table))
                                        .toList()));
                Trainer.train(real, examples, model, config.withRun("second", false), ProgressListener.NONE);
                Trainer.train(real, examples, copy, config.withRun("third", false), ProgressListener.NONE);
                assertThat(ModelHash.of(real, copy.tables()))
                        .hasToString(ModelHash.of(real, model.tables()).toString());
            }
        }
    }

    @Test
    void hashesTheSameRowsTheSameInAnyOrder() {
        ModelHash forward = new ModelHash();
        ModelHash backward = new ModelHash();
        float[] values = {1, 2, 3, 4};
        forward.add(1, values, 0, 2);
        forward.add(2, values, 2, 2);
        backward.add(2, values, 2, 2);
        backward.add(1, values, 0, 2);
        assertThat(backward.value()).isEqualTo(forward.value());
        ModelHash swapped = new ModelHash();
        swapped.add(2, values, 0, 2);
        swapped.add(1, values, 2, 2);
        assertThat(swapped.value()).isNotEqualTo(forward.value());
        ModelHash changed = new ModelHash();
        changed.add(1, new float[] {1, Math.nextUp(2f)}, 0, 2);
        changed.add(2, values, 2, 2);
        assertThat(changed.value()).isNotEqualTo(forward.value());
        assertThat(new ModelHash()).hasToString("0000000000000000");
    }

    @Test
    void hashesByItsDocumentedFormula() {
        ModelHash hash = new ModelHash();
        hash.add(7, new float[] {1.5f}, 0, 1);
        long step = 0x9e3779b97f4a7c15L;
        long row = Keys.mix((Keys.mix(7 + step) ^ 0x3fc00000L) + step);
        assertThat(hash).hasToString(String.format("%016x", row));
    }

    private void train(ExampleSource source, LrConfig config) {
        LogisticRegression.train(weir, source, config, ProgressListener.NONE);
    }
}
