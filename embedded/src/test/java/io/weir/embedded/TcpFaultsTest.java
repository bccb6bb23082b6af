package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.ClientConfig;
import io.weir.client.PushPendingException;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.model.Compression;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.ServerAddress;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Real clients and servers with a [FaultyProxy] between them. Receipts tell what became of each push: it adds 1 to
/// keys that no other push has.
class TcpFaultsTest {
    private static final TableSpec SPEC = TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd(rate=1)"));
    private static final int RECEIPTS = 20;

    private static ClientConfig config(Duration deadline) {
        return ClientConfig.defaults().withDeadline(deadline);
    }

    private static final ClientConfig PATIENT = config(Duration.ofSeconds(60));
    private static final ClientConfig IMPATIENT = config(Duration.ofMillis(300));

    private static long[] receipts(int push) {
        long[] keys = new long[RECEIPTS];
        Arrays.setAll(keys, i -> 1000L + (long) push * RECEIPTS + i);
        return keys;
    }

    private static float[] ones(int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static void assertFails(ThrowingCallable call, ErrorCode code, String... parts) {
        assertThatThrownBy(call).isInstanceOfSatisfying(WeirException.class, e -> {
            assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
            assertThat(List.of(parts))
                    .allSatisfy(part -> assertThat(e.getMessage()).contains(part));
        });
    }

    @Test
    void appliesEachPushOnceThroughRepeatedCuts() throws Exception {
        playThroughCuts(Compression.none());
    }

    /// Each value is sent whole at once with this threshold, but by way of the residual.
    @Test
    void appliesEachCompressedPushOnceThroughRepeatedCuts() throws Exception {
        playThroughCuts(Compression.twoBit(1));
    }

    private static void playThroughCuts(Compression compression) throws Exception {
        for (long seed = 1; seed <= 3; seed++) {
            try (Cluster cluster = Cluster.tcp(2, 2);
                    FaultyProxy first =
                            new FaultyProxy(seed, cluster.addresses().get(0));
                    FaultyProxy second =
                            new FaultyProxy(seed + 100, cluster.addresses().get(1));
                    Weir weir = Weir.connect(List.of(first.address(), second.address()), PATIENT);
                    Run run = weir.join(RunOptions.of("r", 0, 1))) {
                Table table = run.table(SPEC).compressed(compression);
                first.cutAfter(6000);
                second.cutAfter(9000);
                playReceipts(seed, table, 400);
                first.cutAfter(0);
                second.cutAfter(0);
                assertThat(first.cuts()).as("seed=%d", seed).isPositive();
                assertThat(second.cuts()).as("seed=%d", seed).isPositive();
                first.heal();
                second.heal();
                run.finish();
            }
        }
    }

    /// Pushes in all ways, reads while it goes on, and looks at every receipt in the end.
    private static void playReceipts(long seed, Table table, int pushes) throws Exception {
        Random random = new Random(seed);
        List<CompletableFuture<Void>> results = new ArrayList<>();
        for (int push = 0; push < pushes; push++) {
            long[] keys = Arrays.copyOf(receipts(push), RECEIPTS + 1);
            keys[RECEIPTS] = 7;
            int verb = random.nextInt(4);
            if (verb == 0) {
                table.push(keys, ones(RECEIPTS + 1));
                assertThat(table.pull(receipts(push)))
                        .as("seed=%d, push=%d", seed, push)
                        .containsOnly(-1f);
            } else if (verb == 1) {
                float[] rows = new float[RECEIPTS + 1];
                table.pushPull(keys, ones(RECEIPTS + 1), rows);
                assertThat(Arrays.copyOf(rows, RECEIPTS))
                        .as("seed=%d, push=%d", seed, push)
                        .containsOnly(-1f);
            } else if (verb == 2) {
                results.add(table.pushPullAsync(keys, ones(RECEIPTS + 1), new float[RECEIPTS + 1]));
            } else {
                results.add(table.pushAsync(keys, ones(RECEIPTS + 1)));
            }
        }
        for (CompletableFuture<Void> result : results) {
            result.get(60, TimeUnit.SECONDS);
        }
        for (int push = 0; push < pushes; push++) {
            assertThat(table.pull(receipts(push)))
                    .as("seed=%d, push=%d", seed, push)
                    .containsOnly(-1f);
        }
        assertThat(table.pull(new long[] {7})).as("seed=%d", seed).containsExactly(-pushes);
    }

    @Test
    void keepsItsPromisesWhenBitsFlip() throws Exception {
        long seed = 5;
        try (Cluster cluster = Cluster.tcp(1, 4);
                FaultyProxy proxy = new FaultyProxy(seed, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), PATIENT);
                Run run = weir.join(RunOptions.of("r", 0, 1))) {
            Table table = run.table(SPEC);
            proxy.flipAfter(60_000);
            List<CompletableFuture<Void>> results = new ArrayList<>();
            int pushes = 1500;
            for (int push = 0; push < pushes; push++) {
                results.add(table.pushAsync(receipts(push), ones(RECEIPTS)));
            }
            proxy.heal();
            // A flipped length may have left both sides waiting for the rest of a frame; more bytes resolve it.
            for (CompletableFuture<Void> result : results) {
                while (!result.isDone()) {
                    table.pullAsync(new long[] {1, 2, 3, 4, 5, 6, 7, 8}, new float[8])
                            .get(60, TimeUnit.SECONDS);
                }
                result.get(60, TimeUnit.SECONDS);
            }
            assertThat(proxy.flips()).isPositive();
            for (int push = 0; push < pushes; push++) {
                assertThat(table.pull(receipts(push))).as("push=%d", push).containsOnly(-1f);
            }
        }
    }

    /// As when a router has forgotten a connection: no end is told, and bytes go nowhere.
    @Test
    void replacesAConnectionThatIsSilentBeforeTheDeadline() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), config(Duration.ofSeconds(9)))) {
            weir.create(SPEC);
            Table table = weir.table("t");
            table.push(receipts(0), ones(RECEIPTS));
            proxy.stall();
            table.push(receipts(0), ones(RECEIPTS));
            assertThat(table.pull(receipts(0))).containsOnly(-2f);
            proxy.stall();
            CompletableFuture<Void> unattended = table.pushAsync(receipts(0), ones(RECEIPTS));
            unattended.get(20, TimeUnit.SECONDS);
            assertThat(table.pull(receipts(0))).containsOnly(-3f);
        }
    }

    @Test
    void meetsItsDeadlineWhileAServerIsSilentAndKeepsThePush() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), IMPATIENT)) {
            weir.create(SPEC);
            Table table = weir.table("t");
            table.push(receipts(0), ones(RECEIPTS));
            float[] rows = new float[RECEIPTS];
            Arrays.fill(rows, 42);
            proxy.hold();
            assertFails(
                    () -> table.pull(receipts(0), rows),
                    ErrorCode.DEADLINE_EXCEEDED,
                    "pull was not answered",
                    "deadlineMs=300");
            PushPendingException pending = null;
            try {
                table.push(receipts(1), ones(RECEIPTS));
            } catch (PushPendingException e) {
                pending = e;
            }
            assertThat(pending).isNotNull();
            assertThat(pending.code()).isEqualTo(ErrorCode.DEADLINE_EXCEEDED);
            assertThat(pending.acknowledged()).isNotDone();
            proxy.heal();
            pending.acknowledged().get(60, TimeUnit.SECONDS);
            assertThat(table.pull(receipts(1))).containsOnly(-1f);
            assertThat(rows)
                    .as("an abandoned pull leaves the caller's array alone")
                    .containsOnly(42);
        }
    }

    @Test
    void saysWhichServerCannotBeReached() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), IMPATIENT)) {
            weir.create(SPEC);
            Table table = weir.table("t");
            table.push(receipts(0), ones(RECEIPTS));
            proxy.refuse();
            assertFails(
                    () -> table.pull(receipts(0)),
                    ErrorCode.UNAVAILABLE,
                    proxy.address().toString());
            List<PushPendingException> pending = new ArrayList<>();
            for (int push = 1; push <= 3; push++) {
                long[] keys = receipts(push);
                assertThatThrownBy(() -> table.push(keys, ones(RECEIPTS)))
                        .isInstanceOfSatisfying(PushPendingException.class, pending::add)
                        .hasMessageContaining(proxy.address().toString());
            }
            proxy.heal();
            for (PushPendingException one : pending) {
                one.acknowledged().get(60, TimeUnit.SECONDS);
            }
            for (int push = 0; push <= 3; push++) {
                assertThat(table.pull(receipts(push))).containsOnly(-1f);
            }
        }
    }

    @Test
    void boundsWhatIsUnderWayWhileAServerIsSilentAndLosesNothing() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(List.of(proxy.address()), IMPATIENT.withMaxInFlight(1000))) {
            weir.create(SPEC);
            Table table = weir.table("t");
            proxy.hold();
            List<CompletableFuture<Void>> results = new ArrayList<>();
            int refused = 0;
            for (int push = 0; refused < 3; push++) {
                try {
                    results.add(table.pushAsync(receipts(push), ones(RECEIPTS)));
                } catch (WeirException e) {
                    assertThat(e.code()).isEqualTo(ErrorCode.DEADLINE_EXCEEDED);
                    refused++;
                }
                assertThat(push).isLessThan(100);
            }
            proxy.heal();
            for (CompletableFuture<Void> result : results) {
                result.get(60, TimeUnit.SECONDS);
            }
            for (int push = 0; push < results.size(); push++) {
                assertThat(table.pull(receipts(push))).containsOnly(-1f);
            }
            for (int push = results.size(); push < results.size() + 3; push++) {
                assertThat(table.pull(receipts(push)))
                        .as("refused before it was sent")
                        .containsOnly(0f);
            }
        }
    }

    @Test
    void countsACallThatFailedBeforeItWasSentAsOver() throws Exception {
        try (Cluster cluster = Cluster.tcp(1, 2);
                FaultyProxy proxy = new FaultyProxy(1, cluster.addresses().get(0));
                Weir weir = Weir.connect(
                        List.of(proxy.address()), config(Duration.ofMillis(50)).withMaxInFlight(80))) {
            weir.create(SPEC);
            Table table = weir.table("t");
            proxy.hold();
            int sent = 0;
            for (int push = 0; push < 110; push++) {
                try {
                    var _ = table.pushAsync(receipts(push), ones(RECEIPTS));
                    sent++;
                } catch (WeirException e) {
                    assertThat(e.getMessage()).contains("an earlier push was not answered");
                }
            }
            assertThat(sent).isLessThan(80);
        }
    }

    @Test
    void saysThatAServerWasRestarted() throws Exception {
        ServerConfig config =
                ServerConfig.defaults().withPort(0).withShardCount(2).withMemoryCapBytes(64 << 20);
        WeirServer first = WeirServer.start(config);
        WeirServer second = null;
        int port = first.address().getPort();
        try (Weir weir = Weir.connect(List.of(new ServerAddress("127.0.0.1", port)), config(Duration.ofSeconds(9)))) {
            weir.create(SPEC);
            Table table = weir.table("t");
            table.push(receipts(0), ones(RECEIPTS));
            first.close();
            second = WeirServer.start(config.withPort(port));
            assertFails(
                    () -> table.push(receipts(1), ones(RECEIPTS)),
                    ErrorCode.SERVER_RESTARTED,
                    "127.0.0.1:" + port,
                    "was restarted");
            assertFails(() -> table.pull(receipts(0)), ErrorCode.SERVER_RESTARTED, "127.0.0.1:" + port);
            assertThat(table.pushAsync(receipts(2), ones(RECEIPTS)))
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableThat()
                    .withCauseInstanceOf(WeirException.class);
            try (Weir again = Weir.connect("127.0.0.1:" + port)) {
                assertThat(again.tables()).isEmpty();
            }
        } finally {
            first.close();
            if (second != null) {
                second.close();
            }
        }
    }

    @Test
    void saysWhatIsWrongWithAnAddress() throws Exception {
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = unused.getLocalPort();
        }
        assertFails(
                () -> Weir.connect("127.0.0.1:" + port).close(),
                ErrorCode.UNAVAILABLE,
                "127.0.0.1:" + port,
                "nothing listens there",
                "weir server --port " + port);
        // An HTTP server, and the version byte of a frame of protocol version 2.
        byte[] later = new byte[28];
        later[0] = 28;
        later[6] = 2;
        for (byte[] answer :
                List.of("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".getBytes(), later, new byte[0])) {
            try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                Thread serving = Thread.startVirtualThread(() -> answer(other, answer));
                assertFails(
                        () -> Weir.connect("127.0.0.1:" + other.getLocalPort()).close(),
                        ErrorCode.VERSION_MISMATCH,
                        "127.0.0.1:" + other.getLocalPort(),
                        "no Weir server, or one of another version");
                serving.join();
            }
        }
    }

    private static void answer(ServerSocket listener, byte[] bytes) {
        try (Socket socket = listener.accept()) {
            assertThat(socket.getInputStream().read(new byte[4096])).isPositive();
            OutputStream out = socket.getOutputStream();
            out.write(bytes);
            socket.shutdownOutput();
            while (socket.getInputStream().read() >= 0) {
                // Until the client goes.
            }
        } catch (IOException e) {
            assertThat(e).as("the client went first").isInstanceOf(SocketException.class);
        }
    }

    @Test
    void takesServersInAnyOrderButAllOfThem() {
        try (Cluster cluster = Cluster.tcp(3, 2);
                Weir weir = cluster.connect()) {
            weir.create(SPEC);
            weir.table("t").push(receipts(0), ones(RECEIPTS));
            List<ServerAddress> reversed = cluster.addresses().reversed();
            try (Weir other = Weir.connect(reversed, PATIENT)) {
                assertThat(other.shardMap()).isEqualTo(weir.shardMap());
                assertThat(other.table("t").pull(receipts(0))).containsOnly(-1f);
            }
            assertFails(
                    () -> Weir.connect(reversed.subList(0, 2), PATIENT).close(),
                    ErrorCode.MAP_MISMATCH,
                    "another set of servers",
                    "name the same servers");
            assertFails(() -> Weir.connect(List.of(reversed.get(0)), PATIENT).close(), ErrorCode.MAP_MISMATCH);
            assertThat(weir.table("t").pull(receipts(0))).containsOnly(-1f);
        }
    }

    @Test
    void refusesWhatDoesNotFitIntoMemoryAndGoesOn() {
        long cap = 20 << 20;
        for (Cluster opened : List.of(Cluster.tcp(1, 2, cap), Cluster.embedded(2, cap))) {
            try (Cluster cluster = opened;
                    Weir weir = cluster.connect()) {
                int dim = 1024;
                weir.create(TableSpec.embedding("t", dim, OptimizerSpec.parse("sgd(rate=1)")));
                Table table = weir.table("t");
                int rows = 0;
                WeirException refusal = null;
                while (refusal == null) {
                    try {
                        table.push(new long[] {rows}, ones(dim));
                        rows++;
                    } catch (WeirException e) {
                        refusal = e;
                    }
                    assertThat(rows).isLessThan(10_000);
                }
                assertThat(refusal.code()).isEqualTo(ErrorCode.MEMORY_EXCEEDED);
                assertThat(refusal).hasMessageContaining("table=t").hasMessageContaining("--memory");
                assertThat(rows).isGreaterThan(1000);
                // Nothing is lost, and rows that are there go on.
                List<CompletableFuture<Void>> results = new ArrayList<>();
                for (int row = 0; row < 200; row++) {
                    results.add(table.pushAsync(new long[] {row}, ones(dim)));
                    results.add(table.pushAsync(new long[] {100_000 + row}, ones(dim)));
                }
                for (int i = 0; i < results.size(); i += 2) {
                    results.get(i).join();
                }
                for (int row = 0; row < rows; row++) {
                    float expected = row < 200 ? -2f : -1f;
                    assertThat(table.pull(new long[] {row})).as("row %d", row).containsOnly(expected);
                }
                for (int row = 0; row < 200; row++) {
                    boolean refused = results.get(2 * row + 1).isCompletedExceptionally();
                    assertThat(table.pull(new long[] {100_000 + row})).containsOnly(refused ? 0f : -1f);
                }
            }
        }
    }
}
