package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TableStoreTest {
    private static final OptimizerSpec SGD = new OptimizerSpec.Sgd(1f);
    private static final OptimizerSpec ADAGRAD = new OptimizerSpec.AdaGrad(0.1f, 1e-8f);
    private static final OptimizerSpec FTRL = new OptimizerSpec.Ftrl(0.1f, 1f, 0f, 0f);
    private static final int BATCH_KEYS = 1250;

    private final MemoryBudget budget = new MemoryBudget(1L << 30);
    private TableStore store = new TableStore(TableSpec.embedding("t", 2, SGD), budget);

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void readsInitialRowsWithoutStoringThem() {
        replace(TableSpec.embedding("t", 2, SGD).withInitialRow(new InitialRow.Uniform(-1f, 1f), 7));
        long memoryBytes = store.memoryBytes();

        float[] row = PushFrame.pull(store, 5);

        InitialRow initialRow = store.spec().initialRow();
        assertThat(row).containsExactly(initialRow.value(7, 5, 0), initialRow.value(7, 5, 1));
        assertThat(store.rowCount()).isZero();
        assertThat(store.memoryBytes()).isBetween(memoryBytes, memoryBytes + 1024);
        assertThat(budget.usedBytes()).isZero();
    }

    @Test
    void readsKeyZeroOfAnEmptyStoreAsAbsent() {
        replace(TableSpec.embedding("t", 2, SGD).withInitialRow(new InitialRow.Constant(3f), 0));

        assertThat(PushFrame.pull(store, 0)).containsExactly(3f, 3f);
    }

    @Test
    void firstReadOfAnFtrlRowIsItsInitialRow() {
        replace(TableSpec.embedding("t", 2, FTRL).withInitialRow(new InitialRow.Constant(0.5f), 0));
        push(new long[] {9}, 0f, 0f);

        float[] row = PushFrame.pull(store, 9);

        assertThat(row[0]).isCloseTo(0.5f, org.assertj.core.data.Offset.offset(1e-6f));
    }

    @Test
    void sumsGradientsOfRepeatedKeysInOrderOfAppearance() {
        assertThat(push(new long[] {4, 5, 4, 4}, 1e8f, 1f, 7f, 8f, 1f, 1f, -1e8f, 1f))
                .isEqualTo(CheckResult.OK);

        assertThat(PushFrame.pull(store, 4)).containsExactly(0f - ((1e8f + 1f) + -1e8f), -3f);
        assertThat(PushFrame.pull(store, 5)).containsExactly(-7f, -8f);
        assertThat(store.rowCount()).isEqualTo(2);
        assertThat(pushCounts()).containsExactly(1, 1);
    }

    @Test
    void keepsMemoryForRowsThatAreHeldUntilTheyAreReleased() {
        MemoryBudget small = new MemoryBudget(1 << 20);
        try (TableStore held = new TableStore(TableSpec.embedding("h", 64, SGD), small)) {
            PushFrame many = frame(0, 1000);
            assertThat(many.bytes.byteSize()).isGreaterThan(0);
            assertThat(held.hold(many.bytes, many.keysOffset, many.count, many.gradientsOffset))
                    .isEqualTo(CheckResult.OK);
            assertThat(held.lastHeldRows()).isEqualTo(1000);
            assertThat(held.rowCount()).as("nothing is stored yet").isZero();
            // What others store in between does not take the place of what is held.
            long key = 1_000_000;
            while (frame(key, 100).push(held) == CheckResult.OK) {
                key += 100;
            }
            assertThat(key).isGreaterThan(1_000_000);
            assertThat(frame(key, 100).check(held)).isEqualTo(CheckResult.OUT_OF_MEMORY);
            held.release(1000);
            assertThat(many.push(held)).isEqualTo(CheckResult.OK);
            assertThat(PushFrame.pull(held, 999)[63]).isEqualTo(-1);
        }
        assertThat(small.usedBytes()).isZero();
    }

    @Test
    void givesWhatWasHeldToOthersOnceItIsReleased() {
        MemoryBudget small = new MemoryBudget(1 << 20);
        try (TableStore held = new TableStore(TableSpec.embedding("h", 64, SGD), small)) {
            PushFrame many = frame(0, 2000);
            assertThat(held.hold(many.bytes, many.keysOffset, many.count, many.gradientsOffset))
                    .isEqualTo(CheckResult.OK);
            PushFrame more = frame(10_000, 2000);
            assertThat(held.hold(more.bytes, more.keysOffset, more.count, more.gradientsOffset))
                    .isEqualTo(CheckResult.OUT_OF_MEMORY);
            held.release(2000);
            assertThat(more.push(held)).isEqualTo(CheckResult.OK);
        }
    }

    @Test
    void holdsRowsThatAreThereWithoutMemory() {
        push(new long[] {4}, 1f, 1f);
        PushFrame frame = new PushFrame(new long[] {4, 5, 4}, new float[6], 2);
        assertThat(store.hold(frame.bytes, frame.keysOffset, 3, frame.gradientsOffset))
                .isEqualTo(CheckResult.OK);
        assertThat(store.lastHeldRows()).isEqualTo(1);
        store.release(1);
    }

    @Test
    void refusesToHoldValuesThatAreNotFiniteButNotThoseWhoseSumIsNot() {
        PushFrame frame = new PushFrame(new long[] {4, 5}, new float[] {1, 2, Float.NaN, 3}, 2);
        assertThat(store.hold(frame.bytes, frame.keysOffset, 2, frame.gradientsOffset))
                .isEqualTo(CheckResult.NON_FINITE);
        assertThat(store.failedRow()).isEqualTo(1);
        PushFrame sum = new PushFrame(new long[] {4, 4}, new float[] {3e38f, 0, 3e38f, 0}, 2);
        assertThat(store.hold(sum.bytes, sum.keysOffset, 2, sum.gradientsOffset))
                .as("others may take it back")
                .isEqualTo(CheckResult.OK);
        assertThat(sum.check(store)).isEqualTo(CheckResult.NON_FINITE);
    }

    private static PushFrame frame(long fromKey, int count) {
        long[] keys = new long[count];
        Arrays.setAll(keys, i -> fromKey + i);
        float[] ones = new float[count * 64];
        Arrays.fill(ones, 1f);
        return new PushFrame(keys, ones, 64);
    }

    @Test
    void sumsMoreRepeatedRowsThanOnePortionHolds() {
        replace(TableSpec.embedding("t", 512, SGD));
        long[] keys = new long[400];
        float[] gradients = new float[400 * 512];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = i % 200;
            Arrays.fill(gradients, i * 512, (i + 1) * 512, i);
        }

        assertThat(push(keys, gradients)).isEqualTo(CheckResult.OK);

        for (int i = 0; i < 200; i++) {
            assertThat(PushFrame.pull(store, i)).containsOnly(-(i + i + 200f));
        }
    }

    @Test
    void refusesNonFiniteGradientAndNamesItsRow() {
        push(new long[] {1}, 1f, 1f);
        byte[] before = PushFrame.scan(store);

        assertThat(push(new long[] {1, 2, 3}, 1f, 1f, 1f, Float.NaN, 1f, 1f)).isEqualTo(CheckResult.NON_FINITE);

        assertThat(store.failedRow()).isEqualTo(1);
        assertThat(PushFrame.scan(store)).isEqualTo(before);
    }

    @Test
    void refusesSumThatOverflowsWhetherOrNotTheRowExists() {
        push(new long[] {1}, 1f, 1f);
        byte[] before = PushFrame.scan(store);
        float huge = Float.MAX_VALUE;

        assertThat(push(new long[] {7, 1, 1}, 1f, 1f, huge, 0f, huge, 0f)).isEqualTo(CheckResult.NON_FINITE);
        assertThat(store.failedRow()).isEqualTo(1);
        assertThat(push(new long[] {8, 8}, huge, 0f, huge, 0f)).isEqualTo(CheckResult.NON_FINITE);
        assertThat(store.failedRow()).isZero();
        assertThat(PushFrame.scan(store)).isEqualTo(before);
    }

    @Test
    void changesNothingBeforeApply() {
        push(new long[] {1, 2}, 1f, 1f, 1f, 1f);
        byte[] before = PushFrame.scan(store);

        new PushFrame(new long[] {1, 3, 1}, new float[6], 2).check(store);

        assertThat(PushFrame.scan(store)).isEqualTo(before);
    }

    @Test
    void appliesWhatTheFrameHoldsThoughItWasChangedAfterItsCheck() {
        push(new long[] {1, 2}, 1f, 1f, 1f, 1f);
        PushFrame frame = new PushFrame(new long[] {1}, new float[] {1f, 1f}, 2);
        frame.check(store);
        frame.bytes.set(PushFrame.LONG, frame.keysOffset, 2);

        store.apply(frame.bytes, frame.keysOffset, 1, frame.gradientsOffset);

        assertThat(PushFrame.pull(store, 1, 2)).containsExactly(-1f, -1f, -2f, -2f);
    }

    @Test
    void refusesRowsBeyondTheBudgetAndChangesNothing() {
        store.close();
        MemoryBudget small = new MemoryBudget(256 << 10);
        store = new TableStore(TableSpec.embedding("t", 16, ADAGRAD), small);
        long next = 0;
        CheckResult result = CheckResult.OK;
        byte[] before = {};
        long usedBytes = 0;
        while (result == CheckResult.OK) {
            before = PushFrame.scan(store);
            usedBytes = small.usedBytes();
            long[] keys = new long[100];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = next++;
            }
            result = push(keys, ones(100 * 16));
        }

        assertThat(result).isEqualTo(CheckResult.OUT_OF_MEMORY);
        assertThat(PushFrame.scan(store)).isEqualTo(before);
        assertThat(small.usedBytes()).isEqualTo(usedBytes).isLessThanOrEqualTo(small.capBytes());
        assertThat(store.rowCount()).isGreaterThan(1200);
        assertThat(push(new long[] {0, 1, 2}, ones(48))).isEqualTo(CheckResult.OK);
    }

    @Test
    void countsRepeatsOfMissingKeysOnceWhenMemoryIsShort() {
        store.close();
        MemoryBudget small = new MemoryBudget(64 << 10);
        store = new TableStore(TableSpec.embedding("t", 16, ADAGRAD), small);
        long[] keys = new long[2000];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = i % 100;
        }

        assertThat(push(keys, ones(2000 * 16))).isEqualTo(CheckResult.OK);

        assertThat(store.rowCount()).isEqualTo(100);
    }

    @Test
    void findsRepeatsWhenStampsWrap() {
        store.close();
        store = new TableStore(TableSpec.embedding("t", 1, SGD), budget, -5);
        float sum = 0;
        for (int i = 0; i < 12; i++) {
            push(new long[] {1, 2, 1, 100 + i}, 1f, 1f, 1f, 1f);
            push(new long[] {1, 2, 3}, 1f, 1f, 1f);
            sum += 3;
        }

        assertThat(PushFrame.pull(store, 1, 2, 3, 100)).containsExactly(-sum, -24f, -12f, -1f);
    }

    @Test
    void renewsStampsLongBeforeTheCounterComesRound() {
        store.close();
        store = new TableStore(TableSpec.embedding("t", 1, SGD), budget, 0);
        long[] keys = new long[64];
        Arrays.setAll(keys, i -> i);
        push(keys, new float[64]);
        int stampAtFirst = store.stampOf(63);

        for (int i = 0; i < 40; i++) {
            push(new long[] {0}, 1f);
        }

        for (int ordinal = 0; ordinal < 64; ordinal++) {
            assertThat(store.stampOf(ordinal)).isGreaterThan(stampAtFirst);
        }
    }

    @Test
    void loadsWhatAScanWrote() {
        replace(TableSpec.embedding("t", 3, FTRL));
        long[] keys = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 77};
        push(keys, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6);
        push(new long[] {-1}, 1, 1, 1);
        byte[] stored = PushFrame.scan(store);
        MemorySegment frame = Arena.ofAuto().allocate(stored.length);
        frame.copyFrom(MemorySegment.ofArray(stored));

        try (TableStore other = new TableStore(store.spec(), budget)) {
            new PushFrame(new long[] {77}, ones(3), 3).push(other);
            assertThat(other.checkLoad(frame, 0, 5)).isEqualTo(CheckResult.OK);
            other.load(frame, 0, 5);

            assertThat(PushFrame.pull(other, keys)).containsExactly(PushFrame.pull(store, keys));
            push(keys, ones(15));
            new PushFrame(keys, ones(15), 3).push(other);
            assertThat(PushFrame.pull(other, keys)).containsExactly(PushFrame.pull(store, keys));
        }
    }

    @Test
    void aLoadedRowGoesOnWithAllItsSlots() {
        for (String name : OptimizerSpec.names()) {
            TableSpec spec = TableSpec.embedding(name, 5, OptimizerSpec.parse(name))
                    .withInitialRow(new InitialRow.Uniform(-1, 1), 3);
            try (TableStore first = new TableStore(spec, budget);
                    TableStore second = new TableStore(spec, budget)) {
                PushFrame push = new PushFrame(new long[] {7, 8}, new float[] {1, -2, 3, -4, 5, 6, 7, 8, 9, 10}, 5);
                assertThat(push.push(first)).isEqualTo(CheckResult.OK);
                assertThat(push.push(first)).isEqualTo(CheckResult.OK);
                byte[] stored = PushFrame.scan(first);
                MemorySegment rows = Arena.ofAuto().allocate(stored.length).copyFrom(MemorySegment.ofArray(stored));
                assertThat(second.checkLoad(rows, 0, 2)).isEqualTo(CheckResult.OK);
                second.load(rows, 0, 2);
                assertThat(push.push(first)).isEqualTo(CheckResult.OK);
                assertThat(push.push(second)).isEqualTo(CheckResult.OK);
                assertThat(PushFrame.scan(second)).as(name).isEqualTo(PushFrame.scan(first));
                assertThat(PushFrame.scan(second)).as(name).isNotEqualTo(stored);
                assertThat(first.storedRowBytes()).isEqualTo(16 + 4L * spec.valueLength());
            }
        }
    }

    @Test
    void aLoadedRowThatNoPushHasSeenBeginsAsANewOne() {
        for (String name : OptimizerSpec.names()) {
            OptimizerSpec optimizer = OptimizerSpec.parse(name);
            TableSpec zeros = TableSpec.embedding(name, 2, optimizer);
            try (TableStore fresh = new TableStore(zeros.withInitialRow(new InitialRow.Constant(0.5f), 0), budget);
                    TableStore loaded = new TableStore(zeros, budget)) {
                MemorySegment row = Arena.ofAuto().allocate(loaded.storedRowBytes());
                row.set(PushFrame.LONG, 0, 7);
                for (int i = 0; i < zeros.valueLength(); i++) {
                    // What stands in the place of slots is not looked at.
                    row.set(PushFrame.FLOAT, 16 + 4L * i, i < 2 ? 0.5f : 123f);
                }
                assertThat(loaded.checkLoad(row, 0, 1)).isEqualTo(CheckResult.OK);
                loaded.load(row, 0, 1);
                assertThat(PushFrame.pull(loaded, 7)).containsExactly(0.5f, 0.5f);
                PushFrame push = new PushFrame(new long[] {7}, new float[] {0.25f, -0.75f}, 2);
                assertThat(push.push(fresh)).isEqualTo(CheckResult.OK);
                assertThat(push.push(loaded)).isEqualTo(CheckResult.OK);
                assertThat(PushFrame.scan(loaded)).as(name).isEqualTo(PushFrame.scan(fresh));
            }
        }
    }

    @Test
    void refusesToLoadRowsThatAreNotFiniteOrNotWellFormed() {
        push(new long[] {1, 2}, 1f, 1f, 1f, 1f);
        byte[] stored = PushFrame.scan(store);
        MemorySegment frame = Arena.ofAuto().allocate(stored.length);
        frame.copyFrom(MemorySegment.ofArray(stored));
        frame.set(PushFrame.FLOAT, store.storedRowBytes() + 16, Float.POSITIVE_INFINITY);

        assertThat(store.checkLoad(frame, 0, 2)).isEqualTo(CheckResult.NON_FINITE);
        assertThat(store.failedRow()).isEqualTo(1);

        frame.set(PushFrame.INT, 12, 1);
        assertThatThrownBy(() -> store.checkLoad(frame, 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("reserved bytes of a stored row must be 0: row=0, key=1, table=t");
    }

    @Test
    void scansInPortions() {
        push(new long[] {3, 1, 2}, 1f, 1f, 1f, 1f, 1f, 1f);
        MemorySegment destination = Arena.ofAuto().allocate(2 * store.storedRowBytes());

        assertThat(store.scan(0, 2, destination, 0)).isEqualTo(2);
        assertThat(destination.get(PushFrame.LONG, store.storedRowBytes())).isEqualTo(1);
        assertThat(store.scan(2, 2, destination, 0)).isEqualTo(1);
        assertThat(destination.get(PushFrame.LONG, 0)).isEqualTo(2);
        assertThat(store.scan(3, 2, destination, 0)).isZero();
    }

    @Test
    void rejectsKeysAndGradientsOutsideTheirFrame() {
        MemorySegment frame = Arena.ofAuto().allocate(64);

        assertThatThrownBy(() -> store.check(frame, 0, 5, 40)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> store.apply(frame, 60, 1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> store.pull(frame, 0, 1, frame, 60)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> store.pull(frame, 0, -1, frame, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void givesAllMemoryBackWhenClosed() {
        push(new long[] {1, 1, 2}, ones(6));

        store.close();

        assertThat(budget.usedBytes()).isZero();
        assertThatThrownBy(() -> PushFrame.pull(store, 1)).isInstanceOf(IllegalStateException.class);
        store = new TableStore(store.spec(), budget);
    }

    @Test
    void keepsRowsSmall() {
        int[] counts = {100_000, 137_000, 344_500, 500_000, 689_000, 1_000_000};
        for (int count : counts) {
            assertBytesPerRow(TableSpec.embedding("t", 16, ADAGRAD), count, 1, 190);
            assertBytesPerRow(TableSpec.embedding("t", 1, FTRL), count, 1, 48);
            assertBytesPerRow(TableSpec.embedding("t", 16, ADAGRAD), count, 8, 190);
            assertBytesPerRow(TableSpec.embedding("t", 1, FTRL), count, 8, 48);
        }
    }

    @Test
    void allocatesNothingInTheSteadyState() {
        replace(TableSpec.embedding("t", 16, ADAGRAD));
        long[] keys = new long[BATCH_KEYS];
        Arrays.setAll(keys, i -> i * 31L);
        PushFrame distinct = new PushFrame(keys, ones(BATCH_KEYS * 16), 16);
        keys[7] = keys[3];
        PushFrame repeated = new PushFrame(keys, ones(BATCH_KEYS * 16), 16);
        PushFrame absent = PushFrame.ofKeys(-1, 0, -2, 31);
        MemorySegment destination = Arena.ofAuto().allocate(BATCH_KEYS * 64L);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long leastBytes = Long.MAX_VALUE;
        // Vectors are objects until the compiler has come round to every loop.
        for (int round = 0; round < 2000 && leastBytes > 400; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 100; i++) {
                distinct.push(store);
                repeated.push(store);
                store.pull(distinct.bytes, distinct.keysOffset, BATCH_KEYS, destination, 0);
                store.pull(absent.bytes, absent.keysOffset, 4, destination, 0);
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
        }

        assertThat(leastBytes).as("bytes for 400 calls, in the leanest round").isLessThanOrEqualTo(400);
    }

    private void assertBytesPerRow(TableSpec spec, int count, int storeCount, double limit) {
        double bytes = 0;
        TableStore[] stores = new TableStore[storeCount];
        Arrays.setAll(stores, i -> new TableStore(spec, budget));
        int perStore = count / storeCount;
        for (int s = 0; s < storeCount; s++) {
            for (int start = 0; start < perStore; start += BATCH_KEYS) {
                long[] keys = new long[Math.min(BATCH_KEYS, perStore - start)];
                long first = (long) s * perStore + start;
                Arrays.setAll(keys, i -> first + i);
                assertThat(new PushFrame(keys, new float[keys.length * spec.rowLength()], spec.rowLength())
                                .push(stores[s]))
                        .isEqualTo(CheckResult.OK);
            }
            bytes += stores[s].memoryBytes();
        }
        for (TableStore each : stores) {
            each.close();
        }
        assertThat(bytes / count)
                .as("bytes a row: rows=" + count + ", stores=" + storeCount + ", " + spec)
                .isLessThanOrEqualTo(limit);
    }

    private void replace(TableSpec spec) {
        store.close();
        store = new TableStore(spec, budget);
    }

    private CheckResult push(long[] keys, float... gradients) {
        return new PushFrame(keys, gradients, store.spec().rowLength()).push(store);
    }

    private int[] pushCounts() {
        MemorySegment stored = MemorySegment.ofArray(PushFrame.scan(store));
        int[] counts = new int[(int) store.rowCount()];
        Arrays.setAll(counts, i -> stored.get(PushFrame.INT, i * store.storedRowBytes() + 8));
        return counts;
    }

    private static float[] ones(int length) {
        float[] ones = new float[length];
        Arrays.fill(ones, 1f);
        return ones;
    }
}
