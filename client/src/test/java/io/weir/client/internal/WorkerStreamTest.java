package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WorkerStreamTest {
    private final List<Request> sent = new ArrayList<>();
    private final WorkerStream stream = new WorkerStream(new WorkerId(7, 3, 2), 3, sent::add);

    /// One push to these shards.
    private List<Request> push(int... shards) {
        List<Request> requests = new ArrayList<>();
        stream.lock().lock();
        try {
            long number = stream.nextNumber();
            for (int shard : shards) {
                Request request = StreamRequests.of(FrameType.PUSH, shard);
                stream.submit(request, shard, number, 0);
                requests.add(request);
            }
        } finally {
            stream.lock().unlock();
        }
        return requests;
    }

    private Request pushOne(int shard) {
        return push(shard).get(0);
    }

    private static long number(Request request) {
        return DataLayout.number(request.frame(), 0);
    }

    private static long previous(Request request) {
        return DataLayout.previousNumber(request.frame(), 0);
    }

    private List<Request> takeSent() {
        List<Request> taken = List.copyOf(sent);
        sent.clear();
        return taken;
    }

    @Test
    void givesAPushOneNumberAndNamesTheOneBeforeOnEachShard() {
        List<Request> first = push(0, 2);
        List<Request> second = push(1, 2);
        assertThat(first).extracting(WorkerStreamTest::number).containsExactly(1L, 1L);
        assertThat(first).extracting(WorkerStreamTest::previous).containsExactly(0L, 0L);
        assertThat(second).extracting(WorkerStreamTest::number).containsExactly(2L, 2L);
        assertThat(second).extracting(WorkerStreamTest::previous).containsExactly(0L, 1L);
        assertThat(sent).hasSize(4);
        assertThat(stream.undecided()).isEqualTo(4);
        Request request = first.get(0);
        assertThat(DataLayout.run(request.frame(), 0)).isEqualTo(7);
        assertThat(DataLayout.worker(request.frame(), 0)).isEqualTo(3);
        assertThat(DataLayout.generation(request.frame(), 0)).isEqualTo(2);
    }

    @Test
    void goesOnWhereEachShardRemembersTheWorker() {
        stream.resume(9, 5, new long[] {4, 9, 0});
        List<Request> requests = push(0, 1, 2);
        assertThat(requests).extracting(WorkerStreamTest::number).containsOnly(10L);
        assertThat(requests).extracting(WorkerStreamTest::previous).containsExactly(4L, 9L, 0L);
        assertThat(stream.clock(0)).isEqualTo(5);
        assertThat(DataLayout.clock(pushOne(0).frame(), 0)).isEqualTo(5);
    }

    @Test
    void givesAStepThatItDoesAgainTheNumbersThatItHad() {
        // The last life reached its clock with number 4; of the step after it shard 0 has all and shard 1 the first.
        stream.resume(4, 5, new long[] {6, 5, 4});
        List<Request> first = push(0, 1);
        List<Request> second = push(0, 1, 2);
        List<Request> third = push(0, 2);
        assertThat(first).extracting(WorkerStreamTest::number).containsOnly(5L);
        assertThat(second).extracting(WorkerStreamTest::number).containsOnly(6L);
        assertThat(third).extracting(WorkerStreamTest::number).containsOnly(7L);
        assertThat(first)
                .as("a number that is decided")
                .allSatisfy(request -> assertThat(previous(request)).isLessThan(number(request)));
        assertThat(second).extracting(WorkerStreamTest::previous).containsExactly(5L, 5L, 4L);
        assertThat(third).extracting(WorkerStreamTest::previous).containsExactly(6L, 6L);
    }

    @Test
    void carriesTheClockOfEachGroup() {
        stream.reach(0, 3);
        stream.reach(7, 1);
        stream.reach(0, 2);
        assertThat(stream.clock(0)).as("never back").isEqualTo(3);
        assertThat(stream.clock(7)).isEqualTo(1);
        assertThat(stream.clock(8)).isZero();
        Request pull = StreamRequests.of(FrameType.PULL, 0);
        stream.identify(pull.frame(), 7);
        assertThat(DataLayout.clock(pull.frame(), 0)).isEqualTo(1);
        assertThat(DataLayout.clockGroup(pull.frame(), 0)).isEqualTo(7);
        assertThat(number(pull)).isZero();
        Request push = StreamRequests.of(FrameType.PUSH, 1);
        Request tick = StreamRequests.of(FrameType.TICK, 1);
        stream.lock().lock();
        try {
            stream.submit(push, 1, stream.nextNumber(), 7);
            stream.submit(tick, 1, stream.nextNumber(), 4, 0);
        } finally {
            stream.lock().unlock();
        }
        assertThat(DataLayout.clock(push.frame(), 0)).isEqualTo(1);
        assertThat(DataLayout.clockGroup(push.frame(), 0)).isEqualTo(7);
        assertThat(DataLayout.clock(tick.frame(), 0)).as("the one it leads to").isEqualTo(4);
        assertThat(previous(tick)).isEqualTo(number(push));
        assertThat(stream.clock(0)).as("moved by the caller").isEqualTo(3);
    }

    @Test
    void followsTheLastDecidedPushOnceTheWindowIsEmpty() {
        Request first = pushOne(1);
        assertThat(stream.onDecided(first)).isFalse();
        pushOne(0);
        assertThat(previous(pushOne(1))).isEqualTo(1);
    }

    @Test
    void sendsALaneAgainInOrderOnceAllInFlightCameBack() {
        Request first = pushOne(0);
        Request second = pushOne(0);
        Request other = pushOne(1);
        takeSent();
        assertThat(stream.onReturned(second, 7)).isFalse();
        Request third = pushOne(0);
        assertThat(sent).as("a lane that is to be sent again keeps what is new").isEmpty();
        assertThat(stream.onReturned(first, 3)).isTrue();
        Lane lane = first.lane();
        assertThat(lane).isNotNull();
        assertThat(stream.retryAfterMs(lane)).isEqualTo(7);
        stream.resend(lane);
        assertThat(takeSent()).containsExactly(first, second, third);
        assertThat(stream.retryAfterMs(lane)).isZero();
        stream.resend(lane);
        assertThat(sent).as("not twice").isEmpty();
        assertThat(stream.onDecided(other)).isFalse();
    }

    @Test
    void sendsAgainWhenTheLastInFlightIsDecided() {
        Request first = pushOne(0);
        Request second = pushOne(0);
        takeSent();
        stream.onReturned(second, 0);
        assertThat(stream.onDecided(first)).isTrue();
        stream.resend(laneOf(second));
        assertThat(takeSent()).containsExactly(second);
        assertThat(previous(second)).isEqualTo(1);
    }

    @Test
    void sendsAPushAgainAlthoughALaterOneIsDecided() {
        Request first = pushOne(0);
        Request second = pushOne(0);
        Request third = pushOne(0);
        takeSent();
        // The shard has all three, and the answer to the first was lost.
        stream.onReturned(first, 0);
        stream.onDecided(second);
        assertThat(stream.onReturned(third, 0)).isTrue();
        stream.resend(laneOf(first));
        assertThat(takeSent()).containsExactly(first, third);
        assertThat(previous(first)).isLessThan(number(first));
        assertThat(previous(third)).isEqualTo(2);
        stream.onDecided(third);
        assertThat(previous(pushOne(0))).isEqualTo(3);
    }

    @Test
    void sendsAPushThatIsGivenUpAgainAsWithdrawn() {
        Request first = pushOne(0);
        Request second = pushOne(0);
        takeSent();
        WeirException reason = new WeirException(ErrorCode.MEMORY_EXCEEDED, "no memory");
        assertThat(DataLayout.isWithdrawn(first.frame(), 0)).isFalse();
        assertThat(stream.onRefusedForMemory(first, reason)).isFalse();
        assertThat(stream.onReturned(second, 0)).isTrue();
        stream.resend(laneOf(first));
        assertThat(takeSent()).containsExactly(first, second);
        assertThat(DataLayout.isWithdrawn(first.frame(), 0)).isTrue();
        assertThat(DataLayout.isWithdrawn(second.frame(), 0)).isFalse();
        assertThat(first.withdrawal()).isSameAs(reason);
        assertThat(number(first)).isEqualTo(1);
        assertThat(previous(second)).as("the number is used up").isEqualTo(1);
        assertThat(stream.undecided()).isEqualTo(2);
    }

    @Test
    void closesUpBehindAPushThatIsForgotten() {
        Request first = pushOne(0);
        Request second = pushOne(0);
        Request third = pushOne(0);
        takeSent();
        assertThat(stream.onDecided(first)).isFalse();
        assertThat(stream.onForgotten(second)).isFalse();
        assertThat(stream.onReturned(third, 0)).isTrue();
        stream.resend(laneOf(third));
        assertThat(takeSent()).containsExactly(third);
        assertThat(number(third)).isEqualTo(3);
        assertThat(previous(third)).isEqualTo(1);
        assertThat(stream.undecided()).isEqualTo(1);
    }

    @Test
    void followsTheDecidedOneWhenTheOnlyPushIsForgotten() {
        Request first = pushOne(0);
        assertThat(stream.onForgotten(first)).isFalse();
        assertThat(stream.undecided()).isZero();
        assertThat(previous(pushOne(0))).isZero();
    }

    @Test
    void keepsTheWindowWithinWhatAShardRemembers() {
        List<Request> requests = new ArrayList<>();
        while (stream.hasRoom()) {
            requests.add(pushOne(requests.size() % 3));
            assertThat(requests.size()).isLessThanOrEqualTo(Limits.MAX_WINDOW);
        }
        assertThat(requests.size()).isGreaterThanOrEqualTo(Limits.MAX_WINDOW - 2);
        for (int i = 1; i < requests.size(); i++) {
            stream.onDecided(requests.get(i));
        }
        assertThat(stream.hasRoom()).as("the oldest is not decided").isFalse();
        stream.onDecided(requests.get(0));
        assertThat(stream.hasRoom()).isTrue();
    }

    @Test
    void givesUpWhatWaitsToBeSentAgainWhenItEnds() {
        Request returned = pushOne(0);
        Request underWay = pushOne(0);
        Request other = pushOne(1);
        stream.onReturned(returned, 0);
        assertThat(stream.onReturned(other, 5)).isTrue();
        takeSent();
        assertThat(stream.takeGivenUp()).as("before the end").isEmpty();
        stream.end();
        assertThat(stream.isEnded()).isTrue();
        assertThat(stream.takeGivenUp()).containsExactly(other);
        assertThat(stream.undecided()).isEqualTo(2);
        assertThat(stream.onReturned(underWay, 0)).isTrue();
        stream.resend(laneOf(underWay));
        assertThat(takeSent()).isEmpty();
        assertThat(stream.takeGivenUp()).containsExactly(returned, underWay);
        assertThat(stream.undecided()).isZero();
        assertThat(stream.takeGivenUp()).isEmpty();
    }

    @Test
    void saysWhoPullsWhileAnotherThreadNumbersAPush() throws InterruptedException {
        stream.reach(0, 4);
        stream.reach(5, 6);
        Request pull = StreamRequests.of(FrameType.PULL, 0);
        Thread puller = new Thread(() -> stream.identify(pull.frame(), 0));
        stream.lock().lock();
        try {
            puller.start();
            puller.join(10_000);
            assertThat(puller.isAlive()).as("waits for the lock").isFalse();
        } finally {
            stream.lock().unlock();
        }
        assertThat(DataLayout.clock(pull.frame(), 0)).isEqualTo(4);
        stream.identify(pull.frame(), 5);
        assertThat(DataLayout.clock(pull.frame(), 0)).isEqualTo(6);
    }

    private static Lane laneOf(Request request) {
        Lane lane = request.lane();
        assertThat(lane).isNotNull();
        return java.util.Objects.requireNonNull(lane);
    }
}
