package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.wire.FrameType;
import io.weir.wire.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConnectionTest {
    private static final int DIM = 256;
    private static final long MIB = 1 << 20;

    private WeirServer server;

    @BeforeEach
    void start() throws IOException {
        server = TestServers.start(DIM);
    }

    @AfterEach
    void stop() {
        TestServers.stop(server);
    }

    @Test
    void servesFramesThatComeByteByByte() throws IOException {
        try (RawClient client = new RawClient(server)) {
            ByteBuffer frames = RawClient.buffer(4096);
            for (ByteBuffer frame : List.of(
                    client.control(new Message.Hello(1, 1, 0, "slow")),
                    client.control(RawClient.ATTACH),
                    RawClient.push(0, 1, 0, DIM, new long[] {RawClient.keyOf(0, 1)}, ones()),
                    RawClient.pull(0, DIM, RawClient.keyOf(0, 1)))) {
                frames.put(frame.position(0));
            }
            for (int i = 0; i < frames.position(); i++) {
                client.write(new byte[] {frames.get(i)});
            }
            assertThat(client.expect().type()).isEqualTo(FrameType.HELLO_REPLY);
            assertThat(client.expect().type()).isEqualTo(FrameType.OK);
            assertThat(client.expect().type()).isEqualTo(FrameType.ACK);
            assertThat(client.expect().rows()).containsOnly(-1);
        }
    }

    private static float[] ones() {
        float[] ones = new float[DIM];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Test
    void forgetsAClientThatGoesInTheMiddleOfAFrame() throws IOException {
        int before = server.connectionCount();
        for (int part : new int[] {0, 1, 23, 24, 60, 130}) {
            try (RawClient client = RawClient.attached(server)) {
                byte[] frame = RawClient.bytes(RawClient.pull(0, DIM, new long[10]));
                client.write(Arrays.copyOf(frame, part));
            }
        }
        Eventually.await("the connections are forgotten", () -> server.connectionCount() <= before);
        try (Witness witness = new Witness(server)) {
            witness.look();
        }
    }

    @Test
    void holdsTwoThousandIdleConnections() throws IOException {
        long direct = TestServers.directBytes();
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 2000; i++) {
                clients.add(RawClient.attached(server));
            }
            assertThat(server.connectionCount()).isGreaterThanOrEqualTo(2000);
            for (RawClient client : clients) {
                assertThat(client.ask(new Message.Ping())).isEqualTo(new Message.Ok());
            }
            try (Witness witness = new Witness(server)) {
                witness.look();
            }
            assertThat(TestServers.directBytes() - direct).as("direct memory").isLessThan(32 * MIB);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }

    @Test
    void boundsWhatItHoldsForAClientThatDoesNotRead() throws Exception {
        int pulls = 400;
        long[] keys = new long[1024];
        Arrays.fill(keys, RawClient.keyOf(0, 1));
        byte[] frame = RawClient.bytes(RawClient.pull(0, DIM, keys));
        long direct = TestServers.directBytes();
        try (RawClient client = RawClient.attached(server);
                Witness witness = new Witness(server)) {
            CompletableFuture<Void> sending =
                    CompletableFuture.runAsync(() -> pipeline(client, frame, pulls), Thread::startVirtualThread);
            for (int i = 0; i < 500; i++) {
                witness.look();
            }
            assertThat(TestServers.directBytes() - direct).as("direct memory").isLessThan(32 * MIB);
            // Once it reads, everything comes.
            read(client, pulls);
            sending.join();
        }
    }

    @Test
    void keepsItsMemoryApartWhenClientsResetInTheMiddleOfAnswers() throws Exception {
        long[] keys = new long[256];
        Arrays.fill(keys, RawClient.keyOf(0, 1));
        ByteBuffer frame = RawClient.pull(0, DIM, keys);
        ByteBuffer burst = RawClient.buffer(60 * frame.capacity());
        while (burst.hasRemaining()) {
            burst.put(frame.position(0));
        }
        try (Witness first = new Witness(server);
                Witness second = new Witness(server)) {
            for (int i = 0; i < 300; i++) {
                try (RawClient client = RawClient.attached(server)) {
                    client.write(burst);
                    client.expect();
                    client.reset();
                }
                (i % 2 == 0 ? first : second).look();
            }
        }
    }

    @Test
    void answersEverythingToClientsThatCompeteForAShard() throws Exception {
        int bursts = 10;
        int pulls = 3;
        long[] keys = new long[8 * 1024];
        Arrays.fill(keys, RawClient.keyOf(0, 1));
        byte[] frame = RawClient.bytes(RawClient.pull(0, DIM, keys));
        try (RawClient first = RawClient.attached(server);
                RawClient second = RawClient.attached(server);
                RawClient third = RawClient.attached(server)) {
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (RawClient client : List.of(first, second, third)) {
                all.add(CompletableFuture.runAsync(
                        () -> {
                            for (int i = 0; i < bursts; i++) {
                                pipeline(client, frame, pulls);
                                read(client, pulls);
                            }
                        },
                        Thread::startVirtualThread));
            }
            for (CompletableFuture<Void> one : all) {
                one.join();
            }
        }
    }

    private static void pipeline(RawClient client, byte[] frame, int count) {
        try {
            for (int i = 0; i < count; i++) {
                client.write(frame);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void read(RawClient client, int count) {
        try {
            for (int i = 0; i < count; i++) {
                assertThat(client.expect().type()).as("answer %d", i).isEqualTo(FrameType.ROWS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
