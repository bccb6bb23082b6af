package io.weir.shard;

import io.weir.model.Fold;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.table.CheckResult;
import io.weir.table.TableStore;
import io.weir.wire.DataLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.LongStream;

/// Applies one step of a synchronous run to one table: the gradients of all contributors as if one worker had
/// pushed them at once, so that the optimizer sees each row once. Confined to the thread inside the shard.
///
/// The order of the additions is fixed: by worker, of one worker by number, of one push by appearance. A mean
/// divides each gradient first, by multiplication with `1 / contributors`, then adds; what is no gradient is
/// never averaged. Where the optimizer folds otherwise, the last value in that same order stays, or the least,
/// or the greatest. So the result does not depend on the order of arrival, nor on the number of shards: one
/// thread that plays the same workers in turn gets the same bits.
///
/// A row whose sum is not finite, although every gradient was, is left out: it can be blamed on nobody, and no
/// row ever becomes infinite.
final class StepFold {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private MemorySegment buffer = MemorySegment.NULL;
    private long skippedRows;

    /// Rows that were left out so far because their sum was not finite.
    long skippedRows() {
        return skippedRows;
    }

    /// @param pushes to this table, of the contributors only
    /// @param contributors replicas that took part in the step, those without a push here included
    void apply(ShardTable table, List<HeldPush> pushes, int contributors, boolean mean, boolean sorted) {
        List<HeldPush> ordered = new ArrayList<>(pushes);
        if (sorted) {
            ordered.sort(Comparator.<HeldPush>comparingInt(push -> push.worker).thenComparingLong(push -> push.number));
        }
        float scale = mean && table.spec().optimizer().takesGradients() ? 1f / contributors : 1f;
        if (table.spec().shape() instanceof TableShape.Dense dense) {
            applyStretches(table, dense, ordered, scale);
        } else {
            applyRows(table, ordered, scale);
        }
    }

    private MemorySegment room(long bytes) {
        if (buffer.byteSize() < bytes) {
            buffer = Arena.ofAuto().allocate(Math.max(bytes, Math.min(2 * buffer.byteSize(), bytes + (64 << 20))), 8);
        }
        return buffer;
    }

    // ---- rows ----

    private void applyRows(ShardTable table, List<HeldPush> pushes, float scale) {
        TableSpec spec = table.spec();
        TableStore store = table.store();
        int rowLength = spec.rowLength();
        long rowBytes = (long) rowLength * Float.BYTES;
        long all = 0;
        for (HeldPush push : pushes) {
            all += push.count;
        }
        int count = Math.toIntExact(all);
        long gradientsAt = all * Long.BYTES;
        MemorySegment room = room(gradientsAt + all * rowBytes);
        long row = 0;
        for (HeldPush push : pushes) {
            MemorySegment payload = push.payload();
            long keyBytes = (long) push.count * Long.BYTES;
            MemorySegment.copy(payload, 0, room, row * Long.BYTES, keyBytes);
            copyScaled(payload, keyBytes, room, gradientsAt + row * rowBytes, (long) push.count * rowLength, scale);
            row += push.count;
        }
        while (true) {
            CheckResult result = store.check(room, 0, count, gradientsAt);
            if (result == CheckResult.OK) {
                store.apply(room, 0, count, gradientsAt);
                return;
            }
            if (result == CheckResult.OUT_OF_MEMORY) {
                throw new IllegalStateException("rows of a step must have been reserved: table=" + spec.name());
            }
            skippedRows++;
            count = without(room, count, gradientsAt, rowBytes, room.get(LONG, (long) store.failedRow() * Long.BYTES));
        }
    }

    /// Closes the gaps that all rows of one key leave.
    private static int without(MemorySegment room, int count, long gradientsAt, long rowBytes, long key) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            long here = room.get(LONG, (long) i * Long.BYTES);
            if (here != key) {
                room.set(LONG, (long) kept * Long.BYTES, here);
                MemorySegment.copy(room, gradientsAt + i * rowBytes, room, gradientsAt + kept * rowBytes, rowBytes);
                kept++;
            }
        }
        return kept;
    }

    private static void copyScaled(
            MemorySegment source, long sourceAt, MemorySegment target, long targetAt, long floats, float scale) {
        if (scale == 1f) {
            MemorySegment.copy(source, sourceAt, target, targetAt, floats * Float.BYTES);
            return;
        }
        for (long i = 0; i < floats; i++) {
            target.set(FLOAT, targetAt + i * Float.BYTES, source.get(FLOAT, sourceAt + i * Float.BYTES) * scale);
        }
    }

    // ---- stretches ----

    /// A run of floats that pushes touch, gaps excluded.
    private record Stretch(long from, long to) {}

    private void applyStretches(ShardTable table, TableShape.Dense dense, List<HeldPush> pushes, float scale) {
        int blockLength = dense.blockLength();
        int most = Math.max(blockLength, MAX_FOLDED_FLOATS / blockLength * blockLength);
        long[] cuts = cuts(pushes, blockLength);
        for (Stretch touched : touched(pushes)) {
            int cut = 0;
            for (long from = touched.from(); from < touched.to(); ) {
                while (cut < cuts.length && cuts[cut] <= from) {
                    cut++;
                }
                long to = Math.min(touched.to(), (from / most + 1) * most);
                to = cut < cuts.length ? Math.min(to, cuts[cut]) : to;
                applyStretch(table, from, to, pushes, scale);
                from = to;
            }
        }
    }

    /// Where pushes begin and end, sorted, as far as these are the beginnings of blocks: between two of them a push
    /// covers all or nothing, and no block is applied twice.
    private static long[] cuts(List<HeldPush> pushes, int blockLength) {
        return pushes.stream()
                .flatMapToLong(push -> LongStream.of(push.offset, push.offset + push.count))
                .filter(cut -> cut % blockLength == 0)
                .sorted()
                .distinct()
                .toArray();
    }

    private void applyStretch(ShardTable table, long from, long to, List<HeldPush> pushes, float scale) {
        TableStore store = table.store();
        long floats = to - from;
        long summandAt = floats * Float.BYTES;
        MemorySegment room = room(2 * floats * Float.BYTES);
        boolean begun = false;
        for (HeldPush push : pushes) {
            long begin = Math.max(from, push.offset);
            long end = Math.min(to, push.offset + push.count);
            if (begin >= end) {
                continue;
            }
            long sourceAt = (begin - push.offset) * Float.BYTES;
            if (!begun && begin == from && end == to) {
                copyScaled(push.payload(), sourceAt, room, 0, floats, scale);
            } else {
                if (!begun) {
                    fill(room, floats, neutralOf(table.spec().optimizer().fold()));
                }
                copyScaled(push.payload(), sourceAt, room, summandAt, end - begin, scale);
                store.fold(room, (begin - from) * Float.BYTES, room, summandAt, (int) (end - begin));
            }
            begun = true;
        }
        while (store.checkStretch(room, 0, from, floats) != CheckResult.OK) {
            if (store.failedRow() < 0) {
                throw new IllegalStateException("blocks of a step must have been reserved: table="
                        + table.spec().name());
            }
            skippedRows++;
            room.set(FLOAT, (long) store.failedRow() * Float.BYTES, 0f);
        }
        store.applyStretch(room, 0, from, floats);
    }

    private static void fill(MemorySegment room, long floats, float value) {
        for (long i = 0; i < floats; i++) {
            room.set(FLOAT, i * Float.BYTES, value);
        }
    }

    /// What folded with anything else gives exactly that.
    private static float neutralOf(Fold fold) {
        return switch (fold) {
            case SUM, LAST -> -0.0f;
            case LEAST -> Float.POSITIVE_INFINITY;
            case GREATEST -> Float.NEGATIVE_INFINITY;
        };
    }

    /// Most floats that are folded at a time: 1 MiB.
    private static final int MAX_FOLDED_FLOATS = 1 << 18;

    private static List<Stretch> touched(List<HeldPush> pushes) {
        List<Stretch> single = new ArrayList<>();
        for (HeldPush push : pushes) {
            if (push.count > 0) {
                single.add(new Stretch(push.offset, push.offset + push.count));
            }
        }
        single.sort(Comparator.comparingLong(Stretch::from));
        List<Stretch> joined = new ArrayList<>();
        for (Stretch next : single) {
            Stretch last = joined.isEmpty() ? null : joined.getLast();
            if (last != null && next.from() <= last.to()) {
                joined.set(joined.size() - 1, new Stretch(last.from(), Math.max(last.to(), next.to())));
            } else {
                joined.add(next);
            }
        }
        return joined;
    }

    /// Bytes that a held push takes, with its share of the fold.
    static long bytes(int payloadBytes) {
        return 2L * payloadBytes + DataLayout.PAYLOAD_OFFSET;
    }
}
