package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class ReplyLayoutTest {
    @Test
    void rejectsFieldsOfAnotherLengthBeforeItReadsThem() {
        ByteBuffer frame = Frames.buffer(FrameLayout.HEADER_BYTES + FrameLayout.TRAILER_BYTES);
        FrameLayout.putHeader(frame, 0, frame.capacity(), FrameType.ACK, 0, 1, 0);
        refuses(frame, "fields of type 53 must be 16 bytes: fieldBytes=0");
    }

    @Test
    void rejectsTypesThatAreNoReplyToData() {
        refuses(Frames.reply(FrameType.HELLO_REPLY, 0, 0, 1, new byte[0], true), "frame type must be known: type=3");
    }

    @Test
    void rejectsRowsThatThePayloadDoesNotHold() {
        accepts(Frames.reply(FrameType.ROWS, 0, 0, 1, new byte[0], true));
        accepts(Frames.reply(FrameType.ROWS, Long.MAX_VALUE, 3, 2, new byte[24], true));
        refuses(Frames.reply(FrameType.ROWS, -1, 3, 2, new byte[24], true), "number must be at least 0: number=-1");
        refuses(Frames.reply(FrameType.ROWS, 0, -1, 2, new byte[24], true), "count must be at least 0: count=-1");
        for (int rowLength : new int[] {0, -1, Integer.MIN_VALUE, (1 << 24) + 1, Integer.MAX_VALUE}) {
            refuses(
                    Frames.reply(FrameType.ROWS, 0, 3, rowLength, new byte[24], true),
                    "row must fit a frame: rowLength=" + rowLength);
        }
        for (int count : new int[] {0, 2, 4, 1 << 29, Integer.MAX_VALUE}) {
            refuses(
                    Frames.reply(FrameType.ROWS, 0, count, 2, new byte[24], true),
                    "payload must fit the count: expected=" + 8L * count + ", actual=24, count=" + count
                            + ", rowLength=2");
        }
        refuses(
                Frames.reply(FrameType.ROWS, 0, Integer.MAX_VALUE, 1 << 24, new byte[24], true),
                "payload must fit the count: expected=144115188008747008, actual=24, count=2147483647, rowLength=16777216");
    }

    @Test
    void rejectsAcknowledgementsOfNothing() {
        accepts(Frames.reply(FrameType.ACK, 1, 0, 0, new byte[0], true));
        refuses(Frames.reply(FrameType.ACK, 0, 0, 0, new byte[0], true), "number must be at least 1: number=0");
        refuses(Frames.reply(FrameType.ACK, 1, -1, 0, new byte[0], true), "shard must be at least 0: shard=-1");
        refuses(
                Frames.reply(FrameType.ACK, 1, 0, 5, new byte[0], true),
                "reserved bytes must be 0 and payload empty: reserved=5, payloadBytes=0");
        refuses(
                Frames.reply(FrameType.ACK, 1, 0, 0, new byte[3], true),
                "reserved bytes must be 0 and payload empty: reserved=0, payloadBytes=3");
    }

    @Test
    void rejectsScanRepliesThatThePayloadDoesNotHold() {
        accepts(Frames.reply(FrameType.PARTIALS, 0, 0, 0, new byte[0], true));
        accepts(Frames.reply(FrameType.PARTIALS, Long.MAX_VALUE, 2, 0, new byte[16], true));
        refuses(Frames.reply(FrameType.PARTIALS, -1, 2, 0, new byte[16], true), "first must be at least 0: first=-1");
        refuses(Frames.reply(FrameType.PARTIALS, 0, -1, 0, new byte[0], true), "count must be at least 0: count=-1");
        refuses(
                Frames.reply(FrameType.PARTIALS, 0, 2, 0, new byte[15], true),
                "reserved bytes must be 0 and payload fit the count: reserved=0, expected=16, actual=15");
        refuses(
                Frames.reply(FrameType.PARTIALS, 0, 2, 1, new byte[16], true),
                "reserved bytes must be 0 and payload fit the count: reserved=1, expected=16, actual=16");
        accepts(Frames.reply(FrameType.SCAN_REPLY, -1, 0, 4, new byte[0], true));
        accepts(Frames.reply(FrameType.SCAN_REPLY, Long.MAX_VALUE, 2, 4, new byte[64], true));
        refuses(
                Frames.reply(FrameType.SCAN_REPLY, -2, 2, 4, new byte[64], true),
                "cursor must be at least -1: cursor=-2");
        refuses(
                Frames.reply(FrameType.SCAN_REPLY, 0, 2, 4, new byte[63], true),
                "payload must fit the count: expected=64, actual=63, count=2, rowLength=4");
    }

    @Test
    void rejectsErrorsWithoutMeaning() {
        ByteBuffer frame = Frames.error(ErrorCode.BUSY, 0, 250, "");
        accepts(frame);
        ReplyLayout.putError(frame, 0, 0, 0, 0);
        refuses(frame, "code must be at least 1: code=0");
        ReplyLayout.putError(frame, 0, 999_999, 0, -1);
        refuses(frame, "retryAfterMs must be at least 0: retryAfterMs=-1");
        for (int flags : new int[] {2, 3, -1}) {
            ReplyLayout.putError(frame, 0, 1, flags, 0);
            refuses(frame, "error flags must be 0 or 1: flags=" + flags);
        }
        ReplyLayout.putError(frame, 0, 1, ReplyLayout.ERROR_ORDERED, 0);
        accepts(frame);
        frame.putInt(ReplyLayout.RETRY_AFTER_OFFSET + 4, 9);
        refuses(frame, "reserved bytes must be 0 and payload empty: reserved=9, payloadBytes=0");

        ByteBuffer longest = Frames.error(ErrorCode.BUSY, 0, 0, "x".repeat(Limits.MAX_CONTROL_BYTES));
        accepts(longest);
        refuses(
                Frames.error(ErrorCode.BUSY, 0, 0, "x".repeat(Limits.MAX_CONTROL_BYTES + 1)),
                "error message must be at most 4194304 bytes: bytes=4194305");
    }

    private static void accepts(ByteBuffer frame) {
        assertThatCode(() -> ReplyLayout.check(frame, 0)).doesNotThrowAnyException();
    }

    private static void refuses(ByteBuffer frame, String message) {
        assertThatThrownBy(() -> ReplyLayout.check(frame, 0))
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MALFORMED_FRAME))
                .hasMessage(message);
    }
}
