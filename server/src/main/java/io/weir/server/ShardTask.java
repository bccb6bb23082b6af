package io.weir.server;

import io.weir.shard.Shard;
import org.jspecify.annotations.Nullable;

/// Work that waits at a gate until the thread inside the shard gets to it. Reused by its owner once it has run.
public abstract class ShardTask {
    @Nullable
    ShardTask next;

    /// Runs inside the shard, on whatever thread is there.
    public abstract void run(Shard shard);
}
