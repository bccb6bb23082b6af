package io.weir.train;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Which labels a file has shown so far, over all its readers: -1 and +1, or 0 and 1, but not both. Thread-safe.
final class LabelKinds {
    static final int MINUS_ONE = 1;
    static final int ZERO = 2;
    static final int ONE = 4;

    private final AtomicInteger seen = new AtomicInteger();

    /// Notes a kind.
    ///
    /// @return all kinds seen, this one included
    int add(int kind) {
        return seen.accumulateAndGet(kind, (a, b) -> a | b);
    }

    /// Whether these kinds cannot stand in one file.
    static boolean clash(int kinds) {
        return (kinds & (MINUS_ONE | ZERO)) == (MINUS_ONE | ZERO);
    }

    /// The kinds seen, and `other` after them, for a message.
    String text(@Nullable String other) {
        int kinds = seen.get();
        List<String> names = new ArrayList<>();
        if ((kinds & MINUS_ONE) != 0) {
            names.add("-1");
        }
        if ((kinds & ZERO) != 0) {
            names.add("0");
        }
        if ((kinds & ONE) != 0) {
            names.add("1");
        }
        if (other != null) {
            names.add(other);
        }
        return String.join(", ", names);
    }
}
