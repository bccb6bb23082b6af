package io.weir.shard;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The portions of a run's input: how often each was handed out, how many hold it, and how far it has come. Confined to
/// the thread inside the shard.
final class Portions {
    static final int NONE = -1;

    private static final byte FREE = 0;
    private static final byte HELD = 1;
    private static final byte DONE = 2;

    private final @Nullable PlantedBug bug;
    private final int slices;
    private final byte[] states;
    private final long[] positions;

    /// Of each portion, of each slice of whoever holds it.
    private final int[] generations;

    private final int[] holders;

    private int firstFree;
    private int held;
    private int done;

    /// @param slices workers that hold a portion together
    /// @param before of an earlier life of the run, whose generations go on
    Portions(int count, int slices, @Nullable Portions before, @Nullable PlantedBug bug) {
        this.bug = bug;
        this.slices = slices;
        states = new byte[count];
        positions = new long[count];
        generations = new int[count * slices];
        holders = new int[count];
        for (int i = 0; before != null && i < Math.min(generations.length, before.generations.length); i++) {
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

    /// Of a run in passes: the portion with the fewest holders of those that are not done and have fewer than `most`,
    /// the first of several, or [#NONE].
    int leastHeld(int most) {
        int least = NONE;
        for (int portion = 0; portion < states.length; portion++) {
            if (states[portion] == HELD
                    && holders[portion] < most
                    && (least == NONE || holders[portion] < holders[least])) {
                least = portion;
            }
        }
        return least;
    }

    /// Gives a portion to one more holder.
    void hold(int portion) {
        held += states[portion] == HELD ? 0 : 1;
        states[portion] = HELD;
        holders[portion]++;
    }

    /// This life of a worker has a held portion from now on. Each is a new generation of the portion, which fences the
    /// pushes of the one before.
    ///
    /// @return the generation, of the worker's slice, of the portion
    int renew(int portion, int worker) {
        return ++generations[portion * slices + worker % slices];
    }

    /// Takes a portion from a holder. If it was the only one, it goes on where it stopped.
    void free(int portion) {
        if (states[portion] == HELD && --holders[portion] <= 0) {
            held--;
            states[portion] = FREE;
            firstFree = Math.min(firstFree, portion);
            if (bug == PlantedBug.PORTION_COUNTED_TWICE) {
                positions[portion] = 0;
            }
        }
    }

    /// Whether it is done, in a run in passes for this pass.
    boolean isDone(int portion) {
        return states[portion] == DONE && bug != PlantedBug.BOTH_COPIES_COUNTED;
    }

    void finish(int portion) {
        if (states[portion] == HELD) {
            held--;
            states[portion] = DONE;
            done++;
        } else if (bug == PlantedBug.BOTH_COPIES_COUNTED) {
            done++;
        }
    }

    /// Begins a pass: nobody holds any portion, and none is done.
    void beginPass() {
        Arrays.fill(states, FREE);
        Arrays.fill(holders, 0);
        firstFree = 0;
        held = 0;
        done = 0;
    }

    /// One more minibatch of it is done.
    void advance(int portion) {
        positions[portion]++;
    }

    long position(int portion) {
        return positions[portion];
    }

    boolean allDone() {
        return done >= states.length;
    }

    int heldCount() {
        return held;
    }

    int doneCount() {
        return done;
    }
}
