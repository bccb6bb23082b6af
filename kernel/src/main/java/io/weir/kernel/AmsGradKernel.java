package io.weir.kernel;

/// See [UpdateKernel#amsGrad].
final class AmsGradKernel extends RowKernel {
    private final float beta1;
    private final float beta2;
    private final float epsilon;
    private final BiasCorrection bias;

    AmsGradKernel(float rate, float beta1, float beta2, float epsilon) {
        this.beta1 = requireFraction("beta1", beta1);
        this.beta2 = requireFraction("beta2", beta2);
        this.epsilon = Math.max(requireNonNegative("epsilon", epsilon), LEAST_EPSILON);
        this.bias = new BiasCorrection(requirePositive("rate", rate), beta1, beta2);
    }

    @Override
    public int slotCount() {
        return 3;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        int t = pushCount(row);
        float rate = factor * bias.rate(t);
        float rootScale = bias.rootScale(t);
        float beta1 = this.beta1;
        float beta2 = this.beta2;
        float rest1 = 1 - beta1;
        float rest2 = 1 - beta2;
        float epsilon = this.epsilon;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = lanes(gradient + (long) i * Float.BYTES);
            var m = lanes(w + slotStrideBytes).mul(beta1).add(g.mul(rest1));
            var v = lanes(w + 2 * slotStrideBytes).mul(beta2).add(g.mul(rest2).mul(g));
            var greatest = lanes(w + 3 * slotStrideBytes).max(v);
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, v);
            put(w + 3 * slotStrideBytes, greatest);
            put(w, lanes(w).sub(m.mul(rate).div(greatest.sqrt().mul(rootScale).add(epsilon))));
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float m = get(w + slotStrideBytes) * beta1 + g * rest1;
            float v = get(w + 2 * slotStrideBytes) * beta2 + (g * rest2) * g;
            float greatest = Math.max(get(w + 3 * slotStrideBytes), v);
            put(w + slotStrideBytes, m);
            put(w + 2 * slotStrideBytes, v);
            put(w + 3 * slotStrideBytes, greatest);
            put(w, get(w) - (m * rate) / (root(greatest) * rootScale + epsilon));
        }
    }
}
