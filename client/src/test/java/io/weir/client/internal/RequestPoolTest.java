package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.wire.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RequestPoolTest {
    private final RequestPool pool = new RequestPool();

    private Request takeAndBegin(int bytes) {
        Request request = pool.take(bytes);
        Call call = new Call();
        call.begin(null, 0, 1, null, new AtomicInteger(1));
        request.begin(call, 0, 0, 0, bytes, false);
        return request;
    }

    @Test
    void givesRoomForEveryLength() {
        for (int bytes : new int[] {0, 1, 44, 1023, 1024, 1025, 65_536, 65_537, (1 << 20) + 1, Limits.MAX_FRAME_BYTES
        }) {
            Request request = pool.take(bytes);
            assertThat(request.frame().capacity()).isGreaterThanOrEqualTo(bytes);
            pool.give(request);
            assertThat(pool.take(bytes)).as("%d bytes", bytes).isSameAs(request);
        }
    }

    @Test
    void givesOutWhatCameBackLast() {
        Request first = takeAndBegin(2000);
        Request second = takeAndBegin(2000);
        assertThat(second).isNotSameAs(first);
        pool.give(first);
        pool.give(second);
        assertThat(pool.take(2048)).isSameAs(second);
        assertThat(pool.take(1025)).isSameAs(first);
        assertThat(pool.take(1025)).isNotSameAs(first);
    }

    @Test
    void keepsABoundedAmountOfFreeMemory() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            requests.add(takeAndBegin(1 << 20));
        }
        requests.forEach(pool::give);
        int kept = 0;
        while (requests.contains(pool.take(1 << 20))) {
            kept++;
        }
        assertThat(kept).isEqualTo(16);
    }

    @Test
    void givesCallsOutAgain() {
        Call call = pool.takeCall();
        pool.give(call);
        assertThat(pool.takeCall()).isSameAs(call);
        assertThat(pool.takeCall()).isNotSameAs(call);
    }
}
