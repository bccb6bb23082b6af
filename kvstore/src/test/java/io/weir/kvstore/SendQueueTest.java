package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.kvstore.SendQueue.Lane;
import io.weir.kvstore.SendQueue.Phase;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 1, unit = TimeUnit.MINUTES)
class SendQueueTest {
    private final List<String> sent = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, CompletableFuture<Void>> answers = new ConcurrentHashMap<>();

    private final Lane lane = new Lane();

    private Phase data(String name, int count) {
        return Phase.data(count, i -> send(name + i));
    }

    private CompletableFuture<Void> submit(SendQueue queue, Lane in, int priority, String name, int count) {
        return queue.submit(in, priority, List.of(data(name, count)));
    }

    private CompletableFuture<Void> send(String slice) {
        CompletableFuture<Void> answer = answers.computeIfAbsent(slice, any -> new CompletableFuture<>());
        sent.add(slice);
        return answer;
    }

    private void answer(String... slices) {
        for (String slice : slices) {
            answers.computeIfAbsent(slice, any -> new CompletableFuture<>()).complete(null);
        }
    }

    private void awaitSent(int count) {
        long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (sent.size() < count) {
            assertThat(System.nanoTime() - untilNs).as("sent so far: %s", sent).isNegative();
            LockSupport.parkNanos(100_000);
        }
    }

    @Test
    void sendsTheUrgentBeforeWhatIsNotOnItsWay() throws Exception {
        try (SendQueue queue = new SendQueue(2)) {
            CompletableFuture<Void> slow = submit(queue, new Lane(), 0, "a", 5);
            awaitSent(2);
            CompletableFuture<Void> urgent = submit(queue, new Lane(), 7, "u", 2);
            CompletableFuture<Void> later = submit(queue, new Lane(), -1, "z", 1);
            CompletableFuture<Void> second = submit(queue, new Lane(), 7, "v", 1);
            answer("a0", "a1", "u0", "u1", "v0", "a2", "a3", "a4", "z0");
            CompletableFuture.allOf(slow, urgent, later, second).get();
            assertThat(sent).containsExactly("a0", "a1", "u0", "u1", "v0", "a2", "a3", "a4", "z0");
        }
    }

    @Test
    void keepsTheOrderOfALaneWhateverThePriorities() throws Exception {
        try (SendQueue queue = new SendQueue(8)) {
            CompletableFuture<Void> first = queue.submit(lane, 0, List.of(data("a", 1), data("b", 1)));
            CompletableFuture<Void> urgent = submit(queue, lane, 9, "u", 1);
            answer("a0");
            awaitSent(2);
            assertThat(urgent).isNotDone();
            answer("b0", "u0");
            CompletableFuture.allOf(first, urgent).get();
            assertThat(sent).containsExactly("a0", "b0", "u0");
        }
    }

    @Test
    void aPhaseThatWaitsTakesNoRoomAndHoldsNobodyUp() throws Exception {
        try (SendQueue queue = new SendQueue(1)) {
            CompletableFuture<Void> round = new CompletableFuture<>();
            List<CompletableFuture<Void>> waiting = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                waiting.add(queue.submit(new Lane(), 0, List.of(Phase.wait(() -> round))));
            }
            answer("a0");
            submit(queue, new Lane(), 0, "a", 1).get();
            queue.awaitSettled();
            assertThat(waiting).noneMatch(CompletableFuture::isDone);
            assertThat(queue.pending()).hasSize(100);
            round.complete(null);
            CompletableFuture.allOf(waiting.toArray(new CompletableFuture<?>[0]))
                    .get();
            assertThat(queue.pending()).isEmpty();
        }
    }

    @Test
    void aFailureEndsItsOperationAndLetsTheNextOneGo() throws Exception {
        try (SendQueue queue = new SendQueue(1)) {
            CompletableFuture<Void> failing = queue.submit(lane, 0, List.of(data("a", 3), data("b", 1)));
            CompletableFuture<Void> next = submit(queue, lane, 0, "c", 1);
            answers.computeIfAbsent("a1", any -> new CompletableFuture<>())
                    .completeExceptionally(new IllegalStateException("no"));
            answer("a0", "a2", "b0", "c0");
            next.get();
            assertThatThrownBy(failing::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasRootCauseMessage("no");
            assertThat(sent).containsExactly("a0", "a1", "c0");
            assertThatThrownBy(() -> queue.submit(lane, 0, List.of(Phase.run(() -> {
                                throw new IllegalArgumentException("wrong");
                            })))
                            .get())
                    .hasRootCauseMessage("wrong");
        }
    }

    @Test
    void closingFailsWhatIsLeft() {
        SendQueue queue = new SendQueue(1);
        CompletableFuture<Void> left = submit(queue, new Lane(), 0, "a", 3);
        queue.close();
        assertThatThrownBy(left::get).hasRootCauseMessage("the store is closed");
        assertThatThrownBy(() -> submit(queue, new Lane(), 0, "a", 3).get()).hasRootCauseMessage("the store is closed");
        assertThatThrownBy(() ->
                        queue.call(() -> CompletableFuture.completedFuture(1)).get())
                .hasRootCauseMessage("the store is closed");
        answer("a0");
    }

    @Test
    void neverHasMoreOnTheWayThanItMayAndLosesNothing() throws Exception {
        long seed = 7;
        SplittableRandom random = new SplittableRandom(seed);
        AtomicInteger onTheWay = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger slices = new AtomicInteger();
        List<CompletableFuture<Void>> open = Collections.synchronizedList(new ArrayList<>());
        int expected = 0;
        try (SendQueue queue = new SendQueue(3)) {
            List<CompletableFuture<Void>> results = new ArrayList<>();
            Lane[] lanes = {new Lane(), new Lane(), new Lane()};
            for (int i = 0; i < 300; i++) {
                int count = random.nextInt(4);
                expected += count;
                Phase phase = Phase.data(count, slice -> {
                    slices.incrementAndGet();
                    most.accumulateAndGet(onTheWay.incrementAndGet(), Math::max);
                    CompletableFuture<Void> answer = new CompletableFuture<>();
                    open.add(answer);
                    return answer;
                });
                results.add(queue.submit(lanes[random.nextInt(3)], random.nextInt(3), List.of(phase)));
            }
            CompletableFuture<Void> all = CompletableFuture.allOf(results.toArray(new CompletableFuture<?>[0]));
            while (!all.isDone()) {
                if (open.isEmpty()) {
                    LockSupport.parkNanos(10_000);
                } else {
                    CompletableFuture<Void> answer = open.remove(random.nextInt(open.size()));
                    onTheWay.decrementAndGet();
                    answer.complete(null);
                }
            }
            all.get();
        }
        assertThat(slices).as("seed %s", seed).hasValue(expected);
        assertThat(most.get()).isLessThanOrEqualTo(3);
    }
}
