package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.client.DenseTable;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.server.ServerConfig;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// L-BFGS on the shards, on functions whose minimum is known. Losses and gradients are computed here, in place of
/// workers.
class LbfgsTest {
    private static final int LENGTH = 200;
    private static final long SEED = 41;

    private interface Losses {
        /// Returns the loss at `w` and puts its gradient into `g`.
        double at(double[] w, double[] g);
    }

    private static Lbfgs.Outcome minimize(int shards, LbfgsConfig config, Losses losses, float[] found) {
        try (EmbeddedServer server = EmbeddedServer.open(
                        ServerConfig.defaults().withShardCount(shards).withMemoryCapBytes(256L << 20));
                Weir weir = server.connect()) {
            DenseTable[] weights = new DenseTable[1];
            Lbfgs lbfgs = new Lbfgs(
                    config,
                    name -> {
                        weir.create(new TableSpec(
                                name,
                                new TableShape.Dense(found.length, 16, "lbfgs"),
                                new OptimizerSpec.Add(),
                                new InitialRow.Zero(),
                                0));
                        DenseTable table = weir.denseTable(name);
                        weights[0] = weights[0] == null ? table : weights[0];
                        return table;
                    },
                    (w, g) -> {
                        float[] here = new float[found.length];
                        w.pull(here);
                        double[] at = new double[found.length];
                        for (int i = 0; i < at.length; i++) {
                            at[i] = here[i];
                        }
                        double[] gradient = new double[found.length];
                        double loss = losses.at(at, gradient);
                        for (int i = 0; i < at.length; i++) {
                            here[i] = (float) gradient[i];
                        }
                        g.fill(0);
                        g.push(here);
                        return loss;
                    });
            Lbfgs.Outcome outcome = lbfgs.minimize(config.maxPasses());
            weights[0].pull(found);
            return outcome;
        }
    }

    /// `½ Σ a (w − b)²` with `a` from 1e-2 to 1e4.
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    private record Parabola(double[] a, double[] b) implements Losses {
        static Parabola random(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            double[] a = new double[LENGTH];
            double[] b = new double[LENGTH];
            for (int i = 0; i < LENGTH; i++) {
                a[i] = Math.pow(10, -2 + 6 * random.nextDouble());
                b[i] = 4 * random.nextDouble() - 2;
            }
            return new Parabola(a, b);
        }

        @Override
        public double at(double[] w, double[] g) {
            double loss = 0;
            for (int i = 0; i < w.length; i++) {
                g[i] = a[i] * (w[i] - b[i]);
                loss += 0.5 * a[i] * (w[i] - b[i]) * (w[i] - b[i]);
            }
            return loss;
        }
    }

    @Test
    void findsTheMinimumOfAParabolaWithSquares() {
        Parabola parabola = Parabola.random(SEED);
        float[] w = new float[LENGTH];
        LbfgsConfig config = LbfgsConfig.l2(0.5).withMaxPasses(300).withTolerance(1e-7);
        Lbfgs.Outcome outcome = minimize(3, config, parabola, w);
        assertThat(outcome.converged()).isTrue();
        double minimum = 0;
        for (int i = 0; i < LENGTH; i++) {
            double expected = 0.5 * parabola.a[i] * parabola.b[i] / (1 + 0.5 * parabola.a[i]);
            assertThat((double) w[i]).as("seed=%s, i=%s", SEED, i).isCloseTo(expected, within(1e-3));
            minimum += 0.5 * expected * expected
                    + 0.25 * parabola.a[i] * (expected - parabola.b[i]) * (expected - parabola.b[i]);
        }
        assertThat(outcome.objective()).isCloseTo(minimum, within(1e-7 * minimum));
    }

    @Test
    void findsTheMinimumOfAParabolaWithAbsoluteValues() {
        Parabola parabola = Parabola.random(SEED + 1);
        float[] w = new float[LENGTH];
        LbfgsConfig config = LbfgsConfig.l1(0.5).withMaxPasses(600).withTolerance(1e-7);
        Lbfgs.Outcome outcome = minimize(2, config, parabola, w);
        double minimum = 0;
        int zeros = 0;
        for (int i = 0; i < LENGTH; i++) {
            double shrunk = Math.max(0, Math.abs(parabola.b[i]) - 1 / (0.5 * parabola.a[i]));
            double expected = Math.signum(parabola.b[i]) * shrunk;
            minimum += shrunk + 0.25 * parabola.a[i] * (expected - parabola.b[i]) * (expected - parabola.b[i]);
            if (shrunk == 0) {
                zeros++;
                assertThat(w[i]).as("seed=%s, i=%s", SEED + 1, i).isZero();
            }
        }
        assertThat(zeros).isBetween(20, LENGTH - 20);
        assertThat(outcome.objective()).isCloseTo(minimum, within(1e-6 * minimum));
    }

    /// Rosenbrock's valley in many dimensions, to which the squares add next to nothing.
    @Test
    void findsItsWayThroughAValley() {
        Losses valley = (w, g) -> {
            double loss = 0;
            for (int i = 0; i < w.length; i += 2) {
                double across = w[i + 1] - w[i] * w[i];
                double along = 1 - w[i];
                loss += 100 * across * across + along * along;
                g[i] = -400 * across * w[i] - 2 * along;
                g[i + 1] = 200 * across;
            }
            return loss;
        };
        float[] w = new float[40];
        Lbfgs.Outcome outcome =
                minimize(1, LbfgsConfig.l2(1e6).withMaxPasses(300).withTolerance(1e-8), valley, w);
        assertThat(outcome.objective()).isLessThan(0.5 * 40 + 1e-2);
        for (float weight : w) {
            assertThat(weight).isCloseTo(1, within(1e-3f));
        }
    }

    @Test
    void hasTheSameBitsForAnyNumberOfShardsWithAShortHistory() {
        LbfgsConfig config = LbfgsConfig.l2(1).withHistory(4).withMaxPasses(40).withTolerance(0);
        Parabola parabola = Parabola.random(SEED + 2);
        float[] one = new float[LENGTH];
        float[] eight = new float[LENGTH];
        Lbfgs.Outcome outcome = minimize(1, config, parabola, one);
        assertThat(minimize(8, config, parabola, eight)).isEqualTo(outcome);
        assertThat(eight).isEqualTo(one);
        assertThat(outcome.passes()).isEqualTo(40);
    }

    @Test
    void endsAtOnceWhereThereIsNothingToDo() {
        Lbfgs.Outcome outcome = minimize(1, LbfgsConfig.l2(1), (w, g) -> 3, new float[20]);
        assertThat(outcome).isEqualTo(new Lbfgs.Outcome(3, 0, 1, 0, true));
    }

    @Test
    void endsWhereNoStepIsBetter() {
        // The gradient lies: there is no way down.
        Losses lies = (w, g) -> {
            double loss = 0;
            for (int i = 0; i < w.length; i++) {
                g[i] = -1;
                loss += 1e3 * Math.abs(w[i]);
            }
            return loss;
        };
        float[] w = new float[20];
        Lbfgs.Outcome outcome = minimize(1, LbfgsConfig.l2(1), lies, w);
        assertThat(outcome.converged()).isFalse();
        assertThat(outcome.objective()).isZero();
        assertThat(w).containsOnly(0f);
    }

    @Test
    void keepsFewerPairsOfLongVectors() {
        LbfgsConfig config = LbfgsConfig.l2(1);
        assertThat(config.historyOf(123)).isEqualTo(100);
        assertThat(config.historyOf(1 << 20)).isEqualTo(32);
        assertThat(config.historyOf(100 << 20)).isEqualTo(10);
        assertThat(config.withHistory(5).historyOf(100 << 20)).isEqualTo(5);
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        for (double c : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> LbfgsConfig.l2(c))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("c=" + c);
        }
        assertThatThrownBy(() -> LbfgsConfig.l1(1).withHistory(0)).hasMessageContaining("history=0");
        assertThatThrownBy(() -> LbfgsConfig.l1(1).withMaxPasses(1)).hasMessageContaining("maxPasses=1");
        assertThatThrownBy(() -> LbfgsConfig.l1(1).withTolerance(1)).hasMessageContaining("tolerance=1.0");
    }
}
