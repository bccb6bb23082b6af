package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.wire.Message;

/// Where the answer to a control message goes, now or when the home shard of a run can give it. Called once, by
/// whatever thread is inside the shard.
public interface Answer {
    void reply(Message message);

    void refuse(ErrorCode code, String message);
}
