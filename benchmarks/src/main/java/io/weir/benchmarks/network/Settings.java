package io.weir.benchmarks.network;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/// What a contender runs with, from text as `jdk:spin=30,piece=131072`. Immutable.
///
/// @param kind `jdk`, `netty` (frames skipped as they arrive, without joining their pieces) or `nettyframe`
///     (`LengthFieldBasedFrameDecoder`, which hands over whole frames)
/// @param spinNs how long the server polls before it blocks
/// @param pieceBytes a reply is filled and written in pieces of this size
/// @param readBytes most bytes of one read of the server
/// @param sendBufferBytes `SO_SNDBUF` of the server, 0 leaves it to the kernel
/// @param receiveBufferBytes `SO_RCVBUF` of the server, 0 leaves it to the kernel
/// @param clientSpinNs how long the client polls before it blocks
/// @param clientReadBytes most bytes of one read of the client
/// @param clientWriteBytes most bytes of one write of the client
/// @param clientSendBufferBytes `SO_SNDBUF` of the client, 0 leaves it to the kernel
/// @param clientReceiveBufferBytes `SO_RCVBUF` of the client, 0 leaves it to the kernel
/// @param readPageOffset where in a memory page the read buffers of the client and the JDK server begin, -1 leaves
///     it to `malloc`
/// @param writePageOffset the same for the write buffers
record Settings(
        String text,
        String kind,
        long spinNs,
        int pieceBytes,
        int readBytes,
        int sendBufferBytes,
        int receiveBufferBytes,
        long clientSpinNs,
        int clientReadBytes,
        int clientWriteBytes,
        int clientSendBufferBytes,
        int clientReceiveBufferBytes,
        int readPageOffset,
        int writePageOffset) {

    private static final int PAGE_BYTES = 4096;

    static Settings parse(String text) {
        String[] halves = text.split(":", 2);
        Map<String, Integer> values = new HashMap<>();
        if (halves.length > 1) {
            for (String setting : halves[1].split(",", -1)) {
                String[] pair = setting.split("=", 2);
                if (pair.length != 2) {
                    throw new IllegalArgumentException("a setting must read name=number: setting=" + setting);
                }
                values.put(pair[0], Integer.valueOf(pair[1]));
            }
        }
        Settings settings = new Settings(
                text,
                halves[0],
                1000L * take(values, "spin", 30),
                take(values, "piece", 128 << 10),
                take(values, "read", 128 << 10),
                take(values, "snd", 0),
                take(values, "rcv", 0),
                1000L * take(values, "cspin", 30),
                take(values, "cread", 128 << 10),
                take(values, "cwrite", 128 << 10),
                take(values, "csnd", 0),
                take(values, "crcv", 0),
                take(values, "rpage", 0),
                take(values, "wpage", 0));
        if (!values.isEmpty()) {
            throw new IllegalArgumentException("unknown settings: names=" + values.keySet());
        }
        return settings;
    }

    ByteBuffer readBuffer(int bytes) {
        return buffer(bytes, readPageOffset);
    }

    ByteBuffer writeBuffer(int bytes) {
        return buffer(bytes, writePageOffset);
    }

    private static ByteBuffer buffer(int bytes, int pageOffset) {
        ByteBuffer buffer = pageOffset < 0
                ? ByteBuffer.allocateDirect(bytes)
                : ByteBuffer.allocateDirect(bytes + 3 * PAGE_BYTES)
                        .alignedSlice(PAGE_BYTES)
                        .slice(pageOffset, bytes);
        return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int take(Map<String, Integer> values, String name, int fallback) {
        Integer value = values.remove(name);
        return value == null ? fallback : value;
    }
}
