package io.weir.codecs;

import io.weir.wire.FrameCodec;
import io.weir.wire.FrameCodecs;

/// Makes codecs of Zstandard.
public final class ZstdFactory implements FrameCodec.Factory {
    @Override
    public String name() {
        return "zstd";
    }

    @Override
    public long feature() {
        return FrameCodecs.ZSTD_FEATURE;
    }

    @Override
    public FrameCodec create() {
        return new ZstdCodec();
    }
}
