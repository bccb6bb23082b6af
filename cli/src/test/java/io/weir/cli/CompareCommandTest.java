package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Weir;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompareCommandTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void trainsUnderEachConsistencyAndDrawsTheLosses() throws IOException {
        Path picture = folder.resolve("compare.svg");
        Ran ran = Ran.weir(
                "compare",
                "--rows",
                "40000",
                "--features",
                "2000",
                "--straggler",
                "3x:1",
                "--workers",
                "2",
                "--out",
                picture.toString());
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
        assertThat(ran.out())
                .contains("2 workers, worker 1 slowed down 3 times", "loss on 2,000 held-out examples")
                .containsPattern("(?m)^bsp +[0-9.]+ +40,000 ")
                .containsPattern("(?m)^ssp:4 +[0-9.]+ +40,000 ")
                .containsPattern("(?m)^asp +[0-9.]+ +40,000 .*(faster|slower|1.00x)$");
        assertThat(ran.err()).contains("training with ssp:4");
        assertThat(Files.readString(picture)).startsWith("<svg ").contains(">ssp:4<", "held-out");
    }

    @Test
    void comparesOnServersAndLeavesNoTableBehind() throws IOException {
        String data = folder.resolve("ctr.svm").toString();
        Ran.weir("datagen", "ctr", "--rows", "20000", "--features", "400", "--nonzeros", "8", "--out", data);
        try (TestServer server = TestServer.start(3);
                Weir weir = Weir.connect(server.address())) {
            String[] command = {
                "compare", "--json", "--consistency", "asp,bsp", "--data", data, "--servers", server.address()
            };
            Ran ran = Ran.weir(command);
            assertThat(ran.exitCode()).as(ran.err()).isEqualTo(Exit.OK);
            assertThat(ran.out()).contains("\"name\":\"asp\"", "\"name\":\"bsp\"", "before they were learned from");
            assertThat(weir.tables()).isEmpty();
            assertThat(weir.runs())
                    .hasSize(4)
                    .allMatch(run -> weir.runStatus(run).isFinished());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--consistency|bsp,soon|consistency must be bsp, asp, or ssp:N",
                "--straggler|fast|straggler must be a factor and perhaps a worker, such as 5x or 5x:2: straggler=fast",
                "--straggler|5x:4|the straggler must be one of the workers: worker=4, workers=4",
                "--straggler|0.5x|slowdown must be from 1 to 1000 times",
                "--target-loss|-1|target loss must be above 0",
                "--test|x.svm|--test goes with --data"
            })
    void refusesWhatMakesNoSense(String option, String value, String message) {
        Ran ran = Ran.weir("compare", option, value);
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).startsWith("weir compare: ").contains(message);
    }
}
