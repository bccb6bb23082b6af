package io.weir.cli;

import java.io.PrintStream;

/// Where a command prints. Thread-safe.
///
/// @param out data, and nothing else
/// @param err progress and errors
/// @param terminal whether `err` is a terminal, where a line can be drawn over
/// @param color whether colours are wanted there
record Output(PrintStream out, PrintStream err, boolean terminal, boolean color) {
    /// Neither terminal nor colours.
    static Output plain(PrintStream out, PrintStream err) {
        return new Output(out, err, false, false);
    }

    /// The streams of this process. Colours stay away if the environment has `NO_COLOR`.
    @SuppressWarnings("SystemOut")
    static Output ofProcess() {
        StandardError.restore();
        boolean terminal = StandardError.isTerminal() && !"dumb".equals(System.getenv("TERM"));
        String noColor = System.getenv("NO_COLOR");
        return new Output(System.out, System.err, terminal, terminal && (noColor == null || noColor.isEmpty()));
    }
}
