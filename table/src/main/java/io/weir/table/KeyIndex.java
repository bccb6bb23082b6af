package io.weir.table;

import io.weir.kernel.RecordLayout;
import io.weir.model.Keys;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Finds the row of a key. Confined to its store.
///
/// Extendible hashing over pages of buckets. A bucket is one cache line and holds twelve entries, each an
/// ordinal and a tag of 8 hash bits; twelve tags are compared by arithmetic on two words. The key itself
/// stands only in the record, and the record decides: a tag that matches by chance costs time, nothing else.
///
/// ```
///   0            12       16                               64
///   +------------+--------+---------------------------------+
///   |  12 tags   | unused |           12 ordinals           |      tag 0 means empty; entries fill from the first
///   +------------+--------+---------------------------------+
/// ```
///
/// Of [Keys#mix], whose uppermost bits have chosen the shard and are alike within one, the lower half is the
/// place: its upper bits choose a page through the directory, its lowest a bucket in the page. The tag is
/// taken from the lowest bits of the upper half. A full bucket passes its keys on to the next one of the
/// page.
///
/// A page that is 7/8 full is split by one more bit of the place. A split reads one page and the keys of its
/// rows, so no insertion takes long, and doubling the directory copies four bytes a page. Right after all
/// pages have been split, the worst moment, an entry takes 12.2 bytes; at best 6.1.
///
/// Keys chosen by somebody who knows the hash can share all 32 bits of their place. A page may therefore be
/// split only while its depth is near that of a well-spread index of as many rows; beyond that, and when the
/// memory budget has no page to give, keys go to *spill pages*, where the bucket follows from all 64 bits. A
/// key of a page that has spilled is looked for in each spill page, one bucket each: slower by one cache line
/// for 1344 such keys, but correct, and not quadratic in practice.
///
/// An insertion that was promised by [#tryReserve] cannot fail: pages for the case that all go to spill pages
/// are in hand.
///
/// Sources: Fagin, Nievergelt, Pippenger, Strong, *Extendible Hashing*, ACM TODS 4 (1979); tags compared by
/// word as in Lamport, *Multiple Byte Processing with Full-Word Instructions*, CACM 18 (1975).
final class KeyIndex implements AutoCloseable {
    static final long PAGE_BYTES = 8192;

    /// Pages of the system are small up to here: 2 MiB more or less then make little difference.
    private static final long HUGE_FROM_BYTES = 24L << 20;

    private static final int LINE_BYTES = 64;
    private static final int BUCKET_BYTES = LINE_BYTES;
    private static final int BUCKET_ENTRIES = 12;
    private static final int PAGE_BUCKETS = (int) (PAGE_BYTES / BUCKET_BYTES);
    private static final int BUCKET_MASK = PAGE_BUCKETS - 1;
    private static final int PAGE_ENTRIES = PAGE_BUCKETS * BUCKET_ENTRIES;

    /// Entries at which a page is split, and most entries of a spill page.
    static final int SPLIT_ENTRIES = PAGE_ENTRIES / 8 * 7;

    /// Most entries of a page that cannot be split.
    private static final int FULL_ENTRIES = PAGE_ENTRIES / 24 * 23;

    /// Bits of the place that the bucket leaves to the directory.
    private static final int MAX_DEPTH = 32 - Integer.numberOfTrailingZeros(PAGE_BUCKETS);

    /// Depth that a page may have beyond that of an evenly filled index.
    private static final int EXTRA_DEPTH = 4;

    /// The page that a split copies its source to; never in the directory.
    private static final int WORK_PAGE = 0;

    private static final int FIRST_PAGE = 1;

    /// Keys that go through the loops of a lookup together: their records fit into the second-level cache.
    private static final int CHUNK_KEYS = 1024;

    /// Addresses have at most 56 bits.
    private static final int TAG_BITS = 8;

    private static final long TAG_MASK = 0xff;
    private static final long ORDINALS_OFFSET = 16;
    private static final int LAST_TAG_SHIFT = 24;
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;
    private static final long LOWER_HIGHS = 0x80808080L;
    private static final long LOWER = 0xffffffffL;

    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong TAGS = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt ORDINAL = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final MemorySegment MEMORY = AddressSpace.MEMORY;

    private final RowArena rows;
    private final MemoryRegion pages;
    private int[] directory = {FIRST_PAGE};
    private int depth;
    private int pageCount = FIRST_PAGE + 1;
    private short[] pageEntries = new short[4];
    private byte[] pageDepths = new byte[4];
    private boolean[] pageSpilled = new boolean[4];
    private int[] wrong = new int[0];

    /// Takes the values of loads that are made for the cache only, so that they are made.
    private long seen;

    private int[] spillPages = new int[0];
    private int spillPageCount;
    private long entryCount;
    private long promised;

    /// @param rows whose records hold the keys
    /// @param reservedBytes of addresses for pages
    KeyIndex(MemoryBudget budget, RowArena rows, long reservedBytes) {
        this.rows = rows;
        this.pages = new MemoryRegion(budget, reservedBytes + PAGE_BYTES, HUGE_FROM_BYTES);
    }

    /// Finds the rows of `count` keys: each place in `rowOffsets` becomes the offset of the weights of its
    /// key's row, or -1 if there is none.
    ///
    /// Loops without a branch that could be predicted wrongly, for such a branch waits for the cache miss
    /// that it depends on, and lets all later ones wait too. Where misses are expected, a loop does nothing
    /// but load, so that as many as possible are under way together.
    ///
    /// @param keys native memory, in which the keys are known to lie
    /// @param touchedBytes of each record that the caller is about to use, brought into the cache on the way
    /// @return how many of the keys have no row, repeats counted again
    int find(MemorySegment keys, long keysOffset, int count, long[] rowOffsets, long touchedBytes) {
        if (rows.rowCount() == 0) {
            Arrays.fill(rowOffsets, 0, count, -1);
            return count;
        }
        if (wrong.length < Math.min(count, CHUNK_KEYS)) {
            wrong = new int[Math.min(CHUNK_KEYS, TableStore.grownLength(count))];
        }
        long firstKey = AddressSpace.address(keys, keysOffset, (long) count * Long.BYTES);
        try {
            int absent = 0;
            for (int from = 0; from < count; from += CHUNK_KEYS) {
                int to = Math.min(count, from + CHUNK_KEYS);
                locateBuckets(firstKey, from, to, rowOffsets);
                seen ^= touchBuckets(from, to, rowOffsets);
                guessRows(from, to, rowOffsets);
                seen ^= touchRecords(from, to, rowOffsets, touchedBytes);
                int wrongCount = collectWrong(firstKey, from, to, rowOffsets);
                absent += correct(firstKey, rowOffsets, wrongCount);
            }
            return absent;
        } finally {
            Reference.reachabilityFence(keys);
        }
    }

    /// Leaves, for each key, the address of its bucket and its tag.
    private void locateBuckets(long firstKey, int from, int to, long[] rowOffsets) {
        long firstPage = pages.segment().address();
        int[] directory = this.directory;
        int directoryShift = Integer.SIZE - depth;
        for (int i = from; i < to; i++) {
            long mix = Keys.mix(MEMORY.get(KEY, firstKey + (long) i * Long.BYTES));
            long page = directory[(int) ((mix & LOWER) >>> directoryShift)];
            long bucket = firstPage + page * PAGE_BYTES + (mix & BUCKET_MASK) * BUCKET_BYTES;
            rowOffsets[i] = bucket << TAG_BITS | tag(mix);
        }
    }

    private static long touchBuckets(int from, int to, long[] rowOffsets) {
        long seen = 0;
        for (int i = from; i < to; i++) {
            seen ^= MEMORY.get(TAGS, rowOffsets[i] >>> TAG_BITS);
        }
        return seen;
    }

    /// Turns each bucket into the offset of the first row whose tag matches, or of row 0. There must be a
    /// row.
    private void guessRows(int from, int to, long[] rowOffsets) {
        long recordBytes = rows.recordBytes();
        for (int i = from; i < to; i++) {
            long bucketAndTag = rowOffsets[i];
            long bucket = bucketAndTag >>> TAG_BITS;
            long matches = matches(MEMORY, bucket, (bucketAndTag & TAG_MASK) * ONES);
            // Without a match this reads 16 bytes behind the bucket, and takes row 0 instead of what is there.
            long ordinal = ordinal(MEMORY, bucket, entry(Long.numberOfTrailingZeros(matches)));
            ordinal &= (matches | -matches) >> 63;
            rowOffsets[i] = RecordLayout.rowOffset(ordinal * recordBytes);
        }
    }

    /// Records begin at multiples of 16, so the lines of their bytes 0, 64 and 128 cover 144 of them. What
    /// comes behind is long enough for the processor to run ahead by itself.
    private long touchRecords(int from, int to, long[] rowOffsets, long touchedBytes) {
        long first = rows.records().address() - RecordLayout.HEADER_BYTES;
        long second = first + LINE_BYTES;
        long third = second + LINE_BYTES;
        long seen = 0;
        if (touchedBytes <= LINE_BYTES) {
            for (int i = from; i < to; i++) {
                seen ^= MEMORY.get(KEY, first + rowOffsets[i]);
            }
        } else if (touchedBytes <= 2 * LINE_BYTES) {
            for (int i = from; i < to; i++) {
                seen ^= MEMORY.get(KEY, first + rowOffsets[i]) ^ MEMORY.get(KEY, second + rowOffsets[i]);
            }
        } else {
            for (int i = from; i < to; i++) {
                seen ^= MEMORY.get(KEY, first + rowOffsets[i])
                        ^ MEMORY.get(KEY, second + rowOffsets[i])
                        ^ MEMORY.get(KEY, third + rowOffsets[i]);
            }
        }
        return seen;
    }

    /// Compares the keys with those in the guessed records, and lists the positions where they differ.
    private int collectWrong(long firstKey, int from, int to, long[] rowOffsets) {
        int[] wrong = this.wrong;
        long firstRecord = rows.records().address();
        int wrongCount = 0;
        for (int i = from; i < to; i++) {
            long key = MEMORY.get(KEY, firstKey + (long) i * Long.BYTES);
            long difference = key ^ MEMORY.get(KEY, firstRecord + RecordLayout.recordOffset(rowOffsets[i]));
            wrong[wrongCount] = i;
            wrongCount += (int) ((difference | -difference) >>> 63);
        }
        return wrongCount;
    }

    private int correct(long firstKey, long[] rowOffsets, int wrongCount) {
        int[] wrong = this.wrong;
        int absent = 0;
        for (int i = 0; i < wrongCount; i++) {
            int position = wrong[i];
            long rowOffset = find(MEMORY.get(KEY, firstKey + (long) position * Long.BYTES));
            rowOffsets[position] = rowOffset;
            absent += rowOffset < 0 ? 1 : 0;
        }
        return absent;
    }

    /// The offset of the weights of the row of `key`, or -1.
    long find(long key) {
        long mix = Keys.mix(key);
        int page = pageOf(mix);
        long rowOffset = findInPage(page, mix & BUCKET_MASK, mix, key);
        if (rowOffset < 0 && pageSpilled[page]) {
            long bucket = spillBucket(mix);
            for (int i = 0; i < spillPageCount && rowOffset < 0; i++) {
                rowOffset = findInPage(spillPages[i], bucket, mix, key);
            }
        }
        return rowOffset;
    }

    /// Makes sure that `count` insertions cannot fail, or changes nothing.
    boolean tryReserve(long count) {
        if (!tryCommitPages(pageCount + spillPagesFor(count))) {
            return false;
        }
        promised = count;
        return true;
    }

    /// Adds a key that has no row yet and was reserved for.
    ///
    /// @param ordinal of its row, whose record holds the key already
    void insert(long key, long ordinal) {
        long mix = Keys.mix(key);
        int page = pageOf(mix);
        while (pageEntries[page] >= SPLIT_ENTRIES && trySplit(page)) {
            page = pageOf(mix);
        }
        if (pageEntries[page] < FULL_ENTRIES) {
            place(page, mix & BUCKET_MASK, mix, ordinal);
        } else {
            pageSpilled[page] = true;
            if (spillPageCount == 0 || pageEntries[spillPages[spillPageCount - 1]] >= SPLIT_ENTRIES) {
                addSpillPage();
            }
            place(spillPages[spillPageCount - 1], spillBucket(mix), mix, ordinal);
        }
        entryCount++;
        promised = Math.max(0, promised - 1);
    }

    long committedBytes() {
        return pages.committedBytes();
    }

    /// Bytes on the heap.
    long heapBytes() {
        return ((long) directory.length + wrong.length) * Integer.BYTES
                + (long) pageEntries.length * (Short.BYTES + Byte.BYTES + Byte.BYTES)
                + (long) spillPages.length * Integer.BYTES;
    }

    /// Of no meaning.
    long seen() {
        return seen;
    }

    int pageCount() {
        return pageCount;
    }

    int spillPageCount() {
        return spillPageCount;
    }

    @Override
    public void close() {
        pages.close();
    }

    private int pageOf(long mix) {
        return directory[(int) ((mix & LOWER) >>> (Integer.SIZE - depth))];
    }

    /// 1 to 255.
    private static long tag(long mix) {
        long bits = (mix >>> 32) & 0xff;
        return bits + ((bits - 1) >>> 63);
    }

    /// A bucket that depends on all 64 bits.
    private static long spillBucket(long mix) {
        return Keys.mix(~mix) & BUCKET_MASK;
    }

    /// The matching tags of a bucket as bits, byte by byte: the highest bit of a byte for the first eight
    /// entries, the one below it for the last four. Tags above a matching one may show up by mistake; the
    /// lowest never does.
    private static long matches(MemorySegment pages, long bucketOffset, long pattern) {
        long first = pages.get(TAGS, bucketOffset) ^ pattern;
        long last = pages.get(TAGS, bucketOffset + Long.BYTES) ^ pattern;
        long firstMatches = (first - ONES) & ~first & HIGHS;
        long lastMatches = (last - ONES) & ~last & LOWER_HIGHS;
        return firstMatches | (lastMatches >>> 1);
    }

    /// The entry that a bit of [#matches] stands for.
    private static int entry(int bit) {
        return (bit >>> 3) + ((~bit & 1) << 3);
    }

    private static long ordinal(MemorySegment pages, long bucketOffset, int entry) {
        return pages.get(ORDINAL, bucketOffset + ORDINALS_OFFSET + (long) entry * Integer.BYTES) & LOWER;
    }

    private static boolean isFull(MemorySegment pages, long bucketOffset) {
        return (pages.get(TAGS, bucketOffset + Long.BYTES) & LOWER) >>> LAST_TAG_SHIFT != 0;
    }

    private long findInPage(int page, long bucket, long mix, long key) {
        MemorySegment pages = this.pages.segment();
        MemorySegment records = rows.records();
        long rowCount = rows.rowCount();
        long pattern = tag(mix) * ONES;
        for (int i = 0; i < PAGE_BUCKETS; i++) {
            long bucketOffset = page * PAGE_BYTES + ((bucket + i) & BUCKET_MASK) * BUCKET_BYTES;
            long matches = matches(pages, bucketOffset, pattern);
            while (matches != 0) {
                long ordinal = ordinal(pages, bucketOffset, entry(Long.numberOfTrailingZeros(matches)));
                if (ordinal < rowCount) {
                    long rowOffset = rows.rowOffset(ordinal);
                    if (RecordLayout.key(records, RecordLayout.recordOffset(rowOffset)) == key) {
                        return rowOffset;
                    }
                }
                matches &= matches - 1;
            }
            if (!isFull(pages, bucketOffset)) {
                return -1;
            }
        }
        return -1;
    }

    /// Puts an entry into the first free place from `bucket` on; the page has one.
    private void place(int page, long bucket, long mix, long ordinal) {
        MemorySegment pages = this.pages.segment();
        long bucketOffset = page * PAGE_BYTES + bucket * BUCKET_BYTES;
        while (isFull(pages, bucketOffset)) {
            bucket = (bucket + 1) & BUCKET_MASK;
            bucketOffset = page * PAGE_BYTES + bucket * BUCKET_BYTES;
        }
        int entry = firstFreeEntry(pages, bucketOffset);
        pages.set(ValueLayout.JAVA_BYTE, bucketOffset + entry, (byte) tag(mix));
        pages.set(ORDINAL, bucketOffset + ORDINALS_OFFSET + (long) entry * Integer.BYTES, (int) ordinal);
        pageEntries[page]++;
    }

    /// The free entry of a bucket that comes next: entries fill from the first, so the last one tells a full
    /// bucket.
    private static int firstFreeEntry(MemorySegment pages, long bucketOffset) {
        long first = pages.get(TAGS, bucketOffset);
        int used = Long.BYTES - Long.numberOfLeadingZeros(first) / Byte.SIZE;
        if (used == Long.BYTES) {
            long last = pages.get(TAGS, bucketOffset + Long.BYTES) & LOWER;
            used += Long.BYTES - Long.numberOfLeadingZeros(last) / Byte.SIZE;
        }
        return used;
    }

    /// Divides a page by the next bit of the place, if that is sensible and there is a page for it.
    private boolean trySplit(int page) {
        int pageDepth = pageDepths[page];
        int evenDepth = Long.SIZE - Long.numberOfLeadingZeros(entryCount / SPLIT_ENTRIES);
        if (pageDepth >= Math.min(MAX_DEPTH, evenDepth + EXTRA_DEPTH)
                || !tryCommitPages(pageCount + 1L + spillPagesFor(promised))) {
            return false;
        }
        if (pageDepth == depth) {
            doubleDirectory();
        }
        int other = addPage();
        pageDepths[page]++;
        pageDepths[other] = pageDepths[page];
        pageSpilled[other] = pageSpilled[page];
        pointUpperHalf(page, other);
        distribute(page, other);
        return true;
    }

    private void doubleDirectory() {
        int[] doubled = new int[directory.length * 2];
        for (int i = 0; i < doubled.length; i++) {
            doubled[i] = directory[i / 2];
        }
        directory = doubled;
        depth++;
    }

    /// The entries of a page lie side by side in the directory; the second half of them goes to `other`.
    private void pointUpperHalf(int page, int other) {
        int[] directory = this.directory;
        MemorySegment pages = this.pages.segment();
        int span = 1 << (depth - pageDepths[page] + 1);
        int first = firstDirectoryEntry(pages, page) & -span;
        Arrays.fill(directory, first + span / 2, first + span, other);
    }

    /// A directory entry of a page that has rows: that of any key in it.
    private int firstDirectoryEntry(MemorySegment pages, int page) {
        for (long bucket = 0; bucket < PAGE_BUCKETS; bucket++) {
            long bucketOffset = page * PAGE_BYTES + bucket * BUCKET_BYTES;
            if ((pages.get(TAGS, bucketOffset) & 0xff) != 0) {
                long mix = mixOf(ordinal(pages, bucketOffset, 0));
                return (int) ((mix & LOWER) >>> (Integer.SIZE - depth));
            }
        }
        throw new IllegalStateException("a page that is split has rows: page=" + page);
    }

    private void distribute(int page, int other) {
        MemorySegment pages = this.pages.segment();
        long workOffset = WORK_PAGE * PAGE_BYTES;
        MemorySegment.copy(pages, page * PAGE_BYTES, pages, workOffset, PAGE_BYTES);
        pages.asSlice(page * PAGE_BYTES, PAGE_BYTES).fill((byte) 0);
        pageEntries[page] = 0;
        // The first walk brings the records into the cache, many at a time; the second one waits for each key.
        long keys = 0;
        for (int walk = 0; walk < 2; walk++) {
            for (long offset = workOffset; offset < workOffset + PAGE_BYTES; offset += BUCKET_BYTES) {
                for (int entry = 0; entry < BUCKET_ENTRIES; entry++) {
                    if (pages.get(ValueLayout.JAVA_BYTE, offset + entry) == 0) {
                        break;
                    }
                    long ordinal = ordinal(pages, offset, entry);
                    long key = RecordLayout.key(rows.records(), ordinal * rows.recordBytes());
                    keys ^= key;
                    if (walk == 1) {
                        long mix = Keys.mix(key);
                        boolean upper = ((mix >>> (Integer.SIZE - pageDepths[page])) & 1) != 0;
                        place(upper ? other : page, mix & BUCKET_MASK, mix, ordinal);
                    }
                }
            }
        }
        if (keys != 0) {
            throw new IllegalStateException("keys must not change while a page is split: page=" + page);
        }
    }

    private long mixOf(long ordinal) {
        return Keys.mix(RecordLayout.key(rows.records(), ordinal * rows.recordBytes()));
    }

    private int addPage() {
        if ((pageCount + 1L) * PAGE_BYTES > pages.committedBytes()) {
            throw new IllegalStateException("pages are added after they were reserved: pageCount=" + pageCount);
        }
        if (pageCount == pageEntries.length) {
            int length = pageCount * 2;
            pageEntries = Arrays.copyOf(pageEntries, length);
            pageDepths = Arrays.copyOf(pageDepths, length);
            pageSpilled = Arrays.copyOf(pageSpilled, length);
        }
        return pageCount++;
    }

    private void addSpillPage() {
        if (spillPageCount == spillPages.length) {
            spillPages = Arrays.copyOf(spillPages, Math.max(4, spillPageCount * 2));
        }
        spillPages[spillPageCount++] = addPage();
    }

    /// Pages to add if each of `count` insertions went to a spill page.
    private long spillPagesFor(long count) {
        long room = spillPageCount == 0 ? 0 : SPLIT_ENTRIES - pageEntries[spillPages[spillPageCount - 1]];
        return (Math.max(0, count - room) + SPLIT_ENTRIES - 1) / SPLIT_ENTRIES;
    }

    private boolean tryCommitPages(long count) {
        return pages.tryCommit(count * PAGE_BYTES);
    }
}
