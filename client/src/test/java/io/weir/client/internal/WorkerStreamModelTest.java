package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The stream against shards that are nothing but the rules of a worker's entry, over a network that delays, loses
/// connections with the answers that are on them, delivers frames of a lost connection long after, and refuses for
/// load. One thread plays everything from a seed.
class WorkerStreamModelTest {
    private static final int SEEDS = 1000;
    private static final int PUSHES = 120;

    @Test
    void appliesEachAcknowledgedPushExactlyOnceAndInOrder() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            try {
                new Play(seed).run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed=" + seed, e);
            }
        }
    }

    private enum Decision {
        APPLIED,
        REJECTED,
        GAP,
        BUSY,
        MEMORY
    }

    /// A worker's entry on one shard, in the plainest form: everything that was ever decided.
    private static final class ModelShard {
        final List<Long> applied = new ArrayList<>();
        final Map<Long, Decision> decided = new HashMap<>();
        long last;

        Decision accept(long number, long previous, boolean withdrawn, Random random) {
            Decision before = decided.get(number);
            if (before != null) {
                return before;
            }
            assertThat(number)
                    .as("a number that was passed over comes too late")
                    .isGreaterThan(last);
            if (previous != last) {
                return Decision.GAP;
            }
            if (!withdrawn && random.nextInt(20) == 0) {
                return Decision.MEMORY;
            }
            Decision decision = withdrawn || random.nextInt(20) == 0 ? Decision.REJECTED : Decision.APPLIED;
            decided.put(number, decision);
            last = number;
            if (decision == Decision.APPLIED) {
                applied.add(number);
            }
            return decision;
        }
    }

    /// A frame as its bytes are on the way, the request it belongs to, and later the answer.
    private static final class Envelope {
        final Request request;
        final int shard;
        final long number;
        final long previous;
        final boolean withdrawn;
        Decision answer = Decision.BUSY;

        Envelope(Request request) {
            this.request = request;
            number = DataLayout.number(request.frame(), 0);
            previous = DataLayout.previousNumber(request.frame(), 0);
            withdrawn = DataLayout.isWithdrawn(request.frame(), 0);
            shard = request.shard();
            assertThat(previous).as("number before %d", number).isBetween(0L, number - 1);
        }
    }

    private static final class Play {
        private final Random random;
        private final int shardCount;
        private final int shardsPerServer;
        private final WorkerStream stream;
        private final ModelShard[] shards;
        private final List<ArrayDeque<Envelope>> outgoing = new ArrayList<>();
        private final List<ArrayList<Envelope>> answers = new ArrayList<>();
        private final List<Envelope> late = new ArrayList<>();
        private final List<Lane> delayed = new ArrayList<>();
        private final Map<Long, TreeSet<Integer>> touched = new HashMap<>();
        private final Map<Long, TreeSet<Integer>> acknowledged = new HashMap<>();
        private final Map<Long, TreeSet<Integer>> rejected = new HashMap<>();
        private final Map<Long, TreeSet<Integer>> withdrawn = new HashMap<>();
        private final TreeSet<Long> undecided = new TreeSet<>();
        private final boolean lossy;
        private long lastNumber;

        Play(long seed) {
            random = new Random(seed);
            lossy = random.nextInt(4) != 0;
            shardsPerServer = 1 + random.nextInt(3);
            int servers = 1 + random.nextInt(3);
            shardCount = servers * shardsPerServer;
            shards = new ModelShard[shardCount];
            for (int i = 0; i < shardCount; i++) {
                shards[i] = new ModelShard();
            }
            for (int i = 0; i < servers; i++) {
                outgoing.add(new ArrayDeque<>());
                answers.add(new ArrayList<>());
            }
            stream = new WorkerStream(new WorkerId(1, 0, 1), shardCount, this::send);
        }

        private void send(Request request) {
            outgoing.get(request.shard() / shardsPerServer).addLast(new Envelope(request));
        }

        void run() {
            int pushes = 0;
            int steps = 0;
            int pushiness = 1 + random.nextInt(6);
            while (pushes < PUSHES || stream.undecided() > 0) {
                if (pushes < PUSHES && stream.hasRoom() && random.nextInt(pushiness) == 0) {
                    push();
                    pushes++;
                } else {
                    step();
                }
                assertThat(++steps).as("steps until every push is decided").isLessThan(100_000);
            }
            while (!late.isEmpty()) {
                arrive(late.remove(random.nextInt(late.size())));
            }
            check();
        }

        private void push() {
            stream.lock().lock();
            try {
                long number = stream.nextNumber();
                assertThat(number).isEqualTo(++lastNumber);
                TreeSet<Integer> some = new TreeSet<>();
                int count = random.nextInt(shardCount + 1);
                for (int i = 0; i < count; i++) {
                    some.add(random.nextInt(shardCount));
                }
                touched.put(number, some);
                if (!some.isEmpty()) {
                    undecided.add(number);
                }
                for (int shard : some) {
                    stream.submit(StreamRequests.of(FrameType.PUSH, shard), shard, number, 0);
                }
            } finally {
                stream.lock().unlock();
            }
            assertThat(lastNumber - undecided.stream().findFirst().orElse(lastNumber))
                    .as("numbers under way")
                    .isLessThan(Limits.MAX_WINDOW);
        }

        private void step() {
            int server = random.nextInt(outgoing.size());
            int kind = random.nextInt(100);
            if (kind < 45) {
                deliver(server);
            } else if (kind < 90) {
                answer(server);
            } else if (kind < 94) {
                if (!late.isEmpty()) {
                    arrive(late.remove(random.nextInt(late.size())));
                }
            } else if (kind < 97) {
                resendDelayed();
            } else if (lossy) {
                cut(server);
            }
        }

        private void deliver(int server) {
            Envelope envelope = outgoing.get(server).pollFirst();
            if (envelope != null) {
                arrive(envelope);
                answers.get(server).add(envelope);
            }
        }

        private void arrive(Envelope envelope) {
            envelope.answer = random.nextInt(15) == 0
                    ? Decision.BUSY
                    : shards[envelope.shard].accept(envelope.number, envelope.previous, envelope.withdrawn, random);
        }

        private void answer(int server) {
            ArrayList<Envelope> waiting = answers.get(server);
            if (waiting.isEmpty()) {
                return;
            }
            Envelope envelope = waiting.remove(random.nextInt(waiting.size()));
            Request request = envelope.request;
            int shard = request.shard();
            Lane lane = request.lane();
            boolean again;
            switch (envelope.answer) {
                case APPLIED:
                    again = stream.onDecided(request);
                    settle(acknowledged, envelope.number, shard);
                    break;
                case REJECTED:
                    again = stream.onDecided(request);
                    settle(envelope.withdrawn ? withdrawn : rejected, envelope.number, shard);
                    break;
                case MEMORY:
                    again = stream.onRefusedForMemory(
                            request, new WeirException(ErrorCode.MEMORY_EXCEEDED, "as the seed will have it"));
                    break;
                default:
                    again = stream.onReturned(request, random.nextInt(2));
                    break;
            }
            if (again) {
                resend(lane);
            }
        }

        private void settle(Map<Long, TreeSet<Integer>> into, long number, int shard) {
            assertThat(into.computeIfAbsent(number, n -> new TreeSet<>()).add(shard))
                    .as("number %d on shard %d is settled once", number, shard)
                    .isTrue();
            int settled = 0;
            for (Map<Long, TreeSet<Integer>> kind : List.of(acknowledged, rejected, withdrawn)) {
                settled += kind.getOrDefault(number, new TreeSet<>()).size();
            }
            if (settled == touched.get(number).size()) {
                undecided.remove(number);
            }
        }

        private void resend(Lane lane) {
            if (stream.retryAfterMs(lane) > 0) {
                delayed.add(lane);
            } else {
                stream.resend(lane);
            }
        }

        private void resendDelayed() {
            if (!delayed.isEmpty()) {
                stream.resend(delayed.remove(random.nextInt(delayed.size())));
            }
        }

        /// Some of what was on its way still arrives, some of it much later; every answer is lost.
        private void cut(int server) {
            ArrayDeque<Envelope> lost = new ArrayDeque<>(outgoing.get(server));
            int arriving = lost.isEmpty() ? 0 : random.nextInt(lost.size() + 1);
            for (Envelope envelope : lost) {
                if (arriving-- > 0) {
                    arrive(envelope);
                } else if (random.nextBoolean()) {
                    late.add(envelope);
                }
            }
            lost.addAll(answers.get(server));
            outgoing.get(server).clear();
            answers.get(server).clear();
            List<Envelope> shuffled = new ArrayList<>(lost);
            java.util.Collections.shuffle(shuffled, random);
            for (Envelope envelope : shuffled) {
                Lane lane = envelope.request.lane();
                if (stream.onReturned(envelope.request, 0)) {
                    resend(lane);
                }
            }
        }

        private void check() {
            for (int shard = 0; shard < shardCount; shard++) {
                assertThat(shards[shard].applied).as("order on shard %d", shard).isSorted();
                assertThat(shards[shard].applied).doesNotHaveDuplicates();
            }
            for (Map.Entry<Long, TreeSet<Integer>> push : touched.entrySet()) {
                long number = push.getKey();
                for (int shard : push.getValue()) {
                    assertThat(shards[shard].applied.contains(number))
                            .as("number %d on shard %d", number, shard)
                            .isEqualTo(acknowledged
                                    .getOrDefault(number, new TreeSet<>())
                                    .contains(shard));
                }
            }
            assertThat(undecided).isEmpty();
        }
    }
}
