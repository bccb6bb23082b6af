package io.weir.cli.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// What the references send: no more than it takes to know what follows. Little-endian.
///
/// ```
///   0          4          8          12            16
///   +----------+----------+----------+-------------+----------------------+---------------------+
///   |   kind   | ordinals |  floats  | replyFloats | ordinals, 8 B each   | floats, 4 B each    |
///   +----------+----------+----------+-------------+----------------------+---------------------+
/// ```
///
/// A reply is `replyFloats` floats and nothing else; the order of requests is the order of replies.
final class BareFrame {
    static final int KIND_OFFSET = 0;
    static final int ORDINAL_COUNT_OFFSET = KIND_OFFSET + Integer.BYTES;
    static final int FLOAT_COUNT_OFFSET = ORDINAL_COUNT_OFFSET + Integer.BYTES;
    static final int REPLY_FLOAT_COUNT_OFFSET = FLOAT_COUNT_OFFSET + Integer.BYTES;
    static final int HEADER_BYTES = REPLY_FLOAT_COUNT_OFFSET + Integer.BYTES;

    /// The server drops what it gets and replies with whatever lies in its buffer.
    static final int MOVE = 0;
    /// The weights of the records with these ordinals.
    static final int PULL = 1;
    /// AdaGrad on the records with these ordinals, then a reply without meaning.
    static final int PUSH = 2;
    /// AdaGrad on the stretch of the tensor that begins at the only ordinal, then the weights of that stretch.
    static final int DENSE = 3;

    /// Floats in the reply to a push: 24 bytes, as small as an acknowledgement gets.
    static final int ACK_FLOATS = 6;

    /// Kernel memory for bytes on their way, on each side. What the kernel would grow it to does not stay in the L2
    /// cache, which halves the rate.
    static final int SEND_BUFFER_BYTES = Integer.getInteger("weir.bench.sendBufferBytes", 256 << 10);
    /// Most bytes of one read or write: they stay in the L2 cache, too.
    static final int PIECE_BYTES = Integer.getInteger("weir.bench.pieceBytes", 128 << 10);

    /// How long both sides poll before they block: longer than a reply takes, shorter than the wake-up of a core that
    /// sleeps costs several times over.
    static final long SPIN_NS = Long.getLong("weir.bench.spinNs", 30_000);

    private BareFrame() {}

    /// A direct buffer for pieces.
    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
