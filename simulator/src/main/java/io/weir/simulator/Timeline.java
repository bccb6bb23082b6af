package io.weir.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/// Virtual time: what is to happen, in order, and what has happened, as a hash and if wanted as text. Confined.
final class Timeline {
    private static final long HASH_STEP = 0x9e3779b97f4a7c15L;

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final boolean traced;
    private final List<String> trace = new ArrayList<>();
    private long nowUs;
    private long sequence;
    private long hash;
    private boolean stopped;

    final SplittableRandom random;

    private record Event(long atUs, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(atUs, other.atUs);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    Timeline(long seed, boolean traced) {
        this.random = new SplittableRandom(seed);
        this.traced = traced;
    }

    long nowUs() {
        return nowUs;
    }

    /// Depends on all that has happened, in order.
    long hash() {
        return hash;
    }

    void at(long atUs, Runnable action) {
        events.add(new Event(Math.max(atUs, nowUs), sequence++, action));
    }

    void after(long delayUs, Runnable action) {
        at(nowUs + delayUs, action);
    }

    /// Plays the next event.
    ///
    /// @return false if there is none before `untilUs`, or nothing more is to happen
    boolean play(long untilUs) {
        Event next = events.peek();
        if (stopped || next == null || next.atUs() > untilUs) {
            return false;
        }
        events.poll();
        nowUs = next.atUs();
        next.action().run();
        return true;
    }

    /// Lets nothing more happen.
    void stop() {
        stopped = true;
    }

    /// A number from `least` to `most`.
    long between(long least, long most) {
        return least + random.nextLong(most - least + 1);
    }

    boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    /// Notes that something happened.
    void note(long what, long a, long b) {
        hash = (hash ^ what) * HASH_STEP + a;
        hash = (hash ^ nowUs) * HASH_STEP + b;
    }

    boolean isTraced() {
        return traced;
    }

    /// Notes it in words too, if they are wanted.
    void say(String text) {
        trace.add("%9.3f ms  %s".formatted(nowUs / 1000.0, text));
    }

    List<String> trace() {
        return trace;
    }
}
