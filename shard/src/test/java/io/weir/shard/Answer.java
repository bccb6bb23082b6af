package io.weir.shard;

import io.weir.model.ErrorCode;
import java.util.List;

/// What a shard answered to one frame.
sealed interface Answer {
    record Rows(long requestId, long number, int rowLength, List<Float> values) implements Answer {}

    record Scan(long requestId, long cursor, int count, int valueLength, List<Long> keys) implements Answer {}

    record Acknowledged(long requestId, int shard, long number) implements Answer {}

    record Refused(long requestId, ErrorCode code, boolean ordered, String message) implements Answer {}
}
