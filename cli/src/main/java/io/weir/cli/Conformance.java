package io.weir.cli;

import io.weir.cli.conformance.ConformanceRule;
import io.weir.cli.conformance.ConformanceRules;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Tries rules: those of one process here, those of several workers by worker processes against server processes.
/// Confined to one thread.
final class Conformance {
    /// Precedes what a worker process came to, in its output.
    private static final String GOT = "conformance-got ";

    private static final int SERVERS = 2;
    private static final int SECONDS = 60;

    private Conformance() {}

    /// A rule and what it came to.
    record Outcome(ConformanceRule rule, String got) {
        boolean isOk() {
            return got.equals(rule.expected());
        }
    }

    /// Tries all of these rules.
    static List<Outcome> run(List<ConformanceRule> rules, List<String> serverOptions) {
        Map<String, TreeMap<Integer, List<ConformanceRule>>> launches = new TreeMap<>();
        Map<String, String> got = new LinkedHashMap<>();
        for (ConformanceRule rule : rules) {
            if (rule.workers() > 0) {
                launches.computeIfAbsent(rule.mortal() ? rule.id() : "", any -> new TreeMap<>())
                        .computeIfAbsent(rule.workers(), any -> new ArrayList<>())
                        .add(rule);
            }
        }
        launches.values()
                .forEach(byCount -> byCount.forEach((count, those) -> launch(count, those, serverOptions, got)));
        List<Outcome> outcomes = new ArrayList<>();
        for (ConformanceRule rule : rules) {
            ConformanceRule.Alone alone = rule.alone();
            String came = alone == null ? got.getOrDefault(rule.id(), "nothing") : within(alone::got);
            outcomes.add(new Outcome(rule, came));
        }
        return outcomes;
    }

    /// Lets worker processes try rules, one after the other.
    private static void launch(
            int workers, List<ConformanceRule> rules, List<String> serverOptions, Map<String, String> got) {
        List<String> command = new ArrayList<>(
                ChildProcess.builder(List.of("conformance", "--worker")).command());
        rules.forEach(rule -> command.add(rule.id()));
        boolean mortal = rules.stream().anyMatch(ConformanceRule::mortal);
        // A worker that is to die must not end the others.
        List<String> whole = mortal ? new ArrayList<>(List.of("sh", "-c", "\"$@\"; exit 0", "sh")) : new ArrayList<>();
        whole.addAll(command);
        Map<String, Map<String, String>> byRule = new TreeMap<>();
        List<String> said = new ArrayList<>();
        int exitCode = new Launch(workers, SERVERS, "", serverOptions, Hosts.here(), "conformance", whole)
                .run((process, line, error) -> {
                    if (line.startsWith(GOT)) {
                        String[] parts = line.substring(GOT.length()).split(" ", 2);
                        byRule.computeIfAbsent(parts[0], any -> new TreeMap<>()).put(process, parts[1]);
                    } else {
                        said.add("[" + process + "] " + line);
                    }
                });
        for (ConformanceRule rule : rules) {
            Map<String, String> each = byRule.getOrDefault(rule.id(), Map.of());
            int expected = mortal ? workers - 1 : workers;
            TreeSet<String> different = new TreeSet<>(each.values());
            if (each.size() == expected && different.size() == 1) {
                got.put(rule.id(), different.first());
            } else {
                got.put(
                        rule.id(),
                        "by rank " + each + (exitCode == Exit.OK ? "" : ", exitCode=" + exitCode + " " + said));
            }
        }
    }

    /// What a worker process does: tries the rules with these names.
    static void work(List<String> ids, Map<String, String> environment, Output output) {
        KvConfig config = KvConfig.ofEnvironment(KvType.DIST_SYNC, environment);
        for (ConformanceRule rule : ConformanceRules.all()) {
            ConformanceRule.Together together = rule.together();
            if (ids.contains(rule.id()) && together != null) {
                KvConfig own = config.withName(config.name() + "/" + rule.id());
                output.out().println(GOT + rule.id() + " " + within(() -> together.got(own)));
                output.out().flush();
            }
        }
    }

    /// What something comes to, or why it does not come to an end.
    private static String within(Callable<String> part) {
        FutureTask<String> task = new FutureTask<>(part);
        Thread thread = new Thread(task, "weir-conformance");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            return "failed: " + e.getCause();
        } catch (TimeoutException e) {
            return "no end within " + SECONDS + " s";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }
}
