/// Byte layouts of frames and control messages, as `docs/protocol.md` specifies them: encode and decode over
/// `ByteBuffer`, length checks before allocation, limits, checksums. No sockets, threads or state. Values go in as
/// `model` records and primitive arguments and come out as bytes, and back.
@NullMarked
package io.weir.wire;

import org.jspecify.annotations.NullMarked;
