package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.train.Latency;
import io.weir.train.ProgressListener.Snapshot;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressViewTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private Output output(boolean terminal, boolean color) {
        PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        return new Output(stream, stream, terminal, color);
    }

    private static Snapshot snapshot(long examples, double fraction, int calls) {
        Latency latency = new Latency(calls, 12.34, 50, 60, 70);
        return new Snapshot(examples, 2, 123_456, 0.33446, 0.33, 1, 3, fraction, latency, latency);
    }

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void writesPlainLinesWhereThereIsNoTerminal() {
        try (ProgressView view = new ProgressView(output(false, false))) {
            view.progress(snapshot(0, 0, 0));
            view.progress(snapshot(32_561, 0.5, 7));
            view.progress(snapshot(65_122, 1, 0));
        }
        String latencies = "pull p50 12.3 µs  push p50 12.3 µs\n";
        assertThat(text())
                .isEqualTo("pass 2/3  50 %  32,561 examples  123 k/s  logloss 0.33446  " + latencies
                        + "pass 2/3 100 %  65,122 examples  123 k/s  logloss 0.33446  " + latencies);
    }

    @Test
    void drawsOverItsBarOnATerminal() {
        try (ProgressView view = new ProgressView(output(true, false))) {
            view.progress(snapshot(32_561, 0.5, 7));
            view.progress(snapshot(65_122, 1, 7));
        }
        assertThat(text())
                .startsWith("\r\u001b[2Kpass 2/3 " + "━".repeat(12) + "─".repeat(12) + "  50 %  32,561 examples")
                .contains("\r\u001b[2Kpass 2/3 " + "━".repeat(24) + " 100 %")
                .endsWith("\n")
                .containsOnlyOnce("\n")
                .doesNotContain("\u001b[3");
    }

    @Test
    void usesColoursWhereTheyAreWanted() {
        try (ProgressView view = new ProgressView(output(true, true))) {
            view.progress(snapshot(32_561, 0.5, 7));
        }
        assertThat(text()).contains("\u001b[32m", "\u001b[0m");
    }

    @Test
    void leavesOutLossesAndPassesThatOnlyAnotherProcessKnows() {
        Latency none = new Latency(0, 0, 0, 0, 0);
        Snapshot hand = new Snapshot(
                32_561, 2, 123_456, Double.NaN, Double.NaN, 0, Snapshot.UNKNOWN_PASSES, Double.NaN, none, none);
        for (boolean terminal : new boolean[] {false, true}) {
            bytes.reset();
            try (ProgressView view = new ProgressView(output(terminal, false))) {
                view.progress(hand);
                view.progress(Reports.merged(List.of(hand)));
            }
            String start = terminal ? "\r\u001b[2K" : "";
            String end = terminal ? "" : "\n";
            assertThat(text()).startsWith((start + "32,561 examples  123 k/s" + end).repeat(2));
            assertThat(text().strip()).endsWith("123 k/s");
        }
    }

    @Test
    void showsTheLossThatRanAwayButNoneBeforeTheFirstPassOfLbfgs() {
        Latency none = new Latency(0, 0, 0, 0, 0);
        try (ProgressView view = new ProgressView(output(false, false))) {
            view.progress(new Snapshot(100, 1, 100, Double.NaN, Double.NaN, 0, 3, 0.5, none, none));
            view.progress(new Snapshot(100, 1, 100, Double.NaN, Double.NaN, 0, 3, Double.NaN, none, none));
        }
        assertThat(text())
                .isEqualTo("pass 1/3  50 %  100 examples  100/s  logloss NaN\npass 1/3  100 examples  100/s\n");
    }

    @Test
    void leavesTheBarOutWhenNobodyKnowsHowMuchThereIs() {
        try (ProgressView view = new ProgressView(output(true, false))) {
            view.progress(snapshot(32_561, Double.NaN, 7));
        }
        assertThat(text()).startsWith("\r\u001b[2Kpass 2/3 32,561 examples").doesNotContain("NaN");
    }
}
