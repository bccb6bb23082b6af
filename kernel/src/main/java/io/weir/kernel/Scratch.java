package io.weir.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Room for some floats outside the heap, kept from call to call and grown to the largest. Confined; whoever
/// uses the address keeps the scratch reachable meanwhile.
final class Scratch {
    private static final int LEAST_FLOATS = 64;

    private MemorySegment segment = MemorySegment.NULL;

    /// The address of room for `length` floats, whose values may be anything.
    long address(int length) {
        long bytes = (long) length * Float.BYTES;
        if (segment.byteSize() < bytes) {
            segment = Arena.ofAuto().allocate(Math.max(bytes, (long) LEAST_FLOATS * Float.BYTES), 64);
        }
        return segment.address();
    }

    long bytes() {
        return segment.byteSize();
    }
}
