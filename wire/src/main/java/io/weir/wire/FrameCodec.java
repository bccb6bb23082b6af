package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Takes the payloads of frames to fewer bytes and back, without loss. Confined to one thread at a time; holds native
/// memory until it is closed. Buffers are as they come, heap or direct; their position and limit are borrowed.
public interface FrameCodec extends AutoCloseable {
    /// Compresses `length` bytes from `at` into at most `room` bytes from `targetAt`.
    ///
    /// @return bytes written, or -1 if they are not enough
    int compress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int room);

    /// Restores what [#compress] took.
    ///
    /// @param plainLength bytes that there must be, no more and no less; no byte is written behind them
    /// @throws WeirException `MALFORMED_FRAME` if `length` bytes from `at` are anything else
    void decompress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int plainLength);

    /// The error of [#decompress].
    ///
    /// @param what was found, as `name=value`
    static WeirException malformed(int plainLength, String what) {
        return new WeirException(
                ErrorCode.MALFORMED_FRAME,
                "compressed bytes must become what the frame says: expected=" + plainLength + ", " + what);
    }

    /// Frees what it holds.
    @Override
    void close();

    /// Makes codecs of one kind; found as a service, so that a module may bring more. Thread-safe.
    interface Factory {
        /// Name of the codecs in settings.
        String name();

        /// Bit of the codecs in the features of a hello.
        long feature();

        FrameCodec create();
    }
}
