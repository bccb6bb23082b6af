package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernels#adam].
final class AdamKernel extends LaneKernel {
    private final float beta1;
    private final float beta2;
    private final float epsilon;
    private final BiasCorrection bias;

    AdamKernel(float rate, float beta1, float beta2, float epsilon) {
        this.beta1 = requireFraction("beta1", beta1);
        this.beta2 = requireFraction("beta2", beta2);
        this.epsilon = Math.max(requireNonNegative("epsilon", epsilon), LEAST_EPSILON);
        this.bias = new BiasCorrection(requirePositive("rate", rate), beta1, beta2);
    }

    @Override
    public int slotCount() {
        return 2;
    }

    @Override
    void scalarRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = 1 - beta1;
        float rest2 = 1 - beta2;
        float epsilon = this.epsilon;
        BiasCorrection bias = this.bias;
        float[] rates = bias.rates;
        float[] rootScales = bias.rootScales;

        // For linear models: an inner loop of one round would cost more than its float.
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                long weight = base + rowOffsets[i] + startBytes;
                int t = RowKernel.pushCount(base + rowOffsets[i]);
                float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : bias.lateRate(t));
                float rootScale =
                        Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : bias.lateRootScale(t);
                element(weight, gradient, slotStrideBytes, beta1, rest1, beta2, rest2, rate, rootScale, epsilon);
                gradient += gradientStrideBytes;
            }
            return;
        }
        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = RowKernel.pushCount(base + rowOffsets[i]);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : bias.lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : bias.lateRootScale(t);
            for (int j = 0; j < length; j++) {
                long offset = (long) j * Float.BYTES;
                element(
                        weight + offset,
                        gradient + offset,
                        slotStrideBytes,
                        beta1,
                        rest1,
                        beta2,
                        rest2,
                        rate,
                        rootScale,
                        epsilon);
            }
            gradient += gradientStrideBytes;
        }
    }

    private static void element(
            long weight,
            long gradient,
            long slotStrideBytes,
            float beta1,
            float rest1,
            float beta2,
            float rest2,
            float rate,
            float rootScale,
            float epsilon) {
        float g = MEMORY.get(FLOAT, gradient);
        float m = beta1 * MEMORY.get(FLOAT, weight + slotStrideBytes) + rest1 * g;
        float v = beta2 * MEMORY.get(FLOAT, weight + 2 * slotStrideBytes) + (rest2 * g) * g;
        MEMORY.set(FLOAT, weight + slotStrideBytes, m);
        MEMORY.set(FLOAT, weight + 2 * slotStrideBytes, v);
        float step = (rate * m) / ((float) Math.sqrt(v) * rootScale + epsilon);
        MEMORY.set(FLOAT, weight, MEMORY.get(FLOAT, weight) - step);
    }

    @Override
    void narrowRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = 1 - beta1;
        float rest2 = 1 - beta2;
        float epsilon = this.epsilon;
        BiasCorrection bias = this.bias;
        float[] rates = bias.rates;
        float[] rootScales = bias.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = RowKernel.pushCount(base + rowOffsets[i]);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : bias.lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : bias.lateRootScale(t);
            for (int j = 0; j < length; j += NARROW.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(NARROW, MEMORY, gradient + offset, ORDER);
                var oldM = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var oldV = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var m = oldM.mul(beta1).add(g.mul(rest1));
                var v = oldV.mul(beta2).add(g.mul(rest2).mul(g));
                m.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                v.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var step = m.mul(rate).div(v.sqrt().mul(rootScale).add(epsilon));
                var w = FloatVector.fromMemorySegment(NARROW, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }

    @Override
    void middleRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = 1 - beta1;
        float rest2 = 1 - beta2;
        float epsilon = this.epsilon;
        BiasCorrection bias = this.bias;
        float[] rates = bias.rates;
        float[] rootScales = bias.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = RowKernel.pushCount(base + rowOffsets[i]);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : bias.lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : bias.lateRootScale(t);
            for (int j = 0; j < length; j += MIDDLE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(MIDDLE, MEMORY, gradient + offset, ORDER);
                var oldM = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var oldV = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var m = oldM.mul(beta1).add(g.mul(rest1));
                var v = oldV.mul(beta2).add(g.mul(rest2).mul(g));
                m.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                v.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var step = m.mul(rate).div(v.sqrt().mul(rootScale).add(epsilon));
                var w = FloatVector.fromMemorySegment(MIDDLE, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }

    @Override
    void wideRows(
            long base,
            long[] rowOffsets,
            int from,
            int count,
            long startBytes,
            long gradient,
            long gradientStrideBytes,
            int length,
            long slotStrideBytes,
            float factor) {
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = 1 - beta1;
        float rest2 = 1 - beta2;
        float epsilon = this.epsilon;
        BiasCorrection bias = this.bias;
        float[] rates = bias.rates;
        float[] rootScales = bias.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = RowKernel.pushCount(base + rowOffsets[i]);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : bias.lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : bias.lateRootScale(t);
            for (int j = 0; j < length; j += WIDE.length()) {
                long offset = (long) j * Float.BYTES;
                var g = FloatVector.fromMemorySegment(WIDE, MEMORY, gradient + offset, ORDER);
                var oldM = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + slotStrideBytes, ORDER);
                var oldV = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var m = oldM.mul(beta1).add(g.mul(rest1));
                var v = oldV.mul(beta2).add(g.mul(rest2).mul(g));
                m.intoMemorySegment(MEMORY, weight + offset + slotStrideBytes, ORDER);
                v.intoMemorySegment(MEMORY, weight + offset + 2 * slotStrideBytes, ORDER);
                var step = m.mul(rate).div(v.sqrt().mul(rootScale).add(epsilon));
                var w = FloatVector.fromMemorySegment(WIDE, MEMORY, weight + offset, ORDER);
                w.sub(step).intoMemorySegment(MEMORY, weight + offset, ORDER);
            }
            gradient += gradientStrideBytes;
        }
    }
}
