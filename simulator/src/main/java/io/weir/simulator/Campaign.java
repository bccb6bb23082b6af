package io.weir.simulator;

import io.weir.shard.PlantedBug;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Plays many histories, on several threads, each history on one. Immutable.
///
/// @param from first seed
/// @param count how many histories
/// @param threads that play
/// @param bug a mistake to make, or null
public record Campaign(
        long from, long count, int threads, @Nullable PlantedBug bug) {
    /// Of so many histories one is played twice, to see that it goes the same way.
    private static final int REPLAYED_ONE_IN = 100;

    /// So many failures are kept; after that no further history is begun.
    private static final int MAX_FAILURES = 20;

    public Campaign {
        if (count < 1 || threads < 1) {
            throw new IllegalArgumentException(
                    "histories and threads must be at least 1: seeds=" + count + ", threads=" + threads);
        }
    }

    /// What came of it.
    ///
    /// @param played histories
    /// @param replayed of them, twice
    /// @param seconds that it took
    /// @param failures in order of their seeds, the first few
    /// @param tally of all histories
    public record Result(long played, long replayed, double seconds, List<Simulator.Outcome> failures, Tally tally) {
        public Result {
            failures = List.copyOf(failures);
        }

        /// Whether all promises were kept in all histories.
        public boolean holds() {
            return failures.isEmpty();
        }
    }

    /// Plays it.
    ///
    /// @param progress is told from time to time how many histories have been played; called by several threads
    public Result run(LongConsumer progress) {
        AtomicLong next = new AtomicLong(from);
        List<Player> players = new ArrayList<>();
        long startNs = System.nanoTime();
        for (int i = 0; i < threads; i++) {
            Player player = new Player(next, progress);
            players.add(player);
            player.thread.start();
        }
        Tally tally = new Tally();
        List<Simulator.Outcome> failures = new ArrayList<>();
        long played = 0;
        long replayed = 0;
        for (Player player : players) {
            player.join();
            tally.addAll(player.tally);
            failures.addAll(player.failures);
            played += player.played;
            replayed += player.replayed;
        }
        failures.sort((a, b) -> Long.compare(a.seed(), b.seed()));
        return new Result(played, replayed, (System.nanoTime() - startNs) / 1e9, failures, tally);
    }

    private final class Player implements Runnable {
        private final AtomicLong next;
        private final LongConsumer progress;
        final Thread thread = Thread.ofPlatform().name("weir-history").unstarted(this);
        final Tally tally = new Tally();
        final List<Simulator.Outcome> failures = new ArrayList<>();
        long played;
        long replayed;

        Player(AtomicLong next, LongConsumer progress) {
            this.next = next;
            this.progress = progress;
        }

        @Override
        public void run() {
            long seed;
            while ((seed = next.getAndIncrement()) < from + count && failures.size() < MAX_FAILURES) {
                Simulator.Outcome outcome = Simulator.play(seed, bug, false);
                played++;
                tally.addAll(outcome.tally());
                if (outcome.holds() && seed % REPLAYED_ONE_IN == 0) {
                    outcome = replay(outcome);
                }
                if (!outcome.holds()) {
                    failures.add(outcome);
                }
                progress.accept(seed - from + 1);
            }
        }

        private Simulator.Outcome replay(Simulator.Outcome first) {
            replayed++;
            Simulator.Outcome second = Simulator.play(first.seed(), bug, false);
            if (second.hash() == first.hash()) {
                return first;
            }
            return new Simulator.Outcome(
                    first.seed(),
                    first.hash(),
                    "the same seed must give the same history: hash=" + Long.toHexString(first.hash()) + ", then "
                            + Long.toHexString(second.hash()),
                    List.of(),
                    first.tally());
        }

        void join() {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
