package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import java.nio.ByteBuffer;

/// Payload of the frames that work with dense tables as vectors: [FrameType#TRANSFORM] and [FrameType#REDUCE].
///
/// ```
///   0           4       8       16
///   +-----------+-------+--------+
///   | operation | other | scalar |
///   +-----------+-------+--------+
/// ```
///
/// `operation` is the number of a [VectorOperation], `other` the id of the other table, 0 if none takes part, `scalar`
/// a float64, 0 where the operation has none. Offsets count from the start of the frame.
public final class VectorLayout {
    public static final int OPERATION_OFFSET = DataLayout.PAYLOAD_OFFSET;
    public static final int OTHER_OFFSET = OPERATION_OFFSET + Integer.BYTES;
    public static final int SCALAR_OFFSET = OTHER_OFFSET + Integer.BYTES;

    /// Bytes of the payload.
    public static final int PAYLOAD_BYTES = SCALAR_OFFSET + Double.BYTES - DataLayout.PAYLOAD_OFFSET;

    private VectorLayout() {}

    /// The operation of a frame that was checked.
    public static VectorOperation operation(ByteBuffer frame, int at) {
        int number = frame.getInt(at + OPERATION_OFFSET);
        return VectorOperation.ofNumber(number)
                .orElseThrow(() -> malformed("vector operation must be known: operation=" + number));
    }

    public static int other(ByteBuffer frame, int at) {
        return frame.getInt(at + OTHER_OFFSET);
    }

    public static double scalar(ByteBuffer frame, int at) {
        return frame.getDouble(at + SCALAR_OFFSET);
    }

    /// @param other id of the other table, 0 for none
    public static void put(ByteBuffer frame, int at, VectorOperation operation, int other, double scalar) {
        frame.putInt(at + OPERATION_OFFSET, operation.number());
        frame.putInt(at + OTHER_OFFSET, other);
        frame.putDouble(at + SCALAR_OFFSET, scalar);
    }

    /// Checks the payload against the type of the frame; it has been found to be there.
    ///
    /// @throws WeirException `MALFORMED_FRAME` naming the field
    static void check(ByteBuffer frame, int at, int type) {
        VectorOperation operation = operation(frame, at);
        if (operation.isChanging() != (type == FrameType.TRANSFORM)) {
            throw malformed("vector operation must fit the frame: operation=" + operation + ", type=" + type);
        }
        int other = other(frame, at);
        if (operation.isBinary() ? other < 1 : other != 0) {
            throw malformed("other table must be named where one takes part, and only there: other=" + other
                    + ", operation=" + operation);
        }
    }

    private static WeirException malformed(String message) {
        return new WeirException(ErrorCode.MALFORMED_FRAME, message);
    }
}
