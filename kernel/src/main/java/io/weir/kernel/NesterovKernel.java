package io.weir.kernel;

/// See [UpdateKernel#nesterov].
final class NesterovKernel extends RowKernel {
    private final float rate;
    private final float momentum;

    NesterovKernel(float rate, float momentum) {
        this.rate = requirePositive("rate", rate);
        this.momentum = requireFraction("momentum", momentum);
    }

    @Override
    public int slotCount() {
        return 1;
    }

    @Override
    void row(long row, long startBytes, long gradient, int bound, int length, long slotStrideBytes, float factor) {
        float rate = this.rate * factor;
        float momentum = this.momentum;
        long weight = row + startBytes;
        int i = 0;
        for (; i < bound; i += LANES) {
            long w = weight + (long) i * Float.BYTES;
            var g = lanes(gradient + (long) i * Float.BYTES);
            var v = lanes(w + slotStrideBytes).mul(momentum).add(g);
            put(w + slotStrideBytes, v);
            put(w, lanes(w).sub(g.add(v.mul(momentum)).mul(rate)));
        }
        for (; i < length; i++) {
            long w = weight + (long) i * Float.BYTES;
            float g = get(gradient + (long) i * Float.BYTES);
            float v = get(w + slotStrideBytes) * momentum + g;
            put(w + slotStrideBytes, v);
            put(w, get(w) - (g + v * momentum) * rate);
        }
    }
}
