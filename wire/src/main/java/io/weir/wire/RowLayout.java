package io.weir.wire;

/// One whole stored row in the payload of a `LOAD` or a `SCAN_REPLY`.
///
/// ```
///   0     8           12         16
///   +-----+-----------+----------+------------------+
///   | key | pushCount | reserved | weights and slots|
///   +-----+-----------+----------+------------------+
/// ```
public final class RowLayout {
    public static final int KEY_OFFSET = 0;
    public static final int PUSH_COUNT_OFFSET = KEY_OFFSET + Long.BYTES;
    public static final int RESERVED_OFFSET = PUSH_COUNT_OFFSET + Integer.BYTES;
    public static final int VALUES_OFFSET = RESERVED_OFFSET + Integer.BYTES;

    private RowLayout() {}

    /// Bytes of a row of `valueLength` floats, slots included.
    public static int rowBytes(int valueLength) {
        return VALUES_OFFSET + valueLength * Float.BYTES;
    }
}
