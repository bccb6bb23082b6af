package io.weir.train;

import java.util.Arrays;

/// The parameters of one table as a worker under [Algorithm.Downpour] has them, with the gradients that it has not
/// pushed yet. Confined.
///
/// Of an embedding table it holds the rows that the worker has needed so far, until they are more than `mostFloats`;
/// then it drops those that it needs neither now nor for a push. Of a dense table it holds all, as one long row.
///
/// A *place* is the number of a row here. Beside its weights a place has the sum of the gradients since the last push,
/// and, while a fetch of it is under way, the sum of those that the fetch cannot bring: those that had not been pushed
/// when it began, and those since. Both are copies of the first gradient before they are sums, so one gradient is
/// itself to the bit, whatever the sign of its zeros.
final class LocalCopy {
    /// Floats of weights that a copy of an embedding table may have, unless one leg needs more: 64 MiB. The sums take
    /// as much again, each.
    static final int DEFAULT_MOST_FLOATS = 1 << 24;

    private final boolean dense;
    private final int rowLength;
    private final int mostRows;
    private final float rate;

    private final KeyIndexer indexer = new KeyIndexer();
    private float[] weights = new float[0];
    private float[] sums = new float[0];
    private float[] unseen = new float[0];

    /// Of each place the state of its weights, of its sum and of what a fetch does not see.
    private boolean[] present = new boolean[0];

    private boolean[] summed = new boolean[0];
    private boolean[] fetched = new boolean[0];
    private boolean[] unseenSummed = new boolean[0];

    /// Places with a sum, in the order in which they got one.
    private int[] summedPlaces = new int[0];

    private int summedCount;

    /// @param shape of the table, as those of a learner that trains on it
    /// @param rate of the worker's own steps
    /// @param mostFloats of weights
    LocalCopy(Parameters shape, float rate, int mostFloats) {
        this.dense = shape.isDense();
        this.rowLength = dense ? shape.length() : shape.rowLength();
        this.rate = rate;
        this.mostRows = dense ? 1 : Math.max(1, mostFloats / rowLength);
    }

    // ---- rows ----

    /// Whether the weights of all these keys are here.
    boolean holds(long[] keys, int count) {
        int[] places = places(keys, count);
        for (int i = 0; i < placeCount(count); i++) {
            if (!present[places[i]]) {
                return false;
            }
        }
        return true;
    }

    /// Drops all rows but those whose gradients have not been pushed, if there would be too many with those of `keys`.
    /// There must be no fetch under way.
    ///
    /// @param count of the keys that are needed next
    void makeRoom(int count) {
        if (dense || (long) indexer.uniqueCount() + count <= mostRows) {
            return;
        }
        long[] kept = summedKeys();
        float[] keptSums = takeSums();
        float[] keptWeights = new float[keptSums.length];
        boolean[] keptPresent = new boolean[kept.length];
        int[] places = places(kept, kept.length);
        for (int i = 0; i < kept.length; i++) {
            System.arraycopy(weights, places[i] * rowLength, keptWeights, i * rowLength, rowLength);
            keptPresent[i] = present[places[i]];
        }
        indexer.clear();
        Arrays.fill(present, false);
        places = places(kept, kept.length);
        for (int i = 0; i < kept.length; i++) {
            System.arraycopy(keptWeights, i * rowLength, weights, places[i] * rowLength, rowLength);
            present[places[i]] = keptPresent[i];
            addTo(sums, summed, places[i], keptSums, i * rowLength);
            summedPlaces[summedCount++] = places[i];
        }
    }

    /// Rows that are here, or have a place here.
    int rowCount() {
        return dense ? 1 : indexer.uniqueCount();
    }

    /// The place of each key, new ones at the end; shared. A dense table has one.
    private int[] places(long[] keys, int count) {
        if (dense) {
            indexer.append(keys, 1);
        } else {
            indexer.append(keys, count);
        }
        int rows = indexer.uniqueCount();
        if (present.length < rows) {
            int grown = (int) Math.min(Math.max(rows, 2L * present.length), (Integer.MAX_VALUE - 8) / rowLength);
            if (dense) {
                grown = 1;
            }
            weights = Arrays.copyOf(weights, grown * rowLength);
            sums = Arrays.copyOf(sums, grown * rowLength);
            unseen = Arrays.copyOf(unseen, grown * rowLength);
            present = Arrays.copyOf(present, grown);
            summed = Arrays.copyOf(summed, grown);
            fetched = Arrays.copyOf(fetched, grown);
            unseenSummed = Arrays.copyOf(unseenSummed, grown);
            summedPlaces = Arrays.copyOf(summedPlaces, grown);
        }
        return indexer.indices();
    }

    private int placeCount(int keyCount) {
        return dense ? 1 : keyCount;
    }

    // ---- the worker's own steps ----

    /// Gives a learner the weights that it needs.
    void read(Parameters parameters) {
        int[] places = places(parameters.keys(), parameters.keyCount());
        float[] to = parameters.weights();
        for (int i = 0; i < placeCount(parameters.keyCount()); i++) {
            System.arraycopy(weights, places[i] * rowLength, to, i * rowLength, rowLength);
        }
    }

    /// Takes a step along the gradients of a learner, and adds them to what is to be pushed.
    void learn(Parameters parameters) {
        int[] places = places(parameters.keys(), parameters.keyCount());
        float[] gradients = parameters.gradients();
        for (int i = 0; i < placeCount(parameters.keyCount()); i++) {
            int place = places[i];
            step(weights, place * rowLength, gradients, i * rowLength);
            if (!summed[place]) {
                summedPlaces[summedCount++] = place;
            }
            addTo(sums, summed, place, gradients, i * rowLength);
            if (fetched[place]) {
                addTo(unseen, unseenSummed, place, gradients, i * rowLength);
            }
        }
    }

    /// `w ← w − rate · g`, in the operations of [io.weir.kernel.UpdateKernels#sgd].
    private void step(float[] w, int wFrom, float[] g, int gFrom) {
        float rate = this.rate;
        int length = rowLength;
        if (rate == 0) {
            return;
        }
        for (int i = 0; i < length; i++) {
            w[wFrom + i] -= rate * g[gFrom + i];
        }
    }

    private void addTo(float[] all, boolean[] begun, int place, float[] gradients, int from) {
        int to = place * rowLength;
        int length = rowLength;
        if (!begun[place]) {
            System.arraycopy(gradients, from, all, to, length);
            begun[place] = true;
            return;
        }
        for (int i = 0; i < length; i++) {
            all[to + i] += gradients[from + i];
        }
    }

    // ---- pushes ----

    /// Keys of the rows that have gradients to be pushed, in the order in which they got them: the same for the same
    /// batches. Of a dense table its one place.
    long[] summedKeys() {
        long[] keys = new long[summedCount];
        for (int i = 0; i < summedCount; i++) {
            keys[i] = indexer.uniqueKeys()[summedPlaces[i]];
        }
        return keys;
    }

    /// The gradients to be pushed, those of [#summedKeys], which then are none any more. Of a dense table they are
    /// never none.
    float[] takeSums() {
        float[] taken = new float[Math.multiplyExact(summedCount, rowLength)];
        for (int i = 0; i < summedCount; i++) {
            int place = summedPlaces[i];
            System.arraycopy(sums, place * rowLength, taken, i * rowLength, rowLength);
            summed[place] = false;
        }
        summedCount = 0;
        return taken;
    }

    // ---- fetches ----

    /// A fetch of these keys begins. What it brings will lack the gradients that have not been pushed.
    void beginFetch(long[] keys, int count) {
        int[] places = places(keys, count);
        for (int i = 0; i < placeCount(count); i++) {
            int place = places[i];
            fetched[place] = true;
            unseenSummed[place] = false;
            if (summed[place]) {
                addTo(unseen, unseenSummed, place, sums, place * rowLength);
            }
        }
    }

    /// The fetch of these keys has come: their weights become what it brought, less the steps that it does not know of.
    void endFetch(long[] keys, int count, float[] brought) {
        int[] places = places(keys, count);
        for (int i = 0; i < placeCount(count); i++) {
            int place = places[i];
            System.arraycopy(brought, i * rowLength, weights, place * rowLength, rowLength);
            if (unseenSummed[place]) {
                step(weights, place * rowLength, unseen, place * rowLength);
            }
            fetched[place] = false;
            present[place] = true;
        }
    }

    /// Floats that a fetch of so many keys brings.
    int fetchLength(int count) {
        return Math.multiplyExact(placeCount(count), rowLength);
    }

    boolean isDense() {
        return dense;
    }
}
