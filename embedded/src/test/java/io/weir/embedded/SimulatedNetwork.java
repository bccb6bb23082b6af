package io.weir.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.internal.ReplyHandler;
import io.weir.client.internal.Request;
import io.weir.client.internal.ShardTransport;
import io.weir.model.ErrorCode;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.server.ServerNode;
import io.weir.server.ShardGate;
import io.weir.shard.Answer;
import io.weir.shard.Effects;
import io.weir.shard.Parked;
import io.weir.shard.Shard;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.Message;
import io.weir.wire.MessageCodec;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/// Servers, and a network to them that delays frames, cuts connections, delivers frames of a cut connection when
/// nobody expects them any more, and refuses for load as it pleases; all from one seed and on one thread. The clients
/// on it are real, and so are their frames, the shards and their control; a
/// frame is copied off its buffer when it is sent, and its checksums are verified when it arrives.
///
/// Nothing moves by itself: whoever waits moves things on, one random step at a time.
final class SimulatedNetwork {
    private final Random random;
    private final ShardMap map;
    private final List<ServerNode> nodes = new ArrayList<>();
    private final List<Connections> clients = new ArrayList<>();
    private final Checksum checksum = new Checksum();
    private final Map<Place, Long> lastApplied = new HashMap<>();
    private boolean calm;
    private long applied;
    private long cuts;
    private long gaps;
    private long lateFrames;

    /// Where a worker's pushes must stay in order.
    private record Place(long run, int worker, int generation, int shard) {}

    /// A frame on its way: the bytes as they were sent.
    private record Envelope(Request request, ByteBuffer bytes) {}

    /// What a server said, on its way back.
    private record Reply(Request request, Runnable delivery) {}

    SimulatedNetwork(Random random, int servers, int shardsPerServer) {
        this.random = random;
        List<ShardMap.Server> list = new ArrayList<>();
        for (int i = 0; i < servers; i++) {
            nodes.add(new ServerNode(shardsPerServer, 1L << 30));
            list.add(new ShardMap.Server(new ServerAddress("simulated", 1 + i), shardsPerServer));
        }
        map = new ShardMap(1, list);
    }

    ShardTransport connect(ReplyHandler handler) {
        Connections connections = new Connections(handler);
        clients.add(connections);
        return connections;
    }

    /// From now on nothing is lost or refused any more.
    void calmDown() {
        calm = true;
    }

    /// Pushes that shards applied.
    long applied() {
        return applied;
    }

    long cuts() {
        return cuts;
    }

    long gaps() {
        return gaps;
    }

    /// Frames that came after their connection was lost.
    long lateFrames() {
        return lateFrames;
    }

    void step() {
        clients.get(random.nextInt(clients.size())).step();
    }

    void close() {
        nodes.forEach(ServerNode::close);
    }

    /// One client's connections, one to each server.
    private final class Connections implements ShardTransport {
        private final ReplyHandler handler;
        private final List<ArrayDeque<Envelope>> outgoing = new ArrayList<>();
        private final List<ArrayList<Reply>> incoming = new ArrayList<>();
        private final List<ArrayList<Envelope>> late = new ArrayList<>();
        private final List<Resend> later = new ArrayList<>();

        Connections(ReplyHandler handler) {
            this.handler = handler;
            for (int i = 0; i < nodes.size(); i++) {
                outgoing.add(new ArrayDeque<>());
                incoming.add(new ArrayList<>());
                late.add(new ArrayList<>());
            }
        }

        @Override
        public ShardMap map() {
            return map;
        }

        @Override
        public boolean checksums() {
            return true;
        }

        @Override
        public void send(Request request) {
            checksum.sealHeader(request.frame().clear(), 0);
            ByteBuffer bytes = ByteBuffer.allocateDirect(request.length()).order(ByteOrder.LITTLE_ENDIAN);
            bytes.put(0, request.frame(), 0, request.length());
            outgoing.get(request.server()).addLast(new Envelope(request, bytes));
        }

        @Override
        public void push() {}

        @Override
        public void settle() {}

        @Override
        public void poll() {
            for (int i = random.nextInt(4); i > 0; i--) {
                SimulatedNetwork.this.step();
            }
        }

        @Override
        public boolean await(Waitable condition, long deadlineNs) {
            for (int steps = 0; !condition.holds(); steps++) {
                assertThat(steps).as("steps until what is awaited").isLessThan(200_000);
                SimulatedNetwork.this.step();
            }
            return true;
        }

        @Override
        public void resendLater(Resend resend, int delayMs) {
            later.add(resend);
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {}

        void step() {
            int server = random.nextInt(nodes.size());
            int kind = random.nextInt(100);
            if (kind < 4) {
                ArrayList<Envelope> delayed = late.get(server);
                if (!delayed.isEmpty()) {
                    arriveLate(server, delayed.remove(random.nextInt(delayed.size())));
                }
            } else if (kind < 48) {
                Envelope envelope = outgoing.get(server).pollFirst();
                if (envelope != null) {
                    arrive(server, envelope);
                }
            } else if (kind < 92) {
                ArrayList<Reply> replies = incoming.get(server);
                if (!replies.isEmpty()) {
                    replies.remove(random.nextInt(replies.size())).delivery().run();
                }
            } else if (kind < 98) {
                if (!later.isEmpty()) {
                    later.remove(random.nextInt(later.size())).run();
                }
            } else if (!calm && !hasControl(server)) {
                cut(server);
            }
        }

        /// Control calls fail with their connection, and their callers repeat them; here they are let through.
        private boolean hasControl(int server) {
            return Stream.concat(
                            outgoing.get(server).stream().map(Envelope::request),
                            incoming.get(server).stream().map(Reply::request))
                    .anyMatch(request -> !FrameType.isData(request.type()));
        }

        /// Some of what was on its way still arrives, some of it much later; every answer is lost, and the client is
        /// told.
        private void cut(int server) {
            cuts++;
            int arriving = random.nextInt(outgoing.get(server).size() + 1);
            for (int i = 0; i < arriving; i++) {
                arrive(server, outgoing.get(server).removeFirst());
            }
            List<Request> lost = new ArrayList<>();
            for (Envelope envelope : outgoing.get(server)) {
                lost.add(envelope.request());
                if (random.nextBoolean()) {
                    late.get(server).add(envelope);
                }
            }
            incoming.get(server).forEach(reply -> lost.add(reply.request()));
            outgoing.get(server).clear();
            incoming.get(server).clear();
            Collections.shuffle(lost, random);
            for (Request request : lost) {
                handler.lost(request, "the connection was cut");
            }
        }

        private void reply(int server, Request request, Runnable delivery) {
            incoming.get(server).add(new Reply(request, delivery));
        }

        private void refuse(int server, Request request, ErrorCode code, int retryAfterMs) {
            reply(
                    server,
                    request,
                    () -> handler.refused(request, code, false, retryAfterMs, "as the seed will have it"));
        }

        private void arrive(int server, Envelope envelope) {
            ByteBuffer bytes = envelope.bytes();
            Request request = envelope.request();
            requireValid(bytes);
            if (!FrameType.isData(FrameLayout.type(bytes, 0))) {
                control(server, request, MessageCodec.decode(bytes, 0));
                return;
            }
            ShardGate gate = nodes.get(server).gate(DataLayout.shard(bytes, 0));
            assertThat(gate).isNotNull();
            if (!calm && random.nextInt(12) == 0) {
                refuse(server, request, ErrorCode.BUSY, random.nextInt(2));
                return;
            }
            gate.call(shard -> {
                accept(server, envelope, shard);
                return 0;
            });
        }

        /// A server that has not noticed yet that the connection is gone; its answer goes nowhere.
        private void arriveLate(int server, Envelope envelope) {
            lateFrames++;
            int answers = incoming.get(server).size();
            arrive(server, envelope);
            List<Reply> waiting = incoming.get(server);
            while (waiting.size() > answers) {
                waiting.removeLast();
            }
        }

        private void requireValid(ByteBuffer bytes) {
            try {
                int header =
                        FrameLayout.checkHeader(bytes, 0, bytes.capacity(), Limits.MAX_FRAME_BYTES, true, checksum);
                assertThat(header).isPositive();
                assertThat(checksum.matchesPayload(bytes, 0)).isTrue();
                if (FrameType.isData(FrameLayout.type(bytes, 0))) {
                    DataLayout.check(bytes, 0);
                }
            } catch (WeirException e) {
                throw new AssertionError("a client sends what can be read", e);
            }
        }

        private void accept(int server, Envelope envelope, Shard shard) {
            ByteBuffer bytes = envelope.bytes();
            boolean numbered = FrameType.isNumbered(FrameLayout.type(bytes, 0));
            long number = DataLayout.number(bytes, 0);
            long last = shard.entry(new WorkerId(DataLayout.run(bytes, 0), DataLayout.worker(bytes, 0), 1), -1)
                    .lastNumber();
            boolean next = numbered
                    && number > last
                    && DataLayout.previousNumber(bytes, 0) == last
                    && !DataLayout.isWithdrawn(bytes, 0);
            boolean stores = FrameLayout.type(bytes, 0) != FrameType.TICK;
            if (next && stores && !calm && random.nextInt(25) == 0) {
                // As the shard itself does where its memory ends: before the order, the number stays free.
                refuse(server, envelope.request(), ErrorCode.MEMORY_EXCEEDED, 0);
                return;
            }
            long position = shard.position();
            Answering answering = new Answering(server, envelope.request());
            shard.accept(bytes, MemorySegment.ofBuffer(bytes), 0, answering);
            if (shard.position() > position && !DataLayout.isWithdrawn(bytes, 0)) {
                Place place = new Place(
                        DataLayout.run(bytes, 0),
                        DataLayout.worker(bytes, 0),
                        DataLayout.generation(bytes, 0),
                        shard.index());
                assertThat(lastApplied.getOrDefault(place, 0L))
                        .as("pushes stay in order: %s", place)
                        .isLessThan(number);
                lastApplied.put(place, number);
                applied++;
            }
        }

        private void control(int server, Request request, Message message) {
            Message.Attach attach =
                    new Message.Attach(map.version(), map.hash(), map.firstShardOf(server), map.shardCount());
            Answer answer = new Answer() {
                @Override
                public void reply(Message said) {
                    Connections.this.reply(server, request, () -> handler.replied(request, said));
                }

                @Override
                public void refuse(ErrorCode code, String text) {
                    Connections.this.reply(server, request, () -> handler.refused(request, code, false, 0, text));
                }
            };
            try {
                nodes.get(server).handle(message, attach, answer);
            } catch (WeirException e) {
                answer.refuse(e.code(), e.getMessage());
            }
        }

        /// The effects of a shard as a reply on its way back.
        private final class Answering implements Effects {
            private final int server;
            private final Request request;
            private final ByteBuffer rows =
                    ByteBuffer.allocateDirect(MAX_ROOM_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            private int filled;
            private int rowLength;

            Answering(int server, Request request) {
                this.server = server;
                this.request = request;
            }

            @Override
            public void beginRows(long requestId, long number, int count, int length) {
                rowLength = length;
            }

            @Override
            public void beginScan(long requestId, long cursor, int count, int valueLength) {
                throw new IllegalStateException("nobody scans here");
            }

            @Override
            public MemorySegment room(int bytes) {
                return MemorySegment.ofBuffer(rows);
            }

            @Override
            public long roomOffset() {
                return filled;
            }

            @Override
            public void filled(int bytes) {
                filled += bytes;
            }

            @Override
            public void endRows() {
                FloatBuffer floats = rows.asFloatBuffer();
                int count = filled / Float.BYTES / rowLength;
                reply(server, request, () -> {
                    handler.rows(request, floats, 0, 0, count);
                    handler.answered(request);
                });
            }

            @Override
            public void acknowledge(long requestId, int shard, long number) {
                reply(server, request, () -> handler.answered(request));
            }

            @Override
            public Parked park(ByteBuffer frame, int at) {
                throw new IllegalStateException("nobody waits for anybody here");
            }

            @Override
            public void refuse(long id, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
                gaps += code == ErrorCode.GAP ? 1 : 0;
                reply(server, request, () -> handler.refused(request, code, ordered, retryAfterMs, message));
            }
        }
    }
}
