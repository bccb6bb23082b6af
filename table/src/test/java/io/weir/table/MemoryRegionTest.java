package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;

class MemoryRegionTest {
    private static final long HUGE = MemoryRegion.HUGE_PAGE_BYTES;
    private static final long UNIT = MemoryRegion.UNIT_BYTES;
    private static final Path PAGES = Path.of("/proc/self/pagemap");
    private static final long PAGE_BYTES = 4096;

    /// Bytes of memory behind a segment as Linux tells, page by page, or 0 on other systems.
    private static long residentBytes(MemorySegment segment) throws IOException {
        if (!Files.exists(PAGES)) {
            return 0;
        }
        int pages = (int) (segment.byteSize() / PAGE_BYTES);
        ByteBuffer entries = ByteBuffer.allocate(pages * Long.BYTES).order(ByteOrder.nativeOrder());
        try (FileChannel map = FileChannel.open(PAGES, StandardOpenOption.READ)) {
            long at = segment.address() / PAGE_BYTES * Long.BYTES;
            while (entries.hasRemaining() && map.read(entries, at + entries.position()) > 0) {}
        }
        long resident = 0;
        for (int page = 0; page < entries.position() / Long.BYTES; page++) {
            // The highest bit of an entry says that the page is in memory.
            resident += entries.getLong(page * Long.BYTES) < 0 ? PAGE_BYTES : 0;
        }
        return resident;
    }

    @Test
    void holdsNoMoreThanItsBudgetKnowsAfterAStepIsUndone() throws IOException {
        MemoryBudget budget = new MemoryBudget(64 << 20);
        try (MemoryRegion region = new MemoryRegion(budget, 4 * HUGE, 3 * HUGE)) {
            MemorySegment segment = region.segment();
            assertThat(region.tryCommit(HUGE)).isTrue();
            long kept = 2 * HUGE - 64 * UNIT;
            assertThat(region.tryCommit(kept)).isTrue();
            kept = region.committedBytes();
            assertThat(kept).isLessThan(2 * HUGE);
            for (long offset = 0; offset < kept; offset += UNIT) {
                segment.set(ValueLayout.JAVA_LONG, offset, offset + 1);
            }
            assertThat(region.tryCommit(2 * HUGE)).isTrue();
            region.shrinkTo(kept);

            assertThat(region.committedBytes()).isEqualTo(kept);
            assertThat(budget.usedBytes()).isEqualTo(kept);
            assertThat(residentBytes(segment)).isLessThanOrEqualTo(kept);
            if (Files.exists(PAGES)) {
                assertThat(residentBytes(segment)).isPositive();
            }
            for (long offset = 0; offset < kept; offset += UNIT) {
                assertThat(segment.get(ValueLayout.JAVA_LONG, offset)).isEqualTo(offset + 1);
            }
            assertThat(region.tryCommit(2 * HUGE)).isTrue();
            assertThat(segment.get(ValueLayout.JAVA_LONG, kept)).isZero();
            assertThat(segment.get(ValueLayout.JAVA_LONG, kept - UNIT)).isEqualTo(kept - UNIT + 1);
        }
    }
}
