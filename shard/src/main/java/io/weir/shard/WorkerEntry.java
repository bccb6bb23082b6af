package io.weir.shard;

import io.weir.wire.Limits;

/// What a shard remembers of one worker: enough to apply each of its pushes exactly once, in a few dozen bytes.
///
/// Numbers go up but need not be dense: a worker's number is the same on every shard, and not every push touches every
/// shard. The bits remember which of the last [Limits#MAX_WINDOW] numbers were refused in order, so that a retry is
/// refused again; no client has more numbers than that unacknowledged. Confined to the thread inside the shard.
final class WorkerEntry {
    final long run;
    final int worker;
    private int generation;
    private long lastNumber;
    private long clock;
    private long numberAtClock;
    private long rejectedBits;

    WorkerEntry(long run, int worker, int generation) {
        this.run = run;
        this.worker = worker;
        this.generation = generation;
    }

    int generation() {
        return generation;
    }

    long lastNumber() {
        return lastNumber;
    }

    long clock() {
        return clock;
    }

    long numberAtClock() {
        return numberAtClock;
    }

    void open(int newGeneration) {
        generation = newGeneration;
    }

    /// Takes a push as decided.
    void advance(long number, long pushClock, boolean rejected) {
        long distance = number - lastNumber;
        rejectedBits = distance < Limits.MAX_WINDOW ? rejectedBits << distance : 0;
        if (rejected) {
            rejectedBits |= 1;
        }
        lastNumber = number;
        if (pushClock > clock) {
            clock = pushClock;
            numberAtClock = number;
        }
    }

    /// Whether this number, at most the last one, was refused.
    boolean wasRejected(long number) {
        long distance = lastNumber - number;
        return distance < Limits.MAX_WINDOW && (rejectedBits >>> distance & 1) != 0;
    }
}
