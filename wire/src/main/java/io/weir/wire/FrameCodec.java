package io.weir.wire;

import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Takes the payloads of frames to fewer bytes and back, without loss. Confined to one thread at a time; holds native
/// memory until it is closed. Buffers are as they come, heap or direct; their position and limit are borrowed.
public interface FrameCodec extends AutoCloseable {
    /// Its name in settings.
    String name();

    /// Its bit in the features of a hello.
    long feature();

    /// Compresses `length` bytes from `at` into at most `room` bytes from `targetAt`.
    ///
    /// @return bytes written, or -1 if they are not enough
    int compress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int room);

    /// Restores what [#compress] took.
    ///
    /// @param plainLength bytes that there must be, no more and no less; no byte is written behind them
    /// @throws WeirException `MALFORMED_FRAME` if `length` bytes from `at` are anything else
    void decompress(ByteBuffer source, int at, int length, ByteBuffer target, int targetAt, int plainLength);

    /// Frees what it holds.
    @Override
    void close();

    /// Makes codecs of one kind; found as a service, so that a module may bring more. Thread-safe.
    interface Factory {
        /// Name of the codecs.
        String name();

        /// Bit of the codecs.
        long feature();

        FrameCodec create();
    }
}
