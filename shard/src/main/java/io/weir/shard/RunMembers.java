package io.weir.shard;

import java.util.Arrays;

/// Who belongs to a run, kept by its home shard. Confined to the thread inside the shard.
final class RunMembers {
    static final int MISSING = 0;
    static final int ACTIVE = 1;
    static final int LEFT = 2;
    static final int FINISHED = 3;

    private final long run;
    private final int[] states;
    private final int[] generations;

    RunMembers(long run, int workerCount) {
        this.run = run;
        states = new int[workerCount];
        generations = new int[workerCount];
    }

    /// The run's id.
    long run() {
        return run;
    }

    int workerCount() {
        return states.length;
    }

    int state(int worker) {
        return states[worker];
    }

    int generation(int worker) {
        return generations[worker];
    }

    boolean isFinished() {
        return Arrays.stream(states).allMatch(state -> state == FINISHED);
    }

    /// Takes the worker in and returns its new generation.
    int join(int worker) {
        states[worker] = ACTIVE;
        return ++generations[worker];
    }

    /// Takes every worker's part as not done, to go on after the end.
    void reopen() {
        Arrays.fill(states, MISSING);
    }

    void close(int worker, int generation, boolean finished) {
        if (generations[worker] == generation) {
            states[worker] = finished ? FINISHED : LEFT;
        }
    }
}
