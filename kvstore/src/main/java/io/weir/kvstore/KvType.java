package io.weir.kvstore;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/// Where the values of a store are, and what its workers may see of each other. Immutable.
public enum KvType {
    /// In this process.
    LOCAL("local", false, false),
    /// In this process. There are no devices here, so it is as [#LOCAL].
    DEVICE("device", false, false),
    /// On servers, round by round: the pushes of all workers are summed, then the optimizer runs once.
    DIST_SYNC("dist_sync", true, true),
    /// As [#DIST_SYNC].
    DIST_SYNC_DEVICE("dist_sync_device", true, true),
    /// As [#DIST_SYNC].
    DIST_DEVICE_SYNC("dist_device_sync", true, true),
    /// On servers, each push applied when it arrives.
    DIST_ASYNC("dist_async", true, false),
    /// As [#DIST_ASYNC].
    DIST_ASYNC_DEVICE("dist_async_device", true, false);

    private final String text;
    private final boolean distributed;
    private final boolean synchronous;

    KvType(String text, boolean distributed, boolean synchronous) {
        this.text = text;
        this.distributed = distributed;
        this.synchronous = synchronous;
    }

    /// The name that users write.
    public String text() {
        return text;
    }

    /// Whether the values are on servers.
    public boolean isDistributed() {
        return distributed;
    }

    /// Whether the pushes of all workers make a round.
    public boolean isSynchronous() {
        return synchronous;
    }

    /// Reads the name that users write.
    ///
    /// @throws IllegalArgumentException if it is none
    public static KvType parse(String text) {
        Objects.requireNonNull(text, "text");
        for (KvType type : values()) {
            if (type.text.equals(text)) {
                return type;
            }
        }
        throw new IllegalArgumentException("store type must be one of "
                + Arrays.stream(values()).map(KvType::text).collect(Collectors.joining(", ")) + ": type=" + text);
    }
}
