package io.weir.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// The bytes of one record: a row of an embedding table, or a block of a dense one. Little-endian.
///
/// ```
///   0        8       12          16
///   +--------+-------+-----------+---------+--------+--- - - -+---------+
///   |  key   | stamp | pushCount | weights | slot 0 |         | padding |
///   +--------+-------+-----------+---------+--------+--- - - -+---------+
///     long     int       int      rowLength floats each         to 16
/// ```
///
/// The *record offset* is where the header starts, the *row offset* where the weights start; kernels take row
/// offsets. Weights and slots lie side by side, slots of a single float behind those as long as the weights, so that
/// one loop over the *value length* copies all of them. Offsets are in bytes, lengths in floats.
public final class RecordLayout {
    /// Records start at multiples of this and are padded to it.
    public static final int ALIGNMENT_BYTES = 16;

    public static final int KEY_OFFSET = 0;
    public static final int STAMP_OFFSET = KEY_OFFSET + Long.BYTES;
    public static final int PUSH_COUNT_OFFSET = STAMP_OFFSET + Integer.BYTES;
    public static final int HEADER_BYTES = PUSH_COUNT_OFFSET + Integer.BYTES;

    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RecordLayout() {}

    /// Bytes of one record, padding included.
    ///
    /// @param valueLength floats of the weights and all slots together
    /// @throws IllegalArgumentException if `valueLength` is below 1
    public static long recordBytes(long valueLength) {
        if (valueLength < 1) {
            throw new IllegalArgumentException("a record has at least one weight: valueLength=" + valueLength);
        }
        long bytes = HEADER_BYTES + valueLength * Float.BYTES;
        return (bytes + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
    }

    public static long rowOffset(long recordOffset) {
        return recordOffset + HEADER_BYTES;
    }

    public static long recordOffset(long rowOffset) {
        return rowOffset - HEADER_BYTES;
    }

    /// Where slot `slot` of a row starts, slots counted from 0.
    public static long slotOffset(long rowOffset, int slot, int rowLength) {
        return rowOffset + (1L + slot) * rowLength * Float.BYTES;
    }

    public static long key(MemorySegment records, long recordOffset) {
        return records.get(LONG, recordOffset + KEY_OFFSET);
    }

    public static void putKey(MemorySegment records, long recordOffset, long key) {
        records.set(LONG, recordOffset + KEY_OFFSET, key);
    }

    public static int stamp(MemorySegment records, long recordOffset) {
        return records.get(INT, recordOffset + STAMP_OFFSET);
    }

    public static void putStamp(MemorySegment records, long recordOffset, int stamp) {
        records.set(INT, recordOffset + STAMP_OFFSET, stamp);
    }

    /// Pushes that this row has taken part in. Read as unsigned.
    public static int pushCount(MemorySegment records, long recordOffset) {
        return records.get(INT, recordOffset + PUSH_COUNT_OFFSET);
    }

    public static void putPushCount(MemorySegment records, long recordOffset, int pushCount) {
        records.set(INT, recordOffset + PUSH_COUNT_OFFSET, pushCount);
    }
}
