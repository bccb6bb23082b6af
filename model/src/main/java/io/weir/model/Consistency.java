package io.weir.model;

import java.util.Objects;

/// What the workers of a run may see of each other. Immutable.
///
/// The text form, which [#parse] reads, is `bsp`, `asp`, or `ssp:4` for a staleness of 4.
public sealed interface Consistency {
    /// Greatest staleness.
    int MAX_STALENESS = 1 << 20;

    /// Bulk synchronous: the gradients of a step are folded in worker order and applied once, when all its contributors
    /// are through; a pull at clock `c` reads exactly the state after step `c - 1`.
    record Bsp() implements Consistency {
        @Override
        public String text() {
            return "bsp";
        }
    }

    /// Stale synchronous: pushes apply on arrival; a pull at clock `c` waits until everything up to clock
    /// `c - staleness - 1` is in.
    ///
    /// @param staleness clocks that a worker may be ahead of the slowest one, 0 or more
    record Ssp(int staleness) implements Consistency {
        public Ssp {
            if (staleness < 0 || staleness > MAX_STALENESS) {
                throw new IllegalArgumentException(
                        "staleness must be from 0 to " + MAX_STALENESS + ": staleness=" + staleness);
            }
        }

        @Override
        public String text() {
            return "ssp:" + staleness;
        }
    }

    /// Asynchronous: pushes apply on arrival, and nobody waits for anybody.
    record Asp() implements Consistency {
        @Override
        public String text() {
            return "asp";
        }
    }

    static Consistency bsp() {
        return new Bsp();
    }

    static Consistency ssp(int staleness) {
        return new Ssp(staleness);
    }

    static Consistency asp() {
        return new Asp();
    }

    /// The text form.
    String text();

    /// Reads the text form.
    ///
    /// @throws IllegalArgumentException if it is none
    static Consistency parse(String text) {
        Objects.requireNonNull(text, "text");
        if (text.equals("bsp")) {
            return bsp();
        }
        if (text.equals("asp")) {
            return asp();
        }
        if (text.startsWith("ssp:")) {
            try {
                return ssp(Integer.parseInt(text.substring("ssp:".length())));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("staleness must be a whole number: consistency=" + text, e);
            }
        }
        throw new IllegalArgumentException(
                "consistency must be bsp, asp, or ssp:N for a staleness of N: consistency=" + text);
    }
}
