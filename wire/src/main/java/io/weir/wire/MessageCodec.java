package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// Control messages to frames and back. Stateless but for the checksum it is given.
public final class MessageCodec {
    private MessageCodec() {}

    /// Bytes of the frame of a message with this payload.
    public static int frameBytes(byte[] payload) {
        return FrameLayout.frameBytes(0, payload.length);
    }

    /// Writes the frame of a message from `at` on, sealed if `checksum` is given.
    ///
    /// @return bytes written: [#frameBytes] of the payload
    /// @throws WeirException `LIMIT_EXCEEDED` if the payload is longer than any control message may be
    public static int encode(
            int type, byte[] payload, long requestId, ByteBuffer into, int at, @Nullable Checksum checksum) {
        if (payload.length > Limits.MAX_CONTROL_BYTES) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "control message must be at most " + Limits.MAX_CONTROL_BYTES + " bytes: type=" + type + ", bytes="
                            + payload.length);
        }
        int length = frameBytes(payload);
        int flags = checksum == null ? 0 : FrameLayout.FLAG_CHECKSUMS;
        FrameLayout.putHeader(into, at, length, type, flags, requestId, 0);
        into.put(at + FrameLayout.HEADER_BYTES, payload);
        into.putInt(at + length - FrameLayout.TRAILER_BYTES, 0);
        if (checksum != null) {
            checksum.seal(into, at);
        }
        return length;
    }

    /// Reads the message of a whole frame whose header and checksums were checked.
    ///
    /// @throws WeirException `MALFORMED_FRAME` naming the field that does not fit; `INVALID_ARGUMENT` for a table
    ///     specification that can be read but is none
    public static Message decode(ByteBuffer frame, int at) {
        int type = FrameLayout.type(frame, at);
        if (FrameLayout.fieldBytes(frame, at) != 0 || FrameLayout.payloadBytes(frame, at) > Limits.MAX_CONTROL_BYTES) {
            throw FieldReader.malformed("control message must have no fields and at most " + Limits.MAX_CONTROL_BYTES
                    + " bytes: type=" + type + ", bytes=" + FrameLayout.payloadBytes(frame, at));
        }
        FieldReader in = new FieldReader(frame, at + FrameLayout.HEADER_BYTES, FrameLayout.payloadBytes(frame, at));
        Message message =
                switch (type) {
                    case FrameType.HELLO -> Message.Hello.decode(in);
                    case FrameType.HELLO_REPLY -> Message.HelloReply.decode(in);
                    case FrameType.ATTACH -> Message.Attach.decode(in);
                    case FrameType.PING -> new Message.Ping();
                    case FrameType.OK -> new Message.Ok();
                    case FrameType.SERVER_STATUS -> new Message.ServerStatus();
                    case FrameType.SERVER_STATUS_REPLY -> Message.ServerStatusReply.decode(in);
                    case FrameType.PROFILE -> Message.Profile.decode(in);
                    case FrameType.PROFILE_REPLY -> Message.ProfileReply.decode(in);
                    case FrameType.CREATE_TABLE -> Message.CreateTable.decode(in);
                    case FrameType.TABLES -> Message.Tables.decode(in);
                    case FrameType.LIST_TABLES -> Message.ListTables.decode(in);
                    case FrameType.DROP_TABLE -> Message.DropTable.decode(in);
                    case FrameType.DROP_TABLE_REPLY -> Message.DropTableReply.decode(in);
                    case FrameType.JOIN_RUN -> RunMessage.JoinRun.decode(in);
                    case FrameType.JOIN_RUN_REPLY -> RunMessage.JoinRunReply.decode(in);
                    case FrameType.OPEN_RUN -> RunMessage.OpenRun.decode(in);
                    case FrameType.OPEN_WORKER -> RunMessage.OpenWorker.decode(in);
                    case FrameType.OPEN_WORKER_REPLY -> RunMessage.OpenWorkerReply.decode(in);
                    case FrameType.CLOSE_WORKER -> RunMessage.CloseWorker.decode(in);
                    case FrameType.HEARTBEAT -> RunMessage.Heartbeat.decode(in);
                    case FrameType.MEMBERS -> RunMessage.Members.decode(in);
                    case FrameType.UPDATE_MEMBERS -> RunMessage.UpdateMembers.decode(in);
                    case FrameType.COMPLETE_STEP -> RunMessage.CompleteStep.decode(in);
                    case FrameType.STEP_CLOSED -> RunMessage.StepClosed.decode(in);
                    case FrameType.CLOSE_STEP -> RunMessage.CloseStep.decode(in);
                    case FrameType.BARRIER -> RunMessage.Barrier.decode(in);
                    case FrameType.NEXT_PORTION -> RunMessage.NextPortion.decode(in);
                    case FrameType.BEGIN_PASS -> RunMessage.BeginPass.decode(in);
                    case FrameType.PASS_DONE -> RunMessage.PassDone.decode(in);
                    case FrameType.PORTION -> RunMessage.Portion.decode(in);
                    case FrameType.RUN_STATUS -> RunMessage.RunStatus.decode(in);
                    case FrameType.RUN_STATUS_REPLY -> RunMessage.RunStatusReply.decode(in);
                    case FrameType.LIST_RUNS -> new RunMessage.ListRuns();
                    case FrameType.RUNS -> RunMessage.Runs.decode(in);
                    default -> throw FieldReader.malformed("frame type must be known: type=" + type);
                };
        in.finish();
        return message;
    }
}
