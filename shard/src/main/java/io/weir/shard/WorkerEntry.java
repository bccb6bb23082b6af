package io.weir.shard;

import io.weir.wire.Limits;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a shard remembers of one worker: enough to apply each of its pushes exactly once, in a few dozen bytes.
///
/// Numbers go up but need not be dense: a worker's number is the same on every shard, and not every push touches every
/// shard. The bits remember which of the last [Limits#MAX_WINDOW] numbers were refused in order, so that a retry is
/// refused again; no client has more numbers than that unacknowledged. Confined to the thread inside the shard.
final class WorkerEntry {
    final long run;
    final int worker;

    /// The run whose consistency its pulls and pushes follow; null outside runs, and for the streams of portions.
    final @Nullable RunState state;

    private int generation;
    private boolean fenced;
    private long lastNumber;
    private long clock;
    private long numberAtClock;
    private long numberAtClockBefore;
    private long rejectedBits;

    /// Of the refused ones, those that came after their step was closed.
    private long lateBits;

    /// Clocks of the groups but the first, null as long as there are none.
    private @Nullable Map<Integer, Long> groupClocks;

    WorkerEntry(long run, int worker, int generation, @Nullable RunState state) {
        this.run = run;
        this.worker = worker;
        this.generation = generation;
        this.state = state;
    }

    int generation() {
        return generation;
    }

    /// Whether its current generation is out.
    boolean isFenced() {
        return fenced;
    }

    void fence() {
        fenced = true;
    }

    long lastNumber() {
        return lastNumber;
    }

    long clock() {
        return clock;
    }

    long clock(int group) {
        if (group == 0) {
            return clock;
        }
        return groupClocks == null ? 0 : groupClocks.getOrDefault(group, 0L);
    }

    /// Its last number when it reached this clock, its last one or the one before.
    long numberAt(long askedClock) {
        return askedClock < clock ? numberAtClockBefore : numberAtClock;
    }

    /// Begins anew, with the same number and clock on all shards.
    void begin(long number, long newClock) {
        lastNumber = Math.max(lastNumber, number);
        rejectedBits = 0;
        lateBits = 0;
        clock = Math.max(clock, newClock);
        numberAtClock = lastNumber;
        numberAtClockBefore = lastNumber;
    }

    /// Whether anything was decided since it last began anew: only a tick takes the number at a clock beyond the one
    /// before.
    boolean isUsed() {
        return lastNumber > numberAtClock || numberAtClock > numberAtClockBefore;
    }

    void open(int newGeneration) {
        fenced = fenced && newGeneration == generation;
        generation = newGeneration;
    }

    /// Forgets what was decided, as a mistake for tests.
    void forgetPosition() {
        lastNumber = 0;
        rejectedBits = 0;
        lateBits = 0;
    }

    /// Takes a push as decided.
    void advance(long number, boolean rejected) {
        long distance = number - lastNumber;
        boolean near = distance < Limits.MAX_WINDOW;
        rejectedBits = near ? rejectedBits << distance : 0;
        lateBits = near ? lateBits << distance : 0;
        if (rejected) {
            rejectedBits |= 1;
        }
        lastNumber = number;
    }

    /// The last one was refused because its step was closed.
    void setLate() {
        lateBits |= 1;
    }

    /// Whether this number, at most the last one, was refused because its step was closed.
    boolean wasLate(long number) {
        long distance = lastNumber - number;
        return distance < Limits.MAX_WINDOW && (lateBits >>> distance & 1) != 0;
    }

    /// Takes the worker to a later clock, as of its last number.
    void tick(int group, long newClock) {
        if (group == 0) {
            numberAtClockBefore = numberAtClock;
            clock = newClock;
            numberAtClock = lastNumber;
        } else {
            if (groupClocks == null) {
                groupClocks = new HashMap<>();
            }
            groupClocks.put(group, newClock);
        }
    }

    /// Whether this number, at most the last one, was refused.
    boolean wasRejected(long number) {
        long distance = lastNumber - number;
        return distance < Limits.MAX_WINDOW && (rejectedBits >>> distance & 1) != 0;
    }
}
