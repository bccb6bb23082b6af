package io.weir.simulator;

import io.weir.client.internal.ReplyHandler;
import io.weir.client.internal.Request;
import io.weir.client.internal.ShardTransport;
import io.weir.model.ErrorCode;
import io.weir.model.ShardMap;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.shard.Answer;
import io.weir.shard.Effects;
import io.weir.shard.Parked;
import io.weir.shard.PlantedBug;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The network between processes and servers: delays frames, each shard's on a connection of its own that keeps their
/// order, cuts connections, and delivers what was on a cut one late, or never, or as if nothing had happened. A
/// frame is copied when it is sent, and its checksums are verified when it arrives. Confined.
final class SimulatedNetwork {
    private static final int FRAME_BYTES = 16 << 10;
    private static final long LATE_US = 1_500_000;

    /// Half of the late frames come when a connection has just been made anew.
    private static final long SOON_US = 25_000;

    private final Timeline timeline;
    private final Tally tally;
    private final ShardMap map;
    private final List<SimulatedServer> servers;
    private final @Nullable PlantedBug bug;
    private final Checksum checksum = new Checksum();
    private final ByteBuffer frame = newBuffer();
    private final MemorySegment frameBytes = MemorySegment.ofBuffer(frame);
    private final ByteBuffer parkedFrame = newBuffer();
    private final MemorySegment parkedBytes = MemorySegment.ofBuffer(parkedFrame);
    private final ByteBuffer rows = newBuffer();
    private final MemorySegment rowBytes = MemorySegment.ofBuffer(rows);
    private final List<Connections> connections = new ArrayList<>();
    private final Map<Place, Decisions> decisions = new HashMap<>();

    /// Where the numbers of a worker must stay in order.
    private record Place(WorkerId worker, int shard) {}

    /// What a shard has decided of a worker.
    private static final class Decisions {
        long decided;
        final Set<Long> withdrawn = new HashSet<>();
    }

    /// Chance of a refusal as busy, one in so many; 0 for none.
    int busyOneIn;

    /// The slowest that a frame may be.
    long slowestUs = 1_500;

    /// @param bug a mistake to make, or null
    SimulatedNetwork(
            Timeline timeline, Tally tally, ShardMap map, List<SimulatedServer> servers, @Nullable PlantedBug bug) {
        this.bug = bug;
        this.timeline = timeline;
        this.tally = tally;
        this.map = map;
        this.servers = servers;
    }

    private static ByteBuffer newBuffer() {
        return ByteBuffer.allocateDirect(FRAME_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// A transport for a process.
    ShardTransport connect(SimulatedProcess process, ReplyHandler handler) {
        Connections made = new Connections(process, handler);
        connections.add(made);
        return made;
    }

    /// Cuts one connection that has something under way.
    ///
    /// @return false if there is none
    boolean cutAny() {
        List<Connections> busy = new ArrayList<>();
        for (Connections each : connections) {
            if (!each.process.isDead() && each.hasOutstanding()) {
                busy.add(each);
            }
        }
        if (busy.isEmpty()) {
            return false;
        }
        Connections chosen = busy.get(timeline.random.nextInt(busy.size()));
        int server = timeline.random.nextInt(servers.size());
        chosen.cut(chosen.outstanding.get(server).isEmpty() ? servers.size() - 1 - server : server);
        return true;
    }

    /// Cuts all connections to one server that have something under way.
    void cutAll(int server) {
        for (Connections each : connections) {
            if (!each.process.isDead() && !each.outstanding.get(server).isEmpty()) {
                each.cut(server);
            }
        }
    }

    /// The process is no more: what it sent arrives or not, and answers go nowhere.
    ///
    /// @return whether a push of it had reached some of its shards and not others
    boolean abandon(SimulatedProcess process) {
        boolean half = false;
        for (Connections each : connections) {
            if (each.process == process) {
                half |= each.abandon();
            }
        }
        connections.removeIf(each -> each.process == process);
        return half;
    }

    /// A frame on its way, as it was sent.
    private static final class Envelope {
        final Request request;
        final byte[] bytes;
        final int server;
        boolean arrived;
        boolean stopped;

        /// Whether its sender still waits for an answer on this connection.
        boolean awaited = true;

        Envelope(Request request, byte[] bytes, int server) {
            this.request = request;
            this.bytes = bytes;
            this.server = server;
        }
    }

    /// One client's connections.
    private final class Connections implements ShardTransport {
        final SimulatedProcess process;
        private final ReplyHandler handler;
        private final List<List<Envelope>> outstanding = new ArrayList<>();

        /// By lane: when the last frame arrives. Each shard has one, and each server one for control.
        private final long[] lastArrivalUs;

        private final long[] connectedUs;

        Connections(SimulatedProcess process, ReplyHandler handler) {
            this.process = process;
            this.handler = handler;
            for (int i = 0; i < servers.size(); i++) {
                outstanding.add(new ArrayList<>());
            }
            lastArrivalUs = new long[map.shardCount() + servers.size()];
            connectedUs = new long[servers.size()];
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
            byte[] bytes = new byte[request.length()];
            request.frame().get(0, bytes);
            int server = request.server();
            Envelope envelope = new Envelope(request, bytes, server);
            tally.add(Tally.What.FRAMES);
            if (process.isDead()) {
                return;
            }
            outstanding.get(server).add(envelope);
            boolean data = FrameType.isData(request.type());
            int lane = data ? request.shard() : map.shardCount() + server;
            long arrivalUs = Math.max(timeline.nowUs(), connectedUs[server]) + timeline.between(100, slowestUs);
            arrivalUs = Math.max(arrivalUs, lastArrivalUs[lane]);
            lastArrivalUs[lane] = arrivalUs;
            timeline.at(arrivalUs, () -> arrive(envelope));
        }

        @Override
        public void push() {}

        @Override
        public void settle() {}

        @Override
        public void poll() {}

        /// Whoever waits lets time pass, for all: what happens meanwhile happens inside this call.
        ///
        /// @throws SimulatedProcess.Died if the process does meanwhile
        @Override
        public boolean await(Waitable condition, long deadlineNs) {
            if (!condition.holds()) {
                tally.add(Tally.What.WAITS);
            }
            while (!condition.holds()) {
                process.requireAlive();
                if (!process.catchUp() && !timeline.play(History.END_US)) {
                    throw new Violation("every call must be answered when the faults are over: " + process.name);
                }
            }
            process.requireAlive();
            return true;
        }

        @Override
        public void resendLater(Resend resend, int delayMs) {
            process.after(delayMs * 1000L, resend::run);
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {}

        boolean hasOutstanding() {
            return outstanding.stream().anyMatch(list -> !list.isEmpty());
        }

        /// Loses the connection to a server. Of what was on its way some arrives as if nothing had happened, some much
        /// later, and some never; no answer comes back, and the client is told.
        void cut(int server) {
            tally.add(Tally.What.CUTS);
            timeline.note(1, server, outstanding.get(server).size());
            if (timeline.isTraced()) {
                timeline.say("cut " + process.name + " from server " + server + ", under way: "
                        + outstanding.get(server).size());
            }
            List<Envelope> lost = new ArrayList<>(outstanding.get(server));
            outstanding.get(server).clear();
            connectedUs[server] = timeline.nowUs() + timeline.between(500, 20_000);
            for (Envelope envelope : lost) {
                envelope.awaited = false;
                if (!envelope.arrived) {
                    disturb(envelope);
                }
            }
            for (int i = lost.size(); i > 1; i--) {
                int other = timeline.random.nextInt(i);
                Envelope swapped = lost.get(i - 1);
                lost.set(i - 1, lost.get(other));
                lost.set(other, swapped);
            }
            process.run(() -> lost.forEach(envelope -> handler.lost(envelope.request, "the connection was cut")));
        }

        private void disturb(Envelope envelope) {
            int fate = timeline.random.nextInt(3);
            if (fate > 0) {
                envelope.stopped = true;
            }
            if (fate == 1) {
                timeline.after(timeline.between(1_000, timeline.chance(2) ? SOON_US : LATE_US), () -> {
                    tally.add(Tally.What.LATE_FRAMES);
                    envelope.stopped = false;
                    arrive(envelope);
                });
            }
        }

        boolean abandon() {
            long number = -1;
            boolean some = false;
            boolean notAll = false;
            for (List<Envelope> list : outstanding) {
                for (Envelope envelope : list) {
                    envelope.awaited = false;
                    ByteBuffer bytes = ByteBuffer.wrap(envelope.bytes).order(ByteOrder.LITTLE_ENDIAN);
                    int type = FrameLayout.type(bytes, 0);
                    if (type == FrameType.PUSH || type == FrameType.PUSH_PULL) {
                        long here = DataLayout.number(bytes, 0);
                        if (here != number) {
                            number = here;
                            some = false;
                            notAll = false;
                        }
                        some |= envelope.arrived;
                        notAll |= !envelope.arrived;
                    }
                    if (!envelope.arrived) {
                        disturb(envelope);
                    }
                }
                list.clear();
            }
            return some && notAll;
        }

        private void arrive(Envelope envelope) {
            if (envelope.stopped) {
                return;
            }
            SimulatedServer server = servers.get(envelope.server);
            if (server.pausedUntilUs > timeline.nowUs()) {
                timeline.at(server.pausedUntilUs, () -> arrive(envelope));
                return;
            }
            envelope.arrived = true;
            frame.clear().put(0, envelope.bytes);
            requireValid(envelope.bytes.length);
            int type = FrameLayout.type(frame, 0);
            if (!FrameType.isData(type)) {
                Message message = MessageCodec.decode(frame, 0);
                timeline.note(type, envelope.server, envelope.bytes.length);
                if (timeline.isTraced()) {
                    timeline.say(process.name + " -> server " + envelope.server + "  " + message);
                }
                control(envelope, server, message);
                return;
            }
            int shardIndex = DataLayout.shard(frame, 0);
            if (DataLayout.layout(frame, 0) == DataLayout.LAYOUT_KEY_HASH) {
                tally.add(Tally.What.KEY_HASHES);
            }
            timeline.note(type, shardIndex, DataLayout.number(frame, 0));
            if (timeline.isTraced()) {
                timeline.say(process.name + " -> shard " + shardIndex + "  " + describe(frame));
            }
            if (busyOneIn > 0 && timeline.chance(busyOneIn)) {
                refuse(envelope, ErrorCode.BUSY, false, timeline.random.nextInt(3), "as the seed will have it");
                return;
            }
            Shard shard = server.shard(shardIndex);
            if (server.isPressed() && isNextToStore(shard) && timeline.chance(2)) {
                refuse(envelope, ErrorCode.MEMORY_EXCEEDED, false, 0, "as the seed will have it");
                return;
            }
            long position = shard.position();
            shard.accept(frame, frameBytes, 0, new Answering(envelope, shardIndex));
            if (FrameType.isNumbered(type)) {
                checkOrder(envelope.bytes, shardIndex, shard.position() > position);
            }
        }

        /// Whether the frame is a push that its shard would take now, and which may need memory: a shard refuses for
        /// want of memory before the order, so that the number stays free.
        private boolean isNextToStore(Shard shard) {
            int type = FrameLayout.type(frame, 0);
            if (!FrameType.isNumbered(type) || type == FrameType.TICK || DataLayout.isWithdrawn(frame, 0)) {
                return false;
            }
            long last = shard.entry(workerOf(frame), -1).lastNumber();
            return DataLayout.number(frame, 0) > last && DataLayout.previousNumber(frame, 0) == last;
        }

        /// Looks at a numbered frame that a shard has just taken.
        ///
        /// @param decided whether it was decided now, and not refused or known before
        private void checkOrder(byte[] sent, int shardIndex, boolean decided) {
            ByteBuffer bytes = ByteBuffer.wrap(sent).order(ByteOrder.LITTLE_ENDIAN);
            WorkerId worker = workerOf(bytes);
            long number = DataLayout.number(bytes, 0);
            Decisions here = decisions.computeIfAbsent(new Place(worker, shardIndex), place -> new Decisions());
            boolean withdrawn = DataLayout.isWithdrawn(bytes, 0);
            if (!withdrawn && here.withdrawn.contains(number)) {
                tally.add(Tally.What.LATE_WITHDRAWN);
            }
            if (!decided) {
                return;
            }
            if (number <= here.decided) {
                throw new Violation("a shard must decide the pushes of a worker in the order of their numbers: shard="
                        + shardIndex + ", worker=" + worker.worker() + ", generation=" + worker.generation()
                        + ", number=" + number + ", last=" + here.decided);
            }
            here.decided = number;
            if (withdrawn) {
                tally.add(Tally.What.WITHDRAWN);
                here.withdrawn.add(number);
            }
        }

        private void requireValid(int length) {
            int header = FrameLayout.checkHeader(frame, 0, length, Limits.MAX_FRAME_BYTES, true, checksum);
            if (header == 0 || FrameLayout.length(frame, 0) != length || !checksum.matchesPayload(frame, 0)) {
                throw new IllegalStateException("a client sends what can be read: length=" + length);
            }
            if (FrameType.isData(FrameLayout.type(frame, 0))) {
                DataLayout.check(frame, 0);
            }
        }

        private void control(Envelope envelope, SimulatedServer server, Message message) {
            Answer answer = new Answer() {
                @Override
                public void reply(Message answered) {
                    Connections.this.reply(envelope, answered, () -> handler.replied(envelope.request, answered));
                }

                @Override
                public void refuse(ErrorCode code, String text) {
                    Connections.this.reply(
                            envelope, code, () -> handler.refused(envelope.request, code, false, 0, text));
                }
            };
            try {
                server.handle(message, answer);
            } catch (WeirException e) {
                answer.refuse(e.code(), e.getMessage());
            }
        }

        private void refuse(Envelope envelope, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
            count(code, ordered);
            boolean forgets = code == ErrorCode.MEMORY_EXCEEDED && bug == PlantedBug.WITHDRAWAL_SKIPPED;
            reply(envelope, code, () -> {
                if (forgets) {
                    handler.failed(envelope.request, code, message);
                } else {
                    handler.refused(envelope.request, code, ordered, retryAfterMs, message);
                }
            });
        }

        private void reply(Envelope envelope, Object what, Runnable delivery) {
            if (!envelope.awaited) {
                return;
            }
            timeline.after(
                    timeline.between(100, slowestUs),
                    () -> process.run(() -> {
                        if (envelope.awaited) {
                            envelope.awaited = false;
                            outstanding.get(envelope.server).remove(envelope);
                            timeline.note(0, envelope.server, envelope.bytes.length);
                            if (timeline.isTraced()) {
                                ByteBuffer sent =
                                        ByteBuffer.wrap(envelope.bytes).order(ByteOrder.LITTLE_ENDIAN);
                                boolean data = FrameType.isData(FrameLayout.type(sent, 0));
                                timeline.say(process.name + " <- server " + envelope.server + "  " + what
                                        + (data ? " to " + describe(sent) : ""));
                            }
                            delivery.run();
                        }
                    }));
        }

        /// The effects of a shard as an answer on its way back.
        private final class Answering implements Effects {
            private final Envelope envelope;
            private final int shardIndex;
            private int filled;
            private int rowLength = 1;
            private boolean encoded;
            private boolean summing;

            Answering(Envelope envelope, int shardIndex) {
                this.envelope = envelope;
                this.shardIndex = shardIndex;
            }

            @Override
            public void beginRows(long requestId, long number, int count, int length) {
                rowLength = length;
                filled = 0;
            }

            @Override
            public void beginEncodedRows(
                    long requestId, long number, int count, int length, int valueType, int spanLength) {
                beginRows(requestId, number, count, length);
                encoded = true;
            }

            @Override
            public void beginScan(long requestId, long cursor, int count, int valueLength) {
                throw new IllegalStateException("nobody scans here");
            }

            @Override
            public void beginPartials(long requestId, long firstBlock, int count) {
                filled = 0;
                summing = true;
            }

            @Override
            public MemorySegment room(int bytes) {
                return rowBytes;
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
                if (summing) {
                    ByteBuffer sums = ByteBuffer.allocate(filled)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .put(0, rows, 0, filled);
                    reply(envelope, "sums", () -> {
                        handler.partials(envelope.request, sums, 0, 0, sums.capacity() / Double.BYTES);
                        handler.answered(envelope.request);
                    });
                    return;
                }
                if (encoded) {
                    ByteBuffer values = ByteBuffer.allocate(filled)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .put(0, rows, 0, filled);
                    reply(envelope, "rows", () -> {
                        int _ = handler.encodedRows(envelope.request, values, 0, 0, values.capacity());
                        handler.answered(envelope.request);
                    });
                    return;
                }
                float[] values = new float[filled / Float.BYTES];
                rows.asFloatBuffer().get(0, values);
                reply(envelope, "rows", () -> {
                    handler.rows(envelope.request, FloatBuffer.wrap(values), 0, 0, values.length / rowLength);
                    handler.answered(envelope.request);
                });
            }

            @Override
            public void acknowledge(long requestId, int shard, long number) {
                requireMember();
                reply(envelope, "ack", () -> handler.answered(envelope.request));
            }

            /// A server that was told of a fence acknowledges nothing more, but to the streams of portions.
            private void requireMember() {
                WorkerId worker = workerOf(ByteBuffer.wrap(envelope.bytes).order(ByteOrder.LITTLE_ENDIAN));
                if (servers.get(envelope.server).knowsOut(worker)) {
                    throw new Violation("a worker that is out was acknowledged: worker=" + worker.worker()
                            + ", generation=" + worker.generation() + ", shard=" + shardIndex);
                }
            }

            @Override
            public void refuse(long requestId, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
                Connections.this.refuse(envelope, code, ordered, retryAfterMs, message);
            }

            @Override
            public Parked park(ByteBuffer sameFrame, int at) {
                tally.add(Tally.What.PARKED_PULLS);
                return new ParkedEnvelope(envelope, this);
            }
        }
    }

    private void count(ErrorCode code, boolean ordered) {
        switch (code) {
            case BUSY -> tally.add(Tally.What.BUSY);
            case GAP -> tally.add(Tally.What.GAPS);
            case MEMORY_EXCEEDED -> tally.add(Tally.What.MEMORY_REFUSALS);
            case LATE -> tally.add(Tally.What.LATE_BACKUPS);
            case KEYS_FORGOTTEN -> tally.add(Tally.What.KEYS_FORGOTTEN);
            default -> {
                if (ordered) {
                    tally.add(Tally.What.ORDERED_REFUSALS);
                }
            }
        }
    }

    private static WorkerId workerOf(ByteBuffer frame) {
        return new WorkerId(DataLayout.run(frame, 0), DataLayout.worker(frame, 0), DataLayout.generation(frame, 0));
    }

    private static String describe(ByteBuffer frame) {
        String type =
                switch (FrameLayout.type(frame, 0)) {
                    case FrameType.PULL -> "pull";
                    case FrameType.PUSH -> DataLayout.isWithdrawn(frame, 0) ? "withdrawn push" : "push";
                    case FrameType.PUSH_PULL -> DataLayout.isWithdrawn(frame, 0) ? "withdrawn pushPull" : "pushPull";
                    case FrameType.TRANSFORM -> "transform";
                    case FrameType.REDUCE -> "reduce";
                    case FrameType.TICK -> "tick(" + DataLayout.flags(frame, 0) + ")";
                    default -> "type " + FrameLayout.type(frame, 0);
                };
        return type + " worker=" + DataLayout.worker(frame, 0) + "/" + DataLayout.generation(frame, 0) + " number="
                + DataLayout.number(frame, 0) + " after=" + DataLayout.previousNumber(frame, 0) + " clock="
                + DataLayout.clock(frame, 0) + " table=" + DataLayout.tableId(frame, 0) + " count="
                + DataLayout.count(frame, 0);
    }

    /// A pull that waits in a shard.
    private final class ParkedEnvelope implements Parked {
        private final Envelope envelope;
        private final Effects effects;

        ParkedEnvelope(Envelope envelope, Effects effects) {
            this.envelope = envelope;
            this.effects = effects;
        }

        @Override
        public ByteBuffer frame() {
            return parkedFrame.clear().put(0, envelope.bytes);
        }

        @Override
        public MemorySegment bytes() {
            return parkedBytes;
        }

        @Override
        public Effects effects() {
            return effects;
        }

        @Override
        public void answered() {}

        @Override
        public boolean isGone() {
            return !envelope.awaited;
        }
    }
}
