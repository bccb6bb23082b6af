package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// `weir train lr` on [Adult]; [TrainOnServersTest] does the like on generated data.
class A9aCommandTest {
    private static final String FTRL = "ftrl(alpha=0.1,beta=1,l1=0,l2=0)";

    private final Adult adult = Adult.orSkip();

    private FlatJson train(String... options) {
        List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "-q"));
        args.addAll(List.of("--data", adult.train().toString()));
        args.addAll(List.of("--test", adult.test().toString()));
        args.addAll(List.of(options));
        return Ran.weir(args.toArray(String[]::new)).json();
    }

    @Test
    void isExactWithFtrlInThisProcessAndOverTcp() throws IOException {
        String[] options = {"--optimizer", FTRL, "--workers", "1", "--batch", "1"};
        FlatJson embedded = train(options);
        assertThat(embedded.real("progressive.logloss")).isCloseTo(0.33446, within(1e-4));
        assertThat(embedded.real("test.auc")).isCloseTo(0.9022, within(5e-4));
        assertThat(embedded.fields()).containsEntry("examples", 32_561L).containsEntry("model.rows", 123L);
        for (int shards : new int[] {1, 3, 8}) {
            try (TestServer server = TestServer.start(shards)) {
                List<String> remote = new ArrayList<>(List.of(options));
                remote.addAll(List.of("--servers", server.address()));
                FlatJson overTcp = train(remote.toArray(String[]::new));
                assertThat(overTcp.fields())
                        .containsEntry("model.hash", embedded.fields().get("model.hash"))
                        .containsEntry("progressive.logloss", embedded.fields().get("progressive.logloss"));
            }
        }
    }

    @Test
    void isExactWithAdaGrad() {
        FlatJson json = train("--optimizer", "adagrad(rate=0.1)", "--workers", "1", "--batch", "1");
        assertThat(json.real("progressive.logloss")).isCloseTo(0.33260, within(1e-4));
    }

    @Test
    void comesNearTheOptimumWithFourWorkers() {
        FlatJson json = train("--workers", "4", "--batch", "256", "--passes", "4", "--shuffle");
        assertThat(json.real("test.auc")).isGreaterThanOrEqualTo(0.901);
        assertThat(json.real("test.logloss")).isLessThanOrEqualTo(0.326);
    }
}
