package io.weir.client.internal;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A portion in one pass of a run in passes. Its stream is opened only when its part has been computed: until then any
/// number of workers may be at it. Its clock counts the passes, so whoever opens it sees whether the part is there.
final class PassPortion extends HeldPortion {
    private final int generation;
    private final long pass;
    private final List<Double> arguments;
    private @Nullable WorkerStream pushes;
    private State state = State.COMPUTING;
    private List<Double> results = List.of();

    private enum State {
        COMPUTING,
        /// The pushes are this worker's to make.
        CLAIMED,
        /// Every shard has the part, whoever made it.
        COUNTED,
        /// Another worker has claimed it.
        LOST
    }

    PassPortion(ClientRun run, RunMessage.Portion given) {
        super(run, given.index());
        this.generation = given.generation();
        this.pass = given.position();
        this.arguments = given.arguments();
    }

    @Override
    public long position() {
        return pass;
    }

    @Override
    public List<Double> arguments() {
        return arguments;
    }

    @Override
    public boolean claim() {
        if (state != State.COMPUTING) {
            throw new IllegalStateException("a portion is claimed once in each pass: portion=" + index());
        }
        try {
            WorkerStream opened = run().openPortion(index(), generation);
            pushes = opened;
            state = opened.clock(0) > pass ? State.COUNTED : State.CLAIMED;
        } catch (WeirException e) {
            lose(e);
        }
        return state == State.CLAIMED;
    }

    /// Another worker has claimed the portion; anything else is no such thing.
    private void lose(WeirException e) {
        if (e.code() != ErrorCode.FENCED) {
            throw e;
        }
        state = State.LOST;
    }

    @Override
    public void finish(double... came) {
        if (state == State.COMPUTING) {
            throw new IllegalStateException("a portion is claimed before it is finished: portion=" + index());
        }
        List<Double> values = new ArrayList<>();
        for (double value : came) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException(
                        "results must be finite: value=" + value + ", portion=" + index() + ", pass=" + pass);
            }
            values.add(value);
        }
        results = values;
        WorkerStream own = pushes;
        if (state == State.CLAIMED && own != null) {
            try {
                run().session().calls().await(run().session().tick(own, 0, pass + 1), "the end of a portion");
                state = State.COUNTED;
            } catch (WeirException e) {
                lose(e);
            }
        }
    }

    /// What the home shard is told with the next question.
    ///
    /// @param home the home shard of the run
    RunMessage.NextPortion through(int home) {
        boolean counted = state == State.COUNTED;
        return new RunMessage.NextPortion(
                home, run().workerId(), index(), generation, counted, counted ? results : List.of());
    }

    /// Gives the stream up.
    void close() {
        WorkerStream own = pushes;
        if (own != null) {
            run().session().removeStream(own);
        }
    }

    @Override
    WorkerStream stream() {
        WorkerStream own = pushes;
        if (own == null) {
            throw new IllegalStateException("a portion is claimed before its tables are used: portion=" + index());
        }
        return own;
    }

    @Override
    public boolean tick(boolean last) {
        throw new IllegalStateException("a portion of a pass is finished, not ticked: portion=" + index());
    }

    @Override
    public CompletableFuture<Boolean> tickAsync(boolean last) {
        throw new IllegalStateException("a portion of a pass is finished, not ticked: portion=" + index());
    }
}
