package io.weir.train;

import io.weir.kernel.Activation;
import io.weir.kernel.MatrixProduct;
import io.weir.kernel.MatrixRows;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// See [Perceptron]. Computes all of it, or one slice: of each layer, some units, with their weights and biases. A
/// slice needs the outputs of all units of the layer before, and, for the errors of its units, the errors of all
/// units of the layer behind; what other slices compute of these comes through a [SliceExchange]. The sum over the
/// units of a layer, in the errors of the layer before, is taken slice by slice and then over the slices, so that
/// it rounds in another way than without them; nothing else does.
///
/// Sparse examples are made dense: the value of index `i` is that of column `i mod n`, with `n` columns, so that files
/// whose indices begin with 0 and files whose indices begin with 1 both fit.
final class PerceptronLearner implements Learner {
    private final String source;
    private final Activation activation;
    private final double dropout;
    private final long seed;
    private final int width;
    private final List<Parameters> parameters = new ArrayList<>();
    private final Layer[] layers;
    private final SliceExchange exchange;
    private final MatrixProduct product = new MatrixProduct();
    private ExampleBatch batch = new ExampleBatch();
    private float[] inputs = new float[0];
    private float[] dense = new float[0];
    private double[] margins = new double[0];
    private boolean sawFirst;
    private boolean sawBeyond;

    /// @param source name of the examples, for messages
    /// @param slice of so many; 0 of 1 for all of the model
    PerceptronLearner(Perceptron model, String source, int slice, int slices, SliceExchange exchange) {
        this.exchange = exchange;
        this.source = source;
        this.activation = model.activation();
        this.dropout = model.dropout();
        this.seed = model.seed();
        this.width = model.width();
        this.layers = new Layer[model.layers().size() - 1];
        List<TableSpec> tables = model.tables();
        for (int i = 0; i < layers.length; i++) {
            int from = model.firstUnit(i + 1, slice, slices);
            int to = model.firstUnit(i + 1, slice + 1, slices);
            int in = model.layers().get(i);
            Parameters weights = stretch(tables.get(2 * i), (long) from * in, (to - from) * in);
            Parameters biases = stretch(tables.get(2 * i + 1), from, to - from);
            parameters.add(weights);
            parameters.add(biases);
            layers[i] = new Layer(in, model.layers().get(i + 1), from, to - from, weights, biases);
        }
    }

    private static Parameters stretch(TableSpec table, long offset, int length) {
        return Parameters.ofStretch((TableShape.Dense) table.shape(), offset, length);
    }

    @Override
    public List<Parameters> parameters() {
        return parameters;
    }

    @Override
    public void select(ExampleBatch batch) {
        this.batch = batch;
        if (!batch.isDense()) {
            makeDense();
        } else if (batch.width() == width) {
            inputs = batch.values();
        } else {
            throw new InputException(source + ": examples must have as many values as the first layer: width="
                    + batch.width() + ", layer=" + width);
        }
        int examples = batch.exampleCount();
        for (int i = 0; i < layers.length; i++) {
            layers[i].reserve(examples, dropout > 0 && i < layers.length - 1, i > 0);
        }
        int length = examples * layers[layers.length - 1].units;
        if (margins.length < length) {
            margins = new double[length];
        }
    }

    private void makeDense() {
        int examples = batch.exampleCount();
        int length = Math.multiplyExact(examples, width);
        if (dense.length < length) {
            dense = new float[length];
        }
        Arrays.fill(dense, 0, length, 0f);
        int[] rowStarts = batch.rowStarts();
        long[] keys = batch.keys();
        float[] values = batch.values();
        for (int i = 0; i < examples; i++) {
            for (int j = rowStarts[i]; j < rowStarts[i + 1]; j++) {
                dense[i * width + column(keys[j])] += values[j];
            }
        }
        inputs = dense;
    }

    private int column(long key) {
        sawFirst |= key == 0;
        sawBeyond |= key == width;
        if (key < 0 || key > width || (sawFirst && sawBeyond)) {
            throw new InputException(source + ": indices must be from 0 to " + (width - 1) + ", or from 1 to " + width
                    + ", as the first layer is: index=" + Long.toUnsignedString(key));
        }
        return key == width ? 0 : (int) key;
    }

    @Override
    public double lossAndGradients(double scale, long draw) {
        forward(dropout > 0 ? Mixer.of(seed, draw) : 0, dropout > 0);
        Layer last = layers[layers.length - 1];
        int examples = batch.exampleCount();
        int classes = last.units;
        double loss = 0;
        for (int i = 0; i < examples; i++) {
            int label = SoftmaxLoss.requireLabel(batch.labels()[i], classes, source);
            loss += SoftmaxLoss.lossAndGradient(margins, i * classes, classes, label);
        }
        for (int i = 0; i < examples; i++) {
            for (int j = 0; j < last.out; j++) {
                last.errors[i * last.out + j] = (float) (margins[i * classes + last.from + j] * scale);
            }
        }
        for (int i = layers.length - 1; i >= 0; i--) {
            backward(i, examples);
        }
        return loss;
    }

    @Override
    public double[] margins() {
        forward(0, false);
        return margins;
    }

    private void forward(long draw, boolean dropping) {
        int examples = batch.exampleCount();
        float[] in = inputs;
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            product.multiplyTransposed(
                    in, layer.weights.weights(), layer.outputs, examples, layer.out, layer.in, false);
            MatrixRows.add(layer.outputs, examples, layer.out, layer.biases.weights());
            float[] own = layer.outputs;
            if (i < layers.length - 1) {
                activation.apply(layer.outputs, examples * layer.out);
                if (dropping) {
                    drop(layer, examples, Mixer.of(draw, i));
                    own = layer.kept;
                }
            }
            in = layer.isWhole() ? own : layer.all;
            exchange.gather(i + 1, own, in, examples);
            layer.given = in;
        }
        for (int i = 0; i < examples * layers[layers.length - 1].units; i++) {
            margins[i] = in[i];
        }
    }

    /// Leaves out some of the outputs of a layer.
    private void drop(Layer layer, int examples, long draw) {
        float factor = (float) (1 / (1 - dropout));
        for (int i = 0; i < examples; i++) {
            long state = draw + ((long) i * layer.units + layer.from) * Mixer.STEP;
            for (int j = i * layer.out; j < (i + 1) * layer.out; j++) {
                state += Mixer.STEP;
                float mask = Mixer.fraction(Mixer.mix(state)) < dropout ? 0f : factor;
                layer.masks[j] = mask;
                layer.kept[j] = layer.outputs[j] * mask;
            }
        }
    }

    /// From the gradients of the sums of layer `i`, those of its parameters, and those of the sums of the layer before.
    private void backward(int i, int examples) {
        Layer layer = layers[i];
        Layer before = i == 0 ? null : layers[i - 1];
        float[] in = before == null ? inputs : before.given;
        float[] parts = before == null || !before.isWhole() ? layer.parts : before.errors;
        if (before != null) {
            product.multiply(layer.errors, layer.weights.weights(), parts, examples, layer.in, layer.out, false);
            exchange.beginSum(i, parts, examples);
        }
        product.transposedMultiply(layer.errors, in, layer.weights.gradients(), layer.out, layer.in, examples, false);
        MatrixRows.sum(layer.errors, examples, layer.out, layer.biases.gradients());
        if (before == null) {
            return;
        }
        exchange.endSum(i, parts, before.errors, examples);
        int count = examples * before.out;
        if (dropout > 0) {
            for (int j = 0; j < count; j++) {
                before.errors[j] *= before.masks[j];
            }
        }
        activation.multiplyByDerivative(before.outputs, before.errors, count);
    }

    /// One layer, or one slice of it, and what it holds for a batch, row by row for each example.
    private static final class Layer {
        final int in;

        /// Units of the layer.
        final int units;

        /// The first one that is computed here.
        final int from;

        /// How many are.
        final int out;

        final Parameters weights;
        final Parameters biases;
        float[] outputs = new float[0];
        float[] errors = new float[0];
        // Only with dropout.
        float[] masks = new float[0];
        float[] kept = new float[0];
        // Only in slices: what all units give to the layer behind, and what this slice adds to the errors of the layer
        // before.
        float[] all = new float[0];
        float[] parts = new float[0];

        /// What the layer behind gets, of all units: one of the arrays above.
        float[] given = outputs;

        Layer(int in, int units, int from, int out, Parameters weights, Parameters biases) {
            this.in = in;
            this.units = units;
            this.from = from;
            this.out = out;
            this.weights = weights;
            this.biases = biases;
        }

        boolean isWhole() {
            return out == units;
        }

        void reserve(int examples, boolean dropping, boolean passesErrors) {
            int length = Math.multiplyExact(examples, out);
            if (outputs.length < length) {
                outputs = new float[length];
                errors = new float[length];
            }
            if (dropping && masks.length < length) {
                masks = new float[length];
                kept = new float[length];
            }
            if (isWhole()) {
                return;
            }
            if (all.length < Math.multiplyExact(examples, units)) {
                all = new float[examples * units];
            }
            if (passesErrors && parts.length < Math.multiplyExact(examples, in)) {
                parts = new float[examples * in];
            }
        }
    }
}
