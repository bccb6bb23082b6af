package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.model.InitialRow;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.ExampleSource.Share;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LrModelTest {
    private static final OptimizerSpec FTRL = OptimizerSpec.parse("ftrl(alpha=0.1,beta=1,l1=0.5,l2=0)");

    private final CtrGenerator generator = new CtrGenerator(4000, 2000, 10, 1);
    private final ReferenceWeir weir = new ReferenceWeir();

    @TempDir
    Path folder = Path.of("");

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
            LrModel model = new LrModel(spec, bias, keys, pushCounts, values);
            Path file = folder.resolve("model-" + bias);
            model.save(file);
            LrModel read = LrModel.read(file);
            assertThat(read.spec()).isEqualTo(spec);
            assertThat(read.bias()).isEqualTo(bias);
            assertThat(read.keys()).isEqualTo(model.keys());
            assertThat(read.pushCounts()).isEqualTo(model.pushCounts());
            assertThat(read.values()).isEqualTo(model.values());
            assertThat(read.hash()).hasToString(model.hash().toString());
            float[] weights = new float[keys.length];
            read.weights().read(keys, keys.length, weights);
            for (int i = 0; i < keys.length; i++) {
                assertThat(weights[i]).isEqualTo(values[3 * i]);
            }
            read.weights().read(new long[] {12345}, 1, weights);
            assertThat(weights[0]).isEqualTo(spec.initialRow().value(-3, 12345, 0));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void keepsRowsInAscendingUnsignedOrder() {
        LrModel model = new LrModel(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")),
                false,
                new long[] {-1, 5, Long.MIN_VALUE, 0, 300},
                new int[] {1, 2, 3, 4, 5},
                new float[] {1, 2, 3, 4, 5});
        assertThat(model.keys()).containsExactly(0, 5, 300, Long.MIN_VALUE, -1);
        assertThat(model.pushCounts()).containsExactly(4, 2, 5, 3, 1);
        assertThat(model.values()).containsExactly(4, 2, 5, 3, 1);
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
            LrModel.of(weir, "through", true).save(file);
            train(
                    generator.source(2000, 4000),
                    config.with(training -> training.withRun(optimizer.substring(0, 3) + "2", false)));

            TableSpec second = LrModel.read(file).restore(weir, "second");
            train(
                    generator.source(2000, 4000),
                    LrConfig.of(second)
                            .with(training -> training.withBatch(16))
                            .withBias(true)
                            .with(training -> training.withRun(optimizer.substring(0, 3) + "3", false)));
            assertThat(ModelHash.of(weir, "second"))
                    .hasToString(ModelHash.of(weir, "through").toString());
            LrModel through = LrModel.of(weir, "through", true);
            LrModel resumed = LrModel.of(weir, "second", true);
            assertThat(resumed.pushCounts()).isEqualTo(through.pushCounts());
        }
    }

    @Test
    void refusesToRestoreIntoATableWithRows() {
        train(generator.source(), LrConfig.of("t", FTRL));
        LrModel model = LrModel.of(weir, "t", false);
        assertThatThrownBy(() -> model.restore(weir, "t"))
                .hasMessage("a model is restored into an empty table: table=t");
    }

    @Test
    void predictsWithoutAServerAsTheTableDoes() throws IOException {
        train(generator.source(), LrConfig.of("t", FTRL).withBias(true));
        Path file = folder.resolve("model");
        LrModel.of(weir, "t", true).save(file);
        LrModel model = LrModel.read(file);
        ExampleSource test = generator.source(10_000, 12_000);
        assertThat(Evaluation.of(test, model.weights(), true))
                .isEqualTo(Evaluation.of(test, Weights.of(weir.table("t")), true));

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(Predictor.predict(test, model.weights(), true, out)).isEqualTo(2000);
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
                .isCloseTo(Evaluation.of(test, model.weights(), true).logloss(), within(1e-12));
    }

    @Test
    void predictsForLinesWithoutLabels() throws IOException {
        Path file = Files.writeString(folder.resolve("bare.txt"), "5:1\n1 5:2\n# no example\n\n6:1\n");
        LrModel model = new LrModel(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")),
                false,
                new long[] {5},
                new int[1],
                new float[] {(float) Math.log(3)});
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Predictor.predict(LibsvmSource.withOptionalLabels(file), model.weights(), false, out);
        String[] lines = out.toString(StandardCharsets.US_ASCII).split("\n");
        assertThat(Arrays.stream(lines).mapToDouble(Double::parseDouble).map(p -> Math.rint(p * 1e6) / 1e6))
                .containsExactly(0.75, 0.9, 0.5);
    }

    @Test
    void isReadBackOnlyWholeAndUnchanged() throws IOException {
        train(generator.source(0, 200), LrConfig.of("t", FTRL));
        Path file = folder.resolve("model");
        LrModel.of(weir, "t", false).save(file);
        byte[] whole = Files.readAllBytes(file);
        String hash = LrModel.read(file).hash().toString();
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
            assertThatThrownBy(() -> LrModel.read(broken))
                    .as("seed 1, round %d", round)
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith(broken + ": offset ");
        }
        assertThat(LrModel.read(file).hash()).hasToString(hash);
    }

    @Test
    void saysWhatIsWrongWithAFile() throws IOException {
        Path file = folder.resolve("model");
        assertThatThrownBy(() -> LrModel.read(file)).hasMessage("model file must exist: file=" + file);
        Files.writeString(file, "1 1:1 2:1 3:1 4:1 5:1\n");
        assertThatThrownBy(() -> LrModel.read(file))
                .hasMessage(file + ": offset 0: expected a model file, beginning with WEIRMODL");
        Files.writeString(file, "WEIR");
        assertThatThrownBy(() -> LrModel.read(file))
                .hasMessage(file + ": offset 0: expected a head of 16 bytes, found the end of the file after 4 bytes");
        Files.write(file, new byte[] {'W', 'E', 'I', 'R', 'M', 'O', 'D', 'L', 2, 0, 0, 0, 0, 0, 0, 0});
        assertThatThrownBy(() -> LrModel.read(file)).hasMessage(file + ": offset 8: expected version 1, found 2");
        LrModel model = new LrModel(
                TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd")), false, new long[1], new int[1], new float[1]);
        Path nowhere = folder.resolve("no/where");
        assertThatThrownBy(() -> model.save(nowhere))
                .isInstanceOf(InputException.class)
                .hasMessage("the folder of a model file must exist: file=" + nowhere);
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
