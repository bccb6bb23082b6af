package io.weir.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class BareReferencesTest {
    private static final int KEYS = 20_000;
    private static final int BATCH = 3000;
    private static final int DENSE_LENGTH = 600_001;

    @Test
    void pullsTheRowsAskedFor() throws IOException {
        for (int dim : new int[] {1, 16, 33}) {
            ZipfBatches batches = ZipfBatches.draw(KEYS, BATCH, 1.05, 20, 1);
            float[] gradients = new float[BATCH * dim];
            try (ServerProcess server = embedding(dim);
                    BareContender one = contender(server, BenchMode.PULL, batches, dim, gradients, 1);
                    BareContender eight = contender(server, BenchMode.PULL, batches, dim, gradients, 8)) {
                Measurement measurement = one.run(Long.MAX_VALUE, 3);
                assertThat(measurement.rows()).isEqualTo(3 * BATCH);
                assertThat(measurement.payloadBytes()).isEqualTo(3L * BATCH * (8 + 4 * dim));
                assertThat(measurement.latenciesNs().getTotalCount()).isEqualTo(3);
                assertInitial(batches.ordinals(2), dim, one.rows(0));

                eight.run(Long.MAX_VALUE, 11);
                assertInitial(batches.ordinals(8), dim, eight.rows(0));
                assertInitial(batches.ordinals(10), dim, eight.rows(2));
                assertInitial(batches.ordinals(3), dim, eight.rows(3));
            }
        }
    }

    @Test
    void appliesPushesAndSteps() throws IOException {
        int dim = 16;
        ZipfBatches batches = ZipfBatches.draw(KEYS, BATCH, 1.05, 1, 1);
        float[] gradients = gradients(BATCH * dim);
        try (ServerProcess server = embedding(dim);
                BareContender push = contender(server, BenchMode.PUSH, batches, dim, gradients, 8);
                BareContender step = contender(server, BenchMode.STEP, batches, dim, gradients, 2)) {
            push.run(Long.MAX_VALUE, 3);
            assertThat(step.run(Long.MAX_VALUE, 1).rows()).isEqualTo(BATCH);
            float[] pulledByStep = step.rows(0).clone();
            step.run(Long.MAX_VALUE, 1);
            for (int i = 0; i < pulledByStep.length; i++) {
                int ordinal = (int) batches.ordinals(0)[i / dim];
                float initial = BareTable.initialWeight(ordinal, i % dim);
                assertThat(pulledByStep[i]).isEqualTo(afterPushes(initial, gradients[i], 3));
                assertThat(step.rows(0)[i]).isEqualTo(afterPushes(initial, gradients[i], 4));
            }
        }
    }

    @Test
    void pushesAndPullsATensor() throws IOException {
        ZipfBatches batches = ZipfBatches.draw(1, 1, 0, 1, 1);
        for (int length : new int[] {1, 1000, DENSE_LENGTH}) {
            float[] gradients = gradients(length);
            BarePlan plan = BarePlan.of(BenchMode.DENSE, true, 1, 1, length);
            try (ServerProcess server = ServerProcess.start(
                            BareServer.class.getName(),
                            List.of(),
                            List.of("dense", Integer.toString(length)),
                            Duration.ofMinutes(1));
                    BareContender dense = new BareContender("dense", server.port(), plan, batches, gradients, 1)) {
                assertThat(dense.run(Long.MAX_VALUE, 2).payloadBytes()).isEqualTo(2L * 2 * 4 * length);
                for (int i = 0; i < length; i++) {
                    assertThat(dense.rows(0)[i]).isEqualTo(afterPushes(BareTable.initialWeight(0, i), gradients[i], 2));
                }
            }
        }
    }

    @Test
    void movesTheSameBytesWithoutWork() throws IOException {
        int dim = 16;
        ZipfBatches batches = ZipfBatches.draw(KEYS, BATCH, 1.05, 2, 1);
        try (ServerProcess server = embedding(dim)) {
            for (BenchMode mode : BenchMode.values()) {
                int batchLength = mode == BenchMode.SMALL ? 1 : BATCH;
                BarePlan plan = BarePlan.of(mode, false, batchLength, dim, DENSE_LENGTH);
                BarePlan working = BarePlan.of(mode, true, batchLength, dim, DENSE_LENGTH);
                assertThat(plan.payloadBytes()).isEqualTo(working.payloadBytes());
                try (BareContender socket =
                        new BareContender("socket", server.port(), plan, batches, new float[plan.floatsHeld()], 3)) {
                    assertThat(socket.run(Long.MAX_VALUE, 7).rows()).isEqualTo(7L * plan.rows());
                }
            }
            try (BareContender stream =
                    new BareContender("stream", server.port(), BarePlan.stream(), batches, new float[0], 8)) {
                Measurement measurement = stream.run(Long.MAX_VALUE, 20);
                assertThat(measurement.payloadBytes())
                        .isEqualTo(20 * BarePlan.stream().payloadBytes());
            }
        }
    }

    @Test
    void loopsWithinOneProcess() {
        int dim = 16;
        ZipfBatches batches = ZipfBatches.draw(KEYS, BATCH, 1.05, 1, 1);
        float[] gradients = gradients(BATCH * dim);
        BareTable table = BareTable.embedding(KEYS, dim);
        BareEmbedded pull = new BareEmbedded(BenchMode.PULL, table, batches, gradients);
        pull.run(Long.MAX_VALUE, 1);
        assertInitial(batches.ordinals(0), dim, pull.rows());
        BareEmbedded step = new BareEmbedded(BenchMode.STEP, table, batches, gradients);
        assertThat(step.run(Long.MAX_VALUE, 2).rows()).isEqualTo(2 * BATCH);
        for (int i = 0; i < gradients.length; i++) {
            float initial = BareTable.initialWeight((int) batches.ordinals(0)[i / dim], i % dim);
            assertThat(step.rows()[i]).isEqualTo(afterPushes(initial, gradients[i], 1));
        }

        float[] denseGradients = gradients(DENSE_LENGTH);
        BareEmbedded dense = new BareEmbedded(
                BenchMode.DENSE, BareTable.dense(DENSE_LENGTH), ZipfBatches.draw(1, 1, 0, 1, 1), denseGradients);
        dense.run(Long.MAX_VALUE, 2);
        for (int i = 0; i < DENSE_LENGTH; i++) {
            assertThat(dense.rows()[i]).isEqualTo(afterPushes(BareTable.initialWeight(0, i), denseGradients[i], 2));
        }
    }

    private static ServerProcess embedding(int dim) throws IOException {
        return ServerProcess.start(
                BareServer.class.getName(),
                List.of(),
                List.of("embedding", Integer.toString(KEYS), Integer.toString(dim)),
                Duration.ofMinutes(1));
    }

    private static BareContender contender(
            ServerProcess server, BenchMode mode, ZipfBatches batches, int dim, float[] gradients, int inFlight)
            throws IOException {
        BarePlan plan = BarePlan.of(mode, true, BATCH, dim, 0);
        return new BareContender("loop", server.port(), plan, batches, gradients, inFlight);
    }

    private static void assertInitial(long[] ordinals, int dim, float[] rows) {
        for (int i = 0; i < ordinals.length; i++) {
            for (int j = 0; j < dim; j++) {
                assertThat(rows[i * dim + j]).isEqualTo(BareTable.initialWeight((int) ordinals[i], j));
            }
        }
    }

    private static float afterPushes(float initial, float gradient, int pushes) {
        float weight = initial;
        float accumulator = 0;
        for (int i = 0; i < pushes; i++) {
            accumulator += gradient * gradient;
            weight -= (BareTable.RATE * gradient) / ((float) Math.sqrt(accumulator) + BareTable.EPSILON);
        }
        return weight;
    }

    private static float[] gradients(int length) {
        float[] gradients = new float[length];
        for (int i = 0; i < length; i++) {
            gradients[i] = (i % 97 - 48.5f) / 100;
        }
        return gradients;
    }
}
