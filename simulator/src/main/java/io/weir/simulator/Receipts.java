package io.weir.simulator;

import io.weir.model.Keys;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The workload: which pushes are made, and where each leaves its receipts. What a worker pushes in a step is a
/// function of who it is and of the step alone, so that a restarted worker makes the same pushes again.
///
/// With SGD at rate 1 every push adds 1, on each shard that it touches, to a cell of its own, which nobody else
/// touches, and to a tally of its source. A vector operation adds a power of 4 of its own to a float of each shard.
/// Some pushes move 1 from one bank row of the shard to another. In a
/// synchronous run each step also adds a number to a row where the order of the additions shows. Confined.
final class Receipts {
    /// Floats in a row, all equal.
    static final int DIM = 2;

    static final int BANK_ROWS = 4;

    /// Dense tables that vector operations add to; each has a block on every shard.
    static final int VECTORS = 3;

    static final int VECTOR_BLOCK = 16;

    /// Vector operations that leave their receipts in one table, each in a digit of base 4 of its own: 24 bits.
    private static final int DIGITS = 12;

    /// Streams of portions are sources beyond all workers.
    static final int PORTION_SOURCE = 1000;

    private final long salt;
    private final int shardCount;
    private final Map<Long, Push> pushes = new HashMap<>();
    private final List<Push> all = new ArrayList<>();
    private final Map<Long, Long> rounds = new HashMap<>();
    private int transforms;

    /// One push.
    static final class Push {
        final int source;
        final int life;
        final long step;
        final int ordinal;

        /// Bit for each shard that it touches.
        final int shards;

        final Kind kind;

        /// Of a vector operation: which one of the history it is, from 0.
        int transform = -1;

        /// Every shard has acknowledged it, in the life that last made it.
        boolean acknowledged;

        /// It was refused by some shard, or nobody knows.
        boolean failed;

        /// It was refused for good by some shard when it was made last.
        boolean refused;

        int sent;

        Push(int source, int life, long step, int ordinal, int shards, Kind kind) {
            this.source = source;
            this.life = life;
            this.step = step;
            this.ordinal = ordinal;
            this.shards = shards;
            this.kind = kind;
        }

        boolean touches(int shard) {
            return (shards >> shard & 1) != 0;
        }

        @Override
        public String toString() {
            return (source >= PORTION_SOURCE ? "portion " + (source - PORTION_SOURCE) : "worker " + source) + ", life "
                    + life + ", step " + step + ", push " + ordinal + " (" + kind + ")";
        }
    }

    /// What a push is for.
    enum Kind {
        /// A receipt and a tally on each shard.
        RECEIPT,
        /// The same, and a transfer between bank rows.
        BANK,
        /// Its sum overflows: to be refused as a whole.
        POISON,
        /// To a table that may be dropped.
        TEMPORARY,
        /// On all shards to the same rows each time, as many as make a list that goes as its hash.
        ROUND,
        /// No push: a multiple of one dense table is added to another.
        TRANSFORM
    }

    /// Rows of a worker's rounds on each shard.
    static final int ROUND_ROWS = 16;

    Receipts(long salt, int shardCount) {
        this.salt = salt;
        this.shardCount = shardCount;
    }

    private long hash(long a, long b, long c, long d) {
        return Keys.mix(Keys.mix(Keys.mix(Keys.mix(salt + a) + b) + c) + d);
    }

    /// The pushes of a step, the same each time it is asked for.
    ///
    /// @param poison whether there may be pushes that are refused for what they are
    List<Push> step(int source, int life, long step, boolean poison) {
        long dice = hash(source, life, step, 1);
        int count = 2 + (int) (dice >>> 60 & 1);
        List<Push> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            made.add(push(source, life, step, i, i % 2 == 0 ? Kind.RECEIPT : Kind.BANK));
        }
        if (poison && (dice & 7) == 0) {
            made.add(push(source, life, step, count, Kind.POISON));
        }
        if (hasRounds() && source < PORTION_SOURCE) {
            made.add(push(source, life, step, count + 2, Kind.ROUND));
        }
        if ((dice & 24) == 0) {
            made.add(push(source, life, step, count + 1, Kind.TEMPORARY));
        }
        // Steps of a synchronous run have none, as they have no poison.
        boolean asked = pushes.containsKey(id(source, life, step, TRANSFORM_ORDINAL));
        if (poison && (dice & 96) == 0 && (asked || transforms < VECTORS * DIGITS)) {
            made.add(push(source, life, step, TRANSFORM_ORDINAL, Kind.TRANSFORM));
        }
        return made;
    }

    private static final int TRANSFORM_ORDINAL = 9;

    private long id(int source, int life, long step, int ordinal) {
        return hash(source * 64L + life, step, ordinal, 2);
    }

    private Push push(int source, int life, long step, int ordinal, Kind kind) {
        long id = id(source, life, step, ordinal);
        Push push = pushes.get(id);
        if (push == null) {
            int mask = (1 << shardCount) - 1;
            int shards = (int) (id & mask);
            if (shards == 0 || (ordinal == 0 && (id >>> 40 & 1) == 0)) {
                shards = mask;
            }
            if (kind == Kind.POISON) {
                shards = Integer.lowestOneBit(shards);
            } else if (kind == Kind.ROUND) {
                shards = mask;
            }
            if (kind == Kind.TRANSFORM) {
                shards = mask;
            }
            push = new Push(source, life, step, ordinal, shards, kind);
            if (kind == Kind.TRANSFORM) {
                push.transform = transforms++;
            }
            pushes.put(id, push);
            all.add(push);
        }
        return push;
    }

    /// All pushes that were made, in the order in which they were first asked for.
    List<Push> all() {
        return all;
    }

    private long keyOn(int shard, long from) {
        long key = from;
        while (Keys.shardOf(key, shardCount) != shard) {
            key++;
        }
        return key;
    }

    long cell(Push push, int shard) {
        return keyOn(shard, hash(push.source * 64L + push.life, push.step, push.ordinal, 16 + shard));
    }

    long tally(int source, int shard) {
        return keyOn(shard, hash(source, 0, shard, 3));
    }

    /// Whether workers push and pull lists of keys again that are long enough to go as their hash.
    boolean hasRounds() {
        return (hash(0, 0, 0, 9) & 3) == 0;
    }

    /// One of the rows of a worker's rounds.
    long round(int source, int row, int shard) {
        return rounds.computeIfAbsent(
                (source * (long) ROUND_ROWS + row) * shardCount + shard,
                any -> keyOn(shard, hash(source, row, shard, 10)));
    }

    long bank(int row, int shard) {
        return keyOn(shard, hash(row, 0, shard, 4));
    }

    /// The row where the order of additions shows.
    long ordered(int shard) {
        return keyOn(shard, hash(0, 0, shard, 5));
    }

    /// What a step adds to it: numbers of very different size.
    float orderedValue(Push push) {
        long dice = hash(push.source * 64L + push.life, push.step, push.ordinal, 6);
        float size = (dice & 1) == 0 ? 1f : 1e8f;
        return ((dice >>> 8 & 0xff) + 1) * ((dice & 2) == 0 ? size : -size);
    }

    /// Bank rows that a push takes from and gives to.
    int bankFrom(Push push) {
        return (int) (hash(push.source, push.step, push.ordinal, 7) & 1);
    }

    int bankTo(Push push) {
        return 2 + (int) (hash(push.source, push.step, push.ordinal, 8) & 1);
    }

    /// Which of the dense tables a vector operation adds to.
    static int vector(Push push) {
        return push.transform / DIGITS;
    }

    /// What it adds to each float.
    static float unit(Push push) {
        return (float) (1 << (2 * (push.transform % DIGITS)));
    }

    /// How often a float says that it was applied.
    static int times(Push push, float value) {
        return ((int) value >> (2 * (push.transform % DIGITS))) & 3;
    }

    /// Keys and gradients of a push.
    ///
    /// @param ordered whether the run is synchronous
    Content content(Push push, boolean ordered) {
        Content content = new Content();
        for (int shard = 0; shard < shardCount; shard++) {
            if (!push.touches(shard)) {
                continue;
            }
            if (push.kind != Kind.ROUND) {
                content.add(cell(push, shard), -1);
            }
            switch (push.kind) {
                case RECEIPT -> {
                    content.add(tally(push.source, shard), -1);
                    if (ordered && push.ordinal == 0) {
                        content.add(ordered(shard), orderedValue(push));
                    }
                }
                case BANK -> {
                    content.add(tally(push.source, shard), -1);
                    content.add(bank(bankFrom(push), shard), 1);
                    content.add(bank(bankTo(push), shard), -1);
                }
                case POISON -> {
                    long key = tally(push.source, shard);
                    content.add(key, -Float.MAX_VALUE);
                    content.add(key, -Float.MAX_VALUE);
                }
                case TRANSFORM -> throw new IllegalArgumentException("a vector operation has no keys: " + push);
                case TEMPORARY -> content.add(tally(push.source, shard), -1);
                case ROUND -> {
                    for (int row = 0; row < ROUND_ROWS; row++) {
                        content.add(round(push.source, row, shard), -1);
                    }
                }
            }
        }
        return content;
    }

    /// Keys and gradients.
    static final class Content {
        private long[] keys = new long[16];
        private float[] gradients = new float[16 * DIM];
        private int count;

        private void add(long key, float gradient) {
            if (count == keys.length) {
                keys = Arrays.copyOf(keys, 2 * count);
                gradients = Arrays.copyOf(gradients, 2 * count * DIM);
            }
            keys[count] = key;
            Arrays.fill(gradients, count * DIM, (count + 1) * DIM, gradient);
            count++;
        }

        long[] keys() {
            return Arrays.copyOf(keys, count);
        }

        float[] gradients() {
            return Arrays.copyOf(gradients, count * DIM);
        }
    }
}
