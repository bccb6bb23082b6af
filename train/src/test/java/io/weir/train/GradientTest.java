package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Gradients and losses of the models of several classes, against plain loops in double and against the slopes of the
/// loss that those compute.
class GradientTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final double STEP = 1e-6;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void gradientsOfSoftmaxAreTheSlopesOfItsLoss(boolean bias) {
        for (boolean dense : new boolean[] {true, false}) {
            Random random = new Random(3);
            SoftmaxRegression model = SoftmaxRegression.of("t", 4, SGD, bias);
            ExampleBatch batch = batch(random, dense, 9, 7, 4);
            Learner learner = model.learner("examples");
            learner.select(batch);
            Parameters rows = learner.parameters().getFirst();
            assertThat(rows.keyCount()).isEqualTo(bias ? 8 : 7);
            fill(random, rows, 0.5);
            check(learner, parameters -> {
                double loss = 0;
                for (int i = 0; i < batch.exampleCount(); i++) {
                    double[] margins = new double[4];
                    for (int r = 0; r < rows.keyCount(); r++) {
                        long key = rows.keys()[r];
                        double value = key == Model.BIAS_KEY ? 1 : value(batch, i, key);
                        for (int c = 0; c < 4; c++) {
                            margins[c] += parameters[0][r * 4 + c] * value;
                        }
                    }
                    loss += loss(margins, batch.labels()[i]);
                }
                return loss;
            });
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gradientsOfAPerceptronAreTheSlopesOfItsLoss(Activation activation) {
        for (List<Integer> layers : List.of(List.of(6, 3), List.of(6, 5, 3), List.of(6, 40, 7, 3))) {
            for (boolean dense : new boolean[] {true, false}) {
                Random random = new Random(layers.size());
                Perceptron model = new Perceptron("t", layers, activation, 0, SGD, 1);
                ExampleBatch batch = batch(random, dense, 8, 6, 3);
                Learner learner = model.learner("examples");
                learner.select(batch);
                learner.parameters().forEach(parameters -> fill(random, parameters, 0.4));
                check(learner, parameters -> loss(layers, activation, batch, parameters));
            }
        }
    }

    /// With a batch of one example, and margins that only depend on the units that stay, the gradient of a
    /// weight out of a unit that is left out is 0, and units are left out as often as they should be.
    @Test
    void dropoutLeavesOutAUnitOfAnExampleInBothDirections() {
        int hidden = 2000;
        Perceptron model = new Perceptron("t", List.of(1, hidden, 2), Activation.SIGMOID, 0.25, SGD, 5);
        ExampleBatch batch = new ExampleBatch();
        batch.clearDense(1);
        batch.values()[batch.addDense(1)] = 1f;
        Learner learner = model.learner("examples");
        learner.select(batch);
        learner.parameters().forEach(parameters -> fill(new Random(1), parameters, 0.01));
        learner.lossAndGradients(1, 77);
        float[] in = learner.parameters().get(0).gradients().clone();
        float[] out = learner.parameters().get(2).gradients().clone();
        int left = 0;
        for (int unit = 0; unit < hidden; unit++) {
            assertThat(in[unit] == 0).isEqualTo(out[unit] == 0).isEqualTo(out[hidden + unit] == 0);
            left += in[unit] == 0 ? 1 : 0;
        }
        // 6 standard deviations of the binomial distribution.
        assertThat(left / (double) hidden).isCloseTo(0.25, within(6 * Math.sqrt(0.25 * 0.75 / hidden)));

        learner.lossAndGradients(1, 77);
        assertThat(learner.parameters().get(0).gradients()).isEqualTo(in);
        learner.lossAndGradients(1, 78);
        assertThat(learner.parameters().get(0).gradients()).isNotEqualTo(in);
        double[] margins = learner.margins().clone();
        learner.lossAndGradients(1, 79);
        assertThat(learner.margins()).isEqualTo(margins);
    }

    @Test
    void scaleMultipliesGradientsAndNotTheLoss() {
        Random random = new Random(8);
        ExampleBatch batch = batch(random, true, 8, 6, 3);
        Learner learner = new Perceptron("t", List.of(6, 5, 3), Activation.TANH, 0, SGD, 1).learner("examples");
        learner.select(batch);
        learner.parameters().forEach(parameters -> fill(random, parameters, 0.4));
        double loss = learner.lossAndGradients(1, 0);
        float[] gradients = learner.parameters().getFirst().gradients().clone();
        assertThat(learner.lossAndGradients(0.25, 0)).isEqualTo(loss);
        for (int i = 0; i < gradients.length; i++) {
            assertThat(learner.parameters().getFirst().gradients()[i]).isEqualTo(gradients[i] / 4);
        }
    }

    private static void check(Learner learner, ToDoubleFunction<double[][]> exactLoss) {
        double[][] exact = learner.parameters().stream()
                .map(parameters -> {
                    double[] copy = new double[parameters.length()];
                    for (int i = 0; i < copy.length; i++) {
                        copy[i] = parameters.weights()[i];
                    }
                    return copy;
                })
                .toArray(double[][]::new);
        double loss = learner.lossAndGradients(1, 0);
        assertThat(loss).isCloseTo(exactLoss.applyAsDouble(exact), within(1e-5 * loss));
        for (int table = 0; table < exact.length; table++) {
            for (int i = 0; i < exact[table].length; i++) {
                double before = exact[table][i];
                exact[table][i] = before + STEP;
                double above = exactLoss.applyAsDouble(exact);
                exact[table][i] = before - STEP;
                double below = exactLoss.applyAsDouble(exact);
                exact[table][i] = before;
                double slope = (above - below) / (2 * STEP);
                assertThat((double) learner.parameters().get(table).gradients()[i])
                        .as("table %s, position %s", table, i)
                        .isCloseTo(slope, within(2e-5 + 1e-5 * Math.abs(slope)));
            }
        }
    }

    private static double loss(List<Integer> layers, Activation activation, ExampleBatch batch, double[][] parameters) {
        double loss = 0;
        for (int i = 0; i < batch.exampleCount(); i++) {
            double[] values = new double[layers.getFirst()];
            for (int j = 0; j < values.length; j++) {
                values[j] = value(batch, i, j);
            }
            for (int layer = 1; layer < layers.size(); layer++) {
                double[] sums = parameters[2 * layer - 1].clone();
                for (int unit = 0; unit < sums.length; unit++) {
                    for (int j = 0; j < values.length; j++) {
                        sums[unit] += parameters[2 * layer - 2][unit * values.length + j] * values[j];
                    }
                    if (layer < layers.size() - 1) {
                        sums[unit] = switch (activation) {
                            case RELU -> Math.max(0, sums[unit]);
                            case TANH -> Math.tanh(sums[unit]);
                            case SIGMOID -> 1 / (1 + Math.exp(-sums[unit]));
                        };
                    }
                }
                values = sums;
            }
            loss += loss(values, batch.labels()[i]);
        }
        return loss;
    }

    private static double loss(double[] margins, int label) {
        double sum = 0;
        for (double margin : margins) {
            sum += Math.exp(margin);
        }
        return Math.log(sum) - margins[label];
    }

    private static double value(ExampleBatch batch, int example, long key) {
        if (batch.isDense()) {
            return batch.values()[example * batch.width() + (int) key];
        }
        double value = 0;
        for (int j = batch.rowStarts()[example]; j < batch.rowStarts()[example + 1]; j++) {
            value += batch.keys()[j] == key ? batch.values()[j] : 0;
        }
        return value;
    }

    /// In a sparse batch the last example has every feature, and one of them twice.
    private static ExampleBatch batch(Random random, boolean dense, int examples, int width, int classes) {
        ExampleBatch batch = new ExampleBatch();
        if (dense) {
            batch.clearDense(width);
        }
        for (int i = 0; i < examples; i++) {
            int label = random.nextInt(classes);
            if (dense) {
                int from = batch.addDense(label);
                for (int j = 0; j < width; j++) {
                    batch.values()[from + j] = (float) random.nextGaussian();
                }
                continue;
            }
            for (int j = 0; j < width; j++) {
                if (i == examples - 1 || random.nextBoolean()) {
                    batch.addFeature(j, (float) random.nextGaussian());
                }
            }
            if (i == examples - 1) {
                batch.addFeature(2, 0.5f);
            }
            batch.endExample(label);
        }
        return batch;
    }

    private static void fill(Random random, Parameters parameters, double deviation) {
        for (int i = 0; i < parameters.length(); i++) {
            parameters.weights()[i] = (float) (random.nextGaussian() * deviation);
        }
    }
}
