package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.NativeMemory.MEMORY;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#nadam].
final class NadamKernel extends MomentKernel {
    /// Push counts whose momentum is kept in a table.
    private static final int TABLE_LENGTH = 1 << 12;

    private final float rate;
    private final float momentumDecay;
    private final BiasCorrection bias;
    private final double[] momenta = new double[TABLE_LENGTH];

    NadamKernel(float rate, float beta1, float beta2, float epsilon, float momentumDecay) {
        super(beta1, beta2, epsilon, LEAST_EPSILON);
        this.rate = requirePositive("rate", rate);
        this.momentumDecay = requireNonNegative("momentumDecay", momentumDecay);
        this.bias = new BiasCorrection(1, 0, beta2);
        for (int t = 0; t < TABLE_LENGTH; t++) {
            momenta[t] = momentumAt(t);
        }
    }

    private double momentum(long t) {
        return t < TABLE_LENGTH ? momenta[(int) t] : momentumAt(t);
    }

    private double momentumAt(long t) {
        return beta1 * (1 - 0.5 * StrictMath.pow(0.96, t * (double) momentumDecay));
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    public int rowSlotCount() {
        return 1;
    }

    @Override
    void initializeSlots(long row, int length, long slotStrideBytes) {
        super.initializeSlots(row, length, slotStrideBytes);
        put(rowSlot(row, slotStrideBytes), 1);
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        int t = pushCount(row);
        long count = Integer.toUnsignedLong(t);
        double now = momentum(count);
        double next = momentum(count + 1);
        long productAt = rowSlot(row, slotStrideBytes);
        float product = (float) (get(productAt) * now);
        put(productAt, product);
        double rate = (double) this.rate * factor;
        float ofGradient = (float) (rate * (1 - now) / (1 - product));
        float ofMean = (float) (rate * next / (1 - product * next));
        float rootScale = bias.rootScale(t);
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = this.rest1;
        float rest2 = this.rest2;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + (long) i * Float.BYTES, ORDER);
            var m = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + slotStrideBytes, ORDER)
                    .mul(beta1)
                    .add(g.mul(rest1));
            var v = FloatVector.fromMemorySegment(MIDDLE, MEMORY, w + 2 * slotStrideBytes, ORDER)
                    .mul(beta2)
                    .add(g.mul(rest2).mul(g));
            m.intoMemorySegment(MEMORY, w + slotStrideBytes, ORDER);
            v.intoMemorySegment(MEMORY, w + 2 * slotStrideBytes, ORDER);
            var step = g.mul(ofGradient)
                    .add(m.mul(ofMean))
                    .div(v.sqrt().mul(rootScale).add(epsilon));
            FloatVector.fromMemorySegment(MIDDLE, MEMORY, w, ORDER).sub(step).intoMemorySegment(MEMORY, w, ORDER);
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(w + slotStrideBytes) * beta1 + g * rest1;
            float v = get(w + 2 * slotStrideBytes) * beta2 + (g * rest2) * g;
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, v);
            put(w, get(w) - (g * ofGradient + m * ofMean) / (root(v) * rootScale + epsilon));
        }
    }
}
