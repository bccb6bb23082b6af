package io.weir.cli;

import io.weir.model.WeirException;
import io.weir.train.ProgressListener;
import java.time.Duration;
import java.util.Locale;

/// Shows how far a training has come: a bar that is drawn over on a terminal, else a line every few seconds. Confined
/// to the thread that waits for the training.
final class ProgressView implements ProgressListener, AutoCloseable {
    private static final int BAR_CELLS = 24;

    private final Output output;
    private final boolean quiet;
    private String latencies = "";
    private boolean drawn;

    ProgressView(Output output) {
        this(output, false);
    }

    /// @param quiet whether only what is unusual is to be said
    ProgressView(Output output, boolean quiet) {
        this.output = output;
        this.quiet = quiet;
    }

    /// How often it wants to be told.
    Duration interval() {
        return output.terminal() ? Duration.ofMillis(200) : Duration.ofSeconds(3);
    }

    /// This view for somebody who tells it more often than it wants to be told.
    ProgressListener slowed() {
        long[] dueNs = {System.nanoTime() + interval().toNanos()};
        return snapshot -> {
            long nowNs = System.nanoTime();
            if (nowNs - dueNs[0] >= 0) {
                dueNs[0] = nowNs + interval().toNanos();
                progress(snapshot);
            }
        };
    }

    @Override
    public void progress(Snapshot snapshot) {
        if (quiet || snapshot.examples() == 0) {
            return;
        }
        if (output.terminal()) {
            output.err().print("\r\u001b[2K" + bar(snapshot) + text(snapshot));
            drawn = true;
        } else {
            output.err().printf(Locale.ROOT, "%s%s%n", pass(snapshot), text(snapshot));
        }
        output.err().flush();
    }

    @Override
    public void rejoined(int worker, int generation, WeirException reason) {
        output.err()
                .println((output.terminal() && !quiet ? "\r\u001b[2K" : "") + rejoinedText(worker, generation, reason));
    }

    static String rejoinedText(int worker, int generation, WeirException reason) {
        return "worker " + worker + " was shut out and has joined again as generation " + generation + ": "
                + reason.getMessage();
    }

    /// The pass, in a plain line.
    private static String pass(Snapshot snapshot) {
        if (!snapshot.knowsPass()) {
            return "";
        }
        String fraction = Double.isNaN(snapshot.passFraction())
                ? ""
                : String.format(Locale.ROOT, " %3.0f %%", 100 * snapshot.passFraction());
        return "pass " + (snapshot.pass() + 1) + "/" + snapshot.passes() + fraction + "  ";
    }

    private String bar(Snapshot snapshot) {
        String pass = snapshot.passes() == 1 || !snapshot.knowsPass()
                ? ""
                : "pass " + (snapshot.pass() + 1) + "/" + snapshot.passes() + " ";
        if (Double.isNaN(snapshot.passFraction())) {
            return pass;
        }
        int full = (int) Math.round(BAR_CELLS * Math.clamp(snapshot.passFraction(), 0, 1));
        String done = "━".repeat(full);
        String open = (output.color() ? "━" : "─").repeat(BAR_CELLS - full);
        return pass
                + (output.color() ? "\u001b[32m" + done + "\u001b[90m" + open + "\u001b[0m" : done + open)
                + String.format(Locale.ROOT, " %3.0f %%  ", 100 * snapshot.passFraction());
    }

    private String text(Snapshot snapshot) {
        double rate = snapshot.recentExamplesPerSecond();
        if (snapshot.pull().count() > 0 && snapshot.push().count() > 0) {
            latencies = "  pull p50 " + Quantities.ofMicros(snapshot.pull().p50Micros()) + "  push p50 "
                    + Quantities.ofMicros(snapshot.push().p50Micros());
        }
        return String.format(
                Locale.ROOT,
                "%s examples  %s/s%s%s",
                Quantities.ofCount(snapshot.examples()),
                Quantities.ofRate(rate > 0 ? rate : snapshot.examples() / snapshot.seconds()),
                snapshot.knowsLoss() ? String.format(Locale.ROOT, "  logloss %.5f", snapshot.progressiveLogloss()) : "",
                latencies);
    }

    /// Leaves the bar behind.
    @Override
    public void close() {
        if (drawn) {
            output.err().println();
        }
    }
}
