package io.weir.shard;

/// One worker of a run, at its home shard. Confined to the thread inside the shard.
final class Member {
    final int index;
    final Replica replica;
    int state;
    int generation;
    long token;
    boolean resumed;

    /// Whether it has said that it is open on every shard: only then can a further life go on where it stopped.
    boolean opened;

    /// Whether it has ticked in another clock group than the first.
    boolean hasGroups;

    int silentMs;

    /// Whether it has said that it is done with the portion of its replica.
    boolean portionDone;

    /// Why it is fenced, if not for its own silence: the worker of its replica that is gone.
    int gone = -1;

    /// Generation of the portion for this worker's slice, and the generation of this worker that it was given to.
    int portionGeneration;

    int portionLife;

    /// Where the portion goes that it waits for.
    final Answers waitsForPortion = new Answers();

    Member(int index, Replica replica, int generation) {
        this.index = index;
        this.replica = replica;
        this.generation = generation;
        replica.members.add(this);
    }

    boolean isGone() {
        return state == HomeRun.LEFT || state == HomeRun.FENCED;
    }

    /// Whether a step or a barrier can still wait for it: it is there, or has yet to come.
    boolean isExpected() {
        return state == HomeRun.ACTIVE || state == HomeRun.MISSING;
    }

    /// Whether it has no portion and has not asked for one, but may.
    boolean mayAsk() {
        return replica.isWhole()
                && (state == HomeRun.MISSING
                        || (state == HomeRun.ACTIVE && replica.portion == Portions.NONE && waitsForPortion.isEmpty()));
    }
}
