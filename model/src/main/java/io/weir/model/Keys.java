package io.weir.model;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/// Arithmetic on keys that every client and server must agree on, in any language. Part of the protocol: golden
/// values stand in `KeysTest` and in `docs/protocol.md`.
public final class Keys {
    private static final long MIX_FIRST = 0xbf58476d1ce4e5b9L;
    private static final long MIX_SECOND = 0x94d049bb133111ebL;
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private Keys() {}

    /// Spreads the bits of `key` over the whole word: a bijection, with 0 going to 0. The upper 32 bits choose the
    /// shard, the lower ones the place in a shard's index, so that the two choices are independent.
    ///
    /// Source: the finalizer of SplitMix64; Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*,
    /// OOPSLA 2014, with the constants of Stafford's variant 13.
    public static long mix(long key) {
        long x = (key ^ (key >>> 30)) * MIX_FIRST;
        x = (x ^ (x >>> 27)) * MIX_SECOND;
        return x ^ (x >>> 31);
    }

    /// The shard, 0 to `shardCount - 1`, that holds `key` in an embedding table.
    public static int shardOf(long key, int shardCount) {
        return shardOfMix(mix(key), shardCount);
    }

    /// As [#shardOf], for a key that is already mixed: the upper 32 bits, scaled to `shardCount`.
    public static int shardOfMix(long mix, int shardCount) {
        return (int) (((mix >>> 32) * shardCount) >>> 32);
    }

    /// The 64-bit key of a string: FNV-1a over its UTF-8 bytes, then [#mix]. An unpaired surrogate, which has no
    /// UTF-8, counts as `?`.
    ///
    /// Collisions are possible, as with any hash: among a billion strings about one pair in 37 is expected.
    public static long ofString(String text) {
        Objects.requireNonNull(text, "text");
        long hash = FNV_OFFSET;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * FNV_PRIME;
        }
        return mix(hash);
    }
}
