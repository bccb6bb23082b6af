package io.weir.cli.bench;

/// Which requests make up a unit of a reference. Immutable.
///
/// @param kinds of the requests, constants of [BareFrame]
/// @param ordinalCounts ordinals that each one carries, from the first one of the batch on
/// @param floatsFrom where the gradients of each one begin
/// @param floatCounts gradients that each one carries
/// @param replyFrom where the floats of each reply go, -1 for a reply without meaning
/// @param replyCounts floats of each reply
/// @param chained whether each request waits for the reply to the one before
/// @param rows rows of a unit, or floats of a tensor
/// @param payloadBytes bytes of keys, weights and gradients of a unit, both ways
@SuppressWarnings("ArrayRecordComponent")
record BarePlan(
        int[] kinds,
        int[] ordinalCounts,
        int[] floatsFrom,
        int[] floatCounts,
        int[] replyFrom,
        int[] replyCounts,
        boolean chained,
        int rows,
        long payloadBytes) {

    /// Floats of a tensor that one request carries: few enough for its reply to go out while the next one comes in.
    private static final int DENSE_REQUEST_FLOATS = Integer.getInteger("weir.bench.denseRequestFloats", 1 << 18);

    private static final int STREAM_FLOATS = 160_000;

    /// @param works whether the server gathers and updates, or only moves bytes
    static BarePlan of(BenchMode mode, boolean works, int batchLength, int dim, int denseLength) {
        int rowFloats = batchLength * dim;
        long pullBytes = (long) batchLength * (Long.BYTES + (long) dim * Float.BYTES);
        int pull = works ? BareFrame.PULL : BareFrame.MOVE;
        int push = works ? BareFrame.PUSH : BareFrame.MOVE;
        int[] zero = {0};
        return switch (mode) {
            case PULL, SMALL ->
                new BarePlan(
                        new int[] {pull},
                        new int[] {batchLength},
                        zero,
                        zero,
                        zero,
                        new int[] {rowFloats},
                        true,
                        batchLength,
                        pullBytes);
            case PUSH ->
                new BarePlan(
                        new int[] {push},
                        new int[] {batchLength},
                        zero,
                        new int[] {rowFloats},
                        new int[] {-1},
                        new int[] {BareFrame.ACK_FLOATS},
                        true,
                        batchLength,
                        pullBytes);
            case STEP ->
                new BarePlan(
                        new int[] {pull, push},
                        new int[] {batchLength, batchLength},
                        new int[] {0, 0},
                        new int[] {0, rowFloats},
                        new int[] {0, -1},
                        new int[] {rowFloats, BareFrame.ACK_FLOATS},
                        true,
                        batchLength,
                        2 * pullBytes);
            case DENSE, KV -> dense(works ? BareFrame.DENSE : BareFrame.MOVE, denseLength);
        };
    }

    private static BarePlan dense(int kind, int length) {
        int parts = Math.max(1, (length + DENSE_REQUEST_FLOATS - 1) / DENSE_REQUEST_FLOATS);
        int[] kinds = new int[parts];
        int[] ordinalCounts = new int[parts];
        int[] from = new int[parts];
        int[] counts = new int[parts];
        for (int i = 0; i < parts; i++) {
            kinds[i] = kind;
            ordinalCounts[i] = 1;
            from[i] = i * DENSE_REQUEST_FLOATS;
            counts[i] = Math.min(DENSE_REQUEST_FLOATS, length - from[i]);
        }
        long bytes = 2L * length * Float.BYTES;
        return new BarePlan(kinds, ordinalCounts, from, counts, from, counts, false, length, bytes);
    }

    /// Replies without requests to speak of: bytes of one way only.
    static BarePlan stream() {
        int[] zero = {0};
        return new BarePlan(
                new int[] {BareFrame.MOVE},
                zero,
                zero,
                zero,
                zero,
                new int[] {STREAM_FLOATS},
                true,
                0,
                (long) STREAM_FLOATS * Float.BYTES);
    }

    int requestCount() {
        return kinds.length;
    }

    /// Floats that a caller holds for a unit: gradients, and likewise weights.
    int floatsHeld() {
        int held = 0;
        for (int i = 0; i < kinds.length; i++) {
            held = Math.max(held, Math.max(floatsFrom[i] + floatCounts[i], replyFrom[i] + replyCounts[i]));
        }
        return held;
    }
}
