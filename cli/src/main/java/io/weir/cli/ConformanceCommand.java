package io.weir.cli;

import io.weir.cli.conformance.ConformanceRule;
import io.weir.cli.conformance.ConformanceRules;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weir conformance`.
@Command(
        name = "conformance",
        description = {
            "Try the published rules of MXNet's key-value store, ps-lite, DistBelief and bounded staleness, case by",
            "case, and print what each must come to and what it came to. Those that speak of workers are tried by",
            "worker processes against two server processes."
        },
        footer = {
            "  weir conformance",
            "  weir conformance rounds-4 dead-2 --json",
            "",
            "The exit code is 6 if a rule does not hold."
        })
final class ConformanceCommand extends WeirOptions {
    @Parameters(arity = "0..*", paramLabel = "<rule>", description = "Rules to try. Default: all.")
    List<String> names = new ArrayList<>();

    @Option(names = "--list", description = "Print the rules and try none.")
    boolean list;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @Option(names = "--worker", hidden = true)
    boolean worker;

    ConformanceCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        if (worker) {
            Conformance.work(names, System.getenv(), output);
            return Exit.OK;
        }
        List<ConformanceRule> rules = chosen();
        if (list) {
            rules.forEach(rule -> output.out().println(rule.id() + "  " + rule.section() + ": " + rule.text()));
            return Exit.OK;
        }
        List<Conformance.Outcome> outcomes = Conformance.run(rules, List.of("--memory", "512m", "--shards", "8"));
        long failed = outcomes.stream().filter(outcome -> !outcome.isOk()).count();
        if (json) {
            output.out().println(report(outcomes, failed).text());
        } else {
            print(outcomes, failed);
        }
        return failed == 0 ? Exit.OK : Exit.CHECK_FAILED;
    }

    private List<ConformanceRule> chosen() {
        List<ConformanceRule> rules = new ArrayList<>(ConformanceRules.all());
        for (String name : names) {
            if (rules.stream().noneMatch(rule -> rule.id().equals(name))) {
                throw new CommandException(
                        Exit.NOT_FOUND, "no rule has this name: rule=" + name + "; --list shows them all");
            }
        }
        rules.removeIf(rule -> !names.isEmpty() && !names.contains(rule.id()));
        return rules;
    }

    private static Json report(List<Conformance.Outcome> outcomes, long failed) {
        List<Json> rules = new ArrayList<>();
        for (Conformance.Outcome outcome : outcomes) {
            rules.add(new Json()
                    .put("section", outcome.rule().section())
                    .put("rule", outcome.rule().id())
                    .put("text", outcome.rule().text())
                    .put("workers", outcome.rule().workers())
                    .put("expected", outcome.rule().expected())
                    .put("got", outcome.got())
                    .put("ok", outcome.isOk()));
        }
        return new Json().put("rules", rules).put("tried", outcomes.size()).put("failed", failed);
    }

    private void print(List<Conformance.Outcome> outcomes, long failed) {
        String section = "";
        for (Conformance.Outcome outcome : outcomes) {
            ConformanceRule rule = outcome.rule();
            if (!rule.section().equals(section)) {
                section = rule.section();
                output.out().println(section);
            }
            output.out()
                    .println("  " + (outcome.isOk() ? "ok      " : "FAILED  ") + rule.id() + ": " + rule.text()
                            + (rule.workers() > 0 ? " [" + Quantities.plural(rule.workers(), "worker") + "]" : ""));
            output.out().println("            expected  " + rule.expected());
            output.out().println("            got       " + outcome.got());
        }
        output.out().println(Quantities.plural(outcomes.size(), "rule") + " tried, " + failed + " failed");
    }
}
