package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.ClientConfig;
import io.weir.client.TableInfo;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.ServerAddress;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.FrameType;
import io.weir.wire.RunMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class SessionTest {
    private static final TableSpec SPEC = TableSpec.embedding("t", 1, OptimizerSpec.parse("sgd(rate=1)"));
    private static final TableView TABLE = TableView.of(new TableInfo(1, SPEC, 0, 0, 0));

    private final List<BusyTransport> transports = new ArrayList<>();
    private final Session session =
            new Session(ClientConfig.defaults().withDeadline(Duration.ofSeconds(5)), handler -> {
                transports.add(new BusyTransport(handler));
                return transports.get(0);
            });

    /// Answers control messages, and refuses every push for load, to be sent again at a time that never comes.
    private static final class BusyTransport implements ShardTransport {
        private final ReplyHandler handler;
        private final ArrayDeque<Request> sent = new ArrayDeque<>();
        private final List<Resend> delayed = new ArrayList<>();

        BusyTransport(ReplyHandler handler) {
            this.handler = handler;
        }

        @Override
        public ShardMap map() {
            return new ShardMap(1, List.of(new ShardMap.Server(new ServerAddress("busy", 1), 1)));
        }

        @Override
        public boolean checksums() {
            return true;
        }

        @Override
        public void send(Request request) {
            sent.add(request);
        }

        @Override
        public void push() {}

        @Override
        public void settle() {
            poll();
        }

        @Override
        public void poll() {
            while (!sent.isEmpty()) {
                Request request = sent.removeFirst();
                if (FrameType.isData(request.type())) {
                    handler.refused(request, ErrorCode.BUSY, false, 10, "busy");
                } else {
                    handler.replied(
                            request, new RunMessage.OpenWorkerReply(List.of(new RunMessage.Entry(0, 0, 0, 0, false))));
                }
            }
        }

        @Override
        public boolean await(Waitable condition, long deadlineNs) {
            poll();
            return condition.holds();
        }

        @Override
        public void resendLater(Resend resend, int delayMs) {
            delayed.add(resend);
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {}
    }

    /// Pushes before it may have been refused here; the tick would say that all of them are there.
    @Test
    void ticksNothingOnceFurtherCallsAreRefused() {
        session.openAnonymous(() -> 1);
        WorkerStream stream = session.newStream(new WorkerId(7, 0, 1));
        session.calls().breakWith(new WeirException(ErrorCode.FENCED, "out"));
        assertThatThrownBy(() -> session.pushAsync(TABLE, new long[] {1}, new float[] {1}))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
        assertThatThrownBy(() -> session.tick(stream, 0, 1))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FENCED));
        assertThat(stream.undecided()).isZero();
        assertThat(transports.get(0).sent).isEmpty();
    }

    @Test
    void failsPushesThatWaitToBeSentAgainWhenItIsClosed() {
        session.openAnonymous(() -> 1);
        CompletableFuture<Void> first = session.pushAsync(TABLE, new long[] {1}, new float[] {1});
        CompletableFuture<Void> second = session.pushAsync(TABLE, new long[] {2}, new float[] {1});
        assertThat(transports.get(0).delayed).hasSize(1);
        assertThat(first).isNotDone();
        session.close();
        for (CompletableFuture<Void> result : List.of(first, second)) {
            assertThat(result).isCompletedExceptionally();
            assertThat(result.handle((done, failure) -> failure).getNow(null))
                    .isInstanceOfSatisfying(
                            WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("the connection was closed");
        }
        // What comes too late does nothing.
        transports.get(0).delayed.forEach(ShardTransport.Resend::run);
        assertThat(transports.get(0).sent).isEmpty();
        assertThatThrownBy(() -> session.pushAsync(TABLE, new long[] {3}, new float[] {1}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the connection is closed");
    }
}
