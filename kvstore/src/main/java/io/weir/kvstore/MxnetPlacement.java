package io.weir.kvstore;

/// Where MXNet's store puts its values: for those who compare, or who read what it wrote. Ours lie by blocks over all
/// shards, whatever their size.
///
/// A value of fewer than [#BIG_LENGTH] elements lives on one server; a bigger one is split over all of them.
public final class MxnetPlacement {
    /// Elements from which on a value is split.
    public static final long BIG_LENGTH = 1_000_000;

    private static final long FACTOR = 9973;

    private MxnetPlacement() {}

    /// The server of a value that is not split: `(key · 9973) mod serverCount`.
    public static int serverOf(long key, int serverCount) {
        requireServers(serverCount);
        return (int) Math.floorMod(key * FACTOR, (long) serverCount);
    }

    /// Where the parts of a value end that is split: part `i`, on server `i`, ends at
    /// `round(length / serverCount · (i + 1))`.
    ///
    /// @throws IllegalArgumentException if it is too small to be split
    public static long[] partEnds(long length, int serverCount) {
        requireServers(serverCount);
        if (length < BIG_LENGTH) {
            throw new IllegalArgumentException(
                    "a value is split from " + BIG_LENGTH + " elements on: length=" + length);
        }
        long[] ends = new long[serverCount];
        for (int i = 0; i < serverCount; i++) {
            ends[i] = Math.round((double) length / serverCount * (i + 1));
        }
        return ends;
    }

    /// The server of one element of a value.
    public static int serverOf(long key, long length, long index, int serverCount) {
        if (index < 0 || index >= length) {
            throw new IllegalArgumentException("element must be in the value: index=" + index + ", length=" + length);
        }
        if (length < BIG_LENGTH) {
            return serverOf(key, serverCount);
        }
        long[] ends = partEnds(length, serverCount);
        int server = 0;
        while (index >= ends[server]) {
            server++;
        }
        return server;
    }

    private static void requireServers(int serverCount) {
        if (serverCount < 1) {
            throw new IllegalArgumentException("there must be a server: serverCount=" + serverCount);
        }
    }
}
