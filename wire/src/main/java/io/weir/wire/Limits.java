package io.weir.wire;

/// Bounds that both sides check before they allocate or read on. Part of the protocol.
public final class Limits {
    /// Greatest frame, header and checksums included: 64 MiB.
    public static final int MAX_FRAME_BYTES = 64 << 20;

    /// Greatest frame of a connection before its hello is answered.
    public static final int MAX_HELLO_BYTES = 4096;

    /// Greatest payload of a control message: 4 MiB, more than the status of a run of 65,536 workers takes.
    public static final int MAX_CONTROL_BYTES = 4 << 20;

    /// Longest string in a control message, in UTF-8 bytes.
    public static final int MAX_STRING_BYTES = 4096;

    /// Greatest part of a dense table that a client puts into one frame: 256 KiB, which stays in a core's cache.
    public static final int DENSE_FRAME_FLOATS = 65_536;

    /// Greatest part of a dense table that a client lets one vector operation concern at a time: 4 MiB, some
    /// milliseconds in which the shard serves nobody else.
    public static final int VECTOR_FRAME_FLOATS = 1 << 20;

    /// Pushes that a worker may have unacknowledged: the reach of a worker entry's memory of refused numbers.
    public static final int MAX_WINDOW = 64;

    /// Rows in one reply to a scan: at most as many as fit into this many bytes, but at least one.
    public static final int MAX_SCAN_BYTES = 1 << 20;

    /// Most numbers that a pass is begun with, and that come of each portion of it.
    public static final int MAX_PASS_VALUES = 16;

    /// Greatest clock group of a run.
    public static final int MAX_CLOCK_GROUP = 65_535;

    /// Bytes of key lists that a shard keeps of one worker: 1 MiB. Of a further one the oldest give way.
    public static final int MAX_KEPT_KEY_BYTES = 1 << 20;

    /// Key lists that a shard keeps of one worker.
    public static final int MAX_KEPT_KEY_LISTS = 1024;

    /// A compressed payload may become at most so many times longer: what deflate can do at its best.
    public static final int MAX_INFLATION = 1100;

    private Limits() {}
}
