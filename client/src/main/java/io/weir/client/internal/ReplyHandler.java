package io.weir.client.internal;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/// What becomes of the answers that a transport brings: rows go into the caller's arrays, decisions to the worker's
/// stream, and the call ends when its last request is answered. Thread-safe, called without locks, but for [#rows],
/// [#partials] and [#scanned], which may be called from inside a shard.
public final class ReplyHandler {
    private final RequestPool pool;
    private @Nullable ShardTransport transport;

    ReplyHandler(RequestPool pool) {
        this.pool = pool;
    }

    void bind(ShardTransport boundTransport) {
        transport = boundTransport;
    }

    /// Some rows of an answer.
    ///
    /// @param at where they begin, in floats
    /// @param first index of the first row in the answer; of the first float for a stretch
    /// @param count rows; floats for a stretch
    public void rows(Request request, FloatBuffer source, int at, int first, int count) {
        request.call().scatter(request, source, at, first, count);
    }

    /// As [#rows], for rows in the fewer bits that the request asked for.
    ///
    /// @param at where they begin, in bytes
    /// @param bytes that end with a row and, but for the last ones of an answer, with a span
    /// @return rows that they were; floats for a stretch
    public int encodedRows(Request request, ByteBuffer source, int at, int first, int bytes) {
        return request.call().scatterEncoded(request, source, at, first, bytes);
    }

    /// Some sums of an answer, each of one block.
    ///
    /// @param at where they begin in `payload`, in bytes
    /// @param first index of the first of them in the answer
    public void partials(Request request, ByteBuffer payload, int at, int first, int count) {
        request.call().takePartials(request, payload, at, first, count);
    }

    /// The answer to a scan begins.
    public void scanBegins(Request request, long cursor, int count, int valueLength) {
        Call.RowSink sink = request.call().sink();
        if (sink != null) {
            sink.begin(cursor, count, valueLength);
        }
    }

    /// Some rows of the answer to a scan.
    public void scanned(Request request, ByteBuffer payload, int at, int count, int valueLength) {
        Call.RowSink sink = request.call().sink();
        if (sink != null) {
            sink.accept(payload, at, count, valueLength);
        }
    }

    /// The request is answered: all rows are there, the push is applied.
    public void answered(Request request) {
        Lane lane = request.lane();
        if (lane != null && lane.stream.onDecided(request)) {
            resend(lane);
        }
        end(request);
    }

    /// A control message is answered.
    public void replied(Request request, Message message) {
        request.call().replied(message);
        end(request);
    }

    /// The request is refused.
    public void refused(Request request, ErrorCode code, boolean ordered, int retryAfterMs, String message) {
        Lane lane = request.lane();
        if (lane == null) {
            if (code == ErrorCode.KEYS_FORGOTTEN && request.restoreKeys()) {
                transport().send(request);
                return;
            }
            if (code == ErrorCode.BUSY) {
                again(request, Math.max(1, retryAfterMs));
                return;
            }
            fail(request, code, message);
            return;
        }
        if (ordered) {
            boolean resend = lane.stream.onDecided(request);
            WeirException withdrawal = request.withdrawal();
            if (code == ErrorCode.LATE && withdrawal == null && request.type() == FrameType.PUSH) {
                // Whoever ticks is told that the step was closed without it.
                end(request);
            } else {
                fail(request, withdrawal == null ? new WeirException(code, message) : withdrawal);
            }
            if (resend) {
                resend(lane);
            }
        } else if (code == ErrorCode.BUSY || code == ErrorCode.GAP) {
            if (lane.stream.onReturned(request, retryAfterMs)) {
                resend(lane);
            }
        } else if (code == ErrorCode.KEYS_FORGOTTEN) {
            if (lane.stream.onKeysForgotten(request)) {
                resend(lane);
            }
        } else if (code == ErrorCode.MEMORY_EXCEEDED) {
            if (lane.stream.onRefusedForMemory(request, new WeirException(code, message))) {
                resend(lane);
            }
        } else {
            boolean resend = lane.stream.onForgotten(request);
            fail(request, code, message);
            if (resend) {
                resend(lane);
            }
        }
    }

    /// The connection was lost before the request was answered. It will be sent again.
    public void lost(Request request, String cause) {
        Lane lane = request.lane();
        if (lane != null) {
            if (lane.stream.onReturned(request, 0)) {
                resend(lane);
            }
        } else if (request.isRepeatable()) {
            transport().send(request);
        } else if (FrameType.isData(request.type()) && request.call().sink() == null) {
            request.setRowsDone(0);
            transport().send(request);
        } else {
            fail(request, ErrorCode.UNAVAILABLE, cause);
        }
    }

    /// The server will never answer: the request fails, and is not sent again.
    public void failed(Request request, ErrorCode code, String cause) {
        Lane lane = request.lane();
        boolean resend = lane != null && lane.stream.onForgotten(request);
        fail(request, code, cause);
        if (lane != null && resend) {
            resend(lane);
        }
    }

    private void fail(Request request, ErrorCode code, String message) {
        fail(request, new WeirException(code, message));
    }

    private void fail(Request request, WeirException exception) {
        request.call().failed(exception);
        end(request);
    }

    private void end(Request request) {
        Call call = request.call();
        pool.give(request);
        if (call.answered()) {
            pool.give(call);
        }
    }

    private void again(Request request, int delayMs) {
        transport().resendLater(() -> transport().send(request), delayMs);
    }

    /// The stream has ended: what waits to be sent again fails.
    void giveUp(WorkerStream stream) {
        for (Request request : stream.takeGivenUp()) {
            fail(request, ErrorCode.UNAVAILABLE, "the connection was closed");
        }
    }

    private void resend(Lane lane) {
        if (lane.stream.isEnded()) {
            giveUp(lane.stream);
            return;
        }
        int delayMs = lane.stream.retryAfterMs(lane);
        if (delayMs > 0) {
            transport().resendLater(() -> lane.stream.resend(lane), delayMs);
        } else {
            lane.stream.resend(lane);
        }
    }

    private ShardTransport transport() {
        ShardTransport bound = transport;
        if (bound == null) {
            throw new IllegalStateException("no transport is bound");
        }
        return bound;
    }
}
