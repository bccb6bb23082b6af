package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/// Every optimizer against its formula in plain double arithmetic, over many pushes of rows of random lengths.
///
/// Gradients are normal, weights start as normal numbers. After 300 pushes a weight may differ from the reference
/// by one part in 50 000 of the way that it has gone and of itself; the worst did so by one in 380 000 when the
/// bound was set.
class OptimizerReferenceTest {
    private static final long SEED = 20261122;
    private static final int PUSHES = 300;
    private static final double BOUND = 2e-5;

    /// One row in double. `s` are slots as long as the row, `r` those of one float.
    private abstract static class Plain {
        double[] w = new double[0];
        double[][] s = new double[4][];
        double r;
        int t;
        double factor = 1;

        void begin(double[] weights) {
            w = weights;
            for (int k = 0; k < s.length; k++) {
                s[k] = new double[w.length];
            }
        }

        void push(double[] g) {
            t++;
            whole(g);
            for (int i = 0; i < w.length; i++) {
                step(i, g[i]);
            }
        }

        void whole(double[] unused) {}

        abstract void step(int i, double g);
    }

    private interface Step {
        void step(Plain row, int i, double g);
    }

    private static IntFunction<Plain> each(Step step) {
        return length -> new Plain() {
            @Override
            void step(int i, double g) {
                step.step(this, i, g);
            }
        };
    }

    private record Case(String name, UpdateKernel kernel, IntFunction<Plain> plain) {}

    private static double norm(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value * value;
        }
        return Math.sqrt(sum);
    }

    // Floats as double, as the kernels have them.
    private static final double RATE = 0.01f;
    private static final double B1 = 0.9f;
    private static final double B2 = 0.99f;
    private static final double EPS = 1e-6f;
    private static final double MU = 0.8f;
    private static final double DECAY = 0.05f;

    private static double mHat(Plain p, int i, double g) {
        p.s[0][i] = B1 * p.s[0][i] + (1 - B1) * g;
        return p.s[0][i] / (1 - Math.pow(B1, p.t));
    }

    private static double vHat(Plain p, int i, double g) {
        p.s[1][i] = B2 * p.s[1][i] + (1 - B2) * g * g;
        return p.s[1][i] / (1 - Math.pow(B2, p.t));
    }

    private static double nadamMomentum(int t) {
        return B1 * (1 - 0.5 * Math.pow(0.96, t * (double) 0.5f));
    }

    private static List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        cases.add(new Case("sgd", UpdateKernels.sgd(0.01f), each((p, i, g) -> p.w[i] -= p.factor * RATE * g)));
        cases.add(new Case("momentum", UpdateKernels.momentum(0.01f, 0.8f), each((p, i, g) -> {
            p.s[0][i] = MU * p.s[0][i] + g;
            p.w[i] -= p.factor * RATE * p.s[0][i];
        })));
        cases.add(new Case("nesterov", UpdateKernels.nesterov(0.01f, 0.8f), each((p, i, g) -> {
            p.s[0][i] = MU * p.s[0][i] + g;
            p.w[i] -= p.factor * RATE * (g + MU * p.s[0][i]);
        })));
        cases.add(new Case("adagrad", UpdateKernels.adaGrad(0.01f, 1e-6f), each((p, i, g) -> {
            p.s[0][i] += g * g;
            p.w[i] -= p.factor * RATE * g / (Math.sqrt(p.s[0][i]) + EPS);
        })));
        cases.add(new Case("rowwise_adagrad", UpdateKernels.rowwiseAdaGrad(0.01f, 1e-6f), length -> new Plain() {
            @Override
            void whole(double[] g) {
                r += norm(g) * norm(g) / length;
            }

            @Override
            void step(int i, double g) {
                w[i] -= factor * RATE * g / (Math.sqrt(r) + EPS);
            }
        }));
        cases.add(new Case("group_adagrad", UpdateKernels.groupAdaGrad(0.01f, 1e-6f), length -> new Plain() {
            @Override
            void whole(double[] g) {
                r += norm(g) * norm(g) / length;
            }

            @Override
            void step(int i, double g) {
                w[i] -= factor * RATE * g / Math.sqrt(r + EPS);
            }
        }));
        cases.add(new Case("adadelta", UpdateKernels.adaDelta(0.01f, 0.9f, 1e-6f), each((p, i, g) -> {
            p.s[0][i] = B1 * p.s[0][i] + (1 - B1) * g * g;
            double step = Math.sqrt(p.s[1][i] + EPS) / Math.sqrt(p.s[0][i] + EPS) * g;
            p.s[1][i] = B1 * p.s[1][i] + (1 - B1) * step * step;
            p.w[i] -= p.factor * RATE * step;
        })));
        for (boolean centered : new boolean[] {false, true}) {
            for (float momentum : new float[] {0, 0.8f}) {
                cases.add(new Case(
                        "rmsprop, centered=" + centered + ", momentum=" + momentum,
                        UpdateKernels.rmsProp(0.01f, 0.9f, 1e-6f, momentum, centered),
                        each((p, i, g) -> {
                            p.s[0][i] = B1 * p.s[0][i] + (1 - B1) * g * g;
                            p.s[1][i] = centered ? B1 * p.s[1][i] + (1 - B1) * g : 0;
                            double step = p.factor * RATE * g / Math.sqrt(p.s[0][i] - p.s[1][i] * p.s[1][i] + EPS);
                            p.s[2][i] = momentum * p.s[2][i] + step;
                            p.w[i] -= p.s[2][i];
                        })));
            }
        }
        cases.add(new Case("adam", UpdateKernels.adam(0.01f, 0.9f, 0.99f, 1e-6f), each((p, i, g) -> {
            double m = mHat(p, i, g);
            p.w[i] -= p.factor * RATE * m / (Math.sqrt(vHat(p, i, g)) + EPS);
        })));
        cases.add(new Case("adamw", UpdateKernels.adamW(0.01f, 0.9f, 0.99f, 1e-6f, 0.05f), each((p, i, g) -> {
            double m = mHat(p, i, g);
            p.w[i] -= p.factor * RATE * (m / (Math.sqrt(vHat(p, i, g)) + EPS) + DECAY * p.w[i]);
        })));
        cases.add(new Case("adamax", UpdateKernels.adaMax(0.01f, 0.9f, 0.99f, 1e-6f), each((p, i, g) -> {
            double m = mHat(p, i, g);
            p.s[1][i] = Math.max(B2 * p.s[1][i], Math.abs(g));
            p.w[i] -= p.factor * RATE * m / (p.s[1][i] + EPS);
        })));
        cases.add(new Case("nadam", UpdateKernels.nadam(0.01f, 0.9f, 0.99f, 1e-6f, 0.5f), length -> new Plain() {
            @Override
            void whole(double[] g) {
                r = (t == 1 ? 1 : r) * nadamMomentum(t);
            }

            @Override
            void step(int i, double g) {
                mHat(this, i, g);
                double now = nadamMomentum(t);
                double next = nadamMomentum(t + 1);
                double mean = (1 - now) * g / (1 - r) + next * s[0][i] / (1 - r * next);
                w[i] -= factor * RATE * mean / (Math.sqrt(vHat(this, i, g)) + EPS);
            }
        }));
        cases.add(new Case("amsgrad", UpdateKernels.amsGrad(0.01f, 0.9f, 0.99f, 1e-6f), each((p, i, g) -> {
            double m = mHat(p, i, g);
            vHat(p, i, g);
            p.s[2][i] = Math.max(p.s[2][i], p.s[1][i]);
            p.w[i] -= p.factor * RATE * m / (Math.sqrt(p.s[2][i] / (1 - Math.pow(B2, p.t))) + EPS);
        })));
        cases.add(new Case("ftml", UpdateKernels.ftml(0.01f, 0.9f, 0.99f, 1e-6f), each((p, i, g) -> {
            double d = (1 - Math.pow(B1, p.t)) / (p.factor * RATE) * (Math.sqrt(vHat(p, i, g)) + EPS);
            p.s[3][i] = B1 * p.s[3][i] + (1 - B1) * g - (d - B1 * p.s[2][i]) * p.w[i];
            p.s[2][i] = d;
            p.w[i] = -p.s[3][i] / d;
        })));
        for (float momentum : new float[] {0, 0.8f}) {
            cases.add(new Case(
                    "signum, momentum=" + momentum, UpdateKernels.signum(0.01f, momentum, 0.05f), each((p, i, g) -> {
                        p.s[0][i] = momentum * p.s[0][i] + (1 - momentum) * g;
                        double rate = p.factor * RATE;
                        p.w[i] = (1 - rate * DECAY) * p.w[i] - rate * Math.signum(p.s[0][i]);
                    })));
        }
        cases.add(new Case("lars", UpdateKernels.lars(0.01f, 0.8f, 0.5f, 1e-6f, 0.05f), length -> new Plain() {
            private double trust;

            @Override
            void whole(double[] g) {
                trust = 0.5 * norm(w) / (norm(g) + DECAY * norm(w) + EPS);
            }

            @Override
            void step(int i, double g) {
                s[0][i] = MU * s[0][i] + factor * RATE * trust * (g + DECAY * w[i]);
                w[i] -= s[0][i];
            }
        }));
        for (double upper : new double[] {0, 2}) {
            UpdateKernel lamb = UpdateKernels.lamb(0.01f, 0.9f, 0.99f, 1e-6f, 0.05f, 0.5f, (float) upper);
            cases.add(new Case("lamb, upper=" + upper, lamb, length -> new Plain() {
                private double trust;

                @Override
                void whole(double[] g) {
                    double[] direction = new double[w.length];
                    for (int i = 0; i < w.length; i++) {
                        double m = mHat(this, i, g[i]);
                        direction[i] = m / (Math.sqrt(vHat(this, i, g[i])) + EPS) + DECAY * w[i];
                    }
                    s[2] = direction;
                    double weights = Math.max(0.5, norm(w));
                    trust = (upper > 0 ? Math.min(upper, weights) : weights) / norm(direction);
                }

                @Override
                void step(int i, double g) {
                    w[i] -= factor * RATE * trust * s[2][i];
                }
            }));
        }
        for (float momentum : new float[] {0, 0.8f}) {
            cases.add(new Case(
                    "dcasgd, momentum=" + momentum, UpdateKernels.dcAsgd(0.01f, momentum, 0.5f), each((p, i, g) -> {
                        double before = p.t == 1 ? p.w[i] : p.s[0][i];
                        p.s[0][i] = p.w[i];
                        double compensated = g + 0.5 * g * g * (p.w[i] - before);
                        p.s[1][i] = momentum * p.s[1][i] + p.factor * RATE * compensated;
                        p.w[i] -= p.s[1][i];
                    })));
        }
        cases.add(new Case("ftrl", UpdateKernels.ftrl(0.1f, 1, 0.5f, 0.25f), length -> new Plain() {
            @Override
            void begin(double[] weights) {
                super.begin(weights);
                for (int i = 0; i < w.length; i++) {
                    s[0][i] = -(w[i] * (1 / (double) 0.1f + 0.25) + Math.signum(w[i]) * 0.5);
                }
            }

            @Override
            void step(int i, double g) {
                double root = Math.sqrt(s[1][i] + g * g);
                s[0][i] += g - (root - Math.sqrt(s[1][i])) / 0.1f * w[i];
                s[1][i] += g * g;
                double z = s[0][i];
                w[i] = Math.abs(z) <= 0.5 ? 0 : -(z - Math.signum(z) * 0.5) / ((1 + root) / 0.1f + 0.25);
            }
        }));
        return cases;
    }

    @Test
    void everyOptimizerFollowsItsFormulaInDouble() {
        for (Case c : cases()) {
            for (int round = 0; round < 6; round++) {
                compare(c, c.kernel(), SEED + round, false);
            }
        }
    }

    @Test
    void everyOptimizerFollowsItsFormulaWhenTuned() {
        for (Case c : cases()) {
            boolean steady = c.name().equals("ftrl");
            UpdateKernel tuned =
                    c.kernel().tuned(0.5f, 1.5f, 2, 0.05f, steady ? null : t -> (float) Math.sqrt(10.0 / (10 + t)));
            for (int round = 0; round < 6; round++) {
                compare(c, tuned, SEED + round, true);
            }
        }
    }

    private static void compare(Case c, UpdateKernel kernel, long seed, boolean tuned) {
        Random random = new Random(seed);
        int length = 1 + random.nextInt(70);
        int rowCount = 3;
        try (Arena arena = Arena.ofConfined()) {
            RecordsFixture rows = RecordsFixture.create(arena, random, length, kernel, rowCount);
            List<Plain> plain = new ArrayList<>();
            double[][] moved = new double[rowCount][length];
            for (int row = 0; row < rowCount; row++) {
                double[] weights = new double[length];
                for (int i = 0; i < length; i++) {
                    rows.putWeight(row, i, (float) random.nextGaussian());
                    weights[i] = rows.weight(row, i);
                }
                Plain reference = c.plain().apply(length);
                reference.begin(weights);
                plain.add(reference);
            }
            rows.initialize(kernel);
            for (int push = 1; push <= PUSHES; push++) {
                for (int row = 0; row < rowCount; row++) {
                    Plain reference = plain.get(row);
                    double[] before = reference.w.clone();
                    double[] g = new double[length];
                    for (int i = 0; i < length; i++) {
                        rows.putGradient(row, i, (float) random.nextGaussian());
                        g[i] = rows.gradient(row, i);
                    }
                    if (tuned) {
                        tune(g, reference);
                        if (!c.name().equals("ftrl")) {
                            reference.factor = (float) Math.sqrt(10.0 / (10 + push));
                        }
                    }
                    rows.putPushCount(row, push);
                    reference.push(g);
                    for (int i = 0; i < length; i++) {
                        moved[row][i] += Math.abs(reference.w[i] - before[i]);
                    }
                }
                rows.update(kernel);
            }
            for (int row = 0; row < rowCount; row++) {
                for (int i = 0; i < length; i++) {
                    double expected = plain.get(row).w[i];
                    double bound = BOUND * (moved[row][i] + Math.abs(expected));
                    assertThat(Math.abs(rows.weight(row, i) - expected))
                            .as(
                                    "%s, seed=%d, length=%d, row=%d, i=%d, expected=%s",
                                    c.name(), seed, length, row, i, expected)
                            .isLessThanOrEqualTo(bound);
                    assertThat(moved[row][i]).as(c.name()).isPositive();
                }
            }
        }
    }

    private static void tune(double[] g, Plain row) {
        for (int i = 0; i < g.length; i++) {
            g[i] = Math.clamp(0.5 * g[i], -1.5, 1.5);
        }
        double share = Math.min(1, 2 / norm(g));
        for (int i = 0; i < g.length; i++) {
            g[i] = g[i] * share + DECAY * row.w[i];
        }
    }

    // ---- Langevin dynamics ----

    @Test
    void langevinNoiseIsNormalAndAFunctionOfSeedKeyCountAndPosition() {
        int length = 4096;
        double sum = 0;
        double squares = 0;
        double fourths = 0;
        double neighbours = 0;
        try (Arena arena = Arena.ofConfined()) {
            float[] noise = noise(arena, 7, 42, 3, length, 0, length);
            assertThat(noise(arena, 7, 42, 3, length, 0, length)).containsExactly(noise);
            assertThat(noise(arena, 7, 42, 3, length, 100, 50)).containsExactly(slice(noise, 100, 50));
            for (float[] other : List.of(
                    noise(arena, 8, 42, 3, length, 0, length),
                    noise(arena, 7, 43, 3, length, 0, length),
                    noise(arena, 7, 42, 4, length, 0, length))) {
                double together = 0;
                for (int i = 0; i < length; i++) {
                    together += noise[i] * other[i];
                }
                assertThat(Math.abs(together / length)).isLessThan(4 / Math.sqrt(length));
            }
            for (int i = 0; i < length; i++) {
                sum += noise[i];
                squares += noise[i] * noise[i];
                fourths += Math.pow(noise[i], 4);
                neighbours += i == 0 ? 0 : noise[i] * noise[i - 1];
            }
        }
        // Each within four standard errors.
        assertThat(Math.abs(sum / length)).isLessThan(4 / Math.sqrt(length));
        assertThat(Math.abs(squares / length - 1)).isLessThan(4 * Math.sqrt(2.0 / length));
        assertThat(Math.abs(fourths / length - 3)).isLessThan(4 * Math.sqrt(96.0 / length));
        assertThat(Math.abs(neighbours / length)).isLessThan(4 / Math.sqrt(length));
    }

    @Test
    void langevinDynamicsGoHalfTheRateDownAndShakeByItsRoot() {
        try (Arena arena = Arena.ofConfined()) {
            float[] noise = noise(arena, 7, 42, 3, 9, 0, 9);
            RecordsFixture rows = record(arena, 42, 3, 9);
            for (int i = 0; i < 9; i++) {
                rows.putWeight(0, i, i);
                rows.putGradient(0, i, 2 + i);
            }
            rows.update(UpdateKernels.sgld(0.25f, 7));
            for (int i = 0; i < 9; i++) {
                assertThat(rows.weight(0, i)).isEqualTo(i - 0.125f * (2 + i) + 0.5f * noise[i]);
            }
        }
    }

    private static float[] slice(float[] values, int from, int length) {
        return java.util.Arrays.copyOfRange(values, from, from + length);
    }

    /// What rate 1 and no gradient add to zeros.
    private static float[] noise(Arena arena, long seed, long key, int count, int rowLength, int start, int length) {
        RecordsFixture rows = record(arena, key, count, rowLength);
        UpdateKernels.sgld(1, seed)
                .updateParts(
                        rows.records,
                        rows.rowOffsets,
                        0,
                        1,
                        4L * start,
                        rows.gradients,
                        RecordsFixture.GRADIENTS_OFFSET,
                        length,
                        rows.slotStrideBytes());
        float[] noise = new float[length];
        for (int i = 0; i < length; i++) {
            noise[i] = rows.weight(0, start + i);
        }
        return noise;
    }

    private static RecordsFixture record(Arena arena, long key, int count, int rowLength) {
        RecordsFixture rows = RecordsFixture.create(arena, new Random(SEED), rowLength, 0, 1);
        RecordLayout.putKey(rows.records, RecordLayout.recordOffset(rows.rowOffsets[0]), key);
        rows.putPushCount(0, count);
        for (int i = 0; i < rowLength; i++) {
            rows.putWeight(0, i, 0);
            rows.putGradient(0, i, 0);
        }
        return rows;
    }

    // ---- edges ----

    @Test
    void rowsWithoutGradientsStayWhereTheyAre() {
        for (Case c : cases()) {
            if (c.name().startsWith("adamw")
                    || c.name().startsWith("signum")
                    || c.name().startsWith("lars")
                    || c.name().startsWith("lamb")) {
                continue; // They decay.
            }
            try (Arena arena = Arena.ofConfined()) {
                RecordsFixture rows = RecordsFixture.create(arena, new Random(SEED), 21, c.kernel(), 2);
                for (int row = 0; row < 2; row++) {
                    rows.putPushCount(row, 1);
                    for (int i = 0; i < 21; i++) {
                        rows.putWeight(row, i, 0.7f);
                        rows.putGradient(row, i, 0);
                    }
                }
                rows.initialize(c.kernel());
                rows.update(c.kernel());
                for (int i = 0; i < 21; i++) {
                    assertThat(rows.weight(1, i))
                            .as(c.name())
                            .isCloseTo(0.7f, org.assertj.core.api.Assertions.within(1e-6f));
                }
            }
        }
    }

    @Test
    void layersWithoutNormsTakePlainSteps() {
        for (UpdateKernel kernel :
                List.of(UpdateKernels.lars(0.1f, 0, 0.001f, 0, 0), UpdateKernels.lamb(0.1f, 0, 0, 0, 0, 0, 0))) {
            try (Arena arena = Arena.ofConfined()) {
                RecordsFixture rows = record2(arena, kernel);
                rows.update(kernel);
                for (int i = 0; i < 10; i++) {
                    assertThat(rows.weight(0, i)).isEqualTo(-0.1f);
                }
            }
        }
    }

    /// One row of zeros with gradients of 1.
    private static RecordsFixture record2(Arena arena, UpdateKernel kernel) {
        RecordsFixture rows = RecordsFixture.create(arena, new Random(SEED), 10, kernel, 1);
        rows.putPushCount(0, 1);
        for (int i = 0; i < 10; i++) {
            rows.putWeight(0, i, 0);
            rows.putGradient(0, i, 1);
        }
        rows.initialize(kernel);
        return rows;
    }

    @Test
    void tuningThatChangesNothingIsNone() {
        UpdateKernel sgd = UpdateKernels.sgd(1);
        assertThat(sgd.tuned(1, 0, 0, 0, null)).isSameAs(sgd);
        assertThat(sgd.tuned(2, 0, 0, 0, null)).isNotSameAs(sgd);
    }

    @Test
    void ftrlTakesNoSchedule() {
        UpdateKernel ftrl = UpdateKernels.ftrl(0.1f, 1, 0, 0);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> ftrl.tuned(1, 0, 0, 0, t -> 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ftrl has no schedule");
    }

    @Test
    void scratchIsAccountedFor() {
        UpdateKernel kernel = UpdateKernels.lamb(0.1f, 0, 0, 0, 0, 0, 0).tuned(2, 0, 0, 0, null);
        assertThat(kernel.scratchBytes()).isZero();
        try (Arena arena = Arena.ofConfined()) {
            record2(arena, kernel).update(kernel);
        }
        assertThat(kernel.scratchBytes()).isEqualTo(512);
    }
}
