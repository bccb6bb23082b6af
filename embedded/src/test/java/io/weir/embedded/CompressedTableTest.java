package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.ClientConfig;
import io.weir.client.DenseTable;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Tables whose pushes and pulls go in fewer bits, whichever way the requests go.
class CompressedTableTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final int DIM = 5;
    private static final int KEYS = 400;
    private static final int LENGTH = 20_000;
    private static final int BLOCK = 512;

    private static final List<Compression> ALL = List.of(
            Compression.none(),
            Compression.bf16(),
            Compression.fp16(),
            Compression.int8(),
            Compression.twoBit(0.25f),
            Compression.oneBit(),
            Compression.oneBitCompat(0),
            Compression.topK(0.1),
            Compression.randomK(0.1, 3));

    static Stream<Named<TableContractTest.Opening>> clusters() {
        return Stream.of(
                Named.of("embedded, 1 shard", () -> Cluster.embedded(1)),
                Named.of("embedded, 8 shards", () -> Cluster.embedded(8)),
                Named.of("TCP, 1 server, 1 shard", () -> Cluster.tcp(1, 1)),
                Named.of("TCP, 3 servers, 3 shards each", () -> Cluster.tcp(3, 3)));
    }

    private static TableSpec dense(String name, long length, int blockLength) {
        return new TableSpec(name, new TableShape.Dense(length, blockLength), SGD, new InitialRow.Zero(), 0);
    }

    private static float[] uniform(Random random, int count, float most) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (random.nextFloat() * 2 - 1) * most;
        }
        return values;
    }

    private static long[] keys() {
        long[] keys = new long[KEYS];
        Arrays.setAll(keys, i -> 7919L * i - 1000);
        return keys;
    }

    /// How far the sum of what arrived may be from the sum of `steps` gradients within ±`most`.
    private static double bound(Compression compression, double most, int steps) {
        if (compression instanceof Compression.Bfloat16) {
            return steps * most / 256;
        } else if (compression instanceof Compression.Float16) {
            return steps * most / 2048;
        } else if (compression instanceof Compression.Int8) {
            return steps * most / 127 * 0.501;
        } else if (compression instanceof Compression.TwoBit twoBit) {
            return twoBit.threshold();
        } else if (compression instanceof Compression.OneBitCompat) {
            return 1 + most;
        } else if (compression instanceof Compression.None) {
            return 0;
        }
        // What is left of a value cannot be more than all that was pushed of it.
        return steps * most;
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void whatArrivesIsWhatWasPushedButForItsBound(TableContractTest.Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            int steps = 40;
            for (Compression compression : ALL) {
                String name = "t" + ALL.indexOf(compression);
                weir.create(TableSpec.embedding(name, DIM, SGD));
                weir.create(dense("d" + name, LENGTH, BLOCK));
                Table table = weir.table(name).compressed(compression);
                DenseTable tensor = weir.denseTable("d" + name).compressed(compression);
                Random random = new Random(1);
                double[] rows = new double[KEYS * DIM];
                double[] floats = new double[LENGTH];
                for (int step = 0; step < steps; step++) {
                    float[] gradients = uniform(random, rows.length, 0.25f);
                    float[] stretch = uniform(random, floats.length, 0.25f);
                    if (step % 2 == 0) {
                        table.push(keys(), gradients);
                        tensor.push(stretch);
                    } else {
                        table.pushPull(keys(), gradients, gradients.clone());
                        tensor.pushAsync(0, stretch, 0, 7777).join();
                        tensor.pushPull(7777, stretch, 7777, stretch.clone(), 7777, LENGTH - 7777);
                    }
                    add(rows, gradients);
                    add(floats, stretch);
                }
                double bound = bound(compression, 0.25, steps) + 1e-4;
                assertWithin(bound, rows, weir.table(name).pull(keys()), compression);
                float[] read = new float[LENGTH];
                weir.denseTable("d" + name).pull(read);
                assertWithin(bound, floats, read, compression);
            }
        }
    }

    private static void add(double[] sums, float[] values) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += values[i];
        }
    }

    private static void assertWithin(double bound, double[] sums, float[] weights, Compression compression) {
        double worst = 0;
        double squares = 0;
        double left = 0;
        for (int i = 0; i < sums.length; i++) {
            worst = Math.max(worst, Math.abs(sums[i] + weights[i]));
            squares += sums[i] * sums[i];
            left += (sums[i] + weights[i]) * (sums[i] + weights[i]);
        }
        assertThat(worst).as(compression.text()).isLessThanOrEqualTo(bound);
        // Also where single values are bound by little: most of the sum has arrived.
        assertThat(left).as(compression.text()).isLessThan(0.9 * squares);
    }

    /// The published sequences, on a table: `w += 2 · g` is SGD of rate 2 on the negative.
    @ParameterizedTest
    @MethodSource("clusters")
    void publishedSequencesComeOut(TableContractTest.Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            float[][] pushed = {{0.4f, 0.1f, 0.2f, 0.3f}, {1, -1, 2, 0, -2}};
            float[][] expected = {{0, 1, 1, 2}, {2, 0, 2, 4, 2}};
            Compression[] compressions = {Compression.twoBit(0.5f), Compression.oneBitCompat(0)};
            for (int i = 0; i < 2; i++) {
                OptimizerSpec twice = OptimizerSpec.parse("sgd(rate=2)");
                weir.create(new TableSpec(
                        "p" + i, new TableShape.Dense(1_440_000, 16_384), twice, new InitialRow.Zero(), 0));
                DenseTable tensor = weir.denseTable("p" + i).compressed(compressions[i]);
                float[] gradients = new float[1_440_000];
                float[] read = new float[1_440_000];
                for (int step = 0; step < pushed[i].length; step++) {
                    Arrays.fill(gradients, pushed[i][step]);
                    tensor.push(gradients);
                    tensor.pull(read);
                    for (float value : read) {
                        if (value != -expected[i][step]) {
                            throw new AssertionError("step=" + step + ", value=" + value);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void rowsAreReadWithinTheirBoundAndNotChanged(TableContractTest.Opening opening) {
        try (Cluster cluster = opening.open();
                Weir weir = cluster.connect()) {
            for (int dim : new int[] {1, 3, 16, 100}) {
                TableSpec spec =
                        TableSpec.embedding("t" + dim, dim, SGD).withInitialRow(new InitialRow.Uniform(-2, 2), 9);
                weir.create(spec);
                weir.create(dense("d" + dim, 70_000, 16 * dim));
                float[] exact = weir.table(spec.name()).pull(keys());
                weir.denseTable("d" + dim).push(uniform(new Random(dim), 70_000, 2));
                float[] floats = new float[70_000];
                weir.denseTable("d" + dim).pull(floats);
                for (Compression pulls : List.of(Compression.bf16(), Compression.fp16(), Compression.int8())) {
                    Table table = weir.table(spec.name()).compressed(Compression.none(), pulls);
                    DenseTable tensor = weir.denseTable("d" + dim).compressed(Compression.none(), pulls);
                    float[] read = new float[floats.length];
                    tensor.pull(read);
                    assertClose(pulls, floats, read);
                    Arrays.fill(read, 0);
                    tensor.pullAsync(13, read, 13, 50_001).join();
                    assertClose(pulls, Arrays.copyOfRange(floats, 13, 50_014), Arrays.copyOfRange(read, 13, 50_014));
                    assertClose(pulls, exact, table.pull(keys()));
                    float[] again = new float[exact.length];
                    table.pullAsync(keys(), again).join();
                    assertClose(pulls, exact, again);
                    table.pushPull(keys(), new float[exact.length], again);
                    assertClose(pulls, exact, again);
                }
                assertThat(weir.table(spec.name()).pull(keys())).containsExactly(exact);
            }
        }
    }

    private static void assertClose(Compression pulls, float[] exact, float[] read) {
        assertThat(read).hasSameSizeAs(exact);
        for (int i = 0; i < exact.length; i++) {
            double bound = bound(pulls, pulls instanceof Compression.Int8 ? 2 : Math.abs(exact[i]), 1) + 0x1p-25;
            if (Math.abs((double) exact[i] - read[i]) > bound) {
                throw new AssertionError(pulls.text() + ": i=" + i + ", exact=" + exact[i] + ", read=" + read[i]);
            }
        }
    }

    @Test
    void refusesPullsThatLeaveSomethingOut() {
        try (Cluster cluster = Cluster.embedded(1);
                Weir weir = cluster.connect()) {
            weir.create(TableSpec.embedding("t", 1, SGD));
            Table table = weir.table("t");
            assertThatThrownBy(() -> table.compressed(Compression.none(), Compression.topK(0.5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("rows can be pulled as none, bf16, fp16 or int8: compression=topk(0.5)");
        }
    }

    @Test
    void refusesToLeaveOutWhatCannotBeAddedLater() {
        try (Cluster cluster = Cluster.embedded(1);
                Weir weir = cluster.connect()) {
            for (String optimizer : List.of("assign", "min", "max")) {
                weir.create(TableSpec.embedding(optimizer, 1, OptimizerSpec.parse(optimizer)));
                Table table = weir.table(optimizer);
                assertThatThrownBy(() -> table.compressed(Compression.oneBit()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("what a push leaves out can only be added later: compression=1bit, optimizer="
                                + optimizer + ", table=" + optimizer);
                table.compressed(Compression.bf16()).push(new long[] {1}, new float[] {0.5f});
                assertThat(table.pull(new long[] {1})).containsOnly(optimizer.equals("min") ? 0f : 0.5f);
            }
        }
    }

    // ---- steps and restarts ----

    /// What a synchronous run with compressed pushes comes to does not depend on servers and shards.
    @Test
    void aSynchronousRunComesToTheSameOnAnyNumberOfServers() {
        float[] alone = synchronous(Cluster.embedded(1));
        assertThat(synchronous(Cluster.embedded(1))).containsExactly(alone);
        assertThat(alone).contains(-0.25f);
        // Which keys share a frame changes with the shards, not what 2 bits make of each value.
        assertThat(synchronous(Cluster.embedded(8))).containsExactly(alone);
        assertThat(synchronous(Cluster.tcp(3, 3))).containsExactly(alone);
    }

    private static float[] synchronous(Cluster opened) {
        try (Cluster cluster = opened;
                Weir weir = cluster.connect()) {
            RunSpec spec = RunSpec.of("r", 2).withConsistency(Consistency.bsp());
            try (Run first = weir.join(new RunOptions(spec, 0, false));
                    Run second = weir.join(new RunOptions(spec, 1, false))) {
                List<Run> workers = List.of(first, second);
                List<Table> tables = workers.stream()
                        .map(run ->
                                run.table(TableSpec.embedding("t", DIM, SGD)).compressed(Compression.twoBit(0.25f)))
                        .toList();
                for (int step = 0; step < 6; step++) {
                    for (int worker = 0; worker < 2; worker++) {
                        Random random = new Random(10 * step + worker);
                        tables.get(worker).push(keys(), uniform(random, KEYS * DIM, 0.25f));
                    }
                    workers.stream().map(Run::tickAsync).toList().forEach(tick -> tick.join());
                }
                // With the clock of a worker: it is told that a step is closed before all shards have applied it.
                return first.table(TableSpec.embedding("t", DIM, SGD)).pull(keys());
            }
        }
    }

    /// The worker dies with a residual and makes the push again that it was in. It is applied once, and from then on
    /// only what the dead life still owed is missing: less than a threshold of each value.
    @Test
    void aWorkerThatComesBackAppliesEachPushOnceAndLosesItsResidualOnly() {
        float threshold = 1;
        try (Cluster cluster = Cluster.tcp(2, 2)) {
            RunSpec spec = RunSpec.of("r", 1).withConsistency(Consistency.asp());
            TableSpec tableSpec = TableSpec.embedding("t", 1, SGD);
            long[] keys = keys();
            float[] gradients = new float[KEYS];
            Arrays.fill(gradients, 0.75f);
            Weir dying = cluster.connect(ClientConfig.defaults().withDeadline(Duration.ofSeconds(20)));
            Run life = dying.join(new RunOptions(spec, 0, false));
            Table table = life.table(tableSpec).compressed(Compression.twoBit(threshold));
            table.push(keys, gradients);
            life.tick();
            table.push(keys, gradients);
            // Sent: 0, then 1 of the 1.5 pushed. No tick: the second push belongs to a minibatch that is not done.
            assertThat(table.pull(keys)).containsOnly(-1f);
            try (Weir weir = cluster.connect();
                    Run again = weir.join(new RunOptions(spec, 0, false))) {
                assertThat(again.isResumed()).isTrue();
                Table resumed = again.table(tableSpec).compressed(Compression.twoBit(threshold));
                resumed.push(keys, gradients);
                assertThat(resumed.pull(keys)).containsOnly(-1f);
                again.tick();
                for (int step = 2; step < 6; step++) {
                    resumed.push(keys, gradients);
                    again.tick();
                }
                float pushed = 6 * 0.75f;
                for (float weight : resumed.pull(keys)) {
                    assertThat(Math.abs(pushed + weight)).isLessThanOrEqualTo(2 * threshold);
                }
                again.finish();
            }
            assertThatThrownBy(() -> table.push(keys, gradients)).hasMessageContaining("generation");
            life.close();
            dying.close();
        }
    }

    // ---- bytes ----

    @Test
    void takesTheBytesThatItsTypeSays() {
        int length = 1_000_000;
        try (Cluster cluster = Cluster.tcp(1, 8);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), ClientConfig.defaults())) {
            double plain = 0;
            float[] gradients = uniform(new Random(2), length, 1);
            for (Compression compression : ALL) {
                String name = "d" + ALL.indexOf(compression);
                weir.create(dense(name, length, 16_384));
                DenseTable tensor = weir.denseTable(name).compressed(compression);
                tensor.push(gradients);
                long before = proxy.bytesToServer();
                tensor.push(gradients);
                double bytes = proxy.bytesToServer() - before;
                plain = compression instanceof Compression.None ? bytes : plain;
                double least =
                        switch (compression) {
                            case Compression.None _ -> 1;
                            case Compression.Bfloat16 _, Compression.Float16 _ -> 1.99;
                            case Compression.Int8 _ -> 3.9;
                            case Compression.TwoBit _ -> 15;
                            case Compression.OneBit _ -> 28;
                            case Compression.OneBitCompat _ -> 31;
                            case Compression.TopK _, Compression.RandomK _ -> 4.9;
                        };
                assertThat(plain / bytes).as(compression.text()).isGreaterThanOrEqualTo(least);
            }
            float[] read = new float[length];
            for (Compression pulls : List.of(Compression.none(), Compression.bf16(), Compression.int8())) {
                DenseTable tensor = weir.denseTable("d0").compressed(Compression.none(), pulls);
                long before = proxy.bytesToClient();
                tensor.pull(read);
                double bytes = proxy.bytesToClient() - before;
                assertThat(plain / bytes)
                        .isGreaterThanOrEqualTo(
                                pulls instanceof Compression.None
                                        ? 0.99
                                        : pulls instanceof Compression.Int8 ? 3.9 : 1.99);
            }
        }
    }
}
