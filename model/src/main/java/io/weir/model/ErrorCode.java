package io.weir.model;

/// Why a request was refused. The number is what crosses the network; it is never given to another meaning.
///
/// The range says what the caller of a failed request should do: below 1001 the request itself is wrong and would
/// fail again; from 1001 on the same request may succeed later; from 2001 on something is broken and somebody has
/// to look at it.
public enum ErrorCode {
    /// The request makes no sense as it stands: a length, a count or a field out of range.
    INVALID_ARGUMENT(1),
    /// No table has this name or id, or it was dropped.
    UNKNOWN_TABLE(2),
    /// The table exists with another specification.
    TABLE_MISMATCH(3),
    /// A gradient or a row value is NaN or infinite.
    NON_FINITE(4),
    /// The worker has no entry on this shard: it was never opened, or was closed.
    UNKNOWN_WORKER(5),
    /// This generation of the worker is out: it was silent for too long, or a newer one has taken over.
    FENCED(6),
    /// The client's shard map is not the one that the cluster's tables were made with.
    MAP_MISMATCH(7),
    /// Client and server share no protocol version.
    VERSION_MISMATCH(8),
    /// The frame cannot be read. The connection is closed after this reply.
    MALFORMED_FRAME(9),
    /// A frame, a name, or a count is beyond its named limit.
    LIMIT_EXCEEDED(10),
    /// The run is finished; it is taken up again only on request.
    RUN_FINISHED(11),
    /// The run exists with other members.
    RUN_MISMATCH(12),
    /// A key came to a shard that does not hold it.
    WRONG_SHARD(13),
    /// The push was refused earlier; this answers its retry.
    REJECTED(14),
    /// No run has this name.
    UNKNOWN_RUN(15),
    /// The step that the push belongs to was closed without this worker, which came too late for it.
    LATE(16),

    /// The server has too much queued. Try again later.
    BUSY(1001),
    /// The request needs memory beyond the server's cap.
    MEMORY_EXCEEDED(1002),
    /// An earlier push of this worker has not reached this shard yet.
    GAP(1003),
    /// The server cannot be reached.
    UNAVAILABLE(1004),
    /// The deadline passed. A push stays in flight and is not lost; see the exception.
    DEADLINE_EXCEEDED(1005),
    /// The server is stopping.
    STOPPING(1006),
    /// The shard does not have the key list that a hash stands for, any more or yet. Sent again with its keys, the same
    /// request is served; clients do that by themselves.
    KEYS_FORGOTTEN(1007),

    /// The server lost its state: it is another life of the process than the one this client knew.
    SERVER_RESTARTED(2001),
    /// A checksum did not match.
    CORRUPT(2002),
    /// An invariant of the server broke. Its log says which.
    INTERNAL(2003);

    private static final int RETRY_FROM = 1001;
    private static final int FAULT_FROM = 2001;

    private final int number;

    ErrorCode(int number) {
        this.number = number;
    }

    /// What crosses the network.
    public int number() {
        return number;
    }

    /// Whether the same request may succeed later.
    public boolean isRetryable() {
        return number >= RETRY_FROM && number < FAULT_FROM;
    }

    /// The code with this number; [#INTERNAL] for a number of a later version that this one does not know.
    public static ErrorCode ofNumber(int number) {
        for (ErrorCode code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return INTERNAL;
    }
}
