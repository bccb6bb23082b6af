package io.weir.cli.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.HdrHistogram.Histogram;

/// The reference for calls within one process: a plain loop over one flat table, out of and into arrays of its caller,
/// with the ordinals given. Confined to one thread.
///
/// Rows pass through a stretch of native memory that stays in the first-level cache, because kernels work on native
/// memory and one long copy costs less than many short ones.
final class BareEmbedded implements Contender {
    private static final int STAGED_BYTES = 16 << 10;

    private final BenchMode mode;
    private final BareTable table;
    private final ZipfBatches batches;
    private final float[] gradients;
    private final float[] rows;
    private final long[] rowOffsets;
    private final MemorySegment staged;
    private final int stagedRows;
    private final BarePlan plan;
    private final long[] stretch = new long[1];
    private int nextBatch;

    /// @param table of the records, or of the tensor
    /// @param gradients of a batch, or of the tensor
    BareEmbedded(BenchMode mode, BareTable table, ZipfBatches batches, float[] gradients) {
        this.mode = mode;
        this.table = table;
        this.batches = batches;
        this.gradients = gradients;
        this.rows = new float[gradients.length];
        this.rowOffsets = new long[batches.batchLength()];
        int rowBytes = mode.isDense() ? Float.BYTES : table.length() * Float.BYTES;
        this.stagedRows = Math.max(1, STAGED_BYTES / rowBytes);
        this.staged = Arena.ofAuto().allocate((long) stagedRows * rowBytes, 64);
        this.plan = BarePlan.of(mode, true, batches.batchLength(), table.length(), table.length());
    }

    @Override
    public String name() {
        return "bare loop";
    }

    /// The weights that were pulled last, shared.
    float[] rows() {
        return rows;
    }

    @Override
    public Measurement run(long durationNs) {
        return run(durationNs, Long.MAX_VALUE);
    }

    /// As [#run(long)], for at most `maxUnits` units.
    Measurement run(long durationNs, long maxUnits) {
        Histogram latenciesNs = Measurement.newHistogram();
        long startNs = System.nanoTime();
        long lastNs = startNs;
        long units = 0;
        while (lastNs - startNs < durationNs && units < maxUnits) {
            unit(batches.ordinals(nextBatch));
            nextBatch = (nextBatch + 1) % batches.count();
            units++;
            long nowNs = System.nanoTime();
            Measurement.record(latenciesNs, nowNs - lastNs);
            lastNs = nowNs;
        }
        return new Measurement(units * plan.rows(), units * plan.payloadBytes(), lastNs - startNs, latenciesNs);
    }

    private void unit(long[] ordinals) {
        switch (mode) {
            case PULL, SMALL -> pull(ordinals);
            case PUSH -> push(ordinals);
            case STEP -> {
                pull(ordinals);
                push(ordinals);
            }
            case DENSE, KV -> {
                pushStretches();
                table.copyStretch(0, rows.length, MemorySegment.ofArray(rows), 0);
            }
        }
    }

    private void pull(long[] ordinals) {
        int length = table.length();
        for (int done = 0; done < ordinals.length; done += stagedRows) {
            int part = Math.min(stagedRows, ordinals.length - done);
            System.arraycopy(ordinals, done, rowOffsets, 0, part);
            table.toRowOffsets(rowOffsets, 0, part);
            table.gather(rowOffsets, 0, part, staged, 0);
            MemorySegment.copy(staged, ValueLayout.JAVA_FLOAT, 0, rows, done * length, part * length);
        }
    }

    private void push(long[] ordinals) {
        int length = table.length();
        for (int done = 0; done < ordinals.length; done += stagedRows) {
            int part = Math.min(stagedRows, ordinals.length - done);
            System.arraycopy(ordinals, done, rowOffsets, 0, part);
            table.toRowOffsets(rowOffsets, 0, part);
            MemorySegment.copy(gradients, done * length, staged, ValueLayout.JAVA_FLOAT, 0, part * length);
            table.update(rowOffsets, 0, part, staged, 0);
        }
    }

    private void pushStretches() {
        for (int done = 0; done < gradients.length; done += stagedRows) {
            int part = Math.min(stagedRows, gradients.length - done);
            MemorySegment.copy(gradients, done, staged, ValueLayout.JAVA_FLOAT, 0, part);
            table.updateStretch(stretch, done, part, staged, 0);
        }
    }

    @Override
    public void close() {}
}
