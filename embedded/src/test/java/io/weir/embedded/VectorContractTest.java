package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.DenseTable;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Weir;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.VectorOperation;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Dense tables as vectors through real clients, against plain arithmetic.
class VectorContractTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final long SEED = 23;
    private static final int LENGTH = 5003;
    private static final int BLOCK = 64;

    static Stream<Named<Supplier<Cluster>>> clusters() {
        return Stream.of(
                Named.of("embedded, 1 shard", () -> Cluster.embedded(1)),
                Named.of("embedded, 2 shards", () -> Cluster.embedded(2)),
                Named.of("embedded, 3 shards", () -> Cluster.embedded(3)),
                Named.of("embedded, 8 shards", () -> Cluster.embedded(8)),
                Named.of("TCP, 1 server, 1 shard", () -> Cluster.tcp(1, 1)),
                Named.of("TCP, 3 servers, 3 shards each", () -> Cluster.tcp(3, 3)));
    }

    private static DenseTable table(Weir weir, String name, float[] values) {
        TableSpec spec =
                new TableSpec(name, new TableShape.Dense(values.length, BLOCK, "test"), SGD, new InitialRow.Zero(), 0);
        weir.create(spec);
        DenseTable table = weir.denseTable(name);
        float[] negative = values.clone();
        for (int i = 0; i < negative.length; i++) {
            negative[i] = -negative[i];
        }
        table.push(negative);
        return table;
    }

    private static float[] values(SplittableRandom random) {
        float[] values = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            values[i] = (float) ((random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(-3, 4)));
        }
        return values;
    }

    private static float[] read(DenseTable table) {
        float[] values = new float[Math.toIntExact(table.length())];
        table.pull(values);
        return values;
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void agreesWithSerialArithmetic(Supplier<Cluster> opening) {
        SplittableRandom random = new SplittableRandom(SEED);
        float[] y = values(random);
        float[] x = values(random);
        try (Cluster cluster = opening.get();
                Weir weir = cluster.connect()) {
            // Tables with other ids between them: only the placement brings them together.
            weir.create(TableSpec.embedding("between", 1, SGD));
            DenseTable tableY = table(weir, "y", y);
            weir.create(TableSpec.embedding("between-too", 1, SGD));
            DenseTable tableX = table(weir, "x", x);
            double dot = 0;
            double absolute = 0;
            double norm1 = 0;
            for (int i = 0; i < LENGTH; i++) {
                dot += (double) y[i] * x[i];
                absolute += Math.abs((double) y[i] * x[i]);
                norm1 += Math.abs(y[i]);
            }
            assertThat(tableY.dot(tableX)).isCloseTo(dot, within(absolute * 1e-13));
            assertThat(tableY.dotAsync(tableX).join()).isEqualTo(tableX.dot(tableY));
            assertThat(tableY.norm1()).isCloseTo(norm1, within(norm1 * 1e-13));
            assertThat(tableY.norm()).isEqualTo(Math.sqrt(tableY.dot(tableY)));

            tableY.axpy(-0.3, tableX);
            for (int i = 0; i < LENGTH; i++) {
                y[i] = (float) (y[i] + -0.3 * x[i]);
            }
            assertThat(read(tableY)).isEqualTo(y);
            tableY.scale(1.7);
            tableY.add(0.1);
            tableY.multiply(tableX);
            tableX.copy(tableY);
            for (int i = 0; i < LENGTH; i++) {
                y[i] = (float) (1.7 * y[i]);
                y[i] = (float) (y[i] + 0.1);
                y[i] = (float) ((double) y[i] * x[i]);
            }
            assertThat(read(tableY)).isEqualTo(y);
            assertThat(read(tableX)).isEqualTo(y);
            tableX.fill(-2);
            assertThat(read(tableX)).containsOnly(-2f);
        }
    }

    @Test
    void hasTheSameBitsForAnyNumberOfShards() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        float[] y = values(random);
        float[] x = values(random);
        List<Double> dots = new ArrayList<>();
        clusters().forEach(opening -> {
            try (Cluster cluster = opening.getPayload().get();
                    Weir weir = cluster.connect()) {
                DenseTable tableY = table(weir, "y", y);
                DenseTable tableX = table(weir, "x", x);
                double first = tableY.dot(tableX);
                tableY.axpy(first, tableX);
                dots.add(first + tableY.norm1() * 1e-3 + tableY.dot(tableX));
            }
        });
        assertThat(dots).hasSize(6).allSatisfy(dot -> assertThat(dot).isEqualTo(dots.getFirst()));
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void goesThroughTheStreamOfTheWorker(Supplier<Cluster> opening) {
        try (Cluster cluster = opening.get();
                Weir weir = cluster.connect();
                Run run = weir.join(RunOptions.of("r", 0, 1))) {
            float[] ones = new float[LENGTH];
            java.util.Arrays.fill(ones, 1f);
            DenseTable outside = table(weir, "y", ones);
            DenseTable y = run.denseTable(outside.spec());
            List<CompletableFuture<?>> under = new ArrayList<>();
            // More than a window of numbers, pushes and operations in turn: (y + 1) · 1 − 1, and so on.
            for (int i = 0; i < 100; i++) {
                under.add(y.axpyAsync(1, y));
                under.add(y.transformAsync(VectorOperation.SCALE, 0.5, null));
                under.add(y.pushAsync(0, ones, 0, LENGTH));
                under.add(y.transformAsync(VectorOperation.ADD, 1, null));
            }
            CompletableFuture.allOf(under.toArray(new CompletableFuture<?>[0])).join();
            assertThat(read(y)).containsOnly(1f);
            assertThat(y.norm1()).isEqualTo(LENGTH);
        }
    }

    @Test
    void cutsALargeTableIntoManyFrames() {
        int length = 5 << 20;
        try (Cluster cluster = Cluster.tcp(1, 2);
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.dense("y", length, SGD)
                    .withPlacement("p")
                    .withInitialRow(new InitialRow.Uniform(0, 1), 3));
            weir.create(
                    TableSpec.dense("x", length, SGD).withPlacement("p").withInitialRow(new InitialRow.Constant(2), 0));
            DenseTable y = weir.denseTable("y");
            DenseTable x = weir.denseTable("x");
            double sum = y.norm1();
            assertThat(sum).isCloseTo(length * 0.5, within(length * 0.01));
            assertThat(y.dot(x)).isEqualTo(2 * sum);
            x.axpy(-2, y);
            assertThat(x.dot(x)).isCloseTo(length * (4.0 / 3), within(length * 0.02));
        }
    }

    @Test
    void refusesWhatDoesNotFitBeforeAnythingIsSent() {
        try (Cluster cluster = Cluster.embedded(2);
                Weir weir = cluster.connect()) {
            DenseTable y = table(weir, "y", new float[LENGTH]);
            weir.create(new TableSpec("alone", new TableShape.Dense(LENGTH, BLOCK), SGD, new InitialRow.Zero(), 0));
            weir.create(new TableSpec(
                    "short", new TableShape.Dense(LENGTH - 1, BLOCK, "test"), SGD, new InitialRow.Zero(), 0));
            assertThatThrownBy(() -> y.dot(weir.denseTable("alone")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("same placement")
                    .hasMessageContaining("table=y, other=alone");
            assertThatThrownBy(() -> y.axpy(1, weir.denseTable("short")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("same length")
                    .hasMessageContaining("table=y, other=short");
            assertThatThrownBy(() -> y.scale(Double.NaN))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("scalar=NaN");
            assertThatThrownBy(() -> y.transform(VectorOperation.DOT, 0, y))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must fit the call");
            assertThatThrownBy(() -> y.reduce(VectorOperation.DOT, null)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> y.transform(VectorOperation.SCALE, 1, y))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void isRefusedInASynchronousRun() {
        try (Cluster cluster = Cluster.embedded(2);
                Weir weir = cluster.connect();
                Run run =
                        weir.join(new RunOptions(RunSpec.of("bsp", 1).withConsistency(Consistency.bsp()), 0, false))) {
            DenseTable y = run.denseTable(TableSpec.dense("y", 100, SGD));
            assertThatThrownBy(() -> y.fill(1)).hasMessageContaining("no step of a synchronous run");
        }
    }
}
