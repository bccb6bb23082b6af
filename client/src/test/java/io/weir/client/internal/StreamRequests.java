package io.weir.client.internal;

import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import java.util.concurrent.atomic.AtomicInteger;

/// Requests as a session makes them, without payload.
final class StreamRequests {
    private StreamRequests() {}

    static Request of(int type, int shard) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, 0);
        Request request = new Request(length);
        Call call = new Call();
        call.begin(null, 0, 1, null, new AtomicInteger(1));
        request.begin(call, 0, 0, 0, length, false);
        FrameLayout.putHeader(
                request.frame(), 0, length, type, FrameLayout.FLAG_CHECKSUMS, 0, DataLayout.FIELD_BYTES);
        DataLayout.putTarget(request.frame(), 0, shard, 0, 1, 1);
        DataLayout.putContent(request.frame(), 0, DataLayout.LAYOUT_KEYS, 0, 1, 0);
        return request;
    }
}
