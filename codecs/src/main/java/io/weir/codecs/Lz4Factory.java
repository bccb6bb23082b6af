package io.weir.codecs;

import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;

/// Makes codecs of LZ4.
public final class Lz4Factory implements FrameCodec.Factory {
    @Override
    public String name() {
        return "lz4";
    }

    @Override
    public long feature() {
        return FrameCodecs.LZ4_FEATURE;
    }

    @Override
    public FrameCodec create() {
        return new Lz4Codec();
    }
}
