package io.weir.cli;

import io.weir.simulator.Campaign;
import io.weir.simulator.Simulator;
import io.weir.simulator.Tally;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir simulate`.
@Command(
        name = "simulate",
        sortOptions = false,
        description = {
            "Play histories of a whole cluster, each from a seed and on one thread: two servers with two shards each,",
            "workers that train together, and faults: cut connections, late and lost frames, paused servers and",
            "workers, killed and restarted workers, refusals for load. Then check that every acknowledged push is there",
            "once and none twice, that no pull read what its run forbids, and that everything was done in the end.",
            "The exit code is 0 only if all of that holds in every history."
        },
        footer = {
            "  weir simulate --seeds 10000",
            "  weir simulate --seeds 1 --from 4711 --trace     one history again, told event by event"
        })
final class SimulateCommand extends WeirOptions {
    /// From so many histories on each kind of event must have happened.
    private static final long TELLING = 1000;

    private static final long REPORT_EVERY = 500;

    @Option(names = "--seeds", paramLabel = "<n>", description = "Histories to play. Default: ${DEFAULT-VALUE}.")
    long seeds = 1000;

    @Option(names = "--from", paramLabel = "<seed>", description = "Seed of the first one. Default: ${DEFAULT-VALUE}.")
    long from = 1;

    @Option(
            names = "--threads",
            paramLabel = "<n>",
            description = "Threads that play, each its own histories. Default: one per processor.")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--trace", description = "Tell every event. For one history, or few.")
    boolean trace;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    SimulateCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        AtomicLong reported = new AtomicLong();
        Campaign.Result result = new Campaign(from, seeds, threads, null).run(played -> {
            long before = reported.get();
            if (output.terminal() && played - before >= REPORT_EVERY && reported.compareAndSet(before, played)) {
                output.err().printf(Locale.ROOT, "%,d of %,d histories%n", played, seeds);
            }
        });
        List<Tally.What> missing = missing(result);
        if (json) {
            printJson(result);
        } else {
            print(result, missing);
        }
        traceFailures(result);
        return result.holds() && missing.isEmpty() ? Exit.OK : Exit.FAILURE;
    }

    private static List<Tally.What> missing(Campaign.Result result) {
        List<Tally.What> missing = new ArrayList<>();
        for (Tally.What what : Tally.What.values()) {
            if (result.played() >= TELLING && result.tally().of(what) == 0) {
                missing.add(what);
            }
        }
        return missing;
    }

    private void print(Campaign.Result result, List<Tally.What> missing) {
        output.out()
                .printf(
                        Locale.ROOT,
                        "%,d histories from seed %d, %d of them twice, in %.1f s: %.0f a second on %d thread%s%n",
                        result.played(),
                        from,
                        result.replayed(),
                        result.seconds(),
                        (result.played() + result.replayed()) / result.seconds(),
                        threads,
                        threads == 1 ? "" : "s");
        for (Tally.What what : Tally.What.values()) {
            output.out()
                    .printf(
                            Locale.ROOT,
                            "  %-20s %,15d%n",
                            label(what),
                            result.tally().of(what));
        }
        if (result.holds()) {
            output.out().println("all promises were kept");
        }
        for (Tally.What what : missing) {
            output.out().println("never happened, so nothing is known about it: " + label(what));
        }
        for (Simulator.Outcome failure : result.failures()) {
            output.out().printf(Locale.ROOT, "seed %d: %s%n", failure.seed(), failure.violation());
        }
    }

    private static String label(Tally.What what) {
        return what.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private void printJson(Campaign.Result result) {
        Json counts = new Json();
        for (Tally.What what : Tally.What.values()) {
            counts.put(camel(what), result.tally().of(what));
        }
        List<Json> failures = new ArrayList<>();
        for (Simulator.Outcome failure : result.failures()) {
            failures.add(new Json().put("seed", failure.seed()).put("violation", failure.violation()));
        }
        output.out()
                .println(new Json()
                        .put("histories", result.played())
                        .put("from", from)
                        .put("replayed", result.replayed())
                        .put("seconds", result.seconds())
                        .put("threads", threads)
                        .put("holds", result.holds())
                        .put("counts", counts)
                        .put("failures", failures)
                        .text());
    }

    private static String camel(Tally.What what) {
        StringBuilder text = new StringBuilder();
        for (String word : what.name().toLowerCase(Locale.ROOT).split("_", -1)) {
            text.append(text.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return text.toString();
    }

    /// Tells the first failure again, or all that was asked for, event by event.
    private void traceFailures(Campaign.Result result) {
        List<Long> told = new ArrayList<>();
        if (trace) {
            for (long seed = from; seed < from + seeds; seed++) {
                told.add(seed);
            }
        } else if (!result.holds()) {
            told.add(result.failures().getFirst().seed());
        }
        for (long seed : told) {
            Simulator.Outcome again = Simulator.play(seed, null, true);
            output.err().println("seed " + seed + ", event by event:");
            again.trace().forEach(output.err()::println);
            output.err()
                    .println("seed " + seed + ": " + (again.holds() ? "all promises were kept" : again.violation()));
        }
    }
}
