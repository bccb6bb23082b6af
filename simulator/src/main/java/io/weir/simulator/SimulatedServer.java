package io.weir.simulator;

import io.weir.client.TableInfo;
import io.weir.model.ErrorCode;
import io.weir.model.ShardMap;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.server.ServerNode;
import io.weir.server.ShardGate;
import io.weir.shard.Answer;
import io.weir.shard.PlantedBug;
import io.weir.shard.Shard;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One server: the real shards and control, and what a simulation does to it. Confined.
final class SimulatedServer {
    final int index;
    final ServerNode node;
    private final Message.Attach attach;

    /// Nothing is served before.
    long pausedUntilUs;

    private long takenBytes;

    /// Who is out, as this server was told.
    private final Set<WorkerId> out = new HashSet<>();

    SimulatedServer(int index, ShardMap map, int shardCount, long capBytes, @Nullable PlantedBug bug) {
        this.index = index;
        this.node = new ServerNode(shardCount, capBytes, index + 1, bug);
        this.attach = new Message.Attach(map.version(), map.hash(), map.firstShardOf(index), map.shardCount());
    }

    void handle(Message message, Answer answer) {
        if (message instanceof RunMessage.UpdateMembers update) {
            for (RunMessage.Gone gone : update.gone()) {
                out.add(new WorkerId(update.run(), gone.worker(), gone.generation()));
            }
        }
        node.handle(message, attach, answer);
    }

    /// Whether this server was told that the worker is out.
    boolean knowsOut(WorkerId worker) {
        return out.contains(worker);
    }

    Shard shard(int shard) {
        ShardGate gate = node.gate(shard);
        if (gate == null) {
            throw new IllegalStateException("the shard is elsewhere: shard=" + shard + ", server=" + index);
        }
        return gate.call(inside -> inside);
    }

    /// Creates a table here, at once.
    ///
    /// @param id 0 for this server to choose
    TableInfo create(int id, TableSpec spec) {
        Message.Table[] made = new Message.Table[1];
        node.handle(new Message.CreateTable(id, 0, spec), attach, new Answer() {
            @Override
            public void reply(Message message) {
                if (message instanceof Message.Tables tables) {
                    made[0] = tables.tables().getFirst();
                }
            }

            @Override
            public void refuse(ErrorCode code, String message) {
                throw new WeirException(code, message);
            }
        });
        return new TableInfo(made[0].tableId(), spec, 0, 0, 0);
    }

    void drop(String name) {
        node.handle(new Message.DropTable(name), attach, new Answer() {
            @Override
            public void reply(Message message) {}

            @Override
            public void refuse(ErrorCode code, String message) {
                throw new WeirException(code, message);
            }
        });
    }

    /// Takes all memory that is left, so that pushes are refused.
    void pressMemory() {
        long free = node.budget().capBytes() - node.budget().usedBytes();
        if (free > 0 && node.budget().tryReserve(free)) {
            takenBytes += free;
        }
    }

    boolean isPressed() {
        return takenBytes > 0;
    }

    void easeMemory() {
        node.budget().release(takenBytes);
        takenBytes = 0;
    }
}
