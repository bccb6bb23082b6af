package io.weir.codecs;

import io.weir.wire.FrameCodec;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/// LZ4: one block for each payload. The decompressor is the one that knows how long its input is.
final class Lz4Codec implements FrameCodec {
    private static final LZ4Factory LZ4 = LZ4Factory.fastestInstance();

    private final LZ4Compressor compressor = LZ4.fastCompressor();
    private final LZ4SafeDecompressor decompressor = LZ4.safeDecompressor();

    @Override
    public int compress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int room) {
        try {
            return compressor.compress(source, at, length, target, targetAt, room);
        } catch (LZ4Exception e) {
            // That is all it says when the room is not enough.
            return -1;
        }
    }

    @Override
    public void decompress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int plainLength) {
        int written;
        try {
            written = decompressor.decompress(source, at, length, target, targetAt, plainLength);
        } catch (LZ4Exception e) {
            throw FrameCodec.malformed(plainLength, "cause=" + e.getMessage());
        }
        if (written != plainLength) {
            throw FrameCodec.malformed(plainLength, "written=" + written);
        }
    }

    @Override
    public void close() {}
}
