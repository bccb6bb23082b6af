package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.cli.conformance.ConformanceRule;
import io.weir.cli.conformance.ConformanceRules;
import io.weir.client.ClientConfig;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvType;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/// The rules that `weir conformance` prints, and the command itself.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ConformanceTest {
    private static final List<WeirServer> SERVERS = new ArrayList<>();

    @BeforeAll
    static void start() throws IOException {
        for (int i = 0; i < 2; i++) {
            SERVERS.add(WeirServer.start(
                    ServerConfig.defaults().withPort(0).withShardCount(4).withMemoryCapBytes(512L << 20)));
        }
    }

    @AfterAll
    static void stop() {
        SERVERS.forEach(WeirServer::close);
    }

    /// Workers are threads here, for these are many; the one that dies needs a process.
    @TestFactory
    Stream<DynamicTest> everyRuleHolds() {
        return ConformanceRules.all().stream()
                .filter(rule -> !rule.mortal())
                .map(rule -> DynamicTest.dynamicTest(rule.id(), () -> {
                    ConformanceRule.Alone alone = rule.alone();
                    if (alone != null) {
                        assertThat(alone.got()).as(rule.text()).isEqualTo(rule.expected());
                    } else {
                        assertThat(together(rule)).as(rule.text()).containsOnly(rule.expected());
                    }
                }));
    }

    private static List<String> together(ConformanceRule rule) throws Exception {
        ConformanceRule.Together part = rule.together();
        assertThat(part).isNotNull();
        String addresses = "127.0.0.1:" + SERVERS.get(0).address().getPort() + ",127.0.0.1:"
                + SERVERS.get(1).address().getPort();
        List<String> got = new ArrayList<>();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<String>> workers = new ArrayList<>();
            for (int rank = 0; rank < rule.workers(); rank++) {
                KvConfig config = KvConfig.distributed(KvType.DIST_SYNC, addresses, rank, rule.workers())
                        .withName("test/" + rule.id())
                        .withClient(ClientConfig.defaults().withConnectionsPerServer(1));
                workers.add(threads.submit(() -> part.got(config)));
            }
            for (Future<String> worker : workers) {
                got.add(worker.get(2, TimeUnit.MINUTES));
            }
        }
        return got;
    }

    @Test
    void everyRuleHasANameOfItsOwn() {
        Set<String> names = new HashSet<>();
        for (ConformanceRule rule : ConformanceRules.all()) {
            assertThat(names.add(rule.id())).as(rule.id()).isTrue();
            assertThat(rule.alone() == null).as(rule.id()).isEqualTo(rule.workers() > 0);
        }
    }

    @Test
    void triesRulesWithServerAndWorkerProcesses() {
        Ran ran = Ran.weir(
                "conformance",
                "rounds-4",
                "dead-2",
                "local",
                "downpour-dead-4",
                "downpour-push-4-4",
                "downpour-adagrad-1-4",
                "downpour-warm-4",
                "downpour-async-4",
                "downpour-serial-1");
        assertThat(ran.exitCode()).as(ran.out()).isEqualTo(Exit.OK);
        assertThat(ran.out().lines().map(String::strip))
                .contains(
                        "ok      rounds-4: keys of (2,3) and (1200,1200) from 1, w += 2·sum, worker r pushes r+1: 1 +"
                                + " n(n+1)(i+1) [4 workers]",
                        "got       21 41 61 81 101 121 141",
                        "got       1 dead, 0 to 111",
                        "got       replica 1 fenced, 1280 examples counted once",
                        "9 rules tried, 0 failed");
        FlatJson json = Ran.weir("conformance", "local", "--json").json();
        assertThat(json.fields()).containsEntry("tried", 1L).containsEntry("failed", 0L);
    }

    @Test
    void saysWhichRuleDoesNotHold() {
        ConformanceRule.Together wrong = config -> "rank " + config.rank();
        List<Conformance.Outcome> outcomes = Conformance.run(
                List.of(
                        ConformanceRule.here("a", "holds", "", "1", () -> "1"),
                        ConformanceRule.here("a", "differs", "", "1", () -> "2"),
                        ConformanceRule.here("a", "fails", "", "1", () -> {
                            throw new IOException("no");
                        }),
                        // Worker processes know no such rule.
                        ConformanceRule.among(2, "a", "unknown", "", "1", wrong)),
                List.of("--memory", "64m", "--shards", "1"));
        assertThat(outcomes.stream().map(Conformance.Outcome::isOk)).containsExactly(true, false, false, false);
        assertThat(outcomes.stream().map(Conformance.Outcome::got))
                .containsExactly("1", "2", "failed: java.io.IOException: no", "by rank {}");
    }

    @Test
    void listsRulesAndRefusesUnknownOnes() {
        assertThat(Ran.weir("conformance", "--list").out()).contains("split-1000000-7  splitting: 1000000 elements");
        Ran ran = Ran.weir("conformance", "no-such-rule");
        assertThat(ran.exitCode()).isEqualTo(Exit.NOT_FOUND);
        assertThat(ran.err()).contains("no rule has this name: rule=no-such-rule; --list shows them all");
    }
}
