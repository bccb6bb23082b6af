package io.weir.benchmarks;

import io.weir.kernel.MatrixProduct;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The three products of a layer of a perceptron, in products a microsecond, one thread: times
/// `2 * batch * in * out / 1000` that is GFLOP/s. The plain loop is the one that a JIT compiler can make vectors of.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MatrixProductBenchmark {
    @Param({"784", "128", "512"})
    public int in;

    @Param({"128", "10", "512"})
    public int out;

    @Param("128")
    public int batch;

    private final MatrixProduct product = new MatrixProduct();
    private float[] inputs = new float[0];
    private float[] weights = new float[0];
    private float[] outputs = new float[0];
    private float[] gradients = new float[0];
    private float[] errors = new float[0];

    @Setup
    public void prepare() {
        Random random = new Random(1);
        inputs = gaussian(random, batch * in);
        weights = gaussian(random, out * in);
        outputs = gaussian(random, batch * out);
        gradients = new float[out * in];
        errors = new float[batch * in];
    }

    private static float[] gaussian(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Benchmark
    public float[] forward() {
        product.multiplyTransposed(inputs, weights, outputs, batch, out, in, false);
        return outputs;
    }

    @Benchmark
    public float[] gradient() {
        product.transposedMultiply(outputs, inputs, gradients, out, in, batch, false);
        return gradients;
    }

    @Benchmark
    public float[] backward() {
        product.multiply(outputs, weights, errors, batch, in, out, false);
        return errors;
    }

    @Benchmark
    public float[] plainBackward() {
        for (int i = 0; i < batch; i++) {
            for (int j = 0; j < in; j++) {
                errors[i * in + j] = 0f;
            }
            for (int p = 0; p < out; p++) {
                float factor = outputs[i * out + p];
                for (int j = 0; j < in; j++) {
                    errors[i * in + j] = Math.fma(factor, weights[p * in + j], errors[i * in + j]);
                }
            }
        }
        return errors;
    }
}
