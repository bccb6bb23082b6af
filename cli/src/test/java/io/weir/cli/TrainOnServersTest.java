package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Weir;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.wire.FrameLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training against servers over TCP, all in this process.
class TrainOnServersTest {
    @TempDir
    Path folder = Path.of("");

    private String data = "";

    @BeforeEach
    void generate() {
        data = folder.resolve("ctr.svm").toString();
        Ran.weir("datagen", "ctr", "--rows", "2000", "--features", "400", "--nonzeros", "8", "--out", data);
    }

    private Ran train(String servers, String... options) {
        List<String> args = new ArrayList<>(List.of("train", "lr", "--json", "-q", "--workers", "1", "--data", data));
        if (!servers.isEmpty()) {
            args.addAll(List.of("--servers", servers));
        }
        args.addAll(List.of(options));
        return Ran.weir(args.toArray(String[]::new));
    }

    @Test
    void comesToTheSameModelAsInOneProcess() throws IOException {
        String embedded = train("").json().text("model.hash");
        for (int shards : new int[] {1, 3, 8}) {
            try (TestServer server = TestServer.start(shards)) {
                Ran ran = train(server.address());
                assertThat(ran.json().fields())
                        .containsEntry("model.hash", embedded)
                        .containsEntry("shards", (long) shards);
            }
        }
    }

    @Test
    void takesServersInAnyOrderButNotAPartOfThem() throws IOException {
        try (TestServer a = TestServer.start(2);
                TestServer b = TestServer.start(3)) {
            Ran first = train(a.address() + "," + b.address());
            assertThat(first.json().fields()).containsEntry("shards", 5L);
            Ran swapped = train(b.address() + "," + a.address(), "--run", "second");
            assertThat(swapped.json().fields())
                    .containsEntry("model.hash", first.json().text("model.hash"));

            Ran subset = train(a.address(), "--run", "third");
            assertThat(subset.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(subset.err())
                    .hasLineCount(1)
                    .contains("the tables here were made with another set of servers", "their shards=5, yours=2");
        }
    }

    @Test
    void refusesAFinishedRunUnlessItIsContinued() throws IOException {
        try (TestServer server = TestServer.start(3)) {
            assertThat(train(server.address(), "--run", "ctr").exitCode()).isEqualTo(Exit.OK);
            Ran again = train(server.address(), "--run", "ctr");
            assertThat(again.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(again.err())
                    .contains("run is finished", "run=ctr", "train on with --continue, or choose another name");
            Ran continued = train(server.address(), "--run", "ctr", "--continue");
            assertThat(continued.exitCode()).isEqualTo(Exit.OK);
            assertThat(continued.json().fields())
                    .containsEntry(
                            "model.hash", train("", "--passes", "2").json().text("model.hash"));
        }
    }

    @Test
    void refusesTheTableOfAnotherRunUnlessItIsContinued() throws IOException {
        try (TestServer server = TestServer.start(3);
                Weir weir = Weir.connect(server.address())) {
            weir.create(TableSpec.embedding("theirs", 1, OptimizerSpec.parse("adagrad(rate=0.1)")));
            weir.table("theirs").push(new long[] {1}, new float[] {1});
            Ran ran = train(server.address(), "--run", "theirs");
            assertThat(ran.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(ran.err()).contains("table belongs to another run: table=theirs, rows=1, run=theirs");
            assertThat(train(server.address(), "--run", "theirs", "--continue").exitCode())
                    .isEqualTo(Exit.OK);

            weir.create(TableSpec.embedding("prepared", 1, OptimizerSpec.parse("adagrad(rate=0.1)")));
            assertThat(train(server.address(), "--run", "prepared").exitCode()).isEqualTo(Exit.OK);

            weir.create(TableSpec.embedding("other", 1, OptimizerSpec.parse("sgd")));
            Ran other = train(server.address(), "--run", "other");
            assertThat(other.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(other.err()).contains("table exists with another specification", "optimizer: here sgd");
        }
    }

    @Test
    void restoresAModelOnlyIntoAnEmptyTable() throws IOException {
        String model = folder.resolve("model.weir").toString();
        train("", "--model-out", model);
        try (TestServer server = TestServer.start(3)) {
            Ran ran = train(server.address(), "--model-in", model);
            assertThat(ran.json().fields())
                    .containsEntry(
                            "model.hash", train("", "--passes", "2").json().text("model.hash"));
            Ran again = train(server.address(), "--model-in", model, "--continue");
            assertThat(again.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(again.err()).contains("a model is restored into an empty table: table=lr");
        }
    }

    @Test
    void sharesTheExamplesOfARunBetweenProcesses() throws IOException {
        String model = folder.resolve("model.weir").toString();
        train("", "--model-out", model);
        for (String[] more : new String[][] {{}, {"--model-in", model}}) {
            try (TestServer a = TestServer.start(2);
                    TestServer b = TestServer.start(2)) {
                List<String> options = new ArrayList<>(
                        List.of("--run", "ctr", "--worker-count", "2", "--passes", "3", "--test", data));
                options.addAll(List.of(more));
                String servers = a.address() + "," + b.address();
                CompletableFuture<Ran> other = CompletableFuture.supplyAsync(() -> train(servers, with(options, "1")));
                Ran first = train(servers, with(options, "0"));
                Ran second = other.join();
                assertThat(first.err()).isEmpty();
                assertThat(second.err()).isEmpty();
                assertThat(first.json().whole("examples") + second.json().whole("examples"))
                        .isEqualTo(6000);
                assertThat(first.json().fields())
                        .containsEntry("workers", 2L)
                        .containsEntry("shards", 4L)
                        .containsKeys("test.auc", "model.hash");
                assertThat(second.json().fields()).containsEntry("test", "null").containsEntry("model", "null");
            }
        }
    }

    private static String[] with(List<String> options, String workerIndex) {
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of("--worker-index", workerIndex));
        return all.toArray(String[]::new);
    }

    @Test
    void namesTheProcessesThatAreMissing() throws IOException {
        try (TestServer server = TestServer.start(3)) {
            Ran ran = train(server.address(), "--run", "ctr", "--worker-count", "3", "--patience", "2s");
            assertThat(ran.exitCode()).isEqualTo(Exit.UNAVAILABLE);
            assertThat(ran.out()).isEmpty();
            assertThat(ran.err())
                    .contains(
                            "nothing has moved in the run for 2.0 s: run=ctr",
                            "missing: worker-index 1 never joined; worker-index 2 never joined",
                            "raise --patience")
                    .doesNotContain("worker-index 0 ");
            Ran first = train(server.address(), "--run", "ctr", "--worker-count", "2");
            assertThat(first.exitCode()).isEqualTo(Exit.CONFLICT);
            assertThat(first.err())
                    .contains(
                            "run exists with another specification: run=ctr, workers: here 3, there 2",
                            "the same --data");
        }
    }

    @Test
    void saysThatARunIsTakenUpThatWasNotFinished() throws IOException {
        try (TestServer server = TestServer.start(3)) {
            String broken = folder.resolve("broken.svm").toString();
            java.nio.file.Files.writeString(Path.of(broken), "1 1:1\n1 x\n");
            assertThat(Ran.weir("train", "lr", "--data", broken, "--servers", server.address(), "--workers", "1")
                            .exitCode())
                    .isEqualTo(Exit.FAILURE);
            Ran ran = train(server.address());
            assertThat(ran.exitCode()).isEqualTo(Exit.OK);
            assertThat(ran.err())
                    .contains("the run was begun before and not finished")
                    .contains("run=lr");
        }
    }

    @Test
    void saysThatAServerIsNotThere() throws IOException {
        int port;
        try (TestServer server = TestServer.start(1)) {
            port = server.port();
        }
        Ran ran = train("127.0.0.1:" + port);
        assertThat(ran.exitCode()).isEqualTo(Exit.UNAVAILABLE);
        assertThat(ran.err())
                .contains("server 127.0.0.1:" + port + " cannot be reached", "weir server --port " + port)
                .doesNotContain("\tat ");
    }

    @Test
    void saysThatAServerSpeaksAnotherVersion() throws IOException {
        byte[] http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII);
        try (FakeServer web = new FakeServer(_ -> http);
                FakeServer newer = new FakeServer(TrainOnServersTest::ofNextVersion);
                FakeServer silent = new FakeServer(_ -> new byte[0])) {
            for (FakeServer server : List.of(web, newer, silent)) {
                Ran ran = train(server.address());
                assertThat(ran.exitCode()).isEqualTo(Exit.UNAVAILABLE);
                assertThat(ran.err())
                        .hasLineCount(1)
                        .contains("what answers at " + server.address()
                                + " is no Weir server, or one of another version");
            }
        }
    }

    private static byte[] ofNextVersion(byte[] frame) {
        frame[FrameLayout.VERSION_OFFSET] = FrameLayout.VERSION + 1;
        return frame;
    }

    @Test
    void refusesServersThatAreNoAddresses() {
        Ran ran = train("localhost:many");
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains("server address must be host:port: address=localhost:many");
        Ran embeddedOnly = train("localhost:7700", "--shards", "3");
        assertThat(embeddedOnly.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(train("localhost:7700", "--worker-count", "2").err()).contains("give it with --run");
    }
}
