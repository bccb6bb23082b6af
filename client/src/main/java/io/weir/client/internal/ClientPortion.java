package io.weir.client.internal;

import io.weir.wire.RunMessage;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A portion in the hands of one worker. In a synchronous run its minibatches are steps of the worker, and the
/// home shard knows its position. Otherwise it is a stream of its own, whose entries on the shards know it.
final class ClientPortion extends HeldPortion {
    private final @Nullable WorkerStream pushes;
    private volatile long position;
    private volatile boolean finished;
    private volatile CompletableFuture<Boolean> lastTick = CompletableFuture.completedFuture(true);

    ClientPortion(ClientRun run, int index, long position) {
        super(run, index);
        this.position = position;
        this.pushes = null;
    }

    ClientPortion(ClientRun run, int index, long position, WorkerStream pushes) {
        super(run, index);
        this.position = position;
        this.pushes = pushes;
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    @Nullable
    WorkerStream stream() {
        return pushes;
    }

    @Override
    public boolean tick(boolean last) {
        CompletableFuture<Boolean> ticked = tickAsync(last);
        return pushes != null || run().session().calls().await(ticked, "the step to close");
    }

    @Override
    public CompletableFuture<Boolean> tickAsync(boolean last) {
        WorkerStream own = pushes;
        CompletableFuture<Boolean> ticked;
        if (own == null) {
            ticked = run().tick(0, index(), last).thenApply(counted -> {
                if (counted) {
                    // One tick at a time is under way.
                    long before = position;
                    position = before + 1;
                    finished = last;
                }
                return counted;
            });
        } else {
            long next = position + 1;
            CompletableFuture<Void> everywhere = run().session().tick(own, 0, next);
            own.reach(0, next);
            position = next;
            finished = last;
            ticked = run().tickAfter(everywhere).thenCombine(everywhere, (stepped, done) -> true);
        }
        CompletableFuture<Boolean> result = run().session().calls().working(ticked);
        lastTick = result;
        return result;
    }

    @Override
    public List<Double> arguments() {
        return List.of();
    }

    @Override
    public boolean claim() {
        throw notInPasses();
    }

    @Override
    public void finish(double... results) {
        throw notInPasses();
    }

    private IllegalStateException notInPasses() {
        return new IllegalStateException("the run is not in passes: run=" + run().name());
    }

    boolean isFinished() {
        return finished;
    }

    /// What came of the last tick: when it is there, every shard has all minibatches.
    CompletableFuture<Boolean> lastTick() {
        return lastTick;
    }

    /// The home shard has it as done. Its stream will not be opened again; the servers may forget it.
    void close() {
        WorkerStream own = pushes;
        if (own != null) {
            run().session().removeStream(own);
            CompletableFuture<?> unused = run().session().toAllServers(new RunMessage.CloseWorker(own.id(), true));
        }
    }
}
