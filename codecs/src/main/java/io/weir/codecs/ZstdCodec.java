package io.weir.codecs;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.weir.wire.FrameCodec;
import java.nio.ByteBuffer;

/// Zstandard, RFC 8878, at its level 1: one frame for each payload, inflated in one go, so that no window is made for
/// it. Buffers must be direct, as those of connections are.
final class ZstdCodec implements FrameCodec {
    private static final int LEVEL = 1;

    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();

    ZstdCodec() {
        compressor.setLevel(LEVEL);
        compressor.setChecksum(false);
    }

    @Override
    public int compress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int room) {
        try {
            return compressor.compressDirectByteBuffer(whole(target), targetAt, room, whole(source), at, length);
        } catch (ZstdException e) {
            if (e.getErrorCode() == Zstd.errDstSizeTooSmall()) {
                return -1;
            }
            throw e;
        }
    }

    @Override
    public void decompress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int plainLength) {
        int written;
        try {
            written = decompressor.decompressDirectByteBuffer(
                    whole(target), targetAt, plainLength, whole(source), at, length);
        } catch (ZstdException e) {
            throw FrameCodec.malformed(plainLength, "cause=" + e.getMessage());
        }
        if (written != plainLength) {
            throw FrameCodec.malformed(plainLength, "written=" + written);
        }
    }

    /// The buffer without the limit that it may have just now.
    private static ByteBuffer whole(ByteBuffer buffer) {
        return buffer.limit() == buffer.capacity() ? buffer : buffer.duplicate().clear();
    }

    @Override
    public void close() {
        compressor.close();
        decompressor.close();
    }
}
