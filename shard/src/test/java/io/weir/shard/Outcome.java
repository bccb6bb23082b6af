package io.weir.shard;

import io.weir.model.ErrorCode;
import java.util.List;

/// What a shard answered to one frame.
sealed interface Outcome {
    record Rows(long requestId, long number, int rowLength, List<Float> values) implements Outcome {}

    record Scan(long requestId, long cursor, int count, int valueLength, List<Long> keys) implements Outcome {}

    record Sums(long requestId, long firstBlock, List<Double> values) implements Outcome {}

    /// Nothing yet: the frame waits inside the shard.
    record Waits(ParkedFrame frame) implements Outcome {}

    record Acknowledged(long requestId, int shard, long number) implements Outcome {}

    record Refused(long requestId, ErrorCode code, boolean ordered, String message) implements Outcome {}
}
