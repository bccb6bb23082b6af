package io.weir.shard;

import io.weir.model.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// Where the effects of a pull or a push go: the shell's side of a shard. The shard says what to answer and asks for
/// the places to write rows to; the sink encodes, checksums and sends. Confined to the thread inside the shard.
///
/// An answer with rows or sums is `beginRows`, `beginEncodedRows`, `beginScan` or `beginPartials`, then, until all its
/// bytes are written, `room` and `filled` in turn, then `endRows`. The other answers are one call.
public interface Effects {
    /// Begins the answer to a pull: `count` times `rowLength` floats follow.
    ///
    /// @param number the push that was decided with it, 0 if none
    void beginRows(long requestId, long number, int count, int rowLength);

    /// As [#beginRows], for rows in fewer bits.
    ///
    /// @param valueType number of a `ValueType` of the protocol
    /// @param spanLength values that share a scale
    void beginEncodedRows(long requestId, long number, int count, int rowLength, int valueType, int spanLength);

    /// Begins the answer to a scan: `count` rows of `valueLength` floats, each behind its row header, follow.
    ///
    /// @param cursor to go on from, -1 if there are no more rows
    void beginScan(long requestId, long cursor, int count, int valueLength);

    /// Begins the answer to a sum over a dense table: `count` float64 follow, one for each block.
    ///
    /// @param first block
    void beginPartials(long requestId, long first, int count);

    /// A segment of native memory with at least `bytes` bytes free from [#roomOffset] on, valid until [#filled].
    ///
    /// @param bytes at most [#MAX_ROOM_BYTES]
    MemorySegment room(int bytes);

    /// Where the free bytes of the segment last given begin.
    long roomOffset();

    /// Says that so many bytes were written from [#roomOffset] on.
    void filled(int bytes);

    /// Ends an answer with rows.
    void endRows();

    /// Answers a push: it and all before it are decided.
    void acknowledge(long requestId, int shard, long number);

    /// Refuses a request.
    ///
    /// @param ordered whether the refusal used up the push's number
    /// @param retryAfterMs when to try again, 0 if that is up to the client
    void refuse(long requestId, ErrorCode code, boolean ordered, int retryAfterMs, String message);

    /// Keeps a request that cannot be answered yet. Nothing else is called for it before the shard answers it, through
    /// the effects of what is returned.
    ///
    /// @param frame as it was given to the shard
    Parked park(ByteBuffer frame, int at);

    /// Most bytes that are asked for at once: what stays in a core's cache, or one row if that is longer.
    int MAX_ROOM_BYTES = 64 << 10;
}
