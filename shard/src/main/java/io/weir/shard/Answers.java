package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.wire.Message;
import java.util.ArrayList;
import java.util.List;

/// Who waits for the same answer: more than one if a worker has asked again over another connection. Of more than
/// [#MAX_WAITING], which no client asks for, the oldest is refused. Confined to the thread inside the shard.
final class Answers {
    /// How often a worker may ask the same while it waits for the answer.
    static final int MAX_WAITING = 64;

    private final List<Answer> waiting = new ArrayList<>();

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    void add(Answer answer) {
        if (waiting.size() >= MAX_WAITING) {
            refuseRepeated(waiting.removeFirst());
        }
        waiting.add(answer);
    }

    /// Answers all of them, who wait no more.
    void reply(Message message) {
        take().forEach(answer -> answer.reply(message));
    }

    /// Refuses all of them, who wait no more.
    void refuse(ErrorCode code, String message) {
        take().forEach(answer -> answer.refuse(code, message));
    }

    static void refuseRepeated(Answer answer) {
        answer.refuse(ErrorCode.BUSY, "the worker asks too often: limit=" + MAX_WAITING);
    }

    private List<Answer> take() {
        List<Answer> here = List.copyOf(waiting);
        waiting.clear();
        return here;
    }
}
