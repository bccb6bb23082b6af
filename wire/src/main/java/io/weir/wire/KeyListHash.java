package io.weir.wire;

import io.weir.model.Keys;
import java.nio.ByteBuffer;

/// 128 bits that stand for a list of keys, in its order. Confined; one that lies in a map is not changed any more.
///
/// Each key goes into two of eight lanes of 64 bits, `a` and `b` of its index modulo 4, each a bijection of the key and
/// of what the lane was before: `a ← rotl(a xor key, 29) · p`, `b ← rotl(b + key, 37) · q`. In the end the four `a` are
/// mixed into the upper half and the four `b` into the lower one, with the number of keys. Four lanes side by side keep
/// the multipliers busy. This is no cryptographic hash: a worker that makes up collisions deceives itself alone. Of `n`
/// other lists, some pair collides by chance with a probability of `n² / 2¹²⁹`: of a billion lists, 10⁻²¹.
public final class KeyListHash {
    /// Bytes that it takes in a frame.
    public static final int BYTES = 2 * Long.BYTES;

    private static final long P = 0x9e3779b97f4a7c15L;
    private static final long Q = 0xc2b2ae3d27d4eb4fL;

    private long high;
    private long low;

    /// Becomes the hash of `count` keys from byte `at`, little-endian.
    public void set(ByteBuffer keys, int at, int count) {
        long a0 = 1;
        long a1 = 2;
        long a2 = 3;
        long a3 = 4;
        long b0 = 5;
        long b1 = 6;
        long b2 = 7;
        long b3 = 8;
        int i = 0;
        for (; i < (count & -4); i += 4) {
            int four = at + i * Long.BYTES;
            long k0 = keys.getLong(four);
            long k1 = keys.getLong(four + Long.BYTES);
            long k2 = keys.getLong(four + 2 * Long.BYTES);
            long k3 = keys.getLong(four + 3 * Long.BYTES);
            a0 = Long.rotateLeft(a0 ^ k0, 29) * P;
            b0 = Long.rotateLeft(b0 + k0, 37) * Q;
            a1 = Long.rotateLeft(a1 ^ k1, 29) * P;
            b1 = Long.rotateLeft(b1 + k1, 37) * Q;
            a2 = Long.rotateLeft(a2 ^ k2, 29) * P;
            b2 = Long.rotateLeft(b2 + k2, 37) * Q;
            a3 = Long.rotateLeft(a3 ^ k3, 29) * P;
            b3 = Long.rotateLeft(b3 + k3, 37) * Q;
        }
        if (i < count) {
            a0 = Long.rotateLeft(a0 ^ keys.getLong(at + i * Long.BYTES), 29) * P;
            b0 = Long.rotateLeft(b0 + keys.getLong(at + i * Long.BYTES), 37) * Q;
            i++;
        }
        if (i < count) {
            a1 = Long.rotateLeft(a1 ^ keys.getLong(at + i * Long.BYTES), 29) * P;
            b1 = Long.rotateLeft(b1 + keys.getLong(at + i * Long.BYTES), 37) * Q;
            i++;
        }
        if (i < count) {
            a2 = Long.rotateLeft(a2 ^ keys.getLong(at + i * Long.BYTES), 29) * P;
            b2 = Long.rotateLeft(b2 + keys.getLong(at + i * Long.BYTES), 37) * Q;
        }
        high = Keys.mix(Keys.mix(Keys.mix(Keys.mix(a0 ^ count) + a1) + a2) + a3);
        low = Keys.mix(Keys.mix(Keys.mix(Keys.mix(b0 ^ count) + b1) + b2) + b3);
    }

    /// Becomes the hash that stands at `at`.
    public void read(ByteBuffer frame, int at) {
        high = frame.getLong(at);
        low = frame.getLong(at + Long.BYTES);
    }

    /// Writes the hash: upper half, lower half.
    public void write(ByteBuffer frame, int at) {
        frame.putLong(at, high);
        frame.putLong(at + Long.BYTES, low);
    }

    /// Another one with the same bits.
    public KeyListHash copy() {
        KeyListHash copy = new KeyListHash();
        copy.high = high;
        copy.low = low;
        return copy;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KeyListHash hash && hash.high == high && hash.low == low;
    }

    @Override
    public int hashCode() {
        return (int) low;
    }

    @Override
    public String toString() {
        return String.format("%016x%016x", high, low);
    }
}
