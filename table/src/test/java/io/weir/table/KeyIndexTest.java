package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.kernel.RecordLayout;
import io.weir.model.Keys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class KeyIndexTest {
    private static final long RECORD_BYTES = 16;
    private static final int LOOKUP_KEYS = 1000;

    @Test
    void findsThreeMillionSequentialKeys() {
        assertFinds(3_000_000, i -> i, 0);
    }

    @Test
    void findsKeysThatDifferInUpperBitsOnly() {
        assertFinds(200_000, i -> i << 32, 0);
        assertFinds(60_000, i -> i << 48, 0);
    }

    @Test
    void findsKeysOfOneShardOnly() {
        assertFinds(200_000, i -> unmix((i & 0xffffffffL) | (5L << 57)), -1);
        assertFinds(200_000, i -> unmix((scatter(i) & 0x001fffffffffffffL) | (5L << 57)), 0);
    }

    @Test
    void findsKeysThatShareTheirPlace() {
        assertFinds(30_000, i -> unmix((i << 32) | 0x12345678L), -1);
    }

    @Test
    void findsKeysThatShareTheirPlaceAndTag() {
        assertFinds(6_000, i -> unmix((i << 40) | 0x5512345678L), -1);
    }

    @Test
    void undoesTheMix() {
        assertThat(Keys.mix(unmix(0x123456789abcdefL))).isEqualTo(0x123456789abcdefL);
    }

    @Test
    void keepsItsPromiseWhenTheBudgetHasNothingLeft() {
        MemoryBudget budget = new MemoryBudget(1 << 20);
        try (RowArena rows = new RowArena(budget, RECORD_BYTES, 1 << 20);
                KeyIndex index = new KeyIndex(budget, rows, 1 << 20)) {
            int count = 20_000;
            assertThat(rows.tryReserve(count)).isTrue();
            assertThat(index.tryReserve(count)).isTrue();
            assertThat(budget.tryReserve(budget.capBytes() - budget.usedBytes()))
                    .isTrue();

            for (long key = 0; key < count; key++) {
                add(rows, index, key);
            }

            for (long key = 0; key < count; key++) {
                assertThat(index.find(key)).isEqualTo(rows.rowOffset(key));
            }
            assertThat(index.find(count)).isEqualTo(-1);
            budget.release(budget.usedBytes() - rows.committedBytes() - index.committedBytes());
        }
    }

    /// @param spillPages how many there may be, or below 0 for any number
    private static void assertFinds(int count, LongUnaryOperator keyOf, int spillPages) {
        MemoryBudget budget = new MemoryBudget(1L << 30);
        try (Arena arena = Arena.ofConfined();
                RowArena rows = new RowArena(budget, RECORD_BYTES, 1L << 28);
                KeyIndex index = new KeyIndex(budget, rows, 1L << 28)) {
            for (int i = 0; i < count; i++) {
                assertThat(rows.tryReserve(1) && index.tryReserve(1)).isTrue();
                add(rows, index, keyOf.applyAsLong(i));
            }
            MemorySegment keys = arena.allocate(8L * LOOKUP_KEYS);
            long[] rowOffsets = new long[LOOKUP_KEYS];
            for (int start = 0; start < count; start += LOOKUP_KEYS) {
                int found = Math.min(LOOKUP_KEYS, count - start);
                for (int i = 0; i < LOOKUP_KEYS; i++) {
                    long key = i < found ? keyOf.applyAsLong(start + i) : keyOf.applyAsLong(count + i);
                    keys.setAtIndex(ValueLayout.JAVA_LONG, i, key);
                }
                int absent = index.find(keys, 0, LOOKUP_KEYS, rowOffsets, RECORD_BYTES);
                if (absent != LOOKUP_KEYS - found) {
                    assertThat(absent).as("start=" + start).isEqualTo(LOOKUP_KEYS - found);
                }
                for (int i = 0; i < LOOKUP_KEYS; i++) {
                    long expected = i < found ? rows.rowOffset(start + i) : -1;
                    if (rowOffsets[i] != expected) {
                        assertThat(rowOffsets[i]).as("position=" + (start + i)).isEqualTo(expected);
                    }
                }
            }
            for (int i = 0; i < 1000; i++) {
                assertThat(index.find(keyOf.applyAsLong(count + i))).isEqualTo(-1);
            }
            if (spillPages >= 0) {
                assertThat(index.spillPageCount()).isLessThanOrEqualTo(spillPages);
            }
            assertThat(index.pageCount()).isLessThan(2 * count / KeyIndex.SPLIT_ENTRIES + 70);
        }
    }

    private static void add(RowArena rows, KeyIndex index, long key) {
        long ordinal = rows.append();
        RecordLayout.putKey(rows.records(), ordinal * RECORD_BYTES, key);
        index.insert(key, ordinal);
    }

    private static long scatter(long i) {
        return Keys.mix(i * 0x9e3779b97f4a7c15L + 1);
    }

    /// The key with this mix: the steps of [Keys#mix] backwards.
    private static long unmix(long mix) {
        long x = mix ^ (mix >>> 31) ^ (mix >>> 62);
        x *= inverse(0x94d049bb133111ebL);
        x = x ^ (x >>> 27) ^ (x >>> 54);
        x *= inverse(0xbf58476d1ce4e5b9L);
        return x ^ (x >>> 30) ^ (x >>> 60);
    }

    /// Of an odd number modulo 2⁶⁴, by Newton's iteration.
    private static long inverse(long odd) {
        long inverse = odd;
        for (int i = 0; i < 6; i++) {
            inverse *= 2 - odd * inverse;
        }
        return inverse;
    }
}
