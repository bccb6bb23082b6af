package io.weir.benchmarks.network;

/// Header of a request and of a reply, little-endian.
///
/// ```
///   0               4               8               16
///   +---------------+---------------+----------------+
///   | payloadBytes  |  replyBytes   |       id       |
///   +---------------+---------------+----------------+
/// ```
///
/// A request carries `payloadBytes` bytes and asks for `replyBytes` bytes; a reply carries what was asked for.
final class RawFrame {
    static final int PAYLOAD_BYTES_OFFSET = 0;
    static final int REPLY_BYTES_OFFSET = PAYLOAD_BYTES_OFFSET + Integer.BYTES;
    static final int ID_OFFSET = REPLY_BYTES_OFFSET + Integer.BYTES;
    static final int HEADER_BYTES = ID_OFFSET + Long.BYTES;
    static final int MAX_PAYLOAD_BYTES = 1 << 20;

    /// Bytes that replies are copied from, as a gather would: larger than the L2 cache.
    static final int SOURCE_BYTES = 16 << 20;

    private RawFrame() {}
}
