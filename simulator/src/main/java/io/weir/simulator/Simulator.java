package io.weir.simulator;

import io.weir.shard.PlantedBug;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Plays histories. Each is a function of its seed, so a failure can be played again, with its trace. Thread-safe.
public final class Simulator {
    private Simulator() {}

    /// What came of one history.
    ///
    /// @param seed that it was played from
    /// @param hash of all that happened, in order
    /// @param violation the promise that was broken, or null
    /// @param trace what happened, in words, if it was wanted
    /// @param tally how often interesting things happened
    public record Outcome(long seed, long hash, @Nullable String violation, List<String> trace, Tally tally) {
        public Outcome {
            trace = List.copyOf(trace);
        }

        /// Whether all promises were kept.
        public boolean holds() {
            return violation == null;
        }
    }

    /// Plays one history.
    ///
    /// @param bug a mistake to make, or null
    /// @param traced whether to tell what happens; costs much
    public static Outcome play(long seed, @Nullable PlantedBug bug, boolean traced) {
        History history = new History(seed, bug, traced);
        String violation = null;
        try {
            history.play();
        } catch (Violation e) {
            violation = e.getMessage();
        } catch (RuntimeException | AssertionError e) {
            violation = "the history failed: " + e;
            if (traced) {
                e.printStackTrace();
            }
        }
        return new Outcome(
                seed, history.timeline().hash(), violation, history.timeline().trace(), history.tally());
    }
}
