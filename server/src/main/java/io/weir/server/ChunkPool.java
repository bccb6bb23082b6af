package io.weir.server;

import org.jspecify.annotations.Nullable;

/// Chunks that are free, by size class: powers of two from [#CHUNK_BYTES] up. Last in, first out, so that the next one
/// is still in the cache. Guarded by its own lock.
final class ChunkPool {
    /// Bytes of the smallest pooled chunk: a fraction of a core's second-level cache.
    static final int CHUNK_BYTES = 256 << 10;

    private static final int CHUNK_SHIFT = 18;
    private static final int CLASSES = 9;

    /// Most bytes of free chunks that are kept in each class; further ones go back to the JVM.
    private static final int MAX_FREE_BYTES = 32 << 20;

    private final @Nullable Chunk[] free = new Chunk[CLASSES];
    private final int[] freeBytes = new int[CLASSES];

    /// An empty chunk with room for at least `bytes`.
    Chunk take(int bytes) {
        int sizeClass = sizeClass(bytes);
        if (sizeClass >= CLASSES) {
            return new Chunk(bytes, false);
        }
        synchronized (this) {
            Chunk chunk = free[sizeClass];
            if (chunk != null) {
                free[sizeClass] = chunk.next;
                freeBytes[sizeClass] -= chunk.buffer.capacity();
                chunk.next = null;
                return chunk;
            }
        }
        return new Chunk(CHUNK_BYTES << sizeClass, true);
    }

    void give(Chunk chunk) {
        chunk.start = 0;
        chunk.end = 0;
        chunk.buffer.clear();
        if (chunk.pooled) {
            int sizeClass = sizeClass(chunk.buffer.capacity());
            synchronized (this) {
                if (freeBytes[sizeClass] + chunk.buffer.capacity() <= MAX_FREE_BYTES) {
                    chunk.next = free[sizeClass];
                    free[sizeClass] = chunk;
                    freeBytes[sizeClass] += chunk.buffer.capacity();
                }
            }
        }
    }

    /// The bytes of a chain in one chunk; the chunks of the chain come back here.
    Chunk gather(Chunk chain) {
        if (chain.next == null) {
            return chain;
        }
        Chunk whole = take(chain.chainBytes());
        whole.buffer.clear();
        Chunk chunk = chain;
        while (chunk != null) {
            int bytes = chunk.end - chunk.start;
            whole.buffer.put(whole.end, chunk.buffer.clear(), chunk.start, bytes);
            whole.end += bytes;
            Chunk next = chunk.next;
            chunk.next = null;
            give(chunk);
            chunk = next;
        }
        return whole;
    }

    private static int sizeClass(int bytes) {
        return bytes <= CHUNK_BYTES ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(bytes - 1) - CHUNK_SHIFT;
    }
}
