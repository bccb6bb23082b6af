package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MemoryRegionTest {
    private static final long HUGE = MemoryRegion.HUGE_PAGE_BYTES;
    private static final long UNIT = MemoryRegion.UNIT_BYTES;
    private static final Path MAPS = Path.of("/proc/self/smaps");

    /// Bytes of memory behind a segment as Linux tells, or 0 on other systems.
    private static long residentBytes(MemorySegment segment) throws IOException {
        if (!Files.exists(MAPS)) {
            return 0;
        }
        long resident = 0;
        boolean within = false;
        for (String line : Files.readAllLines(MAPS)) {
            int dash = line.indexOf('-');
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                long start = Long.parseUnsignedLong(line, 0, dash, 16);
                within = start >= segment.address() && start < segment.address() + segment.byteSize();
            } else if (within && line.startsWith("Rss:")) {
                resident += Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        return resident;
    }

    @Test
    void holdsNoMoreThanItsBudgetKnowsAfterAStepIsUndone() throws IOException {
        MemoryBudget budget = new MemoryBudget(64 << 20);
        try (MemoryRegion region = new MemoryRegion(budget, 4 * HUGE, 3 * HUGE)) {
            MemorySegment segment = region.segment();
            // So that a mapping begins where the segment does.
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
            for (long offset = 0; offset < kept; offset += UNIT) {
                assertThat(segment.get(ValueLayout.JAVA_LONG, offset)).isEqualTo(offset + 1);
            }
            assertThat(region.tryCommit(2 * HUGE)).isTrue();
            assertThat(segment.get(ValueLayout.JAVA_LONG, kept)).isZero();
            assertThat(segment.get(ValueLayout.JAVA_LONG, kept - UNIT)).isEqualTo(kept - UNIT + 1);
        }
    }
}
