package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.wire.FrameType;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.io.IOException;
import java.nio.ByteBuffer;

/// A well-behaved client beside the hostile ones, with a table and a worker of its own: what it reads is exactly what
/// it pushed, whatever the others do.
final class Witness implements AutoCloseable {
    private static final java.util.concurrent.atomic.AtomicLong RUNS = new java.util.concurrent.atomic.AtomicLong(4711);
    private static final int TABLE = 1 << 10;

    private final RawClient client;
    private final long[] keys = new long[RawClient.SHARDS];
    private final long run = RUNS.incrementAndGet();
    private long pushes;

    Witness(WeirServer server) throws IOException {
        client = RawClient.attached(server);
        TableSpec spec = TableSpec.embedding("witness", 2, OptimizerSpec.parse("sgd(rate=1)"));
        client.ask(new Message.CreateTable(TABLE, 0, spec));
        client.ask(new RunMessage.OpenWorker(new WorkerId(run, 0, 1), -1, -1, true));
        for (int shard = 0; shard < keys.length; shard++) {
            keys[shard] = RawClient.keyOf(shard, 1000 * run);
        }
    }

    /// Pushes to each shard and reads back.
    void look() throws IOException {
        pushes++;
        for (int shard = 0; shard < keys.length; shard++) {
            ByteBuffer push = mine(RawClient.push(shard, pushes, pushes - 1, 2, new long[] {keys[shard]}, 1, 2));
            RawClient.Reply reply = client.exchange(push);
            assertThat(reply.type()).as(() -> reply.text()).isEqualTo(FrameType.ACK);
            assertThat(client.exchange(mine(RawClient.pull(shard, 2, keys[shard])))
                            .rows())
                    .containsExactly(-pushes, -2 * pushes);
        }
    }

    private ByteBuffer mine(ByteBuffer frame) {
        io.weir.wire.DataLayout.putWorker(frame, 0, run, 0, 1);
        frame.putInt(io.weir.wire.DataLayout.TABLE_ID_OFFSET, TABLE);
        return RawClient.seal(frame);
    }

    @Override
    public void close() throws IOException {
        client.close();
    }
}
