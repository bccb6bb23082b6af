package io.weir.benchmarks;

import io.weir.kernel.RecordLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/// Records of one shape, and the offsets of rows in an order that no prefetcher can guess. Confined.
final class RandomRecords implements AutoCloseable {
    private static final long SEED = 17;

    final MemorySegment records;

    /// A multiple of [#batchRows], each batch without repeats.
    final long[] rowOffsets;

    final int batchRows;

    private final Arena arena = Arena.ofShared();
    private int position;

    RandomRecords(int valueLength, int rowCount, int batchRows) {
        this.batchRows = batchRows;
        long recordBytes = RecordLayout.recordBytes(valueLength);
        records = arena.allocate(recordBytes * rowCount, 64);
        rowOffsets = new long[rowCount / batchRows * batchRows];
        long[] shuffled = new long[rowCount];
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < rowCount; i++) {
            int j = random.nextInt(i + 1);
            shuffled[i] = shuffled[j];
            shuffled[j] = RecordLayout.rowOffset(recordBytes * i);
            RecordLayout.putPushCount(records, recordBytes * i, 1 + random.nextInt(1000));
        }
        System.arraycopy(shuffled, 0, rowOffsets, 0, rowOffsets.length);
    }

    /// Index in [#rowOffsets] where the next batch starts, round and round.
    int nextBatch() {
        int batch = position;
        position = batch + batchRows == rowOffsets.length ? 0 : batch + batchRows;
        return batch;
    }

    /// Small floats of either sign.
    MemorySegment gradients(int length) {
        MemorySegment gradients = arena.allocate((long) length * batchRows * Float.BYTES, 64);
        SplittableRandom random = new SplittableRandom(SEED);
        for (long i = 0; i < (long) length * batchRows; i++) {
            gradients.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-0.1, 0.1));
        }
        return gradients;
    }

    @Override
    public void close() {
        arena.close();
    }
}
