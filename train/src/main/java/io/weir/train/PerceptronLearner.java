package io.weir.train;

import io.weir.kernel.Activation;
import io.weir.kernel.MatrixProduct;
import io.weir.kernel.MatrixRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// See [Perceptron].
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
    private final MatrixProduct product = new MatrixProduct();
    private ExampleBatch batch = new ExampleBatch();
    private float[] inputs = new float[0];
    private float[] dense = new float[0];
    private double[] margins = new double[0];
    private boolean sawFirst;
    private boolean sawBeyond;

    /// @param source name of the examples, for messages
    PerceptronLearner(Perceptron model, String source) {
        this.source = source;
        this.activation = model.activation();
        this.dropout = model.dropout();
        this.seed = model.seed();
        this.width = model.width();
        model.tables().forEach(table -> parameters.add(new Parameters(table.shape())));
        this.layers = new Layer[model.layers().size() - 1];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = new Layer(
                    model.layers().get(i), model.layers().get(i + 1), parameters.get(2 * i), parameters.get(2 * i + 1));
        }
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
            layers[i].reserve(examples, dropout > 0 && i < layers.length - 1);
        }
        int length = examples * layers[layers.length - 1].out;
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
        int classes = last.out;
        double loss = 0;
        for (int i = 0; i < examples; i++) {
            int label = SoftmaxLoss.requireLabel(batch.labels()[i], classes, source);
            loss += SoftmaxLoss.lossAndGradient(margins, i * classes, classes, label);
        }
        for (int i = 0; i < examples * classes; i++) {
            last.errors[i] = (float) (margins[i] * scale);
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
            in = layer.outputs;
            if (i < layers.length - 1) {
                activation.apply(layer.outputs, examples * layer.out);
                if (dropping) {
                    drop(layer, examples * layer.out, Mixer.of(draw, i));
                    in = layer.kept;
                }
            }
        }
        for (int i = 0; i < examples * layers[layers.length - 1].out; i++) {
            margins[i] = in[i];
        }
    }

    /// Leaves out some of the outputs of a layer.
    private void drop(Layer layer, int count, long draw) {
        float factor = (float) (1 / (1 - dropout));
        long state = draw;
        for (int i = 0; i < count; i++) {
            state += Mixer.STEP;
            float mask = Mixer.fraction(Mixer.mix(state)) < dropout ? 0f : factor;
            layer.masks[i] = mask;
            layer.kept[i] = layer.outputs[i] * mask;
        }
    }

    /// From the gradients of the sums of layer `i`, those of its parameters, and those of the sums of the layer before.
    private void backward(int i, int examples) {
        Layer layer = layers[i];
        Layer before = i == 0 ? null : layers[i - 1];
        float[] in = before == null ? inputs : dropout > 0 ? before.kept : before.outputs;
        product.transposedMultiply(layer.errors, in, layer.weights.gradients(), layer.out, layer.in, examples, false);
        MatrixRows.sum(layer.errors, examples, layer.out, layer.biases.gradients());
        if (before == null) {
            return;
        }
        int count = examples * before.out;
        product.multiply(layer.errors, layer.weights.weights(), before.errors, examples, layer.in, layer.out, false);
        if (dropout > 0) {
            for (int j = 0; j < count; j++) {
                before.errors[j] *= before.masks[j];
            }
        }
        activation.multiplyByDerivative(before.outputs, before.errors, count);
    }

    /// One layer and what it holds for a batch, row by row for each example.
    private static final class Layer {
        final int in;
        final int out;
        final Parameters weights;
        final Parameters biases;
        float[] outputs = new float[0];
        float[] errors = new float[0];
        // Only with dropout.
        float[] masks = new float[0];
        float[] kept = new float[0];

        Layer(int in, int out, Parameters weights, Parameters biases) {
            this.in = in;
            this.out = out;
            this.weights = weights;
            this.biases = biases;
        }

        void reserve(int examples, boolean dropping) {
            int length = Math.multiplyExact(examples, out);
            if (outputs.length < length) {
                outputs = new float[length];
                errors = new float[length];
            }
            if (dropping && masks.length < length) {
                masks = new float[length];
                kept = new float[length];
            }
        }
    }
}
