package io.weir.train;

import io.weir.kernel.Activation;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// A multi-layer perceptron that tells classes apart. Immutable.
///
/// Layer `l` of `L`, with `n_l` units, has the weights `W_l`, a matrix of `n_l` rows and `n_(l-1)` columns, and the
/// biases `b_l`. With `h_0` the values of an example, `z_l = W_l · h_(l-1) + b_l`; `h_l = f(z_l)` with the activation
/// `f` in hidden layers, and the margins are `z_L`. The loss is the cross entropy of `e^(z_i) / Σ e^(z_j)`, and its
/// gradient comes by back-propagation (Rumelhart, Hinton, Williams, *Learning representations by back-propagating
/// errors*, Nature 323 (1986)); gradients are means over the batch. All but the loss itself is computed in floats, the
/// products as [io.weir.kernel.MatrixProduct] says, so a batch has the same gradients on every machine.
///
/// While training, each hidden unit of each example is left out with the probability `dropout`, and those that
/// stay count `1 / (1 − dropout)` times (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, *Dropout*, JMLR
/// 15 (2014), section 10). Which ones is a function of the seed, of the place of the batch in the training, and of
/// the places of example and unit.
///
/// Every `W_l` and `b_l` is a dense table: `name/layer1.weight`, `name/layer1.bias` and so on. A block of either
/// is that of some units, at most a 32nd of the layer, so that a layer lies on many shards, and can be cut into
/// slices that have their blocks to themselves; but of all units if the optimizer needs whole tensors. Weights are
/// normal at first, with the variance `2 / n_(l-1)` before relu (He, Zhang, Ren, Sun, *Delving Deep into
/// Rectifiers*, ICCV 2015, eq. 10), and uniform up to `±√(6 / (n_(l-1) + n_l))` otherwise (Glorot, Bengio,
/// *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010, eq. 16); biases are
/// 0.
///
/// @param name what the names of its tables begin with
/// @param layers values of an example, then units of each layer, the classes last; at least 2 numbers
/// @param activation of the hidden layers
/// @param dropout from 0, which leaves out none, to less than 1
/// @param optimizer of all tables
/// @param seed of the weights at first, and of dropout
public record Perceptron(
        String name, List<Integer> layers, Activation activation, double dropout, OptimizerSpec optimizer, long seed)
        implements Model {
    /// Most units of a layer.
    public static final int MAX_UNITS = 1 << 20;

    /// Blocks of a table, at least, if the layer has so many units.
    private static final int BLOCKS = 32;

    /// Most numbers in `layers`.
    public static final int MAX_LAYERS = 64;

    public Perceptron {
        layers = List.copyOf(layers);
        Objects.requireNonNull(activation, "activation");
        if (layers.size() < 2 || layers.size() > MAX_LAYERS) {
            throw new IllegalArgumentException(
                    "a perceptron needs from 2 to " + MAX_LAYERS + " numbers of units: layers=" + text(layers));
        }
        for (int i = 0; i < layers.size(); i++) {
            int least = i == layers.size() - 1 ? 2 : 1;
            if (layers.get(i) < least || layers.get(i) > MAX_UNITS) {
                throw new IllegalArgumentException((least == 2 ? "classes" : "units of a layer") + " must be from "
                        + least + " to " + MAX_UNITS + ": layers=" + text(layers));
            }
        }
        for (int i = 1; i < layers.size(); i++) {
            if ((long) layers.get(i - 1) * layers.get(i) > Integer.MAX_VALUE / 2) {
                throw new IllegalArgumentException(
                        "a layer must have at most " + Integer.MAX_VALUE / 2 + " weights: layers=" + text(layers));
            }
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must be from 0 to less than 1: dropout=" + dropout);
        }
    }

    private static String text(List<Integer> layers) {
        return String.join(",", layers.stream().map(String::valueOf).toList());
    }

    /// Values of an example.
    public int width() {
        return layers.getFirst();
    }

    /// The weights of layer 1, then its biases, then those of layer 2, and so on.
    @Override
    public List<TableSpec> tables() {
        List<TableSpec> tables = new ArrayList<>();
        for (int layer = 1; layer < layers.size(); layer++) {
            int in = layers.get(layer - 1);
            int out = layers.get(layer);
            boolean rectified = activation == Activation.RELU && layer < layers.size() - 1;
            double bound = Math.sqrt(6.0 / (in + out));
            InitialRow first = rectified
                    ? new InitialRow.Normal(0f, (float) Math.sqrt(2.0 / in))
                    : new InitialRow.Uniform((float) -bound, (float) bound);
            String prefix = name + "/layer" + layer;
            int units = unitsOfBlock(layer);
            TableShape weights = new TableShape.Dense((long) in * out, in * units);
            TableShape biases = new TableShape.Dense(out, units);
            tables.add(new TableSpec(prefix + ".weight", weights, optimizer, first, Mixer.of(seed, layer)));
            tables.add(new TableSpec(prefix + ".bias", biases, optimizer, new InitialRow.Zero(), 0));
        }
        return List.copyOf(tables);
    }

    /// Units of layer `layer`, from 1, whose weights are one block of its tables.
    private int unitsOfBlock(int layer) {
        if (optimizer.needsWholeRow()) {
            return layers.get(layer);
        }
        int most = Math.min(layers.get(layer) / BLOCKS, TableShape.DEFAULT_BLOCK_LENGTH / layers.get(layer - 1));
        return Math.max(1, most);
    }

    /// The first unit of slice `slice` of `slices` of layer `layer`, from 1: slices are as equal as whole blocks let
    /// them be. That of slice `slices` is the number of units.
    int firstUnit(int layer, int slice, int slices) {
        int units = unitsOfBlock(layer);
        int blocks = (layers.get(layer) + units - 1) / units;
        return Math.min(layers.get(layer), (int) ((long) blocks * slice / slices) * units);
    }

    /// This model, if it can be cut into so many slices.
    ///
    /// @throws IllegalArgumentException if a layer has too few units for that
    public Perceptron requireSlices(int slices) {
        for (int layer = 1; layer < layers.size(); layer++) {
            int units = unitsOfBlock(layer);
            int most = (layers.get(layer) + units - 1) / units;
            if (slices < 1 || slices > most) {
                throw new IllegalArgumentException("slices must be from 1 to the blocks of each table: slices=" + slices
                        + ", most=" + most + ", layers=" + text(layers) + ", optimizer=" + optimizer.text());
            }
        }
        return this;
    }

    @Override
    public boolean mean() {
        return true;
    }

    @Override
    public Perceptron named(String name) {
        return new Perceptron(name, layers, activation, dropout, optimizer, seed);
    }

    @Override
    public int marginCount() {
        return layers.getLast();
    }

    @Override
    public Learner learner(String source) {
        return new PerceptronLearner(this, source, 0, 1, SliceExchange.NONE);
    }

    /// What the worker of one slice computes with.
    ///
    /// @param slice from 0 to `slices - 1`
    /// @param exchange with the workers of the other slices
    Learner learner(String source, int slice, int slices, SliceExchange exchange) {
        return new PerceptronLearner(requireSlices(slices), source, slice, slices, exchange);
    }
}
