package io.weir.shard;

import org.jspecify.annotations.Nullable;

/// The portions of a run's input: who holds which, and how far each has come. Confined to the thread inside the shard.
final class Portions {
    static final int NONE = -1;

    private static final byte FREE = 0;
    private static final byte HELD = 1;
    private static final byte DONE = 2;

    private final @Nullable PlantedBug bug;
    private final byte[] states;
    private final int[] generations;
    private final long[] positions;

    /// Worker and generation of each holder.
    private final long[] holders;

    private int firstFree;
    private int held;
    private int done;

    /// @param before of an earlier life of the run, whose generations go on
    Portions(int count, @Nullable Portions before, @Nullable PlantedBug bug) {
        this.bug = bug;
        states = new byte[count];
        generations = new int[count];
        positions = new long[count];
        holders = new long[count];
        for (int i = 0; before != null && i < Math.min(count, before.generations.length); i++) {
            generations[i] = before.generations[i];
        }
    }

    /// The first portion that nobody holds and that is not done, or [#NONE].
    int firstFree() {
        while (firstFree < states.length && states[firstFree] != FREE) {
            firstFree++;
        }
        return firstFree < states.length ? firstFree : NONE;
    }

    /// Gives a portion to this life of a worker; each new holder is a new generation of the portion, which fences the
    /// pushes of the one before.
    ///
    /// @return the portion's generation
    int holdAs(int portion, int worker, int generation) {
        long holder = (long) worker << Integer.SIZE | generation;
        if (states[portion] != HELD || holders[portion] != holder) {
            held += states[portion] == HELD ? 0 : 1;
            states[portion] = HELD;
            holders[portion] = holder;
            generations[portion]++;
        }
        return generations[portion];
    }

    /// Takes a portion from its holder. It goes on where it stopped.
    void free(int portion) {
        if (states[portion] == HELD) {
            held--;
            states[portion] = FREE;
            firstFree = Math.min(firstFree, portion);
            if (bug == PlantedBug.PORTION_COUNTED_TWICE) {
                positions[portion] = 0;
            }
        }
    }

    void finish(int portion) {
        if (states[portion] == HELD) {
            held--;
            states[portion] = DONE;
            done++;
        }
    }

    /// One more minibatch of it is done.
    void advance(int portion) {
        positions[portion]++;
    }

    long position(int portion) {
        return positions[portion];
    }

    boolean allDone() {
        return done == states.length;
    }

    int heldCount() {
        return held;
    }

    int doneCount() {
        return done;
    }
}
