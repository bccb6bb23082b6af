package io.weir.shard;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// A request that waits inside a shard: owns its frame until it is answered. The shell's side of a pull that must
/// not be answered yet. Confined to the thread inside the shard.
public interface Parked {
    /// The frame, from 0 on.
    ByteBuffer frame();

    /// The same bytes.
    MemorySegment bytes();

    /// Where its answer goes.
    Effects effects();

    /// Says that it has been answered.
    void answered();

    /// Whether nobody can take the answer any more.
    boolean isGone();
}
