package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.shard.Effects;
import io.weir.shard.Shard;
import io.weir.wire.FrameLayout;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// Hands a checked data frame to the shard that the caller is inside of, and answers also when the shard fails.
public final class FrameDispatch {
    private static final System.Logger LOG = System.getLogger(FrameDispatch.class.getName());

    private FrameDispatch() {}

    /// @param frame a frame that passed `DataLayout.check`
    /// @param bytes the same memory
    public static void accept(Shard shard, ByteBuffer frame, MemorySegment bytes, int at, Effects effects) {
        try {
            shard.accept(frame, bytes, at, effects);
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "shard " + shard.index() + " failed on a frame and is stopped", e);
            shard.stop(e.toString());
            effects.refuse(
                    FrameLayout.requestId(frame, at),
                    ErrorCode.INTERNAL,
                    false,
                    0,
                    "the shard failed and is stopped, see the server's log: shard=" + shard.index() + ", cause=" + e);
        }
    }
}
