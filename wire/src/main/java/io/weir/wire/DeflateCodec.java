package io.weir.wire;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/// Raw deflate, RFC 1951, at its fastest level.
final class DeflateCodec implements FrameCodec {
    private final Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
    private final Inflater inflater = new Inflater(true);

    /// Makes them.
    static final class Factory implements FrameCodec.Factory {
        @Override
        public String name() {
            return "deflate";
        }

        @Override
        public long feature() {
            return FrameCodecs.DEFLATE_FEATURE;
        }

        @Override
        public FrameCodec create() {
            return new DeflateCodec();
        }
    }

    @Override
    public int compress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int room) {
        deflater.reset();
        deflater.setInput(slice(source, at, length));
        deflater.finish();
        ByteBuffer out = slice(target, targetAt, room);
        while (out.hasRemaining() && !deflater.finished()) {
            deflater.deflate(out);
        }
        return deflater.finished() ? out.position() : -1;
    }

    @Override
    public void decompress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int plainLength) {
        inflater.reset();
        inflater.setInput(slice(source, at, length));
        ByteBuffer out = slice(target, targetAt, plainLength);
        try {
            while (out.hasRemaining() && inflater.inflate(out) > 0) {}
            // The end of the stream may need one more call, which must bring nothing.
            boolean more = !inflater.finished() && inflater.inflate(new byte[1]) > 0;
            if (out.hasRemaining() || more || !inflater.finished() || inflater.getRemaining() > 0) {
                throw FrameCodec.malformed(plainLength, "written=" + out.position() + (more ? " and more" : ""));
            }
        } catch (DataFormatException e) {
            throw FrameCodec.malformed(plainLength, "cause=" + e.getMessage());
        }
    }

    private static ByteBuffer slice(ByteBuffer buffer, int at, int length) {
        ByteBuffer view = buffer.duplicate();
        view.limit(at + length).position(at);
        return view.slice();
    }

    @Override
    public void close() {
        deflater.end();
        inflater.end();
    }
}
