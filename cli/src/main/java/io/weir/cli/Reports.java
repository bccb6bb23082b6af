package io.weir.cli;

import io.weir.model.WeirException;
import io.weir.train.Latency;
import io.weir.train.ProgressListener;
import io.weir.train.TrainingResult;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.StringJoiner;

/// What a worker process tells the process that started it, a line each on its standard output: words with blanks
/// between them.
final class Reports {
    static final String PROGRESS = "#progress ";
    static final String RESULT = "#result ";
    static final String REJOINED = "#rejoined ";

    private Reports() {}

    /// Tells how far a training has come. Thread-safe.
    static final class Reporter implements ProgressListener {
        static final Duration INTERVAL = Duration.ofMillis(200);

        private final PrintStream out;

        Reporter(PrintStream out) {
            this.out = out;
        }

        @Override
        public void progress(Snapshot snapshot) {
            StringJoiner words = words(PROGRESS)
                    .add(Long.toString(snapshot.examples()))
                    .add(Double.toString(snapshot.seconds()))
                    .add(Double.toString(snapshot.recentExamplesPerSecond()))
                    .add(Double.toString(snapshot.progressiveLogloss()))
                    .add(Double.toString(snapshot.recentLogloss()))
                    .add(Integer.toString(snapshot.pass()))
                    .add(Integer.toString(snapshot.passes()))
                    .add(Double.toString(snapshot.passFraction()));
            add(words, snapshot.pull());
            add(words, snapshot.push());
            line(out, words);
        }

        @Override
        public void rejoined(int worker, int generation, WeirException reason) {
            line(out, words(REJOINED).add(ProgressView.rejoinedText(worker, generation, reason)));
        }
    }

    private static StringJoiner words(String kind) {
        return new StringJoiner(" ", kind, "");
    }

    private static void line(PrintStream out, StringJoiner words) {
        out.println(words);
        out.flush();
    }

    private static void add(StringJoiner words, Latency latency) {
        words.add(Long.toString(latency.count()))
                .add(Double.toString(latency.p50Micros()))
                .add(Double.toString(latency.p99Micros()))
                .add(Double.toString(latency.p999Micros()))
                .add(Double.toString(latency.maxMicros()));
    }

    static void print(PrintStream out, TrainingResult result) {
        StringJoiner words = words(RESULT)
                .add(Long.toString(result.examples()))
                .add(Long.toString(result.features()))
                .add(Long.toString(result.batches()))
                .add(Double.toString(result.seconds()))
                .add(Integer.toString(result.workers()));
        add(words, result.pull());
        add(words, result.push());
        for (int pass = 0; pass < result.passLogloss().size(); pass++) {
            words.add(Double.toString(result.passLogloss().get(pass)));
            words.add(Long.toString(result.passExamples().get(pass)));
        }
        line(out, words);
    }

    /// The words of one line, taken from left to right.
    private static final class Words {
        private final String[] words;
        private int at;

        Words(String line) {
            words = line.split(" ", -1);
            at = 1;
        }

        boolean isAtEnd() {
            return at == words.length;
        }

        long whole() {
            return Long.parseLong(words[at++]);
        }

        double real() {
            return Double.parseDouble(words[at++]);
        }

        Latency latency() {
            return new Latency(whole(), real(), real(), real(), real());
        }
    }

    static ProgressListener.Snapshot progress(String line) {
        Words words = new Words(line);
        return new ProgressListener.Snapshot(
                words.whole(),
                words.real(),
                words.real(),
                words.real(),
                words.real(),
                (int) words.whole(),
                (int) words.whole(),
                words.real(),
                words.latency(),
                words.latency());
    }

    static TrainingResult result(String line) {
        Words words = new Words(line);
        long examples = words.whole();
        long features = words.whole();
        long batches = words.whole();
        double seconds = words.real();
        int workers = (int) words.whole();
        Latency pull = words.latency();
        Latency push = words.latency();
        List<Double> passLogloss = new ArrayList<>();
        List<Long> passExamples = new ArrayList<>();
        while (!words.isAtEnd()) {
            passLogloss.add(words.real());
            passExamples.add(words.whole());
        }
        return new TrainingResult(examples, features, batches, seconds, passLogloss, passExamples, pull, push, workers);
    }

    /// All processes together. Latencies are those of the slowest.
    static ProgressListener.Snapshot merged(Collection<ProgressListener.Snapshot> parts) {
        long examples = 0;
        double seconds = 0;
        double rate = 0;
        double losses = 0;
        double recentLosses = 0;
        int pass = 0;
        int passes = 1;
        double fraction = 0;
        Latency pull = new Latency(0, 0, 0, 0, 0);
        Latency push = pull;
        for (ProgressListener.Snapshot part : parts) {
            examples += part.examples();
            seconds = Math.max(seconds, part.seconds());
            rate += part.recentExamplesPerSecond();
            losses += weighted(part.progressiveLogloss(), (double) part.examples());
            recentLosses += weighted(part.recentLogloss(), part.recentExamplesPerSecond());
            fraction = part.pass() > pass ? part.passFraction() : Math.max(fraction, part.passFraction());
            pass = Math.max(pass, part.pass());
            passes = part.passes();
            pull = slower(pull, part.pull());
            push = slower(push, part.push());
        }
        return new ProgressListener.Snapshot(
                examples, seconds, rate, losses / examples, recentLosses / rate, pass, passes, fraction, pull, push);
    }

    private static double weighted(double loss, double weight) {
        return weight > 0 ? loss * weight : 0;
    }

    private static Latency slower(Latency a, Latency b) {
        Latency slow = b.p50Micros() > a.p50Micros() ? b : a;
        return new Latency(
                a.count() + b.count(), slow.p50Micros(), slow.p99Micros(), slow.p999Micros(), slow.maxMicros());
    }

    /// All processes together. Latencies are those of the slowest.
    ///
    /// @param further examples of which there is no result
    static TrainingResult mergedResults(Collection<TrainingResult> parts, int passes, long further, double seconds) {
        long features = 0;
        long batches = 0;
        int workers = 0;
        double[] losses = new double[passes];
        long[] examples = new long[passes];
        long all = further;
        Latency pull = new Latency(0, 0, 0, 0, 0);
        Latency push = pull;
        for (TrainingResult part : parts) {
            features += part.features();
            batches += part.batches();
            workers += part.workers();
            all += part.examples();
            for (int pass = 0; pass < passes; pass++) {
                losses[pass] += weighted(part.passLogloss().get(pass), (double)
                        part.passExamples().get(pass));
                examples[pass] += part.passExamples().get(pass);
            }
            pull = slower(pull, part.pull());
            push = slower(push, part.push());
        }
        List<Double> passLogloss = new ArrayList<>();
        List<Long> passExamples = new ArrayList<>();
        for (int pass = 0; pass < passes; pass++) {
            passLogloss.add(losses[pass] / examples[pass]);
            passExamples.add(examples[pass]);
        }
        return new TrainingResult(all, features, batches, seconds, passLogloss, passExamples, pull, push, workers);
    }
}
