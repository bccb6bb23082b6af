package io.weir.kernel;

import static io.weir.kernel.Lanes.MIDDLE;
import static io.weir.kernel.Lanes.NARROW;
import static io.weir.kernel.Lanes.ORDER;
import static io.weir.kernel.Lanes.WIDE;
import static io.weir.kernel.NativeMemory.MEMORY;
import static io.weir.kernel.RecordLayout.FLOAT;
import static io.weir.kernel.RecordLayout.HEADER_BYTES;
import static io.weir.kernel.RecordLayout.INT;
import static io.weir.kernel.RecordLayout.PUSH_COUNT_OFFSET;

import jdk.incubator.vector.FloatVector;

/// See [UpdateKernel#adam].
final class AdamKernel extends LaneKernel {
    /// Push counts with a table entry, at most. Later counts are worked out where they occur, unless the table
    /// ends earlier because both corrections have reached their limits as floats.
    private static final int MAX_TABLE_LENGTH = 1 << 16;

    private static final long PUSH_COUNT_BEFORE_ROW = HEADER_BYTES - PUSH_COUNT_OFFSET;

    private final float rate;
    private final float beta1;
    private final float beta2;
    private final float epsilon;

    /// `rₜ` and `sₜ` by push count; entry 0 stands for a row whose count was never raised.
    private final float[] rates;

    private final float[] rootScales;
    private final boolean tableReachesLimits;

    /// `beta1` and `beta2` to the powers 1, 2, 4, 8, …
    private final double[] squares1 = new double[Integer.SIZE];

    private final double[] squares2 = new double[Integer.SIZE];

    AdamKernel(float rate, float beta1, float beta2, float epsilon) {
        this.rate = requirePositive("rate", rate);
        this.beta1 = requireFraction("beta1", beta1);
        this.beta2 = requireFraction("beta2", beta2);
        this.epsilon = Math.max(requireNonNegative("epsilon", epsilon), LEAST_EPSILON);
        squares1[0] = beta1;
        squares2[0] = beta2;
        for (int i = 1; i < Integer.SIZE; i++) {
            squares1[i] = squares1[i - 1] * squares1[i - 1];
            squares2[i] = squares2[i - 1] * squares2[i - 1];
        }
        int tableLength = 2;
        while (tableLength < MAX_TABLE_LENGTH && !atLimits(tableLength - 1)) {
            tableLength++;
        }
        tableReachesLimits = atLimits(tableLength - 1);
        rates = new float[tableLength];
        rootScales = new float[tableLength];
        for (int t = 0; t < tableLength; t++) {
            rates[t] = rateAt(Math.max(1, t));
            rootScales[t] = rootScaleAt(Math.max(1, t));
        }
    }

    private boolean atLimits(int t) {
        return rateAt(t) == rate && rootScaleAt(t) == 1;
    }

    private float lateRate(int t) {
        return tableReachesLimits ? rate : rateAt(t);
    }

    private float lateRootScale(int t) {
        return tableReachesLimits ? 1 : rootScaleAt(t);
    }

    /// `rate / (1 − beta1ᵗ)` for the unsigned push count `t`, from 1.
    float rateAt(int t) {
        return (float) (rate / (1 - power(squares1, t)));
    }

    /// `1 / √(1 − beta2ᵗ)` for the unsigned push count `t`, from 1.
    float rootScaleAt(int t) {
        return (float) (1 / Math.sqrt(1 - power(squares2, t)));
    }

    /// By squares rather than [Math#pow], which may differ between machines in the last bit.
    private static double power(double[] squares, int exponent) {
        double power = 1;
        for (int rest = exponent; rest != 0; rest &= rest - 1) {
            power *= squares[Integer.numberOfTrailingZeros(rest)];
        }
        return power;
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
        float[] rates = this.rates;
        float[] rootScales = this.rootScales;

        // For linear models: an inner loop of one round would cost more than its float.
        if (length == 1) {
            for (int i = from; i < from + count; i++) {
                long weight = base + rowOffsets[i] + startBytes;
                int t = MEMORY.get(INT, base + rowOffsets[i] - PUSH_COUNT_BEFORE_ROW);
                float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t));
                float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
                element(weight, gradient, slotStrideBytes, beta1, rest1, beta2, rest2, rate, rootScale, epsilon);
                gradient += gradientStrideBytes;
            }
            return;
        }
        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = MEMORY.get(INT, base + rowOffsets[i] - PUSH_COUNT_BEFORE_ROW);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
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
        float[] rates = this.rates;
        float[] rootScales = this.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = MEMORY.get(INT, base + rowOffsets[i] - PUSH_COUNT_BEFORE_ROW);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
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
        float[] rates = this.rates;
        float[] rootScales = this.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = MEMORY.get(INT, base + rowOffsets[i] - PUSH_COUNT_BEFORE_ROW);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
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
        float[] rates = this.rates;
        float[] rootScales = this.rootScales;

        for (int i = from; i < from + count; i++) {
            long weight = base + rowOffsets[i] + startBytes;
            int t = MEMORY.get(INT, base + rowOffsets[i] - PUSH_COUNT_BEFORE_ROW);
            float rate = factor * (Integer.compareUnsigned(t, rates.length) < 0 ? rates[t] : lateRate(t));
            float rootScale = Integer.compareUnsigned(t, rootScales.length) < 0 ? rootScales[t] : lateRootScale(t);
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
