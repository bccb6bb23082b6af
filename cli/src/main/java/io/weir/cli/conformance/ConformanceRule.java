package io.weir.cli.conformance;

import io.weir.kvstore.KvConfig;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A published rule, what follows from it in a case, and how to try that. Immutable.
///
/// @param section of the rules it belongs to
/// @param id short name, one word
/// @param text the rule and the case
/// @param workers processes that try it together, against server processes; 0 if this process does alone
/// @param mortal whether a worker process ends in the middle of it, as if it had crashed
/// @param expected what each of them must come to
/// @param alone tries it in this process, null if workers do
/// @param together tries it as one of several workers, null if this process does alone
public record ConformanceRule(
        String section,
        String id,
        String text,
        int workers,
        boolean mortal,
        String expected,
        @Nullable Alone alone,
        @Nullable Together together) {
    /// Tries a rule in one process.
    public interface Alone {
        /// What it came to.
        String got() throws Exception;
    }

    /// Tries a rule as one of several workers.
    public interface Together {
        /// What this worker came to.
        ///
        /// @param config of a store of its own for this rule
        String got(KvConfig config) throws Exception;
    }

    public static ConformanceRule here(String section, String id, String text, String expected, Alone alone) {
        return new ConformanceRule(section, id, text, 0, false, expected, alone, null);
    }

    public static ConformanceRule among(
            int workers, String section, String id, String text, String expected, Together together) {
        return new ConformanceRule(
                section, id + "-" + workers, text, workers, false, expected, null, Objects.requireNonNull(together));
    }

    public ConformanceRule asMortal() {
        return new ConformanceRule(section, id, text, workers, true, expected, alone, together);
    }
}
