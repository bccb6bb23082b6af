package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.ErrorCode;
import io.weir.wire.Message;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What the home shard answers to one question, now or later, but only once.
final class AskedAnswer implements Answer {
    private @Nullable Message message;
    private @Nullable ErrorCode code;
    private String text = "";

    @Override
    public void reply(Message reply) {
        assertThat(isAnswered()).as("answered before").isFalse();
        message = reply;
    }

    @Override
    public void refuse(ErrorCode refusal, String why) {
        assertThat(isAnswered()).as("answered before").isFalse();
        code = refusal;
        text = why;
    }

    boolean isAnswered() {
        return message != null || code != null;
    }

    Message message() {
        assertThat(code).as(text).isNull();
        assertThat(message).as("an answer").isNotNull();
        return Objects.requireNonNull(message);
    }

    ErrorCode code() {
        assertThat(code).as("a refusal").isNotNull();
        return Objects.requireNonNull(code);
    }

    String text() {
        return text;
    }
}
