package io.weir.simulator;

import io.weir.client.internal.Pulse;
import java.util.ArrayDeque;
import java.util.Deque;

/// The process a worker lives in: it may be paused, and it dies. What should happen in it then waits, or never does.
/// Confined.
final class SimulatedProcess implements Pulse {
    private final Timeline timeline;
    final String name;
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private boolean dead;
    private boolean paused;

    SimulatedProcess(Timeline timeline, String name) {
        this.timeline = timeline;
        this.name = name;
    }

    boolean isDead() {
        return dead;
    }

    boolean isPaused() {
        return paused;
    }

    /// Ends what a process was about when it died while it waited.
    static final class Died extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Died(String name) {
            super(name, null, false, false);
        }
    }

    /// @throws Died if the process is no more
    void requireAlive() {
        if (dead) {
            throw new Died(name);
        }
    }

    void kill() {
        dead = true;
        waiting.clear();
    }

    void pause() {
        paused = true;
    }

    void resume() {
        paused = false;
        while (catchUp()) {}
    }

    /// Does the next of what has waited while the process was paused.
    ///
    /// @return false if nothing is to be done now
    boolean catchUp() {
        if (paused || dead || waiting.isEmpty()) {
            return false;
        }
        waiting.removeFirst().run();
        return true;
    }

    /// Does something inside the process: now, when it goes on, or never.
    void run(Runnable action) {
        if (dead) {
            return;
        }
        if (paused || !waiting.isEmpty()) {
            waiting.addLast(action);
        } else {
            action.run();
        }
    }

    void after(long delayUs, Runnable action) {
        timeline.after(delayUs, () -> run(action));
    }

    @Override
    public Beating every(int periodMs, Runnable beat) {
        boolean[] stopped = new boolean[1];
        beatLater(periodMs * 1000L, beat, stopped);
        return () -> stopped[0] = true;
    }

    private void beatLater(long periodUs, Runnable beat, boolean[] stopped) {
        timeline.after(periodUs, () -> {
            if (!dead && !stopped[0]) {
                if (!paused) {
                    beat.run();
                }
                beatLater(periodUs, beat, stopped);
            }
        });
    }

    @Override
    public void close() {
        kill();
    }
}
